//! A status or an error in, a verdict out.
//!
//! Pure and total; the clock and the jitter are arguments. Judging is not
//! acting: who waits and who sends again is decided in `upload`.

use std::time::Duration;

use jiff::Timestamp;

/// What an answer, or the lack of one, means for any call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The target answered; its own rules judge the answer.
    Answered,
    /// The target asks to slow down. Nothing was done, unless `may_have_applied`.
    Throttled {
        /// How long it asks to wait, if it says so.
        wait: Option<Duration>,
        /// 503 may come from a proxy that had passed the request on.
        may_have_applied: bool,
    },
    /// No usable answer. The call can be repeated later, but a write that
    /// `may_have_applied` only after a read-back.
    NoAnswer(NoAnswer),
    /// Nothing will succeed until a person has repaired something.
    Fatal(Fatal),
}

/// Why a call has no usable answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// No connection came about: nothing was sent.
    NotSent(String),
    /// Timed out: the target may still be working on it.
    Timeout,
    /// The connection broke, or the answer was cut.
    Broken(String),
    /// 5xx or 408; or 429 or 503 again and again, while others were answered.
    Status(u16),
    /// An answer that is not what the API answers.
    Unclear(&'static str),
    /// Refused for this call alone, in a way that is mostly about the key or the
    /// address.
    Refused(Fatal),
    /// The request could not be put together, for a reason of its row alone, as a
    /// sentence: nothing was sent, and the target is not to blame.
    NotMade(&'static str),
}

impl NoAnswer {
    /// Whether the request may have had an effect.
    #[must_use]
    pub const fn may_have_applied(&self) -> bool {
        match self {
            Self::NotSent(_) | Self::NotMade(_) => false,
            Self::Refused(fatal) => matches!(fatal, Fatal::Redirect(_)),
            Self::Timeout | Self::Broken(_) | Self::Status(_) | Self::Unclear(_) => true,
        }
    }

    /// Why, as a fragment of a sentence.
    #[must_use]
    pub fn why(&self) -> String {
        match self {
            Self::NotSent(why) => format!("no connection: {why}"),
            Self::Timeout => "no answer in time".into(),
            Self::Broken(why) => format!("the connection broke: {why}"),
            Self::Status(status) => format!("HTTP {status}"),
            Self::Unclear(why) | Self::NotMade(why) => (*why).into(),
            Self::Refused(fatal) => fatal.why(),
        }
    }
}

/// Why nothing will succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fatal {
    /// 401.
    Unauthorized,
    /// 403, or another error that means: the key does not allow the call of this
    /// name. Empty where the name is not known.
    Forbidden(&'static str),
    /// 407: a proxy wants a password.
    ProxyAuthentication,
    /// 3xx: redirects are not followed, so that a key never reaches another
    /// host.
    Redirect(u16),
    /// No such API at this address.
    WrongAddress,
    /// At this address, nothing but a web page has ever answered.
    WebPage,
    /// The certificate is not valid for the host.
    Certificate(String),
    /// The host's name is not known.
    UnknownHost(String),
    /// The LMS's list of people goes on without an end.
    EndlessList,
    /// This machine cannot do it.
    Machine {
        /// What, and what the system says.
        what: String,
        /// What to do.
        help: &'static str,
    },
}

impl Fatal {
    /// Whether it may be about a single request: a firewall that dislikes a name, or
    /// an account that is protected, is answered like a key without the right. Other
    /// requests of the same kind show which of the two it is.
    #[must_use]
    pub const fn may_be_about_one(&self) -> bool {
        match self {
            Self::Unauthorized | Self::Forbidden(_) | Self::Redirect(_) | Self::WrongAddress => {
                true
            }
            Self::WebPage
            | Self::ProxyAuthentication
            | Self::Certificate(_)
            | Self::UnknownHost(_)
            | Self::EndlessList
            | Self::Machine { .. } => false,
        }
    }

    /// Why, as a sentence without its full stop.
    #[must_use]
    pub fn why(&self) -> String {
        match self {
            Self::Unauthorized => "the LMS rejected the API key or secret (401)".into(),
            Self::Forbidden("") => "the LMS does not allow this API key to do this (403)".into(),
            Self::Forbidden(call) => {
                format!("the LMS does not allow this API key to call `{call}`")
            }
            Self::ProxyAuthentication => "a proxy requires a password (407)".into(),
            Self::Redirect(status) => format!("the LMS redirects to another address ({status})"),
            Self::WrongAddress => "there is no such API at this address".into(),
            Self::WebPage => "a web page answers at this address, not the LMS's API".into(),
            Self::Certificate(why) => format!("the LMS's certificate is not valid ({why})"),
            Self::UnknownHost(why) => {
                format!("the LMS's host name cannot be resolved ({why})")
            }
            Self::EndlessList => "the LMS's list of people does not end".into(),
            Self::Machine { what, .. } => what.clone(),
        }
    }
}

/// Judges a status. `retry_after` is the header as it came; `now` is what time it was
/// by the clock of the answer, since the header may be a date.
#[must_use]
pub fn judge(status: u16, retry_after: Option<&str>, now: Timestamp) -> Verdict {
    let wait = retry_after.and_then(|value| parse_retry_after(value, now));
    match status {
        429 => Verdict::Throttled {
            wait,
            may_have_applied: false,
        },
        503 if wait.is_some() => Verdict::Throttled {
            wait,
            may_have_applied: true,
        },
        401 => Verdict::Fatal(Fatal::Unauthorized),
        403 => Verdict::Fatal(Fatal::Forbidden("")),
        407 => Verdict::Fatal(Fatal::ProxyAuthentication),
        300..=399 => Verdict::Fatal(Fatal::Redirect(status)),
        200..=299 | 400..=499 if status != 408 => Verdict::Answered,
        _ => Verdict::NoAnswer(NoAnswer::Status(status)),
    }
}

/// The longest wait that a target can ask for. Whether to wait that long is for
/// `upload` to decide.
const MAX_WAIT: Duration = Duration::from_hours(24);

/// Reads `Retry-After`: seconds or an HTTP date (RFC 9110, 10.2.3).
fn parse_retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    let wait = match value.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => MAX_WAIT,
        // A date that has passed means now.
        Err(_) => Duration::try_from(parse_date(value)?.duration_since(now)).unwrap_or_default(),
    };
    Some(wait.min(MAX_WAIT))
}

