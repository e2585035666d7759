//! The text of a cell: paragraphs.
//!
//! The standard has white space mean what it does in a web page. LibreOffice writes and
//! reads spaces as they are, so only the ends of lines, after which programs indent, are
//! taken as the standard says.

/// The most spaces that are written as one.
const MAX_SPACES: usize = 1 << 10;

/// A text that is put together piece by piece.
#[derive(Default)]
pub(super) struct Paragraphs {
    pub(super) text: String,
    /// How many paragraphs there were.
    count: usize,
    /// Where the last one begins.
    start: usize,
    /// The white space at the end.
    space: String,
}

impl Paragraphs {
    pub(super) fn clear(&mut self) {
        self.text.clear();
        (self.count, self.start) = (0, 0);
        self.space.clear();
    }

    /// How many bytes are held.
    pub(super) fn len(&self) -> usize {
        self.text.len() + self.space.len()
    }

    pub(super) fn is_none(&self) -> bool {
        self.count == 0
    }

    /// Begins a paragraph.
    pub(super) fn begin(&mut self) {
        if self.count > 0 {
            self.text.push('\n');
        }
        self.count += 1;
        self.start = self.text.len();
    }

    /// Ends a paragraph.
    pub(super) fn end(&mut self) {
        if !self.space.contains(is_end_of_line) {
            self.text.push_str(&self.space);
        }
        self.space.clear();
    }

    /// Takes text.
    pub(super) fn push(&mut self, piece: &str) {
        for character in piece.chars() {
            match character {
                ' ' | '\t' | '\n' | '\r' => self.space.push(character),
                other => self.sign(other),
            }
        }
    }

    /// Takes a character that is there as it is.
    pub(super) fn sign(&mut self, character: char) {
        if !self.space.contains(is_end_of_line) {
            self.text.push_str(&self.space);
        } else if self.text.len() > self.start {
            self.text.push(' ');
        }
        self.space.clear();
        self.text.push(character);
    }

    /// Takes spaces that are there as such.
    pub(super) fn spaces(&mut self, count: usize) {
        for _ in 0..count.clamp(1, MAX_SPACES) {
            self.sign(' ');
        }
    }
}

fn is_end_of_line(character: char) -> bool {
    matches!(character, '\n' | '\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_stay_and_the_ends_of_lines_are_spaces() {
        for (piece, expected) in [
            ("Ann Lee", "Ann Lee"),
            (" Ann  Lee ", " Ann  Lee "),
            ("\n   Ann\n   Lee\n", "Ann Lee"),
            ("\u{a0}x", "\u{a0}x"),
        ] {
            let mut paragraphs = Paragraphs::default();
            paragraphs.begin();
            paragraphs.push(piece);
            paragraphs.end();
            assert_eq!(paragraphs.text, expected, "{piece:?}");
        }
    }

    #[test]
    fn spaces_that_are_elements_are_added_to_them() {
        let mut paragraphs = Paragraphs::default();
        paragraphs.begin();
        paragraphs.spaces(2);
        paragraphs.push("A ");
        paragraphs.spaces(1);
        paragraphs.push("B");
        paragraphs.end();
        paragraphs.begin();
        paragraphs.push("C");
        paragraphs.end();
        assert_eq!(paragraphs.text, "  A  B\nC");
    }
}
