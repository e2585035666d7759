//! Compound files, in which older programs of Office save.

use std::io::{Cursor, Write as _};

use cfb::{CompoundFile, Version};

/// A file with one stream of this name.
pub(crate) fn compound(name: &str, stream: &[u8]) -> Vec<u8> {
    of_version(Version::V4, name, stream)
}

/// The same with sectors of 512 bytes, as older programs write it.
pub(crate) fn compound_of_512(name: &str, stream: &[u8]) -> Vec<u8> {
    of_version(Version::V3, name, stream)
}

fn of_version(version: Version, name: &str, stream: &[u8]) -> Vec<u8> {
    let inner = Cursor::new(Vec::new());
    let mut file = CompoundFile::create_with_version(version, inner).unwrap();
    let mut written = file.create_stream(name).unwrap();
    written.write_all(stream).unwrap();
    drop(written);
    file.into_inner().into_inner()
}
