//! Which encodings are found, asked for, and known by name.

use encoding_rs::{UTF_8, UTF_16BE, WINDOWS_1252};

use super::*;

/// The encoding that is decided, or those that a person is asked about.
fn judged(bytes: &[u8], step: usize) -> String {
    let mut judge = Judge::default();
    for part in bytes.chunks(step) {
        if judge.push(part) {
            break;
        }
    }
    match judge.verdict() {
        Ok(charset) => charset.name().to_owned(),
        Err(likely) => {
            let names: Vec<_> = likely.into_iter().map(Charset::name).collect();
            format!("{}?", names.join(", "))
        }
    }
}

#[track_caller]
fn check(bytes: &[u8], expected: &str) {
    for step in [1, 2, 3, 5, 1 << 10] {
        assert_eq!(judged(bytes, step), expected, "{bytes:?} by {step}");
    }
}

fn in_encoding(label: &str, text: &str) -> Vec<u8> {
    let encoding = Encoding::for_label(label.as_bytes()).unwrap();
    let (bytes, _, unmappable) = encoding.encode(text);
    assert!(!unmappable);
    bytes.into_owned()
}

/// What the DOS code pages have for some letters.
fn in_dos(text: &str) -> Vec<u8> {
    text.chars()
        .map(|char| match char {
            'ü' => 0x81,
            'é' => 0x82,
            'ä' => 0x84,
            'ö' => 0x94,
            char => u8::try_from(char).unwrap(),
        })
        .collect()
}

#[test]
fn western_names_in_windows_1252_are_recognised() {
    for text in [
        "id,name\n1,José\n",
        "Zoë",
        "Conceição, Assunção\nSão João\n",
        "Åse Ørsted Øye\nJürgen Groß\nFrançois L’Œuf\n",
        "Mª José, C/ Mayor 3º\nl·l\nO´Brien — “Bob” £500 €5\n",
        "\u{a0}\u{a0}\u{a0}padded\u{a0}\u{a0}\u{a0}\n……… ———\n",
        "Šimon Žižka\n",
        // One sign that an export spoilt does not speak against the rest.
        "O¿Brien\nJosé\nHélène\nMüller\nZoë\n",
    ] {
        check(&in_encoding("windows-1252", text), "windows-1252");
        check(text.as_bytes(), "UTF-8");
    }
    check(b"id,name\n1,Ann\n", "UTF-8");
}

/// The field's most common feed that is not UTF-8: it must never stop with a question.
#[test]
fn one_western_name_in_windows_1252_is_enough() {
    for names in [
        // Dutch, German, French, Spanish, Portuguese, Italian
        "Zoë Daniël Loïs België patiënten coöperatie Curaçao Desirée Kröller",
        "Jäger Müller Köhler Strauß Öztürk Überall MÜLLER Größe Häuser",
        "Hélène Genève François Thérèse Benoît Côte Évreux Maëlle Anaïs HÉLÈNE FRANÇOIS Château \
         Angoulême Brûlé D’Août L’Étang chargée",
        "Peña Núñez Begoña García Íñigo Ángel Güell MUÑOZ",
        "João Conceição Magalhães Simões Antônio Gonçalves Inês JOÃO",
        "Nicolò Niccolò Giosuè Cantù Forlì Donà",
        // Swedish, Danish, Norwegian, Finnish, Icelandic, Catalan
        "Åberg Söderström Håkan Malmö ÖBERG",
        "Søren Sjælland Åse Ørsted Kjær Malmø",
        "Bjørn Tromsø Ålesund Håvard",
        "Jyväskylä Hämäläinen Mäkelä",
        "Þórður Guðrún Sigríður Ægir",
        "Núria Òscar Mònica Gràcia",
        // Only signs
        "O’Brien Ann’s Sant’Angelo “Bob” €5 Ann… 5° ½ £500 Ann\u{a0}Bell Zoe\u{a0} Mª 3º «Ann»",
    ] {
        for name in names.split(' ') {
            let bytes = in_encoding("windows-1252", &format!("id;name\n7;{name};Delft\n"));
            check(&bytes, "windows-1252");
        }
    }
}

