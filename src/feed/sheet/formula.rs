//! Whether the 0 that a formula shows may be no number: it refers to a cell that is empty.

/// What a number is the result of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Formula {
    /// Of none: it is typed.
    #[default]
    None,
    /// Of one that works out a number.
    Calculation,
    /// Of one that shows another cell, or may, which is 0 if that cell is empty.
    Reference,
}

/// Functions that show a cell that they find.
const LOOKUPS: [&str; 9] = [
    "FILTER", "HLOOKUP", "INDEX", "INDIRECT", "LOOKUP", "OFFSET", "SINGLE", "VLOOKUP", "XLOOKUP",
];
/// Functions that show one of their arguments, and how many are before those.
const CHOICES: [(&str, usize); 6] = [
    ("CHOOSE", 1),
    ("IF", 1),
    ("IFERROR", 0),
    ("IFNA", 0),
    ("IFS", 1),
    ("SWITCH", 1),
];
/// Functions that are deeper in one another are not looked at: Excel allows no more.
const MAX_DEPTH: usize = 64;
/// Longer ones are not looked at: Excel writes none.
pub(super) const MAX_FORMULA: usize = 1 << 15;

impl Formula {
    /// What a formula is by its text, as Excel or OpenDocument write it. One without a text
    /// may be anything.
    pub(super) fn of(text: &str) -> Self {
        // OpenDocument names the language of the formula.
        let text = match text.split_once(":=") {
            Some((language, formula)) if language.bytes().all(|it| it.is_ascii_alphanumeric()) => {
                formula
            }
            _ => text,
        };
        let text = text.trim_start_matches('=').trim();
        let is_unknown = text.is_empty() || text.len() > MAX_FORMULA;
        if is_unknown || may_show_a_cell(text, MAX_DEPTH) {
            Self::Reference
        } else {
            Self::Calculation
        }
    }
}

/// Whether an expression is a reference, or a function that may result in one.
fn may_show_a_cell(expression: &str, depth: usize) -> bool {
    let expression =
        expression.trim_matches(|it: char| it.is_whitespace() || it == '+' || it == '@');
    let Some(depth) = depth.checked_sub(1) else {
        return true;
    };
    let Some((name, arguments)) = call(expression) else {
        return is_reference(expression);
    };
    // Newer functions have the name of their family in front.
    let name = name.trim().rsplit('.').next().unwrap_or_default();
    let is = |other: &str| other.eq_ignore_ascii_case(name);
    if name.is_empty() {
        return may_show_a_cell(arguments, depth);
    }
    if LOOKUPS.iter().any(|it| is(it)) {
        return true;
    }
    let Some((_, before)) = CHOICES.iter().find(|(it, _)| is(it)) else {
        return false;
    };
    let shown = pieces(arguments, |it| matches!(it, b',' | b';'));
    let shown = shown.get(*before..).unwrap_or_default();
    // A 0 that is written beside a cell is meant; beside what a lookup finds it may be either.
    let says_zero = shown.iter().any(|it| it.trim() == "0");
    let mut may_show = shown.iter().filter(|it| may_show_a_cell(it, depth));
    may_show.any(|it| !says_zero || call(it.trim()).is_some())
}

/// The name and the arguments of an expression that is one call of a function; brackets
/// around an expression are a call without a name.
fn call(expression: &str) -> Option<(&str, &str)> {
    let inner = expression.strip_suffix(')')?;
    let mut opened = None;
    let mut last = None;
    walk(expression, |at, byte, depth| match byte {
        b'(' if depth == 0 => {
            opened = opened.or(Some(at));
            last = Some(at);
        }
        _ => {}
    });
    let (first, last) = (opened?, last?);
    let (name, arguments) = (inner.get(..first)?, inner.get(first + 1..)?);
    (first == last && !has_operator(name)).then_some((name, arguments))
}

/// Whether an expression without a function is the name of a cell, of cells or of a value.
fn is_reference(expression: &str) -> bool {
    let is_text = expression.starts_with(['"', '{']);
    let is_word = ["true", "false"]
        .iter()
        .any(|it| it.eq_ignore_ascii_case(expression));
    let is_number = expression.trim_end_matches('%').parse::<f64>().is_ok();
    let is_error = expression.starts_with('#');
    let is_constant = expression.is_empty() || is_text || is_word || is_number || is_error;
    !is_constant && !has_operator(expression) && !expression.ends_with(')')
}

