//! What is among 64 bytes, as bits.

use wide::u8x16;

use crate::model::{STEP, Seen};

/// How many bytes are looked at together: one for each bit of a mask.
pub(super) const BYTES: usize = 64;

/// The same as a place among the bits.
pub(super) const BITS: u32 = u64::BITS;

/// The bits below that of a place.
pub(super) const fn below(place: u32) -> u64 {
    match 1_u64.checked_shl(place) {
        Some(bit) => bit - 1,
        None => u64::MAX,
    }
}

/// The places of 16 bytes.
const PLACES: u8x16 = u8x16::new([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);

/// Some bytes that follow each other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step([u8x16; BYTES / STEP]);

impl Step {
    #[inline]
    pub(super) fn of(bytes: &[u8; BYTES]) -> Self {
        let (parts, _) = bytes.as_chunks::<STEP>();
        let part = |index: usize| parts.get(index).map_or(u8x16::ZERO, |it| u8x16::new(*it));
        Self([part(0), part(1), part(2), part(3)])
    }

    /// What some data begins with, and how much of it the data has: what follows the data are
    /// spaces.
    #[inline]
    pub(super) fn at(data: &[u8]) -> (Self, u32) {
        match data.first_chunk() {
            Some(bytes) => (Self::of(bytes), BITS),
            None => Self::at_end(data),
        }
    }

    #[cold]
    fn at_end(data: &[u8]) -> (Self, u32) {
        let mut bytes = [b' '; BYTES];
        bytes
            .iter_mut()
            .zip(data)
            .for_each(|(to, from)| *to = *from);
        let length = data.len().min(BYTES);
        (Self::of(&bytes), u32::try_from(length).unwrap_or(BITS))
    }

    /// A bit for each byte that `is` sets; it clears the others.
    #[inline]
    fn bits(self, is: impl Fn(u8x16) -> u8x16) -> u64 {
        let [first, second, third, last] = self.0.map(|bytes| u64::from(is(bytes).to_bitmask()));
        first | second << 16 | third << 32 | last << 48
    }

    /// The places of a byte.
    #[inline]
    pub(super) fn places_of(self, byte: u8) -> u64 {
        self.bits(|bytes| bytes.simd_eq(u8x16::splat(byte)))
    }

    /// The places of line ends.
    #[inline]
    pub(super) fn line_ends(self) -> u64 {
        let is = |bytes: u8x16, byte: u8| bytes.simd_eq(u8x16::splat(byte));
        self.bits(|bytes| is(bytes, b'\n') | is(bytes, b'\r'))
    }

    /// Shows the bytes before `stop`. A delimiter that is a control character is in no cell.
    #[inline]
    pub(super) fn show(self, seen: &mut Seen, delimiter: u8, stop: u32) {
        let space = u8x16::splat(b' ');
        for (bytes, from) in self.0.into_iter().zip((0..).step_by(STEP)) {
            let bytes = if stop < BITS {
                let places = PLACES + u8x16::splat(from);
                let first = places.max(u8x16::splat(u8::try_from(stop).unwrap_or(u8::MAX)));
                first.simd_eq(places).bitselect(space, bytes)
            } else {
                bytes
            };
            let tabs = bytes.simd_eq(u8x16::splat(delimiter)) & space;
            seen.add(bytes, bytes | tabs);
        }
    }
}
