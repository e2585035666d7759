//! How an error is shown: once, at the edge.

use super::{Ink, Style, sanitize};

/// An error as a person sees it: what failed and where, then what to do.
///
/// Text of several lines, such as a mapping's line with its caret, keeps its
/// lines. A line of words that is longer than the style is wide becomes several.
///
/// ```text
/// error: mappings/kmi.toml, line 12, column 5: unknown key `colum`
/// help: did you mean `column`?
/// ```
#[must_use]
pub fn error(what: &str, help: Option<&str>, style: &Style) -> String {
    let mut out = style.paint(Ink::Bad, "error:");
    push_lines(&mut out, what, "       ", style);
    if let Some(help) = help {
        out.push_str(&style.paint(Ink::Help, "help:"));
        push_lines(&mut out, help, "      ", style);
    }
    out
}

/// Adds `text`, sanitized line by line; the lines after the first are indented.
fn push_lines(out: &mut String, text: &str, indent: &str, style: &Style) {
    let room = style.width.saturating_sub(indent.len());
    let style = style.indented(indent.len());
    // What is drawn keeps its place: `12| colum = "ID"`.
    let is_drawn = |line: &str| {
        let number = line.trim_start_matches(|char: char| char.is_ascii_digit());
        number.starts_with([' ', '|'])
    };
    let fits = |line: &str| line.chars().count() <= room || is_drawn(line);
    let lines = text.trim_end().lines();
    let lines = lines.flat_map(|line| {
        if fits(line) {
            vec![sanitize(line).into_owned()]
        } else {
            style.paragraph(line)
        }
    });
    let mut before = " ";
    for line in lines {
        out.extend([before, &line, "\n"]);
        before = indent;
    }
    if text.trim_end().is_empty() {
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_several_lines_keeps_them_and_loses_its_escapes() {
        let what = "the mapping is wrong\nmappings/kmi.toml:12:5\n  |\n12| colum = \"\x1b[2JID\"\n  | ^^^^^";
        let out = error(what, Some("did you mean `column`?"), &Style::piped());
        insta::assert_snapshot!(out, @r#"
        error: the mapping is wrong
               mappings/kmi.toml:12:5
                 |
               12| colum = "\u{1b}[2JID"
                 | ^^^^^
        help: did you mean `column`?
        "#);
    }

    #[test]
    fn a_long_sentence_is_as_wide_as_the_terminal_and_a_drawing_as_it_is() {
        let what = "my.toml, line 12, column 5: the feed has no column `Personnel number`\n12| externalId = \"Personnel number in the file\"";
        let style = Style {
            width: 60,
            ..Style::piped()
        };
        let out = error(what, Some("the feed's columns: `A`, `B`"), &style);
        insta::assert_snapshot!(out, @r#"
        error: my.toml, line 12, column 5: the feed has no column
               `Personnel number`
               12| externalId = "Personnel number in the file"
        help: the feed's columns: `A`, `B`
        "#);
    }

    #[test]
    fn colour_marks_the_word_and_not_the_sentence() {
        let style = Style {
            color: true,
            ..Style::piped()
        };
        let out = error("no feed", None, &style);
        assert_eq!(out, "\x1b[1;31merror:\x1b[0m no feed\n");
    }
}
