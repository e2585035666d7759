//! Dates of many forms, and what is refused.

use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::column::{FORMS, forms_of};
use super::*;

const TODAY: Date = Date::constant(2026, 11, 23);

fn context(is_birth: bool) -> Context<'static> {
    Context {
        today: TODAY,
        is_birth,
        zone: None,
    }
}

fn read_as(form: &str, text: &str, is_birth: bool) -> Result<Date, NotADate> {
    let form = DateForm::compile(form).unwrap();
    let (read, _) = super::read(Some(&form), text, context(is_birth));
    read.map(|read| read.day)
}

fn read_iso(text: &str, context: Context<'_>) -> Result<Reading, NotADate> {
    super::read(None, text, context).0
}

fn read(form: &str, text: &str) -> Option<Date> {
    read_as(form, text, false).ok()
}

#[test]
fn a_form_without_a_year_is_no_form() {
    for form in ["%d-%m", "%q", "", "%H:%M", "%d-%m-%Q", "é", "%"] {
        assert!(DateForm::compile(form).is_err(), "{form}");
    }
}

#[test]
fn impossible_days_are_no_dates() {
    let form = "%d-%m-%Y";
    assert_eq!(read(form, "31-12-2026"), Some(Date::constant(2026, 12, 31)));
    assert_eq!(read(form, "1-2-2026"), Some(Date::constant(2026, 2, 1)));
    for text in [
        "30-02-2026",
        "12-31-2026",
        "31-12-26",
        "31-12-2026 ",
        "2026-12-31",
        "",
        "31/12/2026",
        "31-12-2026 x",
        "31-12-20260",
    ] {
        assert_eq!(read(form, text), None, "{text:?}");
    }
}

#[test]
fn a_form_with_four_digits_for_the_year_takes_no_two() {
    for (form, text) in [
        ("%d-%b-%Y", "25-MAR-85"),
        ("%d %b %Y", "25 Mar 85"),
        ("%B %d %Y", "March 25 85"),
        ("%d %B %Y", "1 May 085"),
        ("%A %d %B %Y", "Monday 25 March 85"),
        ("%m/%d/%Y %H:%M", "3/25/85 00:00"),
        ("%j %Y", "084 85"),
    ] {
        assert!(read(form, text).is_none(), "{form}");
    }
    for (form, text) in [
        ("%d-%b-%y", "25-MAR-1985"),
        ("%d/%m/%y", "25/03/1985"),
        ("%d/%m/%y", "25/03/8"),
    ] {
        assert_eq!(read(form, text), None, "{form}");
    }
}

#[test]
fn nobody_in_a_feed_is_born_in_the_future() {
    let birth = |text| read_as("%d/%m/%y", text, true);
    for (text, day) in [
        ("12/03/65", Date::constant(1965, 3, 12)),
        ("25/11/58", Date::constant(1958, 11, 25)),
        ("01/01/70", Date::constant(1970, 1, 1)),
        ("30/06/01", Date::constant(2001, 6, 30)),
        ("23/11/26", Date::constant(2026, 11, 23)),
        ("24/11/26", Date::constant(1926, 11, 24)),
        ("29/02/00", Date::constant(2000, 2, 29)),
        ("31/12/99", Date::constant(1999, 12, 31)),
    ] {
        assert_eq!(birth(text), Ok(day), "{text}");
    }
    assert_eq!(birth("29/02/27"), Err(NotADate::Form));
    assert_eq!(
        read_as("%d/%m/%Y", "25/11/2027", true),
        Err(NotADate::Unborn)
    );
    // Where the person is it is tomorrow already.
    assert!(read_as("%d/%m/%Y", "24/11/2026", true).is_ok());
}

#[test]
fn a_date_that_is_no_birth_is_at_most_fifty_years_ahead() {
    for (text, day) in [
        ("05/06/24", Date::constant(2024, 6, 5)),
        ("31/12/60", Date::constant(2060, 12, 31)),
        ("31/12/76", Date::constant(2076, 12, 31)),
        ("31/12/77", Date::constant(1977, 12, 31)),
        ("31/12/99", Date::constant(1999, 12, 31)),
    ] {
        assert_eq!(read("%d/%m/%y", text), Some(day), "{text}");
    }
}

