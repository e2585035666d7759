//! What a run proved when it read back what the LMS has.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{count, counted};

/// What a run found when it read back what the LMS has, in the JSON and in the journal:
/// fields may be added, none renamed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Proof {
    /// People of the run who were looked for.
    pub checked: u64,
    /// External IDs and logins that several people have.
    pub twice: Vec<Twice>,
    /// External IDs of people of the run whom the LMS does not have.
    pub missing: Vec<String>,
    /// People of the run who are not as it left them.
    pub differ: Vec<Differs>,
    /// Mismatches beyond those that are listed.
    pub unlisted: u64,
    /// The people who are new on the LMS were read, so that duplicates show.
    pub searched_duplicates: bool,
    /// People whom the run created.
    pub new_people: u64,
    /// Changes that were read back one by one.
    pub read_back: u64,
    /// The requests that it took.
    pub requests: u64,
}

/// An external ID or a login that several people on the LMS have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Twice {
    /// The external ID; of a login, that of the first person who has one.
    pub external_id: Option<String>,
    /// The field that has the same value. A login itself is not named.
    pub field: String,
    /// The LMS's own ids of the people.
    pub people: Vec<String>,
    /// The external IDs of these people, each once.
    pub external_ids: Vec<String>,
}

/// A person who is not as the run left him or her.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Differs {
    /// The external ID.
    pub external_id: String,
    /// The names of the fields.
    pub fields: Vec<String>,
}

impl Differs {
    /// Instead of fields: the person was deleted and is there.
    pub const NOT_DELETED: &'static str = "deleted";
    /// Instead of fields: the person was deactivated and can sign in.
    pub const NOT_DEACTIVATED: &'static str = "deactivated";
}

/// How many mismatches of a kind are listed: an LMS that lost everybody must not
/// fill the memory.
const MAX_LISTED: usize = 1_000;

/// How many of them a sentence names.
const MAX_NAMED: usize = 5;

impl Proof {
    /// The proof as one line of JSON.
    #[must_use]
    #[expect(
        clippy::missing_panics_doc,
        reason = "every key is text and every value serializes, so there is nothing to fail"
    )]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a proof serializes")
    }

    /// Lists an external ID or a login that several people have.
    pub fn add_twice(&mut self, twice: Twice) {
        self.unlisted += push(&mut self.twice, twice);
    }

    /// Lists a person whom the LMS does not have.
    pub fn add_missing(&mut self, external_id: &str) {
        self.unlisted += push(&mut self.missing, external_id.to_owned());
    }

    /// Lists a person who is not as the run left him or her.
    pub fn add_differing(&mut self, external_id: &str, fields: Vec<String>) {
        let differs = Differs {
            external_id: external_id.to_owned(),
            fields,
        };
        self.unlisted += push(&mut self.differ, differs);
    }

    /// How many mismatches there are.
    #[must_use]
    pub const fn mismatches(&self) -> u64 {
        (self.twice.len() + self.missing.len() + self.differ.len()) as u64 + self.unlisted
    }

    /// One sentence, without its full stop, about what was looked at.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut parts = Vec::new();
        if !self.missing.is_empty() {
            let missing = self.missing.len();
            parts.push(self.at_least(missing, "person is missing", "people are missing"));
        } else if self.searched_duplicates && self.new_people > 0 {
            parts.push(match self.new_people {
                1 => "the new person is in the LMS".to_owned(),
                people => format!("all {} new people are in the LMS", count(people)),
            });
        }
        if self.searched_duplicates {
            parts.push(match self.twice.len() {
                0 => "no duplicates".to_owned(),
                some => self.at_least(some, "duplicate", "duplicates"),
            });
        }
        if self.read_back > 0 {
            let all = counted(self.read_back, "change", "changes");
            parts.push(match self.differ.len() {
                0 => format!("{all} read back"),
                some => {
                    let differ = self.at_least(some, "is not as sent", "are not as sent");
                    format!("{all} read back ({differ})")
                }
            });
        }
        let label = match self.mismatches() {
            0 => "Verified",
            _ => "Checked",
        };
        let requests = counted(self.requests, "request", "requests");
        format!("{label}: {} ({requests})", parts.join(", "))
    }

    /// The mismatches, a sentence each, without full stops and without values.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let twice = self.twice.iter().take(MAX_NAMED).map(Twice::in_words);
        let mut problems: Vec<_> = twice.collect();
        problems.extend(more(self.twice.len(), "duplicate", "duplicates"));
        if !self.missing.is_empty() {
            let one = "person whom this run created or changed is not in the LMS";
            let many = "people whom this run created or changed are not in the LMS";
            let who = self.at_least(self.missing.len(), one, many);
            problems.push(format!("{who}: {}", named(&self.missing)));
        }
        let differ = self.differ.iter().take(MAX_NAMED).map(Differs::in_words);
        problems.extend(differ);
        problems.extend(more(
            self.differ.len(),
            "person is not as sent",
            "people are not as sent",
        ));
        if self.unlisted > 0 {
            problems.push(counted(self.unlisted, "more mismatch", "more mismatches"));
        }
        problems
    }

    /// How many there are of a kind of which these are listed.
    fn at_least(&self, listed: usize, one: &str, many: &str) -> String {
        let listed_in_words = counted(listed as u64, one, many);
        if listed >= MAX_LISTED && self.unlisted > 0 {
            format!("at least {listed_in_words}")
        } else {
            listed_in_words
        }
    }
}

