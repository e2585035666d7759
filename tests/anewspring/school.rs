//! A school with an aNewSpring environment: its feed and its mapping.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use hrfeed::sandbox::{Faults, SandboxOptions};
use serde_json::{Value, json};

use crate::support::{KEY, Ran, World};

/// Somebody in the feed.
#[derive(Clone, Debug)]
pub(crate) struct Pupil {
    pub(crate) id: String,
    pub(crate) login: String,
    pub(crate) first: String,
    pub(crate) last: String,
    pub(crate) roles: Vec<String>,
    pub(crate) author: Vec<String>,
    pub(crate) designer: Vec<String>,
    pub(crate) groups: Vec<String>,
    /// The name of the row's one group, for `[groups]`.
    pub(crate) group_name: String,
    pub(crate) group_parent: String,
    pub(crate) picture: String,
    pub(crate) password: String,
}

/// A world with a school in it.
pub(crate) struct School {
    pub(crate) world: World,
    pub(crate) pupils: Vec<Pupil>,
    /// More lines for `[target]`.
    pub(crate) target: String,
    /// More lines for `[fields]`.
    pub(crate) fields: String,
    /// More parts of the mapping.
    pub(crate) parts: String,
}

pub(crate) fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

pub(crate) fn pupil(number: usize) -> Pupil {
    Pupil {
        id: format!("E{number}"),
        login: format!("pupil{number}@example.com"),
        first: format!("Zoë{number}"),
        last: "de Vries".into(),
        roles: strings(&["Learner"]),
        author: Vec::new(),
        designer: Vec::new(),
        groups: Vec::new(),
        group_name: String::new(),
        group_parent: String::new(),
        picture: String::new(),
        password: String::new(),
    }
}

impl School {
    pub(crate) fn of(pupils: usize) -> Self {
        Self::with(pupils, SandboxOptions::default())
    }

    pub(crate) fn failing(pupils: usize, faults: Faults) -> Self {
        Self::with(
            pupils,
            SandboxOptions {
                faults,
                ..SandboxOptions::default()
            },
        )
    }

    fn with(pupils: usize, options: SandboxOptions) -> Self {
        Self {
            world: World::with(options),
            pupils: (1..=pupils).map(pupil).collect(),
            target: "requests_per_second = 5000\nmax_in_flight = 8\n".into(),
            fields: String::new(),
            parts: String::new(),
        }
    }

    /// Each of the pupils changed.
    pub(crate) fn each(mut self, change: impl Fn(usize, &mut Pupil)) -> Self {
        for (number, pupil) in (1..).zip(&mut self.pupils) {
            change(number, pupil);
        }
        self
    }

    pub(crate) fn parts(mut self, parts: &str) -> Self {
        self.parts = format!("{parts}\n");
        self
    }

    pub(crate) fn fields(mut self, fields: &str) -> Self {
        self.fields = format!("{fields}\n");
        self
    }

    pub(crate) fn target(mut self, target: &str) -> Self {
        let _infallible = writeln!(self.target, "{target}");
        self
    }

    /// Makes groups on the LMS, as an administrator would by hand.
    pub(crate) fn group(&self, id: &str, kind: &str) {
        let form = format!("type={kind}&name={id}");
        self.call(&format!("addGroup/{id}"), &form);
    }

    /// A call behind the program's back.
    pub(crate) fn call(&self, call: &str, form: &str) -> String {
        let (status, body) = self.world.lms.post_form(&format!("/api/{call}"), form);
        assert_eq!(status, 200, "{call}: {body}");
        body
    }

    /// Somebody whom an administrator made by hand: without external ID.
    pub(crate) fn by_hand(&self, login: &str) {
        let person = json!({
            "login": login, "firstName": "By", "lastName": "Hand", "email": login,
        });
        let (status, body) = self
            .world
            .lms
            .ask("POST", "/sandbox/people", "", &person.to_string());
        assert_eq!(status, 201, "{body}");
    }

