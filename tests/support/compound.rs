//! Compound files, in which older programs of Office save.

use std::io::{Cursor, Write as _};

/// A file with one stream of this name.
pub(crate) fn compound(name: &str, stream: &[u8]) -> Vec<u8> {
    let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    let mut written = file.create_stream(name).unwrap();
    written.write_all(stream).unwrap();
    drop(written);
    file.into_inner().into_inner()
}