#[test]
fn what_fills_empty_cells_is_no_sign_of_another_script() {
    for filler in ["\u{a0}\u{a0}", "———", "\u{a0}"] {
        let rows = format!("1;{filler};{filler}\n").repeat(9);
        let bytes = in_encoding("windows-1252", &format!("{rows}2;José;\n"));
        check(&bytes, "windows-1252");
    }
}

#[test]
fn the_last_country_of_a_feed_counts_too() {
    let western = "1;Müller;Köln\n2;Jäger;Düsseldorf\n".repeat(9_000);
    for (label, last) in [
        (
            "windows-1250",
            "3;Jiří;Dvořák\n4;Růžena;Němcová\n5;Zdeněk;Kovář\n",
        ),
        (
            "windows-1250",
            "3;Łukasz;Wójcik\n4;Małgorzata;Dąbrowska\n5;Paweł;Świątek\n",
        ),
        (
            "windows-1254",
            "3;Çağrı;Yıldız\n4;Ayşe;Doğan\n5;İbrahim;Şahin\n",
        ),
        (
            "windows-1252",
            "3;Søren;Kjær\n4;João;Gonçalves\n5;Begoña;Núñez\n",
        ),
    ] {
        let bytes = in_encoding(label, &format!("{western}{last}"));
        assert_eq!(judged(&bytes, 1 << 17), label, "{last}");
    }
}

#[test]
fn lines_that_macs_end_are_a_sign_of_a_mac() {
    // Köhler there, Kšhler in Windows.
    check(b"1;K\x9ahler;Delft\r2;J\x9arg;Delft\r", "macintosh");
    check(
        b"1;K\x9ahler;Delft\r\n2;Ann;Delft\r\n",
        "windows-1252, macintosh, cp850?",
    );
}

#[test]
fn damaged_utf_8_stays_utf_8() {
    let text = "1,José\n2,Zoë\n3,Ødegård\n";
    for at in 0..text.len() {
        let cut = [&text.as_bytes()[..at], b"\n", &text.as_bytes()[at..]].concat();
        check(&cut, "UTF-8");
    }
    check("1,Jos\u{e9}".as_bytes(), "UTF-8");
    check(b"1,\xe9\n2,\xc3\xa9\n", "UTF-8");
    check(b"1,\xc3\xa9\n2,\xe9\n2,\xe9\n2,\xe9\n2,\xe9\n", "UTF-8");
}

#[test]
fn chance_does_not_make_utf_8_of_a_few_names() {
    // Jiří and Dvořák of an old Mac, whose letters are one of Syriac in UTF-8.
    for bytes in [&b"1,Ji\xde\x92\n"[..], b"1,Dvo\xde\x87k\n"] {
        let judged = judged(bytes, 9);
        assert!(judged.ends_with('?') || judged == "x-mac-ce", "{judged}");
    }
    for (label, text) in [("euc-jp", "1,伊藤 陽子\n"), ("gbk", "1,孙丽\n2,周敏\n")] {
        let judged = judged(&in_encoding(label, text), 9);
        assert!(judged.to_lowercase().starts_with(label), "{text}: {judged}");
    }
    for text in [
        "1,Иван Петров\n",
        "1,דוד כהן\n",
        "1,محمد أحمد\n",
        "1,王小明\n",
        // A Cyrillic letter that looks Latin.
        "1,\u{410}nn\n",
    ] {
        check(text.as_bytes(), "UTF-8");
    }
    check(
        "1,Олег Сомов\n2,Пётр\n3,\u{20ac}"
            .as_bytes()
            .split_last()
            .unwrap()
            .1,
        "UTF-8",
    );
}