    pub(crate) fn write(&self) {
        let mapping = format!(
            r#"[target]
system = "anewspring"
base_url = "{}"
api_key = {{ env = "{KEY}" }}
{}
[fields]
userID = "ID"
login = "Login"
firstName = "First"
lastName = "Last"
email = {{ column = "Login" }}
role = {{ column = "Roles", split = ";" }}
authorContentLabel = {{ column = "Author", split = ";", empty = "clear" }}
designerContentLabel = {{ column = "Designer", split = ";", empty = "clear" }}
group = {{ column = "Groups", split = ";", empty = "clear" }}
{}
{}"#,
            self.world.lms.base_url(),
            self.target,
            self.fields,
            self.parts
        );
        self.world.write("mapping.toml", mapping);
        let mut csv = String::from(
            "ID,Login,First,Last,Roles,Author,Designer,Groups,Group name,Group parent,Photo,Password\n",
        );
        for it in &self.pupils {
            let sets = [&it.roles, &it.author, &it.designer, &it.groups].map(|set| set.join(";"));
            let one = [&it.group_name, &it.group_parent, &it.picture, &it.password];
            let cells = [&it.id, &it.login, &it.first, &it.last].map(String::as_str);
            let cells: Vec<_> = cells
                .into_iter()
                .chain(sets.iter().map(String::as_str))
                .chain(one.into_iter().map(String::as_str))
                .collect();
            let _infallible = writeln!(csv, "{}", cells.join(","));
        }
        self.world.write("people.csv", csv);
    }

    /// Writes the feed and imports it.
    #[track_caller]
    pub(crate) fn import(&self) -> Ran {
        self.import_with(&[])
    }

    #[track_caller]
    pub(crate) fn import_with(&self, more: &[&str]) -> Ran {
        self.write();
        let import = ["import", "people.csv", "-m", "mapping.toml", "--json"];
        self.world.run(&[&import, more].concat())
    }

    /// Imports, and tells what that cost, by the call's name.
    #[track_caller]
    pub(crate) fn cost(&self, code: i32) -> BTreeMap<String, u64> {
        self.world.lms.reset_stats();
        self.import().exits(code);
        self.calls()
    }

    /// What was called since the statistics began.
    pub(crate) fn calls(&self) -> BTreeMap<String, u64> {
        let stats = self.world.lms.stats();
        assert_eq!(
            stats.0["keys_in_urls"], 0,
            "the key goes in the header only"
        );
        let calls = stats.0["by_call"].as_object().unwrap();
        calls
            .iter()
            .map(|(name, count)| (name.clone(), count.as_u64().unwrap()))
            .filter(|(_, count)| *count > 0)
            .collect()
    }

    /// The people on the LMS.
    pub(crate) fn people(&self) -> Vec<Value> {
        self.world.lms.dump("/sandbox/users?api=anewspring")
    }

    /// The one with that external ID.
    #[track_caller]
    pub(crate) fn person(&self, id: &str) -> Value {
        let found: Vec<_> = self
            .people()
            .into_iter()
            .filter(|person| person["id"] == id)
            .collect();
        assert_eq!(found.len(), 1, "{id}: {found:#?}");
        found[0].clone()
    }

    /// Everybody of the feed is on the LMS once, as the feed says in every
    /// part, and nobody else is there.
    #[track_caller]
    pub(crate) fn assert_as_wanted(&self) {
        let people = self.people();
        let word = |role: &String| match role.as_str() {
            "Learner" => "student".to_owned(),
            "Instructor" => "teacher".to_owned(),
            "Observer" => "mentor".to_owned(),
            other => other.to_lowercase(),
        };
        for it in &self.pupils {
            let found: Vec<_> = people.iter().filter(|there| there["id"] == it.id).collect();
            assert_eq!(found.len(), 1, "{}: {found:#?}", it.id);
            let there = found[0];
            assert_eq!(there["login"], it.login, "{there:#}");
            assert_eq!(there["firstName"], it.first, "{there:#}");
            assert_eq!(there["lastName"], it.last, "{there:#}");
            let has = |field: &str| -> Vec<String> {
                let set = there[field].as_array().unwrap();
                let mut set: Vec<_> = set
                    .iter()
                    .map(|it| it.as_str().unwrap().to_owned())
                    .collect();
                set.sort();
                set
            };
            for role in it.roles.iter().map(word) {
                assert!(has("roles").contains(&role), "{role}: {there:#}");
            }
            for (field, wanted) in [
                ("authorContentLabels", &it.author),
                ("designerContentLabels", &it.designer),
                ("groups", &it.groups),
            ] {
                let mut wanted = wanted.clone();
                wanted.sort();
                assert_eq!(has(field), wanted, "{field} of {there:#}");
            }
        }
        assert_eq!(people.len(), self.pupils.len(), "somebody else is there");
    }
}

/// Calls as a test writes them.
pub(crate) fn calls(wanted: &[(&str, u64)]) -> BTreeMap<String, u64> {
    wanted
        .iter()
        .map(|(name, count)| ((*name).to_owned(), *count))
        .collect()
}
