//! How an error is shown: once, at the edge.

use super::{Ink, Style, sanitize};

/// An error as a person sees it: what failed and where, then what to do.
///
/// Text of several lines, such as a mapping's line with its caret, keeps its
/// lines.
///
/// ```text
/// error: mappings/kmi.toml, line 12, column 5: unknown key `colum`
/// help: did you mean `column`?
/// ```
#[must_use]
pub fn error(what: &str, help: Option<&str>, style: &Style) -> String {
    let mut out = style.paint(Ink::Bad, "error:");
    push_lines(&mut out, what, "       ");
    if let Some(help) = help {
        out.push_str(&style.paint(Ink::Help, "help:"));
        push_lines(&mut out, help, "      ");
    }
    out
}

/// Adds `text`, sanitized line by line; the lines after the first are indented.
fn push_lines(out: &mut String, text: &str, indent: &str) {
    let mut lines = text.trim_end().lines();
    out.extend([" ", &sanitize(lines.next().unwrap_or_default()), "\n"]);
    for line in lines {
        out.extend([indent, &sanitize(line), "\n"]);
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
    fn colour_marks_the_word_and_not_the_sentence() {
        let style = Style {
            color: true,
            ..Style::piped()
        };
        let out = error("no feed", None, &style);
        assert_eq!(out, "\x1b[1;31merror:\x1b[0m no feed\n");
    }
}
