//! The encodings that are read, and how bytes become text in each.

use encoding_rs::{DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};
use oem_cp::code_table as dos;

/// What a byte beyond ASCII is, in an encoding of DOS.
type High = [char; 128];

/// What Macs of old wrote in Central Europe. Libraries have it neither among the encodings of
/// browsers nor among those of DOS.
const MAC_CENTRAL_EUROPE: High = [
    'Ä', 'Ā', 'ā', 'É', 'Ą', 'Ö', 'Ü', 'á', 'ą', 'Č', 'ä', 'č', 'Ć', 'ć', 'é', 'Ź', 'ź', 'Ď', 'í',
    'ď', 'Ē', 'ē', 'Ė', 'ó', 'ė', 'ô', 'ö', 'õ', 'ú', 'Ě', 'ě', 'ü', '†', '°', 'Ę', '£', '§', '•',
    '¶', 'ß', '®', '©', '™', 'ę', '¨', '≠', 'ģ', 'Į', 'į', 'Ī', '≤', '≥', 'ī', 'Ķ', '∂', '∑', 'ł',
    'Ļ', 'ļ', 'Ľ', 'ľ', 'Ĺ', 'ĺ', 'Ņ', 'ņ', 'Ń', '¬', '√', 'ń', 'Ň', '∆', '«', '»', '…', '\u{a0}',
    'ň', 'Ő', 'Õ', 'ő', 'Ō', '–', '—', '“', '”', '‘', '’', '÷', '◊', 'ō', 'Ŕ', 'ŕ', 'Ř', '‹', '›',
    'ř', 'Ŗ', 'ŗ', 'Š', '‚', '„', 'š', 'Ś', 'ś', 'Á', 'Ť', 'ť', 'Í', 'Ž', 'ž', 'Ū', 'Ó', 'Ô', 'ū',
    'Ů', 'Ú', 'ů', 'Ű', 'ű', 'Ų', 'ų', 'Ý', 'ý', 'ķ', 'Ż', 'Ł', 'ż', 'Ģ', 'ˇ',
];

/// An encoding of text.
#[derive(Clone, Copy, Debug)]
pub(in crate::feed) enum Charset {
    /// One that browsers read.
    Web(&'static Encoding),
    /// A code page of DOS, which console programs still write, or of old Macs.
    Dos {
        /// Its name.
        name: &'static str,
        /// Its characters beyond ASCII.
        high: &'static High,
    },
    /// Four bytes for each character.
    Utf32 {
        /// Whether the lowest byte is the first.
        little: bool,
    },
}

impl Charset {
    pub(in crate::feed) const UTF_8: Self = Self::Web(UTF_8);
    pub(in crate::feed) const CP437: Self = Self::dos("cp437", &dos::DECODING_TABLE_CP437);
    pub(in crate::feed) const CP850: Self = Self::dos("cp850", &dos::DECODING_TABLE_CP850);
    pub(in crate::feed) const CP852: Self = Self::dos("cp852", &dos::DECODING_TABLE_CP852);

    /// Of Macs in Central Europe.
    pub(super) const MAC_CE: Self = Self::dos("x-mac-ce", &MAC_CENTRAL_EUROPE);

    const fn dos(name: &'static str, high: &'static High) -> Self {
        Self::Dos { name, high }
    }

    /// The encoding of a code page's number, such as 850 or 1252.
    pub(super) fn of_code_page(number: u32) -> Option<Self> {
        let label = match number {
            437 => return Some(Self::CP437),
            737 => return Some(Self::dos("cp737", &dos::DECODING_TABLE_CP737)),
            775 => return Some(Self::dos("cp775", &dos::DECODING_TABLE_CP775)),
            850 => return Some(Self::CP850),
            852 => return Some(Self::CP852),
            855 => return Some(Self::dos("cp855", &dos::DECODING_TABLE_CP855)),
            858 => return Some(Self::dos("cp858", &dos::DECODING_TABLE_CP858)),
            860 => return Some(Self::dos("cp860", &dos::DECODING_TABLE_CP860)),
            861 => return Some(Self::dos("cp861", &dos::DECODING_TABLE_CP861)),
            862 => return Some(Self::dos("cp862", &dos::DECODING_TABLE_CP862)),
            863 => return Some(Self::dos("cp863", &dos::DECODING_TABLE_CP863)),
            865 => return Some(Self::dos("cp865", &dos::DECODING_TABLE_CP865)),
            869 => return Some(Self::dos("cp869", &dos::DECODING_TABLE_CP869)),
            10_029 => return Some(Self::MAC_CE),
            12_000 => return Some(Self::Utf32 { little: true }),
            12_001 => return Some(Self::Utf32 { little: false }),
            866 => "ibm866".to_owned(),
            874 => "windows-874".to_owned(),
            932 => "shift_jis".to_owned(),
            936 => "gbk".to_owned(),
            949 | 51_949 => "euc-kr".to_owned(),
            950 => "big5".to_owned(),
            1200 => "utf-16le".to_owned(),
            1201 => "utf-16be".to_owned(),
            1250..=1258 => format!("windows-{number}"),
            10_000 => "macintosh".to_owned(),
            10_007 => "x-mac-cyrillic".to_owned(),
            20_127 => "ascii".to_owned(),
            20_866 => "koi8-r".to_owned(),
            20_932 | 51_932 => "euc-jp".to_owned(),
            21_866 => "koi8-u".to_owned(),
            28_591..=28_605 => format!("iso-8859-{}", number - 28_590),
            54_936 => "gb18030".to_owned(),
            65_001 => "utf-8".to_owned(),
            _ => return None,
        };
        Encoding::for_label(label.as_bytes()).map(Self::Web)
    }

