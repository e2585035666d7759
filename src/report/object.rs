//! The one object of a command whose result is not a run.

use schemars::JsonSchema;
use serde::Serialize;

use super::Command;

/// The version of the objects of `--json`.
pub(super) const SCHEMA: u32 = 1;

/// What a schema that hrfeed wrote says of itself.
pub const WRITTEN_BY: &str = "Written by `hrfeed schema`.";

/// Whether a file that begins so is a schema that hrfeed wrote.
#[must_use]
pub fn is_schema(start: &[u8]) -> bool {
    let begins = format!("{{\n  \"$comment\": \"{WRITTEN_BY}\"");
    start.starts_with(begins.as_bytes())
}

/// What a command prints with `--json` if its result is not a run: what every object has,
/// and the command's own fields beside.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "{T}Object")]
pub struct Object<T> {
    /// The version of this object: another one where a field would change its meaning.
    pub schema: u32,
    /// The version of hrfeed.
    pub hrfeed: &'static str,
    /// The command.
    pub command: Command,
    /// The command's own fields.
    #[serde(flatten)]
    pub result: T,
    /// What a person should know besides, a sentence each.
    pub notes: Vec<String>,
    /// The exit code of the process.
    pub exit_code: u8,
    /// One sentence for people.
    pub message: String,
}

impl<T> Object<T> {
    /// The object of a command that ends with this exit code.
    #[must_use]
    pub fn new(command: Command, result: T, (exit_code, message): (u8, String)) -> Self {
        Self {
            schema: SCHEMA,
            hrfeed: env!("CARGO_PKG_VERSION"),
            command,
            result,
            notes: Vec::new(),
            exit_code,
            message,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_of_a_command_are_beside_those_that_every_object_has() {
        #[derive(Serialize)]
        struct Result {
            port: u16,
        }
        let said = (0, "It runs.".to_owned());
        let mut object = Object::new(Command::Sandbox, Result { port: 8087 }, said);
        object.hrfeed = "0.2.0";
        insta::assert_snapshot!(serde_json::to_string(&object).unwrap(), @r#"{"schema":1,"hrfeed":"0.2.0","command":"sandbox","port":8087,"notes":[],"exit_code":0,"message":"It runs."}"#);
    }
}