#[test]
fn a_year_of_two_digits_slides_in_whatever_form_and_keeps_a_century_that_is_written() {
    let birth = |form, text| read_as(form, text, true).ok();
    let day = Some(Date::constant(1965, 3, 25));
    assert_eq!(birth("%D", "03/25/65"), day);
    assert_eq!(birth("%j/%y", "084/65"), day);
    assert_eq!(birth("%y%j", "65084"), day);
    assert_eq!(birth("%d-%m-%C%y", "25-03-1965"), day);
    assert_eq!(
        read("%d-%m-20%y", "31-12-2060"),
        Some(Date::constant(2060, 12, 31))
    );
    assert_eq!(birth("%j/%y", "366/00"), Some(Date::constant(2000, 12, 31)));
}

#[test]
fn years_before_1900_are_slips() {
    for text in ["0000-07-31", "0001-01-01", "0085-03-25", "1899-12-31"] {
        assert_eq!(
            read_iso(text, context(true)).map(|it| it.day),
            Err(NotADate::Early),
            "{text}"
        );
    }
    assert!(read_iso("1900-01-01", context(true)).is_ok());
    // Contracts without an end have such dates.
    assert!(read_iso("9999-12-31", context(false)).is_ok());
}

#[test]
fn months_are_read_by_name_whatever_the_language() {
    let day = Some(Date::constant(1985, 3, 25));
    for (form, text) in [
        ("%d-%b-%y", "25-MAR-85"),
        ("%d %b %Y", "25 mrt. 1985"),
        ("%d %B %Y", "25 maart 1985"),
        ("%d. %B %Y", "25. März 1985"),
        ("%d %B %Y", "25 mars 1985"),
        ("%d de %B de %Y", "25 de marzo de 1985"),
        ("%B %d, %Y", "March 25, 1985"),
        ("%A %d %B %Y", "maandag 25 maart 1985"),
        ("%Y年%m月%d日", "1985年3月25日"),
        // A full stop of the form's own, and one of an abbreviation.
        ("%d.%b.%Y", "25.Mar.1985"),
        ("%d.%b.%Y", "25.März.1985"),
        ("%b. %d, %Y", "Mar. 25, 1985"),
        ("%b %d, %Y", "Mar. 25, 1985"),
        ("%a., %d %b %Y", "Mon., 25 Mar 1985"),
        ("%d %b. %Y", "25 mars. 1985"),
    ] {
        assert_eq!(read(form, text), day, "{text}");
    }
    assert_eq!(read("%d %b %Y", "25 jui 1985"), None);
}

#[test]
fn a_number_of_one_digit_may_have_a_space_in_its_place() {
    for (form, text, day) in [
        ("%m/%e/%y", "3/ 5/85", Date::constant(1985, 3, 5)),
        ("%d/%m/%y", "05/ 3/85", Date::constant(1985, 3, 5)),
        ("%b %e %Y", "Mar  5 1985", Date::constant(1985, 3, 5)),
        ("%d/%m/%Y", " 5/ 3/1985", Date::constant(1985, 3, 5)),
    ] {
        assert_eq!(read(form, text), Some(day), "{text}");
    }
    assert_eq!(read("%d%m%Y", "5 31985"), None);
    assert_eq!(read("%d %m %Y", "5  31985"), None);
}

#[test]
fn a_time_of_day_beside_a_date_is_left_out() {
    let day = Some(Date::constant(1985, 3, 25));
    for (form, text) in [
        ("%m/%d/%Y %I:%M:%S %p", "3/25/1985 12:00:00 AM"),
        ("%m/%d/%Y", "3/25/1985 12:00:00 AM"),
        ("%m/%d/%Y", "3/25/1985, 12:00:00\u{202f}AM"),
        ("%d-%m-%Y", "25-03-1985 00:00"),
        ("%d-%m-%Y %H:%M", "25-03-1985 00:00"),
        ("%d.%m.%Y", "25.03.1985 00:00:00,000"),
        ("%Y%m%d", "19850325T000000Z"),
        ("%d-%m-%Y %H:%M", "25-03-1985 08:30 CET"),
        ("%d-%m-%Y %R", "25-03-1985 08:30"),
        ("%FT%T", "1985-03-25T08:30:00.000+01:00"),
        ("%Y-%m-%dT%H:%M:%S%.f%z", "1985-03-25T08:30:00.123+0100"),
    ] {
        assert_eq!(read(form, text), day, "{text}");
    }
    assert_eq!(read("%m/%d/%Y %I:%M:%S %p", "3/25/1985 13:00:00 AM"), None);
    assert_eq!(read("%d-%m-%Y %H:%M", "25-03-1985"), None);
}