impl Twice {
    /// A sentence without its full stop, and without the login.
    #[must_use]
    pub fn in_words(&self) -> String {
        let several = counted(self.people.len() as u64, "person", "people");
        let people = self.people.join(", ");
        match (self.external_ids.as_slice(), &self.external_id) {
            (ids, _) if self.field != Self::EXTERNAL_ID && !ids.is_empty() => {
                let whose = named(ids);
                format!("{several} in the LMS have the login of {whose} (LMS IDs: {people})")
            }
            (_, Some(id)) if self.field == Self::EXTERNAL_ID => {
                format!("{several} in the LMS have the external ID {id} (LMS IDs: {people})")
            }
            _ => format!("{several} in the LMS have one login (LMS IDs: {people})"),
        }
    }

    /// What [`Twice::field`] says of an external ID, whatever the system calls it.
    pub const EXTERNAL_ID: &'static str = "externalId";
}

impl Differs {
    fn in_words(&self) -> String {
        let id = &self.external_id;
        match self.fields.first().map(String::as_str) {
            Some(Self::NOT_DELETED) => format!("{id} was deleted and is still in the LMS"),
            Some(Self::NOT_DEACTIVATED) => format!("{id} was deactivated and can still sign in"),
            _ => format!("{id} is not as sent: {}", self.fields.join(", ")),
        }
    }
}

/// Adds an item while there is room; otherwise it counts as one more.
fn push<T>(items: &mut Vec<T>, item: T) -> u64 {
    let is_full = items.len() >= MAX_LISTED;
    if !is_full {
        items.push(item);
    }
    u64::from(is_full)
}

fn named(ids: &[String]) -> String {
    let shown = ids.get(..MAX_NAMED).unwrap_or(ids).join(", ");
    match ids.len().saturating_sub(MAX_NAMED) {
        0 => shown,
        left => format!("{shown} and {} more", count(left as u64)),
    }
}

