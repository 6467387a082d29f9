//! Files and the standard input as bytes, unpacked where they are packed. Looks into no text.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use super::terminal::{Progress, bar};

/// Twice what 10,000 Pods with large annotations take. A longer input is refused.
const LARGEST: u64 = 256 * 1024 * 1024;

/// How much is read between two looks at the terminal.
const STEP: u64 = 1 << 20;

/// Reads a file, or the standard input for `-`, up to a bound.
///
/// # Errors
/// A sentence that names the file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, String> {
    let name = name(path);
    let read = if is_stdin(path) {
        whole(io::stdin().lock(), None)
    } else {
        File::open(path).and_then(|file| {
            let size = file.metadata().ok().filter(std::fs::Metadata::is_file);
            whole(file, size.map(|size| size.len()))
        })
    };
    let bytes = read.map_err(|error| format!("cannot read {name}: {error}"))?;
    bounded(&bytes, &name)?;
    Ok(bytes)
}

/// Reads up to the bound, and shows on a terminal how far it is, of how much where that is known.
fn whole(reader: impl Read, size: Option<u64>) -> io::Result<Vec<u8>> {
    let mut progress = Progress::new();
    let mut reader = reader.take(LARGEST + 1);
    let mut bytes = Vec::new();
    while reader.by_ref().take(STEP).read_to_end(&mut bytes)? > 0 {
        progress.show(&so_far(bytes.len() as u64, size));
    }
    Ok(bytes)
}

fn so_far(read: u64, size: Option<u64>) -> String {
    let read_mib = read >> 20;
    match size.filter(|size| *size >= read) {
        Some(size) => format!("reading: {} {read_mib} of {} MiB", bar(read, size), size >> 20),
        None => format!("reading: {read_mib} MiB"),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_reading_is_stands_beside_how_much_there_is() {
        assert_eq!(so_far(3 << 20, None), "reading: 3 MiB");
        let half = so_far(2 << 20, Some(4 << 20));
        assert_eq!(half, "reading: [##########          ] 2 of 4 MiB");
        // A file that grows while it is read has no end yet.
        assert_eq!(so_far(5 << 20, Some(4 << 20)), "reading: 5 MiB");
    }

    #[test]
    fn what_is_read_in_steps_is_whole() {
        let long: Vec<u8> = (0..=255).cycle().take((5 << 20) / 2).collect();
        assert!(whole(long.as_slice(), Some(long.len() as u64)).unwrap() == long);
        assert!(whole(io::empty(), None).unwrap().is_empty());
    }
}
