//! Formulas as binary workbooks write them: one token after the other, the operands first.

use super::formula::Formula;

/// How long the tokens of a format are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tokens {
    /// `.xls` since Excel 97.
    Xls,
    /// `.xlsb`.
    Xlsb,
}

/// `CHOOSE`, `HLOOKUP`, `IF`, `IFERROR`, `INDEX`, `INDIRECT`, `LOOKUP`, `OFFSET`,
/// `VLOOKUP`, and those that are named by a token before: they may show a cell.
const MAY_SHOW_A_CELL: [u16; 10] = [100, 101, 1, 480, 29, 148, 28, 78, 102, 255];

impl Tokens {
    /// What a formula is by its last token. One that is not understood may be anything.
    pub(super) fn formula(self, tokens: &[u8]) -> Formula {
        let mut rest = tokens;
        let mut formula = None;
        while let Some((token, behind)) = rest.split_first() {
            let Some((length, kind)) = self.token(*token, behind) else {
                return Formula::Reference;
            };
            let Some(behind) = behind.get(length..) else {
                return Formula::Reference;
            };
            formula = kind.or(formula);
            rest = behind;
        }
        formula.unwrap_or(Formula::Reference)
    }

    /// How many bytes belong to a token, and what kind of result it leaves; `None` for one
    /// that leaves what was there.
    fn token(self, token: u8, behind: &[u8]) -> Option<(usize, Option<Formula>)> {
        const CALCULATION: Option<Formula> = Some(Formula::Calculation);
        const REFERENCE: Option<Formula> = Some(Formula::Reference);
        let is_xls = self == Self::Xls;
        let u16_at = |at: usize| {
            let bytes = behind.get(at..at + 2)?.try_into().ok()?;
            Some(u16::from_le_bytes(bytes))
        };
        let by_function = |number: u16| {
            if MAY_SHOW_A_CELL.contains(&number) {
                REFERENCE
            } else {
                CALCULATION
            }
        };
        Some(match token {
            // Arithmetic, comparisons, a sign, a percentage.
            0x03..=0x0e | 0x13 | 0x14 => (0, CALCULATION),
            // What references have in common, and ranges of them.
            0x0f..=0x11 => (0, REFERENCE),
            // A plus, brackets, an argument that is left out.
            0x12 | 0x15 | 0x16 => (0, None),
            0x17 if is_xls => {
                let [length, is_wide, ..] = behind else {
                    return None;
                };
                (2 + (usize::from(*length) << (is_wide & 1)), CALCULATION)
            }
            0x17 => (2 + 2 * usize::from(u16_at(0)?), CALCULATION),
            // What helps to work it out: choices have a table of places, and a sum is one.
            0x19 => match (behind.first()?, u16_at(1)?) {
                (about, places) if about & 0x04 != 0 => (3 + 2 * (usize::from(places) + 1), None),
                (about, _) if about & 0x10 != 0 => (3, CALCULATION),
                _ => (3, None),
            },
            0x1c | 0x1d => (1, CALCULATION),
            0x1e => (2, CALCULATION),
            0x1f => (8, CALCULATION),
            // Each of these in three classes.
            0x20..=0x7f => match token & 0x1f {
                0x01 => (2, by_function(u16_at(0)?)),
                0x02 => (3, by_function(u16_at(1)? & 0x7fff)),
                0x03 => (4, REFERENCE),
                0x04 | 0x0c => (if is_xls { 4 } else { 6 }, REFERENCE),
                0x05 | 0x0d => (if is_xls { 8 } else { 12 }, REFERENCE),
                0x1a => (if is_xls { 6 } else { 8 }, REFERENCE),
                0x1b => (if is_xls { 10 } else { 14 }, REFERENCE),
                _ => return None,
            },
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_of_tokens_is_what_its_last_one_leaves() {
        let xls = |tokens: &[u8]| Tokens::Xls.formula(tokens);
        let xlsb = |tokens: &[u8]| Tokens::Xlsb.formula(tokens);
        let cell = [0x44, 1, 0, 3, 0xc0];
        let wide = [0x44, 1, 0, 0, 0, 3, 0xc0];
        let text = [0x17, 2, 0, b'a', 0x44];
        for (tokens, expected) in [
            (&cell[..], Formula::Reference),
            (&[&cell[..], &[0x12]].concat(), Formula::Reference),
            (&[&cell[..], &cell, &[0x05]].concat(), Formula::Calculation),
            (&[&text[..], &cell, &[0x08]].concat(), Formula::Calculation),
            (
                &[&cell[..], &[0x19, 0x10, 0, 0]].concat(),
                Formula::Calculation,
            ),
            (
                &[&cell[..], &[0x42, 3, 102, 0]].concat(),
                Formula::Reference,
            ),
            (&[&cell[..], &[0x41, 24, 0]].concat(), Formula::Calculation),
            (&[&cell[..], &[0x42, 3, 1, 0]].concat(), Formula::Reference),
            (&[0x19, 0x40, 0, 1, 0x1e, 0, 0], Formula::Calculation),
            // A shared one is somewhere else.
            (&[0x01, 0, 0, 0, 0], Formula::Reference),
            (&[0x44, 1], Formula::Reference),
            (&[], Formula::Reference),
        ] {
            assert_eq!(xls(tokens), expected, "{tokens:x?}");
        }
        assert_eq!(xlsb(&wide), Formula::Reference);
        assert_eq!(
            xlsb(&[&wide[..], &wide, &[0x05]].concat()),
            Formula::Calculation
        );
        assert_eq!(xlsb(&[0x17, 1, 0, b'a', 0]), Formula::Calculation);
        for token in 0..=u8::MAX {
            for length in 0..20 {
                xls(&vec![token; length]);
                xlsb(&vec![token; length]);
            }
        }
    }
}
