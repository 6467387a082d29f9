//! Files and the standard input as bytes, unpacked where they are packed. Looks into no text.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

/// Twice what 10,000 Pods with large annotations take. A longer input is refused.
const LARGEST: u64 = 256 * 1024 * 1024;

/// Reads a file, or the standard input for `-`, up to a bound.
///
/// # Errors
/// A sentence that names the file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, String> {
    let name = name(path);
    let mut bytes = Vec::new();
    let result = if is_stdin(path) {
        io::stdin().lock().take(LARGEST + 1).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
    };
    result.map_err(|error| format!("cannot read {name}: {error}"))?;
    bounded(&bytes, &name)?;
    Ok(bytes)
}

/// Bytes that were packed, or not.
#[derive(Debug)]
pub(super) struct Unpacked {
    pub(super) bytes: Vec<u8>,
    /// Whether they end before their end.
    pub(super) damaged: bool,
}

/// Unpacks gzip, one member or several. What is damaged gives the bytes before the damage.
///
/// # Errors
/// A sentence that names the file, if it is too large when unpacked.
pub(super) fn unpacked(packed: Vec<u8>, path: &Path) -> Result<Unpacked, String> {
    if !packed.starts_with(b"\x1f\x8b") {
        return Ok(Unpacked { bytes: packed, damaged: false });
    }
    let mut bytes = Vec::new();
    let reader = flate2::read::MultiGzDecoder::new(packed.as_slice());
    let damaged = reader.take(LARGEST + 1).read_to_end(&mut bytes).is_err();
    bounded(&bytes, &name(path))?;
    Ok(Unpacked { bytes, damaged })
}

fn bounded(bytes: &[u8], name: &str) -> Result<(), String> {
    if bytes.len() as u64 > LARGEST {
        return Err(format!("{name} is larger than {} MiB", LARGEST >> 20));
    }
    Ok(())
}

fn name(path: &Path) -> String {
    if is_stdin(path) { "the standard input".into() } else { path.to_string_lossy().into_owned() }
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}