#[test]
fn names_of_other_places_are_read_in_their_encoding_or_asked_about() {
    for (label, text, expected) in [
        (
            "windows-1251",
            "1,Иван Петров\n2,Анна Смирнова\n",
            "windows-1251",
        ),
        ("koi8-r", "1,Иван Петров\n2,Анна Смирнова\n", "KOI8-U"),
        ("windows-1253", "1,Γιώργος Παπαδόπουλος\n", "windows-1253"),
        ("windows-1255", "1,דוד כהן\n", "windows-1255"),
        ("windows-1256", "1,محمد أحمد\n", "windows-1256"),
        ("gbk", "1,王小明\n2,李丽\n3,张伟国\n", "GBK"),
        ("big5", "1,王小明\n2,陳美麗\n", "Big5"),
        ("euc-kr", "1,김민준\n2,이서연\n", "EUC-KR"),
        ("shift_jis", "1,山田 太郎\n2,佐藤 花子\n", "Shift_JIS"),
        (
            "windows-1250",
            "1,Michałowski\n2,Elżbieta\n3,Łukasz Dąbrowski\n",
            "windows-1250",
        ),
        (
            "iso-8859-2",
            "1,Michałowski\n2,Elżbieta\n3,Łukasz Dąbrowski\n4,Ścibor Leśniak\n",
            "ISO-8859-2",
        ),
        ("macintosh", "1,Müller\n2,Jäger\n3,Hélène\n", "macintosh"),
    ] {
        check(&in_encoding(label, text), expected);
    }
    check(&in_dos("1,Jäger\n2,Köhler\n3,Müller\n"), "cp850");
    // Íñigo, of which the first two letters are one sign in UTF-8.
    check(b"1,\xd6\xa4igo Iba\xa4ez\n2,Bego\xa4a\n", "cp850");
    check(b"1,\xd6\xa4igo\n", "cp850");
    // A database has cut the last character of a value.
    let mut cut = in_encoding("gbk", &"1,王小明\n2,李丽\n3,张伟国\n".repeat(9));
    cut.extend_from_slice(b"4,\xcd\xf5\xd0\n");
    check(&cut, "GBK");
}

#[test]
fn what_two_encodings_read_as_people_is_asked_about() {
    // Košic in Windows, or Koöic on an old Mac, which ends lines like this.
    check(b"1,Ko\x9aic\r2,Ann\r", "windows-1252, macintosh, cp850?");
    // Kovač, or Kovaè; Mannschaft and Vormärz are no surer.
    check(b"1,Kova\xe8\n", "windows-1250, windows-1252, macintosh?");
    // Á and nothing else in DOS, or no-break spaces.
    let spaces = b"1,manager\xa0sales\n2,head\xa0of\xa0care\n";
    check(spaces, "cp850, windows-1252, macintosh?");
    // No letters at all in any reading.
    let judged = judged(b"1,a\xb2b\xb3c\xdbd\xb2e\n", 9);
    assert!(judged.ends_with('?'), "{judged}");
}

