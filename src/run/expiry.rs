//! An API key expires, and the mapping may say when.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::clock::Clock;
use crate::mapping::TargetSettings;
use crate::model::counted;

/// How many days before the end a note begins to say so.
const ANNOUNCED_DAYS: i32 = 14;

/// A note on the end of the API key, if the mapping says that it is near or has
/// passed.
#[must_use]
pub fn key_expiry(settings: &TargetSettings, clock: Clock) -> Option<String> {
    let today = clock.now().to_zoned(TimeZone::system()).date();
    in_words(settings.api_key_expires?, today)
}

fn in_words(expires: Date, today: Date) -> Option<String> {
    let date = expires.strftime("%-d %B %Y");
    let days = (expires - today).get_days();
    match days {
        ..0 => Some(format!(
            "the API key expired on {date}, as the mapping says: renew it, and correct \
             `api_key_expires` in [target]"
        )),
        0..=ANNOUNCED_DAYS => {
            let left = match days {
                0 => "today".to_owned(),
                1 => "tomorrow".to_owned(),
                days => format!(
                    "in {}",
                    counted(u64::from(days.unsigned_abs()), "day", "days")
                ),
            };
            Some(format!(
                "the API key expires on {date}, {left}: renew it before then, or imports will stop"
            ))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_expires_is_announced_two_weeks_ahead() {
        let today: Date = "2027-01-22".parse().unwrap();
        let dates = [
            "2025-01-31",
            "2027-01-21",
            "2027-01-22",
            "2027-01-23",
            "2027-01-31",
            "2027-02-05",
            "2027-02-06",
            "9999-12-31",
        ];
        let lines = dates.map(|date| {
            let note = in_words(date.parse().unwrap(), today);
            note.unwrap_or_else(|| format!("{date}: -"))
        });
        insta::assert_snapshot!(lines.join("\n"), @"
        the API key expired on 31 January 2025, as the mapping says: renew it, and correct `api_key_expires` in [target]
        the API key expired on 21 January 2027, as the mapping says: renew it, and correct `api_key_expires` in [target]
        the API key expires on 22 January 2027, today: renew it before then, or imports will stop
        the API key expires on 23 January 2027, tomorrow: renew it before then, or imports will stop
        the API key expires on 31 January 2027, in 9 days: renew it before then, or imports will stop
        the API key expires on 5 February 2027, in 14 days: renew it before then, or imports will stop
        2027-02-06: -
        9999-12-31: -
        ");
    }
}