#[test]
fn an_iso_date_may_carry_a_time_and_a_zone() {
    let day = Ok(Date::constant(2024, 3, 1));
    for text in [
        "2024-03-01",
        "2024-03-01T08:30:00",
        "2024-03-01 00:00:00",
        "2024-03-01T00:00:00+01:00",
        "2024-03-01-08:00",
        "2024-03-01Z",
        "2024-3-1",
        "2024-03-01T08:30:00+01:00[Europe/Amsterdam]",
        "2024-03-01 08:30:00 CET",
        "2024-03-01 24:00:00",
        "2024-03-01 08.30.00",
        "2024-03-01T083000",
    ] {
        assert_eq!(
            read_iso(text, context(false)).map(|it| it.day),
            day,
            "{text:?}"
        );
    }
    for text in [
        "2024-03",
        "24-03-01",
        "01-03-2024",
        "2024-03-01X",
        "2024-03-01Tomorrow",
        "2024-03-01 25:00",
        "2024-03-41",
        "é024-03-01T",
    ] {
        assert_eq!(
            read_iso(text, context(false)),
            Err(NotADate::Form),
            "{text:?}"
        );
    }
}

#[test]
fn a_time_in_utc_is_doubtful_unless_it_is_midnight_or_the_mapping_names_the_zone() {
    let is_doubtful = |text| read_iso(text, context(true)).unwrap().is_doubtful;
    assert!(is_doubtful("1985-03-24T23:00:00.000Z"));
    assert!(is_doubtful("1985-06-24T23:00:00+00:00"));
    assert!(!is_doubtful("1985-03-25T00:00:00.000Z"));
    assert!(!is_doubtful("1985-03-24T23:00:00"));
    assert!(!is_doubtful("1985-03-24T23:00:00+01:00"));

    let zone = TimeZone::get("Europe/Amsterdam").unwrap();
    let in_zone = Context {
        zone: Some(&zone),
        ..context(true)
    };
    for (text, day) in [
        ("1985-03-24T23:00:00.000Z", Date::constant(1985, 3, 25)),
        ("1971-06-30T22:00:00Z", Date::constant(1971, 6, 30)),
        ("1985-07-24T22:00:00Z", Date::constant(1985, 7, 25)),
        ("1985-03-25T23:30:00", Date::constant(1985, 3, 25)),
        ("1985-03-25Z", Date::constant(1985, 3, 25)),
    ] {
        let read = read_iso(text, in_zone).unwrap();
        assert_eq!(read.day, day, "{text}");
        assert!(!read.is_doubtful, "{text}");
    }
    // Whatever the form calls the time in UTC.
    for form in [
        "%Y-%m-%dT%H:%M:%SZ",
        "%FT%T%z",
        "%Y-%m-%d",
        "%FT%T",
        "%FT%T%.f%z",
    ] {
        let text = match form {
            "%FT%T%z" | "%FT%T%.f%z" => "1985-03-24T23:00:00+0000",
            _ => "1985-03-24T23:00:00Z",
        };
        let form = DateForm::compile(form).unwrap();
        let read = super::read(Some(&form), text, in_zone).0.unwrap();
        assert_eq!(read.day, Date::constant(1985, 3, 25), "{}", form.as_str());
    }
    // Nobody can say which day that is in Amsterdam.
    assert!(read_iso("1985-03-24 23:00 EST", in_zone).is_err());
}

#[test]
fn the_last_day_there_is_stays_the_last_in_whatever_zone() {
    for (zone, text) in [
        ("Europe/Amsterdam", "9999-12-31T23:59:59Z"),
        ("Europe/Amsterdam", "9999-12-31T00:00:00Z"),
        ("Pacific/Auckland", "9999-12-31T00:00:00+00:00"),
    ] {
        let zone = TimeZone::get(zone).unwrap();
        let context = Context {
            zone: Some(&zone),
            ..context(false)
        };
        let day = read_iso(text, context).map(|it| it.day);
        assert_eq!(day, Ok(Date::constant(9999, 12, 31)), "{text}");
    }
}