/// Whether what is outside of names and texts works something out.
fn has_operator(expression: &str) -> bool {
    let mut has = false;
    walk(expression, |_, byte, depth| {
        has |= depth == 0 && b"+-*/^&=<>%".contains(&byte);
    });
    has
}

/// The pieces between the separators that are in no brackets and no texts.
fn pieces(text: &str, is_separator: impl Fn(u8) -> bool) -> Vec<&str> {
    let (mut pieces, mut start) = (Vec::new(), 0);
    walk(text, |at, byte, depth| {
        if depth == 0 && is_separator(byte) {
            pieces.extend(text.get(start..at));
            start = at + 1;
        }
    });
    pieces.extend(text.get(start..));
    pieces
}

/// Calls `take` with each byte outside of texts and of names in quotes, where it is, and
/// how many brackets are around it.
fn walk(text: &str, mut take: impl FnMut(usize, u8, usize)) {
    let (mut quote, mut depth) = (None, 0_usize);
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (Some(end), _) if end == byte => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'(' | b'[' | b'{') => {
                take(at, byte, depth);
                depth += 1;
            }
            (None, b')' | b']' | b'}') => depth = depth.saturating_sub(1),
            (None, _) => take(at, byte, depth),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_that_may_show_an_empty_cell_is_told_from_one_that_works_something_out() {
        for text in [
            "",
            "A2",
            "+A2",
            "=$A$2",
            "(A2)",
            "Sheet!A2",
            "'Other-sheet (1)'!A2",
            "'It''s'!$A2",
            "[1]Sheet1!A2",
            "Staff[[#This Row],[Cost-centre]]",
            "@A:A",
            "Department",
            "VLOOKUP(A2,B:C,2,0)",
            "_xlfn.XLOOKUP(A2,B:B,C:C,0)",
            "_xlfn._xlws.FILTER(A:A,B:B=A2)",
            "INDEX(C:C,MATCH(A2,B:B,0))",
            "IFERROR(VLOOKUP(A2,B:C,2,0),0)",
            "IF(A2=\"x,y\",B2,\"\")",
            "IF(A2=\"\",\"\",IF(B2>1,C2,D2))",
            "CHOOSE(A2,B2,C2)",
            "of:=[.A2]",
            "of:=['Other sheet'.A2]",
            "of:=[$Other.$A$2]",
            "of:=VLOOKUP([.A2];[.B1:.C9];2;0)",
            "of:=IF([.A2]=\"\";\"\";[.B2])",
            "oooc:=[.A2]",
        ] {
            assert_eq!(Formula::of(text), Formula::Reference, "{text}");
        }
        for text in [
            "D4*E4",
            "A2-B2",
            "-A2",
            "A2&\"\"",
            "1/0",
            "0",
            "\"A2\"",
            "TRUE",
            "SUM(A2:A9)",
            "COUNTIF(A:A,A2)",
            "IF(D4>0,0,1500)",
            "IF(D4>0,0,E4)",
            "IF(A2=\"E3\",0,\"none\")",
            "IF(D4>0,D4*E4,SUM(A2))",
            "VLOOKUP(A2,B:C,2,0)*12",
            "(A2)*(B2)",
            "SUM(A2)+SUM(B2)",
            "MATCH(A2,B:B,0)",
            "of:=[.D4]*[.E4]",
            "of:=IF([.D4]>0;0;1500)",
            "of:=SUM([.A2:.A9])",
        ] {
            assert_eq!(Formula::of(text), Formula::Calculation, "{text}");
        }
    }

    #[test]
    fn a_formula_of_any_form_is_judged_and_takes_no_longer_than_it_is_long() {
        for text in [
            ")", "(", "((", "'", "\"", "é(", "IF(", "IF()", "[)", "=:=", "A2)", ",(é,",
        ] {
            Formula::of(text);
            Formula::of(&text.repeat(10_000));
        }
        let nested = format!("{}A2{}", "IF(A1,".repeat(10_000), ")".repeat(10_000));
        assert_eq!(Formula::of(&nested), Formula::Reference);
    }
}