#[test]
fn a_mark_counts_for_more_than_the_mapping_and_the_mapping_more_than_zeros() {
    let utf16: Vec<u8> = "id,name\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let utf16be: Vec<u8> = "id,name\n"
        .encode_utf16()
        .flat_map(u16::to_be_bytes)
        .collect();
    let latin1 = Some(named("latin1").unwrap());
    for (start, named, expected) in [
        (&b"\xef\xbb\xbfid"[..], latin1, Some((UTF_8.into(), 3))),
        (b"\xff\xfei\0", latin1, Some((UTF_16LE.into(), 2))),
        (b"\xfe\xff\0i", None, Some((UTF_16BE.into(), 2))),
        (&utf16, None, Some((UTF_16LE.into(), 0))),
        (&utf16be, None, Some((UTF_16BE.into(), 0))),
        (&utf16, latin1, Some((WINDOWS_1252.into(), 0))),
        (b"id,name\n", latin1, Some((WINDOWS_1252.into(), 0))),
        (
            b"\xff\xfe\0\0i\0\0\0",
            None,
            Some((Charset::Utf32 { little: true }, 4)),
        ),
        (
            b"\0\0\xfe\xff\0\0\0i",
            None,
            Some((Charset::Utf32 { little: false }, 4)),
        ),
        // Which byte is the first is in the file, and not in the name.
        (
            &utf16be,
            Some(named("utf-16").unwrap()),
            Some((UTF_16BE.into(), 0)),
        ),
        (
            b"\0\0\0i\0\0\0d\0\0\0;\0\x01\xf6\x00",
            Some(named("utf-32").unwrap()),
            Some((Charset::Utf32 { little: false }, 0)),
        ),
        // 😀 does not speak against UTF-32, nor a tab behind every letter for it.
        (
            b"i\0\0\0d\0\0\0;\0\0\0\x00\xf6\x01\0\n\0\0\0",
            None,
            Some((Charset::Utf32 { little: true }, 0)),
        ),
        (
            b"a\0\t\0b\0\t\0c\0\t\0d\0\n\x001\0\t\0",
            None,
            Some((UTF_16LE.into(), 0)),
        ),
        // A program of old left zeros in the text.
        (b"id;name\n1;Anna\0;a\n2;Bert\0;b\n", None, None),
        (b"id,name\n", None, None),
    ] {
        assert_eq!(certain(start, named), expected, "{start:?}");
    }
}

#[test]
fn an_encoding_may_be_called_what_any_program_calls_it() {
    for (label, expected) in [
        ("cp932", "Shift_JIS"),
        ("MS932", "Shift_JIS"),
        ("cp1252", "windows-1252"),
        ("windows1252", "windows-1252"),
        ("windows_1250", "windows-1250"),
        ("win-1251", "windows-1251"),
        ("1253", "windows-1253"),
        ("mac", "macintosh"),
        ("MacRoman", "macintosh"),
        ("mac_cyrillic", "x-mac-cyrillic"),
        ("x-mac-ce", "x-mac-ce"),
        ("MacCentralEurope", "x-mac-ce"),
        ("mac-latin2", "x-mac-ce"),
        ("cp10029", "x-mac-ce"),
        ("cp850", "cp850"),
        ("IBM437", "cp437"),
        ("CP-852", "cp852"),
        ("cp866", "IBM866"),
        ("cp936", "GBK"),
        ("cp949", "EUC-KR"),
        ("cp950", "Big5"),
        ("cp65001", "UTF-8"),
        ("utf8mb4", "UTF-8"),
        ("latin-1", "windows-1252"),
        ("iso 8859-15", "ISO-8859-15"),
        ("28605", "ISO-8859-15"),
        ("utf16", "UTF-16LE"),
        ("UTF-32", "UTF-32LE"),
        ("utf-32be", "UTF-32BE"),
        ("euc_jp", "EUC-JP"),
        (" Shift-JIS ", "Shift_JIS"),
    ] {
        assert_eq!(named(label).unwrap().name(), expected, "{label}");
    }
}

#[test]
fn an_unknown_label_is_refused_with_the_nearest() {
    for label in NAMES
        .split_ascii_whitespace()
        .chain([" Windows-1252 ", "UTF8", "l1", "cp1250"])
    {
        assert!(named(label).is_ok(), "{label}");
    }
    for (label, expected) in [
        ("windows-1525", Some("windows-1255")),
        ("ANSI", Some("windows-1252")),
        ("uft-8", Some("utf-8")),
        ("utf-61", Some("utf-16")),
        ("", None),
        ("replacement", None),
        ("hz-gb-2312", None),
        ("utf-7", None),
        ("x-user-defined", None),
        ("klingon", None),
    ] {
        let error = named(label).unwrap_err();
        let FeedError::EncodingNotSupported { near, .. } = &error else {
            panic!("{error:?}");
        };
        assert_eq!(*near, expected, "{label}");
        assert!(error.is_usage());
    }
}

