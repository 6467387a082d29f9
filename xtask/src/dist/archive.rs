//! Archives whose bytes depend on nothing but what is in them: order, owners, modes and times are set. It must never
//! keep of a file more than its bytes and its name.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::{Compression, GzBuilder};
use tar::{Builder, EntryType, Header};

use crate::process::{Context as _, Failure, Result};

/// One file or link of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    name: String,
    what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    File { bytes: Vec<u8>, mode: u32 },
    Link(String),
}

impl Entry {
    pub(crate) fn file(name: &str, bytes: Vec<u8>) -> Self {
        Self { name: name.to_owned(), what: What::File { bytes, mode: 0o644 } }
    }

    pub(crate) fn program(name: &str, bytes: Vec<u8>) -> Self {
        Self { name: name.to_owned(), what: What::File { bytes, mode: 0o755 } }
    }

    pub(crate) fn link(name: &str, to: &str) -> Self {
        Self { name: name.to_owned(), what: What::Link(to.to_owned()) }
    }

    /// The same in a folder.
    pub(crate) fn below(self, folder: &str) -> Self {
        Self { name: format!("{folder}/{}", self.name), ..self }
    }
}

/// A tar archive of these, with this time on each.
pub(crate) fn tar(entries: &[Entry], time: u64) -> Result<Vec<u8>> {
    let mut entries: Vec<&Entry> = entries.iter().collect();
    entries.sort_by(|one, other| one.name.cmp(&other.name));
    let mut archive = Builder::new(Vec::new());
    for entry in entries {
        let mut header = Header::new_ustar();
        header.set_mtime(time);
        header.set_uid(0);
        header.set_gid(0);
        let added = match &entry.what {
            What::File { bytes, mode } => {
                header.set_mode(*mode);
                header.set_size(bytes.len() as u64);
                archive.append_data(&mut header, &entry.name, bytes.as_slice())
            }
            What::Link(to) => {
                header.set_mode(0o777);
                header.set_size(0);
                header.set_entry_type(EntryType::Symlink);
                archive.append_link(&mut header, &entry.name, to)
            }
        };
        added.context(|| format!("putting {} into an archive", entry.name))?;
    }
    archive.into_inner().context(|| "closing an archive".into())
}

/// The same, compressed.
pub(crate) fn tar_gz(entries: &[Entry], time: u64) -> Result<Vec<u8>> {
    gzip(&tar(entries, time)?)
}

/// Compresses without a name and a time.
pub(crate) fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut out = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    let written = out.write_all(bytes).and_then(|()| out.finish());
    written.context(|| "compressing".into())
}

/// Every file below a folder, with its path from there, in order.
pub(super) fn files_below(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(&at).context(|| format!("reading {}", at.display()))? {
            let path = entry.context(|| format!("reading {}", at.display()))?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let below = path.strip_prefix(folder).unwrap_or(&path);
            let name = below.to_str().ok_or_else(|| {
                Failure::new(format!("{} has a name that is not UTF-8", path.display()))
            })?;
            found.push((name.replace('\\', "/"), path));
        }
    }
    found.sort();
    Ok(found)
}

/// A file of this checkout as it goes into an archive.
pub(super) fn entry(name: &str, path: &Path) -> Result<Entry> {
    let bytes = fs::read(path).context(|| format!("reading {}", path.display()))?;
    Ok(Entry::file(name, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_entries_and_the_hour_change_nothing() {
        let one = Entry::file("a", b"text".to_vec());
        let two = Entry::program("b/c", b"code".to_vec());
        let three = Entry::link("d", "b/c");
        let forth = tar_gz(&[one.clone(), two.clone(), three.clone()], 7).unwrap();
        let back = tar_gz(&[three, two, one], 7).unwrap();
        assert_eq!(forth, back);
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(forth.as_slice()));
        let listed: Vec<_> = archive
            .entries()
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let header = entry.header();
                let path = entry.path().unwrap().display().to_string();
                (path, header.mode().unwrap(), header.mtime().unwrap(), header.uid().unwrap())
            })
            .collect();
        assert_eq!(
            listed,
            [("a".into(), 0o644, 7, 0), ("b/c".into(), 0o755, 7, 0), ("d".to_owned(), 0o777, 7, 0)]
        );
    }
}
