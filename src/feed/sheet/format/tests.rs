//! What number formats show.

use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(code: &str, value: f64, expected: &str) {
    let mut text = String::new();
    CellFormat::parse(code).write(value, &mut text);
    assert_eq!(text, expected, "{value} as {code}");
}

#[test]
fn a_number_reads_as_its_format_shows_it() {
    check("0000", 597.0, "0597");
    check("00000;-00000", 597.0, "00597");
    check("00000_)", 1523.0, "01523");
    check("[$-409]00000", 1523.0, "01523");
    check("[$-F800]00000", 1523.0, "01523");
    check("[Red]00000", 1523.0, "01523");
    check("[Color 12]00000;[Blue]-00000", 1523.0, "01523");
    check("* 00000", 1523.0, "01523");
    check("????0", 1523.0, "1523");
    check("#0000", 5.0, "0005");
    check("0###", 5.0, "0005");
    check("00000;@", 1523.0, "01523");
    check(r"000\-00\-0000", 12_345_678.0, "012-34-5678");
    check("000-00-0000", 12_345_678.0, "012-34-5678");
    check("00-00", 12_345.0, "123-45");
    check("000", 12_345.0, "12345");
    check("0000", -5.0, "-0005");
    check("0000;(0000)", -5.0, "(0005)");
    check("\"E\"00000", 597.0, "E00597");
    check("\"E\"0", 1525.0, "E1525");
    check(r"\E0", 1525.0, "E1525");
    check("\"E\"General", 1525.0, "E1525");
    check("\"E\"@", 1525.0, "E1525");
    check("0\"-NL\"", 15.0, "15-NL");
    check("\"a;b\"00", 1.0, "a;b01");
    check(
        "0#\" \"##\" \"##\" \"##\" \"##",
        612_345_678.0,
        "06 12 34 56 78",
    );
    check(
        "[<=9999999]###-####;(###) ###-####",
        5_551_234.0,
        "555-1234",
    );
    check(
        "[<=9999999]###-####;(###) ###-####",
        2_025_551_234.0,
        "(202) 555-1234",
    );
    check("[>=100000]000000;00000", 7.0, "00007");
    check("\"yes\";;\"no\"", 0.0, "no");
}

#[test]
fn a_number_that_a_formula_worked_out_has_15_digits_and_keeps_its_zeros() {
    check("00000", 1_523.000_000_000_000_2, "01523");
    check("\"E\"0", 1_524.999_999_999_999_8, "E1525");
    check("0000", 1.5, "1.5");
}

#[test]
fn general_has_other_names_in_china_japan_and_korea() {
    for code in [
        "G/\u{901a}\u{7528}\u{683c}\u{5f0f}",
        "G/\u{6a19}\u{6e96}",
        "G/\u{d45c}\u{c900};[Red]-G/\u{d45c}\u{c900}",
    ] {
        check(code, 1523.0, "1523");
        check(code, -7.0, "-7");
    }
    check("G/\u{6a19}\u{6e96}\"\u{53f7}\"", 12.0, "12\u{53f7}");
}

#[test]
fn a_format_that_goes_on_for_ever_shows_the_number() {
    check(&"0".repeat(1 << 20), 7.0, "7");
}

#[test]
fn an_amount_reads_as_the_number_that_it_is() {
    for code in [
        "General",
        "0",
        "0.00",
        "#,##0",
        "#,##0.00_);[Red](#,##0.00)",
        "_(* #,##0_);_(* (#,##0);_(* \"-\"_);_(@_)",
        "_-[$€-413] * #,##0.00_-",
        "\"€\" 00",
        "[$EUR] 00",
        "0 [$kr-41D]",
        "[$z\u{142}-415]000",
        "0.00E+00",
        "# ?/?",
        "Text",
        "@",
        "",
    ] {
        check(code, 1523.0, "1523");
    }
    check("_(* #,##0_);_(* (#,##0);_(* \"-\"_);_(@_)", 0.0, "0");
    check("0000", 1.5, "1.5");
    check("00000", 1e15, "1E+15");
}

#[test]
fn a_percentage_reads_as_one() {
    check("0%", 0.8, "80%");
    check("0.00%", 0.125, "12.50%");
    check("0%", -0.5, "-50%");
    // As Excel rounds, and not as doubles do.
    check("0%", 0.125, "13%");
    check("0%", 0.285, "29%");
    check("0.0%", 0.0115, "1.2%");
    check("0%", 0.0, "0%");
    check("0%", 123_456_789_012.0, "12345678901200%");
    let mut text = String::new();
    built_in(9).write(0.8, &mut text);
    assert_eq!(text, "80%");
}