    /// Its name, which the mapping's `encoding` knows too.
    pub(in crate::feed) fn name(self) -> &'static str {
        match self {
            Self::Web(encoding) => encoding.name(),
            Self::Dos { name, .. } => name,
            Self::Utf32 { little: true } => "UTF-32LE",
            Self::Utf32 { little: false } => "UTF-32BE",
        }
    }

    /// Whether ASCII's letters have ASCII's bytes.
    pub(in crate::feed) fn is_ascii_compatible(self) -> bool {
        match self {
            Self::Web(encoding) => encoding.is_ascii_compatible(),
            Self::Dos { .. } => true,
            Self::Utf32 { .. } => false,
        }
    }

    /// Whether it has a character beyond ASCII.
    pub(super) fn has(self, char: char) -> bool {
        match self {
            Self::Web(encoding) => !encoding.encode(char.encode_utf8(&mut [0; 4])).2,
            Self::Dos { high, .. } => high.contains(&char),
            Self::Utf32 { .. } => true,
        }
    }

    /// Whether it has every character.
    pub(in crate::feed) fn is_unicode(self) -> bool {
        match self {
            Self::Web(encoding) => [UTF_8, UTF_16LE, UTF_16BE].contains(&encoding),
            Self::Dos { .. } => false,
            Self::Utf32 { .. } => true,
        }
    }

    /// Whether hrfeed writes copies of rows in it.
    pub(in crate::feed) fn is_written(self) -> bool {
        Encoding::for_label(self.name().as_bytes()).is_some()
    }

    /// Whether both are UTF-16, or both UTF-32, be the order of the bytes what it may.
    pub(super) fn is_form_of(self, other: Self) -> bool {
        let form = |charset: Self| {
            let name = charset.name();
            name.strip_suffix("LE").or_else(|| name.strip_suffix("BE"))
        };
        form(self).is_some() && form(self) == form(other)
    }

    /// Whether no more than eight bits are read to know a character.
    pub(super) fn is_single_byte(self) -> bool {
        match self {
            Self::Web(encoding) => encoding.is_single_byte(),
            Self::Dos { .. } => true,
            Self::Utf32 { .. } => false,
        }
    }

