//! The files that handlers may write: whole ones, by a plain name, into one folder. Nothing here reads,
//! lists or follows, and no name leads out of the folder.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bounds on what one instance may write.
const LARGEST: usize = 16 << 20;
const MOST: usize = 1024;
const LONGEST_NAME: usize = 200;

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
        remove_leftovers(path).map_err(|error| refused(&error.to_string()))?;
        Ok(Self(path.to_owned()))
    }
}

/// Takes away what a process of the same id left half written when it was killed: in a container it is always the same.
fn remove_leftovers(folder: &Path) -> std::io::Result<()> {
    let ours = format!(".{}.part", std::process::id());
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(&ours)?.rsplit_once('.'));
        let is_ours = number.is_some_and(|(name, number)| {
            name.starts_with('.') && number.bytes().all(|byte| byte.is_ascii_digit())
        });
        if is_ours {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
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

/// A new file that no other handler has open, nor another process.
fn tempfile_in(folder: &Path, name: &str) -> std::io::Result<(PathBuf, fs::File)> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let path = folder.join(format!(".{name}.{number}.{}.part", std::process::id()));
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
        Err("a file's name is at most 200 letters, digits, \".\", \"-\" and \"_\", and does not begin \
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
        assert!(files.write(&"x".repeat(201), b"x").is_err());
        assert!(
            files.write(&"x".repeat(200), b"x").is_ok() && files.remove(&"x".repeat(200)).is_ok()
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn two_handlers_that_write_one_file_never_share_a_temporary_one() {
        let folder = tempfile::tempdir().unwrap();
        let (one, mut first) = tempfile_in(folder.path(), "a.json").unwrap();
        let (other, mut second) = tempfile_in(folder.path(), "a.json").unwrap();
        assert_ne!(one, other);
        first.write_all(b"first").unwrap();
        second.write_all(b"second").unwrap();
        assert_eq!(
            (fs::read(&one).unwrap(), fs::read(&other).unwrap()),
            (b"first".into(), b"second".into())
        );
    }

    #[test]
    fn what_was_left_half_written_is_taken_away_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let (left, _) = tempfile_in(folder.path(), "a.json").unwrap();
        let others =
            [".a.json.0.0.part", "a.json", ".x.part", &format!("a.1.{}.part", std::process::id())];
        for name in others {
            fs::write(folder.path().join(name), "x").unwrap();
        }
        Folder::open(folder.path()).unwrap();
        assert!(!left.exists());
        assert!(others.iter().all(|name| folder.path().join(name).exists()));
    }

    #[test]
    fn what_another_program_put_there_is_not_removed() {
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