#[test]
fn a_zero_that_is_hidden_is_nothing_and_another_number_is_still_there() {
    check("0;-0;;@", 0.0, "");
    check("#", 0.0, "");
    check("0;-0;;@", 7.0, "7");
    check(";;;", 1523.0, "1523");
    check("[=1]\"one\"", 7.0, "7");
}

#[test]
fn dates_and_durations_are_known_by_their_first_section() {
    for code in [
        "dd/mm/yyyy",
        "[$-409]d\\-mmm\\-yy;@",
        "[$-F800]dddd\\,\\ mmmm\\ dd\\,\\ yyyy",
        "mmm",
        "m/d/yy h:mm",
        "[=0]\"\";dd/mm/yyyy",
        "[$-411]ggge\"\u{5e74}\"",
        "aaaa",
        "[$-404]e\"\u{5e74}\"m\"\u{6708}\"d\"\u{65e5}\"",
        "*-yyyy-mm-dd",
    ] {
        assert_eq!(CellFormat::parse(code), CellFormat::Date, "{code}");
    }
    for code in ["h:mm AM/PM", "hh:mm;@", "mm:ss", "[$-F400]h:mm:ss\\ AM/PM"] {
        assert_eq!(CellFormat::parse(code), CellFormat::Time, "{code}");
    }
    for code in ["[h]:mm:ss", "[mm]", "[>=100][Magenta][s].00"] {
        assert_eq!(CellFormat::parse(code), CellFormat::Duration, "{code}");
    }
    for code in [
        "0\"x\"*d",
        "#,##0\" days\"",
        "\\Y000000",
        "0;dd",
        "[Red]0",
        "0 a",
    ] {
        let format = CellFormat::parse(code);
        assert!(
            !matches!(
                format,
                CellFormat::Date | CellFormat::Time | CellFormat::Duration
            ),
            "{code}"
        );
    }
    // What is no date in a column of dates is the number, without strokes between.
    check("0;dd/mm/yyyy", -7.0, "-7");
}

#[test]
fn a_text_reads_with_what_its_format_puts_around_it() {
    let around = |code: &str| {
        let format = CellFormat::parse(code);
        format
            .around_text()
            .map(|(before, behind)| format!("{before}|{behind}"))
    };
    assert_eq!(around("\"E\"@").as_deref(), Some("E|"));
    assert_eq!(around("0;0;0;@\"-NL\"").as_deref(), Some("|-NL"));
    for code in ["@", "_(@_)", "0;0;0;", "00000;@", "General"] {
        assert_eq!(around(code), None, "{code}");
    }
}

proptest! {
    #[test]
    fn padding_keeps_every_digit(id in 0_u64..1_000_000_000_000_000, places in 2_usize..20) {
        let mut text = String::new();
        CellFormat::parse(&"0".repeat(places)).write(id as f64, &mut text);
        prop_assert_eq!(text, format!("{id:0places$}"));
    }

    #[test]
    fn no_code_and_no_number_is_too_odd(code in "[-0#?@;\"\\\\_*\\[\\]$%.,/E+<=>dmyhsAPG é€]{0,24}", bits: u64) {
        let format = CellFormat::parse(&code);
        let mut text = String::new();
        format.write(f64::from_bits(bits), &mut text);
        format.write(0.0, &mut text);
        prop_assert!(text.len() < 2000);
    }
}

#[test]
fn what_is_shown_of_a_formula_is_an_identifier_unless_it_is_an_amount() {
    for (shown, value) in [
        ("01523", 1523.0),
        ("06 12 34 56 78", 612_345_678.0),
        ("012-345-678", 12_345_678.0),
        ("12-34", 1234.0),
    ] {
        assert!(is_identifier(shown, value), "{shown}");
    }
    for (shown, value) in [
        ("1523", 1523.0),
        ("1.523", 1523.0),
        ("1 523", 1523.0),
        ("1523.00", 1523.0),
        ("15/10/2017", 43_023.0),
        ("1.5", 1.5),
        ("", 7.0),
        ("###", 1523.0),
        ("-7", -7.0),
        ("7 %", 0.07),
        ("0", 0.0),
    ] {
        assert!(!is_identifier(shown, value), "{shown}");
    }
}