/// How many of these there are beyond those that are named.
fn more(all: usize, one: &str, many: &str) -> Option<String> {
    let left = all.saturating_sub(MAX_NAMED) as u64;
    (left > 0).then(|| {
        let what = counted(left, one, many);
        what.replacen(' ', " more ", 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn twice(field: &str, external_ids: &[&str]) -> Twice {
        let external_ids: Vec<_> = external_ids.iter().map(|id| (*id).to_owned()).collect();
        Twice {
            external_id: external_ids.first().cloned(),
            field: field.into(),
            people: vec!["12".into(), "99".into()],
            external_ids,
        }
    }

    #[test]
    fn the_json_has_the_promised_fields() {
        let mut proof = Proof {
            checked: 3,
            searched_duplicates: true,
            new_people: 3,
            requests: 2,
            ..Proof::default()
        };
        proof.add_twice(twice("externalId", &["E7"]));
        proof.add_missing("E8");
        proof.add_differing("E9", vec!["city".into()]);
        let json = proof.to_json();
        insta::assert_snapshot!(json, @r#"{"checked":3,"twice":[{"external_id":"E7","field":"externalId","people":["12","99"],"external_ids":["E7"]}],"missing":["E8"],"differ":[{"external_id":"E9","fields":["city"]}],"unlisted":0,"searched_duplicates":true,"new_people":3,"read_back":0,"requests":2}"#);
        assert_eq!(serde_json::from_str::<Proof>(&json).unwrap(), proof);
        // What another release wrote.
        let other = r#"{"checked":3,"twice":[],"missing":[],"differ":[],"more":1}"#;
        assert_eq!(serde_json::from_str::<Proof>(other).unwrap().checked, 3);
    }

    #[test]
    fn a_proof_is_one_line_and_each_mismatch_is_a_sentence() {
        let good = |new_people, read_back| Proof {
            new_people,
            read_back,
            searched_duplicates: true,
            requests: 2,
            ..Proof::default()
        };
        let mut bad = good(1_200, 200);
        for field in ["externalId", "loginName"] {
            bad.add_twice(twice(field, &["E7", "E9"]));
        }
        bad.add_twice(twice("loginName", &[]));
        for number in 1..=7 {
            bad.add_missing(&format!("M{number}"));
            bad.add_differing(&format!("D{number}"), vec!["city".into(), "email".into()]);
        }
        bad.differ[1].fields = vec![Differs::NOT_DELETED.into()];
        bad.differ[2].fields = vec![Differs::NOT_DEACTIVATED.into()];
        let lines = [good(1, 0), good(1_200, 0), good(0, 0), good(3, 5)]
            .map(|proof| {
                assert!(proof.problems().is_empty() && proof.mismatches() == 0);
                proof.summary()
            })
            .into_iter()
            .chain([bad.summary()])
            .chain(bad.problems());
        let lines: Vec<_> = lines.collect();
        insta::assert_snapshot!(lines.join("\n"), @"
        Verified: the new person is in the LMS, no duplicates (2 requests)
        Verified: all 1,200 new people are in the LMS, no duplicates (2 requests)
        Verified: no duplicates (2 requests)
        Verified: all 3 new people are in the LMS, no duplicates, 5 changes read back (2 requests)
        Checked: 7 people are missing, 3 duplicates, 200 changes read back (7 are not as sent) (2 requests)
        2 people in the LMS have the external ID E7 (LMS IDs: 12, 99)
        2 people in the LMS have the login of E7, E9 (LMS IDs: 12, 99)
        2 people in the LMS have one login (LMS IDs: 12, 99)
        7 people whom this run created or changed are not in the LMS: M1, M2, M3, M4, M5 and 2 more
        D1 is not as sent: city, email
        D2 was deleted and is still in the LMS
        D3 was deactivated and can still sign in
        D4 is not as sent: city, email
        D5 is not as sent: city, email
        2 more people are not as sent
        ");
    }

    #[test]
    fn an_lms_that_lost_everybody_does_not_fill_the_memory() {
        let mut proof = Proof::default();
        for number in 0..5_000 {
            proof.add_missing(&format!("E{number}"));
        }
        assert_eq!(proof.missing.len(), MAX_LISTED);
        assert_eq!(proof.mismatches(), 5_000);
        let problems = proof.problems();
        assert_eq!(problems.last().unwrap(), "4,000 more mismatches");
        let many = "at least 1,000 people";
        assert!(problems[0].starts_with(many), "{problems:?}");
        let summary = proof.summary();
        assert!(
            summary.contains(&format!("{many} are missing")),
            "{summary}"
        );
    }
}
