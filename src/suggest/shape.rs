//! What the cells of a column look like, without what they say.

use super::columns::Column;

/// Shapes that are shown of a column.
const SHOWN: usize = 3;
/// The longest shape that is shown whole, in characters.
const MAX_CHARS: usize = 24;
/// Letters at the start of all values that are shown as they are.
const MAX_PREFIX: usize = 4;

/// The most frequent shapes of a column's values: `0` stands for a digit, `a` and `A` for
/// a letter, `x` for one that has no case. Letters that all IDs begin with are shown.
pub(super) fn shapes(column: &Column) -> Vec<String> {
    // Addresses differ in length only.
    let shown = if column.is_mostly_emails() { 1 } else { SHOWN };
    let kept = common_prefix(&column.samples);
    let mut counted: Vec<(String, usize)> = Vec::new();
    for sample in &column.samples {
        let shape = shape(sample, kept);
        match counted.iter_mut().find(|(known, _)| *known == shape) {
            Some((_, count)) => *count += 1,
            None => counted.push((shape, 1)),
        }
    }
    // Stable: of equally frequent ones the first of the feed.
    counted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let counted = counted.into_iter().take(shown);
    counted.map(|(shape, _)| shape).collect()
}

fn shape(text: &str, kept: usize) -> String {
    let mut shape = String::new();
    for (index, char) in text.chars().enumerate() {
        if index >= MAX_CHARS {
            shape.push('…');
            break;
        }
        shape.push(match char {
            _ if index < kept => char,
            _ if char.is_numeric() => '0',
            _ if char.is_uppercase() => 'A',
            _ if char.is_lowercase() => 'a',
            _ if char.is_alphabetic() => 'x',
            ' ' | '!'..='~' => char,
            _ if char.is_whitespace() => ' ',
            _ => '?',
        });
    }
    shape
}

/// How many letters all values begin with, before a digit: `E` of `E0012`.
fn common_prefix(samples: &[String]) -> usize {
    let [first, rest @ ..] = samples else {
        return 0;
    };
    let letters = |text: &str| {
        let letters = text.chars().take_while(char::is_ascii_uppercase);
        letters.collect::<String>()
    };
    let prefix = letters(first);
    let is_same = |text: &String| {
        letters(text) == prefix
            && text
                .chars()
                .nth(prefix.len())
                .is_some_and(|it| it.is_ascii_digit())
    };
    let is_prefix = prefix.len() <= MAX_PREFIX && rest.len() >= 2 && samples.iter().all(is_same);
    if is_prefix { prefix.len() } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(samples: &[&str]) -> Vec<String> {
        shapes(&Column {
            samples: samples.iter().map(|it| (*it).to_owned()).collect(),
            ..Column::default()
        })
    }

    #[test]
    fn a_shape_shows_the_kind_of_each_character_and_nothing_else() {
        assert_eq!(of(&["E0012", "E0013", "E0100"]), ["E0000"]);
        assert_eq!(of(&["Ann.Lee@x.org"]), ["Aaa.Aaa@a.aaa"]);
        assert_eq!(
            of(&["0012", "13", "0014", "A-1", "zoë"]),
            ["0000", "00", "A-0"]
        );
        assert_eq!(of(&["山田 太郎"]), ["xx xx"]);
        assert_eq!(
            of(&["a very long street and its number"]),
            ["a aaaa aaaa aaaaaa aaa a…"]
        );
    }

    #[test]
    fn a_name_is_never_taken_for_what_all_begin_with() {
        assert_eq!(of(&["LEE", "LEE B", "LEE C"]), ["AAA A", "AAA"]);
    }
}
