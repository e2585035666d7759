//! What waits for a decision, as a test asks for it.

use std::collections::BTreeMap;

use super::{Ran, World};

impl Ran {
    /// The holds of the JSON object that are in force: the kind, and how many people.
    #[track_caller]
    pub(crate) fn held(&self) -> Vec<(String, u64)> {
        let json = self.json();
        let holds = json["holds"].as_array().unwrap().iter();
        let open = holds.filter(|hold| hold["state"] == "open");
        open.map(|hold| {
            let kind = hold["kind"].as_str().unwrap().to_owned();
            (kind, hold["people"].as_u64().unwrap())
        })
        .collect()
    }

    /// The numbers of these holds, as arguments.
    #[track_caller]
    pub(crate) fn open_holds(&self) -> Vec<String> {
        let json = self.json();
        let holds = json["holds"].as_array().unwrap().iter();
        let open = holds.filter(|hold| hold["state"] == "open");
        open.map(|hold| hold["id"].to_string()).collect()
    }

    /// The number of the one open hold of that kind, as an argument.
    #[track_caller]
    pub(crate) fn hold(&self, kind: &str) -> String {
        let json = self.json();
        let holds = json["holds"].as_array().unwrap().iter();
        let mut open = holds.filter(|hold| hold["state"] == "open" && hold["kind"] == kind);
        match (open.next(), open.next()) {
            (Some(hold), None) => hold["id"].as_u64().unwrap().to_string(),
            _ => panic!("not one open hold of {kind}: {self:#?}"),
        }
    }
}

impl World {
    /// The state of the hold with that number.
    #[track_caller]
    pub(crate) fn hold_state(&self, hold: &str) -> String {
        let holds = self.run(&["holds", "--all", "--json"]).exits(0).json();
        let holds = holds["holds"].as_array().unwrap();
        let found = holds
            .iter()
            .find(|it| it["id"].as_u64() == hold.parse().ok());
        let found = found.unwrap_or_else(|| panic!("no hold {hold} in {holds:#?}"));
        found["state"].as_str().unwrap().to_owned()
    }

    /// Changes the journal as no command does.
    #[track_caller]
    pub(crate) fn change_journal(&self, sql: &str) {
        let journal = rusqlite::Connection::open(self.path("journal.db")).unwrap();
        journal.execute_batch(sql).unwrap();
    }

    /// Lets so many days pass since all that was imported and decided.
    #[track_caller]
    pub(crate) fn pass_days(&self, days: i64) {
        let micros = days * 24 * 3600 * 1_000_000;
        self.change_journal(&format!(
            "UPDATE runs SET started = started - {micros}, ended = ended - {micros};
             UPDATE holds SET opened = opened - {micros}, closed = closed - {micros},
                              decided = decided - {micros};"
        ));
    }

    /// The people of the hold with that number, as `--format csv` lists them.
    #[track_caller]
    pub(crate) fn held_people(&self, hold: &str) -> Vec<BTreeMap<String, String>> {
        let csv = self.run(&["hold", hold, "--format", "csv"]).exits(0).stdout;
        let mut reader = csv::Reader::from_reader(csv.as_bytes());
        let people = reader.deserialize().map(Result::unwrap);
        people.collect()
    }
}