#[test]
fn a_spreadsheets_number_is_a_date_only_where_the_mapping_says_so() {
    assert_eq!(read("serial", "31107"), Some(Date::constant(1985, 3, 1)));
    assert_eq!(read("serial", "31107.5"), Some(Date::constant(1985, 3, 1)));
    assert_eq!(read("serial", "1985"), None);
    assert_eq!(read_as("%d/%m/%Y", "31107", true), Err(NotADate::Serial));
    assert_eq!(read_iso("31107", context(true)), Err(NotADate::Serial));
    assert_eq!(read_iso("1985", context(true)), Err(NotADate::Form));
    assert_eq!(read("%Y%m%d", "19850301"), Some(Date::constant(1985, 3, 1)));
}

#[test]
fn all_forms_that_columns_are_held_against_are_forms() {
    for form in FORMS {
        assert!(DateForm::compile(form).is_ok(), "{form}");
    }
    assert!(FORMS.len() <= 32, "a bit for each");
}

/// What a column of such cells says of the mapping's form.
fn verdict(form: &str, cells: &[&str]) -> Option<Verdict> {
    let form = DateForm::compile(form).unwrap();
    let mut tally = DateTally::default();
    for cell in cells {
        tally.add(super::read(Some(&form), cell, context(false)).1);
    }
    tally.verdict()
}

#[test]
fn dates_that_only_another_order_explains_say_so_of_the_whole_column() {
    let swapped = Some(Verdict::Swapped);
    assert_eq!(verdict("%d/%m/%Y", &["01/02/1985", "12/31/1985"]), swapped);
    assert_eq!(verdict("%m/%d/%y", &["01/02/85", "31/12/85"]), swapped);
    // The order is as the mapping says, and a slip is a matter of its row.
    let mut slip = vec!["01/02/1985", "12/31/1985"];
    slip.extend(["31/12/1985"; 4]);
    assert_eq!(verdict("%d/%m/%Y", &slip), None);
    // Of few dates a person hears.
    assert_eq!(verdict("%d/%m/%Y", &slip[..4]), Some(Verdict::FewSwapped));
    // Both orders are in one column.
    let mut both = vec!["01/02/1985"];
    both.extend(["12/31/1985"; 3]);
    both.extend(["31/12/1985"; 3]);
    assert_eq!(verdict("%d/%m/%Y", &both), Some(Verdict::BothOrders));
    // No date would be read wrongly.
    assert_eq!(verdict("%d/%m/%Y", &both[1..]), None);
    // Nothing says otherwise.
    assert_eq!(verdict("%d/%m/%Y", &["01/02/1985", "03/04/1985"]), None);
    assert_eq!(verdict("%d/%m/%Y", &["05/05/1985"; 9]), None);
    assert_eq!(verdict("%d/%m/%Y", &["31/12/1985"; 9]), None);
    assert_eq!(verdict("%D", &["01/02/85", "31/12/85"]), swapped);
    assert_eq!(DateForm::compile("%D").unwrap().swapped(), Some("%d/%m/%y"));
}

#[test]
fn one_slip_among_many_dates_that_tell_nothing_stops_no_feed_and_is_noted() {
    // Contracts that end with a month: no day is above 12.
    let mut ends = vec!["01/07/2027"; 60];
    ends.push("07/31/2027");
    assert_eq!(verdict("%d/%m/%Y", &ends), Some(Verdict::FewSwapped));
    // In neither order is it a date.
    assert_eq!(verdict("%d/%m/%Y", &["01/02/1985", "05/45/1985"]), None);
    assert_eq!(verdict("%d/%m/%Y", &["01/02/1985", "00/13/1985"]), None);
}

