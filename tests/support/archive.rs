//! ZIP archives as a writer of spreadsheets would not make them.

use flate2::Crc;

/// One part of an archive, as it lies in the file and as the directory says
/// of it.
pub(crate) struct Part<'a> {
    pub(crate) name: &'a str,
    pub(crate) data: &'a [u8],
    pub(crate) is_deflated: bool,
    pub(crate) crc: u32,
    /// The size that the directory claims.
    pub(crate) claimed: u32,
}

impl<'a> Part<'a> {
    /// A part that is what it says.
    pub(crate) fn stored(name: &'a str, data: &'a [u8]) -> Self {
        let mut crc = Crc::new();
        crc.update(data);
        Self {
            name,
            data,
            is_deflated: false,
            crc: crc.sum(),
            claimed: size(data),
        }
    }
}

/// The bytes of an archive.
pub(crate) fn archive(parts: &[Part<'_>]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for part in parts {
        let offset = size(&bytes);
        bytes.extend(b"PK\x03\x04");
        bytes.extend(fields(part));
        bytes.extend(part.name.as_bytes());
        bytes.extend(part.data);
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(fields(part));
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(part.name.as_bytes());
    }
    let start = size(&bytes);
    let n_parts = u16::try_from(parts.len()).unwrap_or(u16::MAX).to_le_bytes();
    bytes.extend(&directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend(n_parts);
    bytes.extend(n_parts);
    bytes.extend(size(&directory).to_le_bytes());
    bytes.extend(start.to_le_bytes());
    bytes.extend([0; 2]);
    bytes
}

/// What the local header and the directory have in common.
fn fields(part: &Part<'_>) -> Vec<u8> {
    let mut fields = vec![20, 0, 0, 0];
    fields.extend([if part.is_deflated { 8 } else { 0 }, 0]);
    // A time and a date.
    fields.extend([0, 0, 0x21, 0x54]);
    fields.extend(part.crc.to_le_bytes());
    fields.extend(size(part.data).to_le_bytes());
    fields.extend(part.claimed.to_le_bytes());
    let name = u16::try_from(part.name.len()).unwrap_or(u16::MAX);
    fields.extend(name.to_le_bytes());
    fields.extend([0; 2]);
    fields
}

fn size(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

/// The parts without which a workbook is none, for one sheet named `Staff`.
pub(crate) fn frame() -> [Part<'static>; 4] {
    [
        Part::stored(
            "[Content_Types].xml",
            br#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>"#,
        ),
        Part::stored(
            "_rels/.rels",
            br#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#,
        ),
        Part::stored(
            "xl/workbook.xml",
            br#"<workbook xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Staff" sheetId="1" r:id="rId1"/></sheets></workbook>"#,
        ),
        Part::stored(
            "xl/_rels/workbook.xml.rels",
            br#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#,
        ),
    ]
}
