//! `hrfeed schema`: what a mapping can say, for editors, and what `--json` prints, for
//! scripts, as JSON Schemas.

use clap::{Args, ValueEnum};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::context::Context;
use super::exit::{Exit, Failure};
use super::output_file::{Kind, OutputArgs, OutputFile};
use super::{audit, completions, forget, history, init, man, sandbox};
use crate::mapping;
use crate::report::{
    Checkup, Command, FindingLine, HeldLine, Object, Pruned, RowLine, RunReport, WRITTEN_BY,
};

/// Arguments of `schema`.
#[derive(Debug, Args)]
pub(super) struct SchemaArgs {
    /// What the schema describes
    #[arg(value_enum, default_value_t = Subject::Mapping, value_name = "WHAT")]
    subject: Subject,
    #[command(flatten)]
    output: OutputArgs,
}

/// What has a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema, ValueEnum)]
#[serde(rename_all = "lowercase")]
enum Subject {
    /// A mapping file, for editors
    Mapping,
    /// What `--json` prints, for scripts
    Output,
}

/// The schema, in the object of `--json`.
#[derive(Debug, Serialize, JsonSchema)]
struct Described {
    /// What the schema describes.
    subject: Subject,
    /// The file of `-o`.
    output: Option<String>,
    /// The schema; null with `-o`.
    document: Option<Value>,
}

pub(super) fn run(context: &Context, args: &SchemaArgs) -> Result<Exit, Failure> {
    let (mut document, what) = match args.subject {
        Subject::Mapping => (mapping::json_schema(), "a mapping"),
        Subject::Output => (of_output(), "what `--json` prints"),
    };
    if let Value::Object(fields) = &mut document {
        fields.insert("$comment".into(), WRITTEN_BY.into());
    }
    let text = || {
        let text = serde_json::to_string_pretty(&document);
        text.map_err(|error| Failure::machine(error.to_string()))
    };
    let path = args.output.output.as_deref();
    if let Some(path) = path {
        let text = text()? + "\n";
        let output = OutputFile::new(path, Kind::Schema, args.output.force);
        output.write(context, |out| Ok(out.write_all(text.as_bytes())?))?;
    } else if !context.json {
        context.print(&(text()? + "\n"))?;
    }
    if context.json {
        let described = Described {
            subject: args.subject,
            output: path.map(|path| path.display().to_string()),
            document: path.is_none().then_some(document),
        };
        context.print_object(described, Exit::Done, format!("The schema of {what}."))?;
    }
    Ok(Exit::Done)
}

/// The schema of everything that `--json` prints, a definition for each command.
fn of_output() -> Value {
    let mut generator = SchemaSettings::draft07().for_serialize().into_generator();
    let run = generator.subschema_for::<RunReport>();
    let mut own = Map::new();
    for command in Command::ALL {
        let word = command.word().unwrap_or_default();
        let printed = match result_of(command, &mut generator) {
            // An error prints the report of a run, which has none.
            Some(result) => json!({ "anyOf": [result, run] }),
            None => json!({ "allOf": [run] }),
        };
        own.insert(word.replace(' ', "-"), named(printed, &word.into()));
    }
    own.insert(
        "no-command".into(),
        named(json!({ "allOf": [run] }), &Value::Null),
    );
    let lines = [
        ("row", generator.subschema_for::<RowLine>()),
        ("finding", generator.subschema_for::<FindingLine>()),
        ("held-person", generator.subschema_for::<HeldLine>()),
    ];
    let lines = lines.map(|(name, line)| (name.to_owned(), json!({ "allOf": [line] })));
    let printed = own.keys().map(String::as_str).chain(["row"]);
    let any_of: Vec<_> = printed
        .map(|name| json!({ "$ref": format!("#/definitions/{name}") }))
        .collect();
    let mut definitions = generator.take_definitions(true);
    definitions.extend(own);
    definitions.extend(lines);
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Output of hrfeed --json",
        "description": "The object that a command prints on stdout; of `rows`, each line. Fields \
                        may be added, none is renamed: a reader must let pass those that it does \
                        not know. `finding` is a line of `check --format json`, `held-person` one \
                        of `hold --format json`, and `row` also one of `plan --format json`.",
        "anyOf": any_of,
        "definitions": definitions,
    })
}

/// The same, of this command.
fn named(mut printed: Value, command: &Value) -> Value {
    if let Value::Object(fields) = &mut printed {
        fields.insert(
            "properties".into(),
            json!({ "command": { "const": command } }),
        );
    }
    printed
}

/// What a command prints where its result is not a run.
fn result_of(command: Command, generator: &mut SchemaGenerator) -> Option<Schema> {
    Some(match command {
        Command::Check
        | Command::Plan
        | Command::Import
        | Command::Resume
        | Command::Show
        | Command::Undo
        | Command::Holds
        | Command::Hold
        | Command::Approve
        | Command::Refuse
        | Command::Unknown => return None,
        Command::Audit => object_of::<audit::Audit>(generator),
        Command::Runs => object_of::<history::Runs>(generator),
        Command::RunsPrune => object_of::<Pruned>(generator),
        Command::Rows => object_of::<history::RowsWritten>(generator),
        Command::Report => object_of::<history::Written>(generator),
        Command::Init => object_of::<init::InitReport<'_>>(generator),
        Command::Forget => object_of::<forget::Forgotten<'_>>(generator),
        Command::Doctor => object_of::<Checkup>(generator),
        Command::Sandbox => object_of::<sandbox::Running>(generator),
        Command::Completions => object_of::<completions::Script>(generator),
        Command::Man => object_of::<man::Pages>(generator),
        Command::Schema => object_of::<Described>(generator),
    })
}

fn object_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<Object<T>>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_of_the_output_is_one_and_speaks_to_people() {
        let document = of_output();
        assert!(jsonschema::meta::is_valid(&document));
        let text = document.to_string();
        for of_code in ["[`", "::", "serialize"] {
            let at = text
                .find(of_code)
                .map(|at| text.get(at.saturating_sub(200)..at + 100));
            assert_eq!(at, None, "{of_code}");
        }
    }

    #[test]
    fn each_command_and_each_field_of_it_is_described() {
        let document = of_output();
        let definitions = document["definitions"].as_object().unwrap();
        for (name, definition) in definitions {
            for (field, value) in definition["properties"].as_object().into_iter().flatten() {
                let is_described =
                    value.get("description").is_some() || value.get("const").is_some();
                assert!(is_described, "{name}.{field}: {value}");
            }
        }
        for command in Command::ALL {
            let name = command.word().unwrap().replace(' ', "-");
            assert!(definitions.contains_key(&name), "{name}");
        }
    }
}