#[test]
fn a_column_that_a_spreadsheet_half_converted_is_noticed() {
    let form = DateForm::compile("%d/%m/%Y").unwrap();
    let verdict = |cells: &[&str], texts: &[&str]| {
        let mut tally = DateTally::default();
        for cell in cells {
            if let Some(evidence) = super::of_cell(Some(&form), cell) {
                tally.add(evidence);
            }
        }
        for text in texts {
            tally.add(super::read(Some(&form), text, context(false)).1);
        }
        tally.verdict()
    };
    let (swapped, texts) = (
        ["2027-04-03", "2027-12-01", "2027-02-11"],
        ["31/12/2027"; 3],
    );
    assert_eq!(verdict(&swapped, &texts), Some(Verdict::HalfConverted));
    // Dates that people typed, and texts that somebody added.
    assert_eq!(
        verdict(&["2027-04-03", "2027-12-01", "2027-02-21"], &texts),
        None
    );
    let all = ["31/12/2027", "13/11/2027", "30/10/2027", "01/02/2027"];
    assert_eq!(verdict(&swapped, &all), None);
    assert_eq!(verdict(&swapped[..2], &texts), None);
}

#[test]
fn a_few_cells_of_another_form_say_nothing_of_a_column_that_is_right() {
    let mut cells = vec!["1985-03-25"; 100];
    cells.extend(["25.03.1985"; 3]);
    assert_eq!(verdict("%Y-%m-%d", &cells), None);
    let mut tally = DateTally::default();
    for cell in cells {
        tally.add(super::read(None, cell, context(false)).1);
    }
    assert_eq!(tally.verdict(), None);

    // Days to come have the form all the same.
    let mut tally = DateTally::default();
    for cell in ["2058-11-25", "2065-03-12"] {
        tally.add(super::read(None, cell, context(true)).1);
    }
    assert_eq!(tally.verdict(), None);
}

