//! What an import of a checked feed would do, as far as a check knows.

use schemars::JsonSchema;
use serde::Serialize;

use super::text::rows;
use super::{count, counted};

/// What an import would do, by what is known without a journal and without the LMS.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Would {
    /// The most people whom it would send: those of them who are new or changed.
    pub send: u64,
    /// The most people whom it would remove because a list of leavers or a marked row names
    /// them: those of them who are known in the LMS.
    pub remove: u64,
    /// Rows that it would reject.
    pub reject: u64,
    /// Why it would send nothing; empty if no guard would stop it.
    pub stopped_by: Vec<StoppedBy>,
    /// The option that lets all of these pass once; empty if there are none.
    pub allow: String,
    /// Rows that may be anybody, so that leavers would wait for approval; 0 where the
    /// mapping removes nobody.
    pub may_be_anybody: u64,
}

/// A guard that would stop an import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StoppedBy {
    /// What a person writes behind `--allow` to let it pass once: `rows=19`.
    pub allow: String,
    /// Why, as a sentence without its full stop.
    pub why: String,
}

impl Would {
    /// The same in sentences.
    #[must_use]
    pub fn sentences(&self) -> String {
        let first = if self.stopped_by.is_empty() {
            self.sent()
        } else {
            let why: Vec<_> = self.stopped_by.iter().map(|it| it.why.as_str()).collect();
            format!(
                "An import would send nothing: {}. If the feed is right, import it once with \
                 `{}`.",
                why.join("; "),
                self.allow
            )
        };
        let leavers = match self.may_be_anybody {
            1.. if self.stopped_by.is_empty() => format!(
                " People who are missing from the feed would wait for approval, because they may be \
                 in {} without a readable external ID.",
                rows(self.may_be_anybody)
            ),
            _ => String::new(),
        };
        let removed = match self.remove {
            1.. if self.send > 0 => format!(" It would remove {}.", self.removed()),
            _ => String::new(),
        };
        format!(
            "{first}{removed}{leavers} Other limits need the journal or the LMS: `plan` checks them."
        )
    }

    /// What it would send, if no guard stops it.
    fn sent(&self) -> String {
        let rejected = match self.reject {
            0 => String::new(),
            invalid => format!(", and reject {}", rows(invalid)),
        };
        match (self.send, self.reject) {
            (0, _) if self.remove > 0 => {
                format!("An import would remove {}{rejected}.", self.removed())
            }
            (0, 0) => "An import would send nothing: the feed has nobody to send.".into(),
            (0, _) => "An import would send nothing: it would reject every row.".into(),
            (1, _) => format!("An import would send 1 person, if new or changed{rejected}."),
            (send, _) => format!(
                "An import would send up to {} people, those who are new or changed{rejected}.",
                count(send)
            ),
        }
    }

    /// Whom it would remove.
    fn removed(&self) -> String {
        let people = counted(self.remove, "person", "people");
        format!("up to {people}, those whom the feed names as leavers and hrfeed knows in this LMS")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_ends_with_what_an_import_would_do() {
        let would = |send, reject, stops: &[(&str, &str)], may_be_anybody| {
            let stopped_by = stops.iter().map(|(allow, why)| StoppedBy {
                allow: (*allow).to_owned(),
                why: (*why).to_owned(),
            });
            let allow: Vec<_> = stops.iter().map(|(allow, _)| *allow).collect();
            let would = Would {
                send,
                remove: 0,
                reject,
                stopped_by: stopped_by.collect(),
                allow: format!("--allow {}", allow.join(",")),
                may_be_anybody,
            };
            would.sentences()
        };
        let of_list = Would {
            remove: 5,
            reject: 1,
            ..Would::default()
        };
        let marked = Would {
            send: 7,
            remove: 1,
            ..Would::default()
        };
        let stops = [
            (
                "rows=19",
                "the feed has 19 rows; the minimum is 20 (`min_rows`)",
            ),
            ("age", "the feed is 40 h old; the limit is 36 h (`max_age`)"),
        ];
        let all = [
            would(1_977, 0, &[], 0),
            would(977, 23, &[], 2),
            would(1, 1, &[], 0),
            would(0, 12, &[], 0),
            would(0, 0, &[], 0),
            would(0, 3, &stops, 1),
            of_list.sentences(),
            marked.sentences(),
        ];
        insta::assert_snapshot!(all.join("\n"), @"
        An import would send up to 1,977 people, those who are new or changed. Other limits need the journal or the LMS: `plan` checks them.
        An import would send up to 977 people, those who are new or changed, and reject 23 rows. People who are missing from the feed would wait for approval, because they may be in 2 rows without a readable external ID. Other limits need the journal or the LMS: `plan` checks them.
        An import would send 1 person, if new or changed, and reject 1 row. Other limits need the journal or the LMS: `plan` checks them.
        An import would send nothing: it would reject every row. Other limits need the journal or the LMS: `plan` checks them.
        An import would send nothing: the feed has nobody to send. Other limits need the journal or the LMS: `plan` checks them.
        An import would send nothing: the feed has 19 rows; the minimum is 20 (`min_rows`); the feed is 40 h old; the limit is 36 h (`max_age`). If the feed is right, import it once with `--allow rows=19,age`. Other limits need the journal or the LMS: `plan` checks them.
        An import would remove up to 5 people, those whom the feed names as leavers and hrfeed knows in this LMS, and reject 1 row. Other limits need the journal or the LMS: `plan` checks them.
        An import would send up to 7 people, those who are new or changed. It would remove up to 1 person, those whom the feed names as leavers and hrfeed knows in this LMS. Other limits need the journal or the LMS: `plan` checks them.
        ");
    }
}