    /// What some bytes read as; each that is not text becomes U+FFFD.
    pub(super) fn text(self, bytes: &[u8]) -> String {
        let mut decoder = self.decoder();
        let mut text = Vec::new();
        decoder.decode(bytes, true, &mut text);
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Decodes a file from its start.
    pub(in crate::feed) fn decoder(self) -> Decoder {
        match self {
            Self::Web(encoding) => Decoder::Web(encoding.new_decoder_without_bom_handling()),
            Self::Dos { high, .. } => Decoder::Dos(high),
            Self::Utf32 { little } => Decoder::Utf32 {
                little,
                held: Vec::new(),
            },
        }
    }
}

impl PartialEq for Charset {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Charset {}

impl From<&'static Encoding> for Charset {
    fn from(encoding: &'static Encoding) -> Self {
        Self::Web(encoding)
    }
}

/// Never part of UTF-8: what is not text.
const NOT_TEXT: u8 = 0xff;

/// Makes UTF-8 of a file, piece by piece.
pub(in crate::feed) enum Decoder {
    Web(encoding_rs::Decoder),
    Dos(&'static High),
    Utf32 {
        little: bool,
        /// The bytes of a character that has begun.
        held: Vec<u8>,
    },
}

impl Decoder {
    /// Appends the next piece of the file to `text`, as UTF-8, with a byte that
    /// UTF-8 does not have for what is not text. `is_last`: nothing follows.
    pub(in crate::feed) fn decode(&mut self, piece: &[u8], is_last: bool, text: &mut Vec<u8>) {
        match self {
            Self::Web(decoder) => decode_web(decoder, piece, is_last, text),
            Self::Dos(high) => {
                let mut rest = piece;
                loop {
                    let (ascii, behind) = rest.split_at(Encoding::ascii_valid_up_to(rest));
                    text.extend_from_slice(ascii);
                    let Some((&byte, behind)) = behind.split_first() else {
                        return;
                    };
                    let beyond = usize::from(byte).checked_sub(128);
                    if let Some(char) = beyond.and_then(|beyond| high.get(beyond)) {
                        text.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
                    }
                    rest = behind;
                }
            }
            Self::Utf32 { little, held } => {
                held.extend_from_slice(piece);
                let (units, rest) = held.as_chunks::<4>();
                for unit in units {
                    let number = if *little {
                        u32::from_le_bytes(*unit)
                    } else {
                        u32::from_be_bytes(*unit)
                    };
                    match char::from_u32(number) {
                        Some(char) => text.extend(char.encode_utf8(&mut [0; 4]).as_bytes()),
                        None => text.push(NOT_TEXT),
                    }
                }
                *held = rest.to_vec();
                if is_last && !held.is_empty() {
                    text.push(NOT_TEXT);
                }
            }
        }
    }
}

fn decode_web(
    decoder: &mut encoding_rs::Decoder,
    mut piece: &[u8],
    is_last: bool,
    text: &mut Vec<u8>,
) {
    loop {
        let start = text.len();
        // Most text is ASCII for the greater part. Where it is not, there is another round.
        text.resize(start + piece.len() + piece.len() / 8 + 16, 0);
        let free = text.get_mut(start..).unwrap_or_default();
        let (result, used, filled) =
            decoder.decode_to_utf8_without_replacement(piece, free, is_last);
        text.truncate(start + filled);
        piece = piece.get(used..).unwrap_or_default();
        match result {
            DecoderResult::InputEmpty => return,
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(..) => text.push(NOT_TEXT),
        }
    }
}

/// What a byte order mark says, and how many bytes it has.
pub(in crate::feed) fn of_mark(start: &[u8]) -> Option<(Charset, usize)> {
    // The mark of UTF-16 is the first half of one of UTF-32.
    if start.starts_with(b"\xff\xfe\0\0") {
        return Some((Charset::Utf32 { little: true }, 4));
    }
    if start.starts_with(b"\0\0\xfe\xff") {
        return Some((Charset::Utf32 { little: false }, 4));
    }
    Encoding::for_bom(start).map(|(encoding, length)| (Charset::Web(encoding), length))
}

/// UTF-32 and UTF-16 without a mark, by the zero bytes that Latin letters, digits,
/// delimiters and line ends have in them and that no other text has.
pub(in crate::feed) fn of_zeros(start: &[u8]) -> Option<Charset> {
    let start = start.get(..start.len().min(1 << 12)).unwrap_or_default();
    let (quads, _) = start.as_chunks::<4>();
    let all_are = |is_one: fn(u32) -> bool, read: fn([u8; 4]) -> u32| {
        quads.len() >= 4 && quads.iter().all(|&quad| is_one(read(quad)))
    };
    // Few planes of characters are in use. Two letters of UTF-16 have a greater number.
    let is_one = |number: u32| (1..0x4_0000).contains(&number) && char::from_u32(number).is_some();
    if all_are(is_one, u32::from_le_bytes) {
        return Some(Charset::Utf32 { little: true });
    }
    if all_are(is_one, u32::from_be_bytes) {
        return Some(Charset::Utf32 { little: false });
    }
    let (pairs, _) = start.as_chunks::<2>();
    let count = |is_one: fn(&[u8; 2]) -> bool| pairs.iter().filter(|pair| is_one(pair)).count();
    let high = count(|&[low, high]| low != 0 && high == 0);
    let low = count(|&[low, high]| low == 0 && high != 0);
    // A few zeros in a text of one byte a letter are damage.
    let ascii = count(|&[low, high]| low.is_ascii_graphic() && high.is_ascii_graphic());
    // Of a table in another script these are delimiters, digits and line ends. Both
    // at once, but for a letter with such a number, are those of no text.
    if pairs.len() < 4 || ascii * 2 > pairs.len() {
        None
    } else if high * 16 > pairs.len() && low * 4 <= high {
        Some(Charset::Web(UTF_16LE))
    } else if low * 16 > pairs.len() && high * 4 <= low {
        Some(Charset::Web(UTF_16BE))
    } else {
        None
    }
}