#[test]
fn a_column_of_another_form_is_answered_with_that_form() {
    let other = |forms: &[&'static str]| Some(Verdict::Other(forms.to_vec()));
    assert_eq!(
        verdict("%d/%m/%Y", &["12/31/1985", "10/30/1985"]),
        other(&["%m/%d/%Y"])
    );
    assert_eq!(
        verdict(
            "%Y-%m-%d",
            &["31.12.1985", "01.02.1985", "soon", "03.04.1985"]
        ),
        None
    );
    let mut cells = vec!["25-MAR-85"; 20];
    cells.push("unknown");
    assert_eq!(verdict("%d-%b-%Y", &cells), other(&["%d-%b-%y"]));
    assert_eq!(
        verdict("%Y-%m-%d", &["01.02.1985"; 3]),
        other(&["%d.%m.%Y", "%m.%d.%Y"])
    );
    assert_eq!(verdict("%Y-%m-%d", &["soon", "later"]), None);
    assert_eq!(verdict("%Y-%m-%d", &[]), None);
}

#[test]
fn the_likely_forms_of_a_column_are_those_of_nearly_all_cells() {
    assert_eq!(likely_forms(["01/02/2017", "15/10/2017"]), ["%d/%m/%Y"]);
    assert_eq!(likely_forms(["3/25/1985 12:00:00 AM"]), ["%m/%d/%Y"]);
    assert_eq!(likely_forms(["25-MAR-85", "01-MAY-90"]), ["%d-%b-%y"]);
    assert_eq!(likely_forms(["31107", "28000"]), ["serial"]);
    assert_eq!(likely_forms(["25 de marzo de 1985"]), ["%d de %b de %Y"]);
    assert!(likely_forms(["soon"]).is_empty());
    assert!(likely_forms([]).is_empty());
}

proptest! {
    #[test]
    fn a_date_is_written_as_iso_says(year in 0_i16..=9999, month in 1_i8..=12, day in 1_i8..=28) {
        let date = Date::new(year, month, day).unwrap();
        let mut buffer = [0; 10];
        prop_assert_eq!(iso(date, &mut buffer), date.to_string());
    }

    #[test]
    fn every_form_reads_what_it_prints(
        year in 1900_i16..=9999, month in 1_i8..=12, day in 1_i8..=28,
        form in prop::sample::select(vec![
            "%d-%m-%Y", "%Y%m%d", "%m/%d/%Y", "%d.%m.%Y", "%Y-%m-%d", "%d %B %Y", "%d-%b-%Y %H:%M",
            "%A, %B %-d, %Y", "%j/%Y", "%F", "%d.%b.%Y", "%b. %e, %Y", "%a %d/%m/%Y", "%G-W%V-%u",
        ]),
    ) {
        let date = Date::new(year, month, day).unwrap();
        let moment = date.to_zoned(TimeZone::UTC).unwrap();
        let printed = jiff::fmt::strtime::format(form, &moment).unwrap();
        prop_assert_eq!(read(form, &printed), Some(date));
    }

    #[test]
    fn births_of_two_digits_are_read_back_within_a_hundred_years(days in 0_i64..36_000) {
        let day = TODAY.checked_sub(jiff::Span::new().days(days)).unwrap();
        let text = jiff::fmt::strtime::format("%d/%m/%y", day).unwrap();
        prop_assert_eq!(read_as("%d/%m/%y", &text, true), Ok(day));
    }

    #[test]
    fn any_text_is_read_without_a_panic(text in "\\PC*", form in "\\PC*") {
        if let Ok(form) = DateForm::compile(&form) {
            let _date = super::read(Some(&form), &text, context(true));
        }
        let _date = read_iso(&text, context(false));
        let _forms = forms_of(&text);
    }

    #[test]
    fn any_text_of_dates_and_times_is_read_without_a_panic(text in "[0-9/:.,TZampAMP+ \u{202f}-]{0,24}") {
        for form in FORMS.into_iter().chain(["%d/%m/%Y %I:%M %p", "%Y-%m-%dT%H:%M:%S%z"]) {
            let form = DateForm::compile(form).unwrap();
            let _date = super::read(Some(&form), &text, context(true));
        }
        let _date = read_iso(&text, context(true));
    }
}

#[test]
fn dates_with_names_of_months_are_read_as_people_write_them() {
    let december = Some(Date::constant(2027, 12, 5));
    for text in [
        "5 Dezember 2027",
        "5. Dezember 2027",
        "05. Dez. 2027",
        "5.Dezember 2027",
        "5 de diciembre de 2027",
        "5 de diciembre del 2027",
        "5th December 2027",
        "5 d\u{e9}c. 2027",
    ] {
        assert_eq!(read("%d %B %Y", text), december, "{text}");
    }
    let march = Some(Date::constant(2027, 3, 5));
    assert_eq!(read("%d-%b-%Y", "5-Mrz-2027"), march);
    assert_eq!(read("%d. %b %Y", "5. Mrz. 2027"), march);
    assert_eq!(read("%B %d, %Y", "March 5th, 2027"), march);
    let january = Some(Date::constant(2027, 1, 1));
    assert_eq!(read("%d %B %Y", "1er janvier 2027"), january);
    assert_eq!(read("%d/%m/%Y", "1er/01/2027"), None);
    for text in [
        "5 de 2027",
        "5x Dezember 2027",
        "5 . Dezember 2027",
        "5 dezember de",
    ] {
        assert_eq!(read("%d %B %Y", text), None, "{text}");
    }
    for (form, text) in [
        ("%d. %b %Y", "5. Dezember 2027"),
        ("%d de %b de %Y", "5 de mayo de 2027"),
        ("%d %b %Y", "1er janvier 2027"),
    ] {
        assert_eq!(likely_forms([text]).first(), Some(&form), "{text}");
    }
}

#[test]
fn a_day_of_the_week_that_the_date_is_not_on_is_refused() {
    // A Tuesday.
    for name in [
        "Tuesday",
        "Tue",
        "Tues.",
        "dinsdag",
        "di",
        "Dienstag",
        "mardi",
        "mar.",
        "martes",
        // Of other languages, and of none.
        "marted\u{ec}",
        "\u{fa}ter\u{fd}",
        "Day",
    ] {
        let read = read("%A %d %B %Y", &format!("{name} 5 January 2027"));
        assert_eq!(read, Some(Date::constant(2027, 1, 5)), "{name}");
    }
    for name in ["Monday", "Mon", "mercredi", "mi\u{e9}", "So.", "Donnerstag"] {
        let read = read_as("%A %d %B %Y", &format!("{name} 5 January 2027"), false);
        assert_eq!(read, Err(NotADate::Weekday), "{name}");
    }
    let swapped = DateForm::compile("%a %d/%m/%Y").unwrap();
    let (read, evidence) = super::read(Some(&swapped), "Sat 05/01/2027", context(false));
    assert_eq!(read.unwrap_err(), NotADate::Weekday);
    assert!(matches!(evidence, Evidence::Swapped(_)), "{evidence:?}");
}
