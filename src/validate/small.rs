//! Short texts in small letters.

use wide::u8x16;

use crate::model::STEP;

/// A text in small letters, as [`fold`](crate::mapping::fold) has it: most IDs are short, ASCII
/// and without white space, and this runs for every row: the same steps whatever the length.
pub(super) struct Small {
    /// The letters, and what says nothing behind them.
    pub(super) bytes: [u8; MOST],
    /// A bit for each byte that was a capital.
    pub(super) capitals: u64,
}

/// The longest that is folded so: a bit for each byte.
const MOST: usize = 64;

impl Small {
    #[inline]
    pub(super) fn of(text: &str) -> Option<Self> {
        let mut bytes = [0xff; MOST];
        bytes
            .get_mut(..text.len())?
            .copy_from_slice(text.as_bytes());
        let (mut capitals, mut others) = (0, 0);
        let (steps, _) = bytes.as_chunks_mut::<STEP>();
        for (step, at) in steps.iter_mut().zip((0..).step_by(STEP)) {
            let all = u8x16::new(*step);
            let letters = all.max(u8x16::splat(b'A')).min(u8x16::splat(b'Z'));
            let is_capital = letters.simd_eq(all);
            capitals |= u64::from(is_capital.to_bitmask()) << at;
            // White space, or beyond ASCII.
            let is_space = all.min(u8x16::splat(b' ')).simd_eq(all);
            others |= u64::from((all | is_space).to_bitmask()) << at;
            *step = (all | (is_capital & u8x16::splat(b' '))).to_array();
        }
        // The bytes behind the text.
        let behind = u64::MAX.checked_shl(u32::try_from(text.len()).ok()?);
        (others == behind.unwrap_or(0)).then_some(Self { bytes, capitals })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::mapping::fold;

    proptest! {
        #[test]
        fn a_short_text_is_folded_as_any_is(text in "[ -~\u{0}-\u{1f}\u{e9}]{0,70}|[A-Za-z0-9]{60,66}") {
            let has_other = text.bytes().any(|byte| byte <= b' ' || !byte.is_ascii());
            let small = Small::of(&text);
            prop_assert_eq!(small.is_none(), text.len() > MOST || has_other);
            if let Some(Small { bytes, capitals }) = small {
                prop_assert_eq!(bytes[..text.len()].to_vec(), fold(&text).into_bytes());
                let is_capital = |at: usize| text.as_bytes().get(at).is_some_and(u8::is_ascii_uppercase);
                prop_assert!((0..MOST).all(|at| (capitals >> at & 1 == 1) == is_capital(at)));
            }
        }
    }
}