/// Lines, letters and damage of several encodings.
fn any_lines() -> impl proptest::strategy::Strategy<Value = Vec<u8>> {
    use proptest::prelude::*;
    let pieces = vec![
        &b"\n"[..],
        b"\r\n",
        b"\r",
        b"Ann",
        b"\xeb",
        b"\xc3\xab",
        b"\xc3",
        b"\xd7\xb3",
        b"\xdc\xb0",
        b"\xe3\x81\x82",
        b"\xe3\x81",
        b"\xf0\x9f\xa6\x80",
        b"\x81\x40",
    ];
    prop::collection::vec(prop::sample::select(pieces), 0..60).prop_map(|pieces| pieces.concat())
}

proptest::proptest! {
    #[test]
    fn letters_are_counted_and_lines_sampled_as_in_the_whole_text(
        bytes in any_lines(),
        step in 1_usize..9,
    ) {
        let (mut whole, mut long, mut broken) = (0, 0, 0);
        for chunk in bytes.utf8_chunks() {
            let chars: Vec<_> = format!(" {} ", chunk.valid()).chars().collect();
            for around in chars.windows(3).filter(|around| !around[1].is_ascii()) {
                if is_letters_of_two_bytes([around[0], around[1], around[2]]) {
                    broken += 2;
                } else {
                    whole += 1;
                    long += u64::from(around[1].len_utf8() > 2);
                }
            }
            broken += chunk.invalid().len() as u64;
        }
        // A letter of Latin-1 for each byte, so that the ends of lines are those of a text.
        let text: String = bytes.iter().map(|&byte| char::from(byte)).collect();
        let text = text.replace("\r\n", "\u{0}");
        let lines = text.split_inclusive(['\n', '\r', '\0']);
        let sampled: String = lines.filter(|line| !line.is_ascii()).collect();
        let sampled = sampled.replace('\0', "\r\n");

        let mut judge = Judge::default();
        for part in bytes.chunks(step) {
            judge.push(part);
        }
        let held = std::mem::take(&mut judge.held);
        judge.examine(&held);
        proptest::prop_assert_eq!((judge.whole, judge.long, judge.broken), (whole, long, broken));
        let sample: String = judge.sample.text.iter().map(|&byte| char::from(byte)).collect();
        proptest::prop_assert_eq!(sample, sampled);
    }

    #[test]
    fn a_full_sample_takes_lines_with_rare_letters_alone_and_all_letters_are_counted(
        bytes in any_lines(),
        step in 1_usize..9,
    ) {
        const LINE: &[u8] = b"7;Zo\xeb;Utrecht\n";
        let of = |mut judge: Judge| {
            for part in bytes.chunks(step) {
                judge.push(part);
            }
            let held = std::mem::take(&mut judge.held);
            judge.examine(&held);
            judge
        };
        let mut full = Judge::default();
        full.push(&LINE.repeat(SAMPLE / 8));
        let mut expected = full.sample.text.clone();
        proptest::prop_assert!(expected.len() <= SAMPLE && full.sample.is_full());
        let mut counts = [0_u32; 256];
        for &byte in &expected {
            counts[usize::from(byte)] += 1;
        }
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let (line, more) = rest.split_at(line_length(rest));
            let count = |byte: &u8| counts[usize::from(*byte)];
            if line.iter().any(|byte| !byte.is_ascii() && count(byte) < RARE.into()) {
                for &byte in line {
                    counts[usize::from(byte)] += 1;
                }
                expected.extend_from_slice(line);
            }
            rest = more;
        }

        let (before, full, alone) = (full.broken, of(full), of(Judge::default()));
        proptest::prop_assert_eq!(full.sample.text, expected);
        let counted = (alone.whole, alone.long, before + alone.broken);
        proptest::prop_assert_eq!((full.whole, full.long, full.broken), counted);
    }
}
