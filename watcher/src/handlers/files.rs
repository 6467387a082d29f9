//! The files that handlers may write: whole ones, by a plain name, into one folder. Nothing here reads,
//! lists or follows, and no name leads out of the folder.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bounds on what one instance may write.
const LARGEST: usize = 16 << 20;
const MOST: usize = 1024;
const LONGEST_NAME: usize = 100;

/// A folder that can be written to.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// The error names the folder, and the way out.
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let refused = |why: &str| format!("--handler-dir {}: {why}", path.display());
        let metadata = fs::metadata(path).map_err(|error| refused(&error.to_string()))?;
        if !metadata.is_dir() {
            return Err(refused("is not a folder"));
        }
        Ok(Self(path.to_owned()))
    }
}

/// What one instance may write, and what it has written.
#[derive(Debug)]
pub(super) struct Files {
    folder: Option<Arc<Folder>>,
    written: BTreeSet<String>,
}

impl Files {
    pub(super) fn new(folder: Option<Arc<Folder>>) -> Self {
        Self { folder, written: BTreeSet::new() }
    }

    /// Puts a file into its place at once, by a file beside it and a move.
    pub(super) fn write(&mut self, name: &str, content: &[u8]) -> Result<(), String> {
        let folder = self.folder()?;
        check(name)?;
        if content.len() > LARGEST {
            return Err(format!("a file is at most {LARGEST} bytes"));
        }
        if !self.written.contains(name) && self.written.len() >= MOST {
            return Err(format!("at most {MOST} files can be written"));
        }
        put(&folder.0, name, content).map_err(|error| format!("cannot write {name}: {error}"))?;
        self.written.insert(name.to_owned());
        Ok(())
    }

    /// Removes a file that was written through this.
    pub(super) fn remove(&mut self, name: &str) -> Result<(), String> {
        let folder = self.folder()?;
        check(name)?;
        if self.written.remove(name) {
            fs::remove_file(folder.0.join(name)).map_err(|error| format!("{name}: {error}"))?;
        }
        Ok(())
    }

    fn folder(&self) -> Result<Arc<Folder>, String> {
        self.folder
            .clone()
            .ok_or_else(|| "no folder to write to: --handler-dir names one".to_owned())
    }
}

fn put(folder: &Path, name: &str, content: &[u8]) -> std::io::Result<()> {
    // In the same folder, so that the move is one step; not a name that `check` would pass.
    let mut beside = tempfile_in(folder, name)?;
    beside.1.write_all(content)?;
    drop(beside.1);
    fs::rename(&beside.0, folder.join(name)).inspect_err(|_| {
        let _ = fs::remove_file(&beside.0);
    })
}

/// A new file that nobody else has open. What a killed process left behind is taken away first.
fn tempfile_in(folder: &Path, name: &str) -> std::io::Result<(PathBuf, fs::File)> {
    let path = folder.join(format!(".{name}.{}", std::process::id()));
    let _ = fs::remove_file(&path);
    let file = fs::File::create_new(&path)?;
    Ok((path, file))
}

/// A name that is nothing but a name, on every system.
fn check(name: &str) -> Result<(), String> {
    let legal = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let fits = (1..=LONGEST_NAME).contains(&name.len());
    if fits && !name.starts_with('.') && name.as_bytes().iter().all(legal) {
        Ok(())
    } else {
        Err("a file's name is at most 100 letters, digits, \".\", \"-\" and \"_\", and does not begin \
             with a \".\""
            .to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(folder: &Path) -> Files {
        Files::new(Some(Arc::new(Folder::open(folder).unwrap())))
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_and_nothing_stays_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = files(folder.path());
        files.write("a.json", b"one").unwrap();
        files.write("a.json", b"two").unwrap();
        assert_eq!(fs::read(folder.path().join("a.json")).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        files.remove("a.json").unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn no_name_leads_out_of_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = files(folder.path());
        for name in ["", ".", "..", "../x", "/etc/x", "a/b", "a\\b", ".hidden", "C:x", "a\0b", "ä"]
        {
            assert!(files.write(name, b"x").is_err(), "{name:?}");
            assert!(files.remove(name).is_err(), "{name:?}");
        }
        assert!(files.write(&"x".repeat(101), b"x").is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_somebody_else_put_there_is_not_removed() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("theirs"), "x").unwrap();
        files(folder.path()).remove("theirs").unwrap();
        assert!(folder.path().join("theirs").exists());
    }

    #[test]
    fn much_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = files(folder.path());
        assert!(files.write("large", &vec![0; LARGEST + 1]).is_err());
        for number in 0..MOST {
            files.write(&number.to_string(), b"").unwrap();
        }
        assert!(files.write("one-more", b"").is_err());
        files.write("0", b"again").unwrap();
    }

    #[test]
    fn without_a_folder_the_way_out_is_said() {
        let refused = Files::new(None).write("a", b"").unwrap_err();
        assert!(refused.contains("--handler-dir"), "{refused}");
    }
}