/// Reads a date as HTTP writes it (RFC 9110, 5.6.7).
#[must_use]
pub fn parse_date(value: &str) -> Option<Timestamp> {
    let at = httpdate::parse_http_date(value.trim()).ok()?;
    // Only the last day of the year 9999 is too late for a timestamp.
    Some(Timestamp::try_from(at).unwrap_or(Timestamp::MAX))
}

/// How long to wait before the `attempt`th repetition (from 1): exponential
/// from half a second to half a minute, of which `jitter` (0 to 1) takes away
/// up to half, so that rows that failed together do not come back together.
#[must_use]
pub fn back_off(attempt: u32, jitter: f64) -> Duration {
    const FIRST: Duration = Duration::from_millis(500);
    const MAX: Duration = Duration::from_secs(30);
    let doubled = FIRST
        .saturating_mul(1 << attempt.saturating_sub(1).min(10))
        .min(MAX);
    doubled.mul_f64(1.0 - jitter.clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    const NOW: &str = "2026-11-21T02:00:00Z";

    fn now() -> Timestamp {
        NOW.parse().unwrap()
    }

    #[test]
    fn every_status_has_a_verdict() {
        let mut table = String::new();
        let mut last = String::new();
        for status in 0..=u16::MAX {
            let verdict = match judge(status, None, now()) {
                Verdict::NoAnswer(NoAnswer::Status(_)) => {
                    "no answer: read back before sending again".to_owned()
                }
                Verdict::Fatal(Fatal::Redirect(_)) => "fatal: redirect".to_owned(),
                other => format!("{other:?}"),
            };
            if verdict != last {
                writeln!(table, "{status} {verdict}").unwrap();
                last = verdict;
            }
        }
        insta::assert_snapshot!(table, @r#"
        0 no answer: read back before sending again
        200 Answered
        300 fatal: redirect
        400 Answered
        401 Fatal(Unauthorized)
        402 Answered
        403 Fatal(Forbidden(""))
        404 Answered
        407 Fatal(ProxyAuthentication)
        408 no answer: read back before sending again
        409 Answered
        429 Throttled { wait: None, may_have_applied: false }
        430 Answered
        500 no answer: read back before sending again
        "#);
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date_and_is_bounded() {
        let wait = |value| parse_retry_after(value, now()).map(|wait| wait.as_secs());
        assert_eq!(wait("7"), Some(7));
        assert_eq!(wait(" 0 "), Some(0));
        assert_eq!(wait("Sat, 21 Nov 2026 02:01:30 GMT"), Some(90));
        assert_eq!(wait("Sat, 21 Nov 2026 01:00:00 GMT"), Some(0));
        assert_eq!(wait("Fri, 31 Dec 9999 23:59:59 GMT"), Some(86_400));
        assert_eq!(wait("864000"), Some(86_400));
        assert_eq!(wait("99999999999999999999999999"), Some(86_400));
        assert_eq!(wait("soon"), None);
        assert_eq!(wait("-3"), None);
        assert_eq!(wait(""), None);
    }

    #[test]
    fn back_off_doubles_up_to_half_a_minute_and_jitter_takes_at_most_half() {
        let seconds: Vec<_> = (1..=9)
            .map(|attempt| back_off(attempt, 0.0).as_secs_f64())
            .collect();
        assert_eq!(seconds, [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]);
        assert_eq!(back_off(2, 1.0), Duration::from_millis(500));
        assert_eq!(back_off(u32::MAX, 0.0), Duration::from_secs(30));
    }
}
