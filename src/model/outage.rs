//! When the LMS kept a run waiting, and what the journal keeps of the end of a run.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Proof;

/// A time in which the LMS let nothing be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outage {
    /// When it began.
    #[serde(with = "moment")]
    pub from: Timestamp,
    /// How long it lasted.
    pub seconds: u64,
    /// Why, as a fragment of a sentence: `the LMS is unavailable (HTTP 503)`.
    pub reason: String,
}

/// What a run leaves behind beside its rows. In the journal it is the text of the proof, to
/// which the others are added.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Aftermath {
    /// What was read back.
    #[serde(flatten)]
    pub proof: Option<Proof>,
    /// When the LMS kept the run waiting, the earliest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outages: Vec<Outage>,
    /// Leavers who were not done, or not for certain, when it was interrupted.
    #[serde(skip_serializing_if = "is_zero")]
    pub leavers_left: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Aftermath {
    /// What the journal has. What another release wrote and this one cannot read says nothing.
    #[must_use]
    pub fn of(json: Option<&str>) -> Self {
        let parsed = json.and_then(|json| serde_json::from_str(json).ok());
        let mut value: Value = parsed.unwrap_or_default();
        let outages = value.get_mut("outages").map(Value::take);
        let outages = outages.and_then(|outages| serde_json::from_value(outages).ok());
        let leavers_left = value.get("leavers_left").and_then(Value::as_u64);
        // Every proof says how many people it is about.
        let proof = value.get("checked").is_some().then_some(value);
        Self {
            proof: proof.and_then(|proof| serde_json::from_value(proof).ok()),
            outages: outages.unwrap_or_default(),
            leavers_left: leavers_left.unwrap_or(0),
        }
    }

    /// The text for the journal; `None` if there is nothing to keep.
    #[must_use]
    #[expect(
        clippy::missing_panics_doc,
        reason = "its keys are text and its values numbers and texts"
    )]
    pub fn to_json(&self) -> Option<String> {
        let is_something = self.proof.is_some() || !self.outages.is_empty();
        (is_something || self.leavers_left > 0)
            .then(|| serde_json::to_string(self).expect("it serializes"))
    }
}

/// A time as text, as in RFC 3339.
mod moment {
    use jiff::Timestamp;
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(
        time: &Timestamp,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(time)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outages_and_a_proof_are_read_back_together_and_alone() {
        let proof = Proof {
            checked: 3,
            ..Proof::default()
        };
        let outage = Outage {
            from: "2026-11-27T02:14:00Z".parse().unwrap(),
            seconds: 725,
            reason: "the LMS is unavailable (HTTP 503)".into(),
        };
        for (proof, outages) in [
            (None, vec![]),
            (Some(proof.clone()), vec![]),
            (None, vec![outage.clone()]),
            (Some(proof.clone()), vec![outage]),
        ] {
            for leavers_left in [0, 29] {
                let (proof, outages) = (proof.clone(), outages.clone());
                let aftermath = Aftermath {
                    proof,
                    outages,
                    leavers_left,
                };
                let json = aftermath.to_json();
                assert_eq!(Aftermath::of(json.as_deref()), aftermath);
            }
        }
        // As an older release wrote it, and what no release wrote.
        let json = serde_json::to_string(&proof).unwrap();
        assert_eq!(Aftermath::of(Some(&json)).proof, Some(proof));
        assert_eq!(Aftermath::of(Some("[]")), Aftermath::default());
    }
}
