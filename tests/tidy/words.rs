//! One word for one thing: names and phrases that are not used any more, each
//! with what is written instead.

use std::collections::BTreeMap;

use crate::sources::{count, is_of_word, sources};

/// Names in program text: as a whole, or as a beginning where a `*` follows.
/// Text in quotes is no program text, so the columns of the journal and the keys
/// of JSON keep the names that they were released with.
const NAMES: &[(&str, &str)] = &[
    ("Beside", "Attachments"),
    ("Deaf", "NoListener"),
    ("Did", "Acknowledged"),
    ("Doubted", "Invalidated"),
    ("Doubtful*", "Unknown…"),
    ("Ending", "RunEnd"),
    ("GroupCall::Make", "GroupCall::Create"),
    ("Joins", "Memberships"),
    ("Landed", "what became of it: Applied, Shown"),
    ("LookError", "ScanError"),
    ("LookedUp", "LookUpReply"),
    ("MOST_*", "MAX_…"),
    ("NotThere", "NotFound"),
    ("Order", "RunRequest"),
    ("Todo", "Remaining"),
    ("Trouble", "NoAnswer"),
    ("as_it_is", "with_actual_state"),
    ("awaits_groups: Option<bool>", "an enum with two names"),
    ("bare", "normalized"),
    ("be_there", "ensure_person"),
    ("became", "outcome_after_look_up"),
    ("beside", "attachments"),
    ("carry_out", "execute"),
    ("did", "acknowledged, acknowledge"),
    ("doubted", "invalidated"),
    ("doubtful", "unknown"),
    ("half_down", "write_outage"),
    ("hear", "on_event"),
    ("is_asked", "is_requested"),
    ("is_made", "is_created"),
    ("is_told", "what it is: is_announced"),
    ("joins", "memberships"),
    ("landed", "what became of it: applied, shown"),
    ("look_back", "history"),
    ("looked_at", "surveyed_at"),
    ("made", "created"),
    ("most_bytes", "max_bytes"),
    ("perhaps", "suggest_column"),
    ("perhaps_done", "may_have_applied"),
    ("_perhaps_done", "_may_have_applied"),
    ("print", "fingerprint; `Context::print` prints"),
    ("print_of", "fingerprint_of"),
    ("prints", "fingerprints"),
    ("proceed", "run_all"),
    ("stayed", "leavers_kept"),
    ("strikes", "failed_attempts"),
    ("suits", "is_plausible"),
    ("suspects", "on_probation"),
    ("take_did", "take_acknowledged"),
    ("taken", "used"),
    ("todo", "steps_for"),
    ("told", "by what it is: announced, text, summary"),
    ("trouble", "no_answer"),
    ("unsettled", "unknown"),
];

/// Where a name is allowed all the same, and why.
const ALLOWED: &[(&str, &str)] = &[
    // It prints.
    ("cli/", "print"),
    // Remarks in steps that were released: a step is never changed.
    ("journal/schema.rs", "the target"),
];

/// Phrases in comments and messages, in small letters.
const PHRASES: &[(&str, &str)] = &[
    ("told", "who says what to whom: announced, said"),
    ("anew", "again"),
    ("made again", "created again"),
    ("to be made", "to create"),
    ("would be made", "would be created"),
    ("must be made", "must be created"),
    ("whoever", "the person, the caller, a reader"),
    ("of whom", "a sentence of its own"),
    ("so many", "how many, the number of"),
    ("all the same", "even so"),
    ("this once", "for this run"),
    ("stands", "is, appears, is in"),
    ("stand in", "are in"),
    ("stand twice", "appear twice"),
    ("stood", "was"),
    ("perhaps done", "may have applied"),
    ("doubtful", "unknown"),
    ("unsettled", "unknown"),
    ("in doubt", "unknown"),
    ("is no", "is not a"),
    ("are no", "are not"),
    ("was no", "was not a"),
    ("were no", "were not"),
];

/// What begins like one of them and is what anybody writes.
const PLAIN: &[&str] = &[
    "there is no",
    "there are no",
    "there was no",
    "there were no",
    "no longer",
    "no more",
    "no other",
    "no such",
    "no one",
    "stands for",
];

/// Phrases in messages only: the module and the trait are called target.
const MESSAGES: &[(&str, &str)] = &[("the target", "the LMS")];

/// The entries of `list` that are in the line, each as often as it is.
fn found(line: &str, list: &'static [(&str, &str)]) -> Vec<(&'static str, &'static str)> {
    let times = |word: &str| match word.strip_suffix('*') {
        Some(begin) if !line.contains(begin) => 0,
        Some(begin) => line
            .split(|it| !is_of_word(it))
            .filter(|name| name.starts_with(begin))
            .count(),
        None => count(line, word),
    };
    let found = |entry: &(&'static str, &'static str)| std::iter::repeat_n(*entry, times(entry.0));
    list.iter().flat_map(found).collect()
}

/// A line of prose as it is searched for phrases.
fn prose(line: &str) -> String {
    let mut line = line.to_lowercase();
    for plain in PLAIN {
        line = line.replace(plain, "");
    }
    line
}

#[test]
fn retired_words_are_not_used() {
    let mut by_room: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for source in sources().iter().filter(|it| !it.is_of_tests()) {
        let name = source.name.as_str();
        let room = name.split_inclusive('/').next().unwrap_or(name);
        let mut hits = Vec::new();
        let texts = [&source.code, &source.comments, &source.strings].map(|text| text.lines());
        let [code, comments, strings] = texts;
        for (number, ((code, comment), string)) in (1..).zip(code.zip(comments).zip(strings)) {
            let (comment, string) = (prose(comment), prose(string));
            let words = [
                found(code, NAMES),
                found(&comment, PHRASES),
                found(&string, PHRASES),
                found(&string, MESSAGES),
            ];
            for (word, instead) in words.into_iter().flatten() {
                let is_allowed = |it: &(&str, &str)| name.starts_with(it.0) && it.1 == word;
                if !ALLOWED.iter().any(is_allowed) {
                    hits.push(format!("src/{name}:{number}: `{word}`, better: {instead}"));
                }
            }
        }
        by_room.entry(room.to_owned()).or_default().extend(hits);
    }
    by_room.retain(|_, hits| !hits.is_empty());
    let counts: Vec<_> = by_room
        .iter()
        .map(|(room, hits)| format!("{room} {}", hits.len()))
        .collect();
    let hits: Vec<_> = by_room.values().flatten().map(String::as_str).collect();
    assert!(
        hits.is_empty(),
        "\n{}\n{}",
        hits.join("\n"),
        counts.join(", ")
    );
}

#[test]
fn a_retired_word_is_found_by_itself() {
    let words = |line, list| {
        let found = found(line, list).into_iter();
        found.map(|(word, _)| word).collect::<Vec<_>>()
    };
    let code = "let told = MOST_ROWS + untold + told;";
    assert_eq!(words(code, NAMES), ["MOST_*", "told", "told"]);
    assert_eq!(words("prints(println!(), fingerprint)", NAMES), ["prints"]);
    let comment =
        prose("/// Whoever stands in it is no date. There is no other, and X stands for it");
    assert_eq!(words(&comment, PHRASES), ["whoever", "stands", "is no"]);
}
