//! The folder for what is fetched once and never changes: per user and not per checkout. What stands there
//! is whole: it is made beside its place, under a lock, and moved there at the end.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::process::{Context as _, Failure, Result};

/// Where a thing of this name has its folder; it need not be there yet.
pub(crate) fn folder(name: &str) -> Result<PathBuf> {
    let home = std::env::var_os("XDG_CACHE_HOME").filter(|dir| !dir.is_empty()).map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
    let home = home.ok_or_else(|| Failure::new("neither HOME nor XDG_CACHE_HOME is set"))?;
    Ok(home.join("dubbo-k8s").join(name))
}

/// Makes the folder `dir` by `make`, which gets an empty folder beside it, unless `is_ready` says that
/// it is there. Two at once wait for each other, and the second finds it ready.
pub(crate) fn fill(
    dir: &Path,
    is_ready: impl Fn() -> bool,
    make: impl FnOnce(&Path) -> Result,
) -> Result {
    let parent = dir.parent().ok_or_else(|| Failure::new("the cache folder has no parent"))?;
    fs::create_dir_all(parent).context(|| format!("creating {}", parent.display()))?;
    let lock = File::create(beside(dir, "lock")).context(|| "creating the lock".into())?;
    lock.lock().context(|| "waiting for another fetch".into())?;
    if is_ready() {
        return Ok(());
    }
    let partial = beside(dir, "partial");
    clear(&partial)?;
    fs::create_dir(&partial).context(|| format!("creating {}", partial.display()))?;
    make(&partial)?;
    clear(dir)?;
    fs::rename(&partial, dir).context(|| format!("moving what was fetched to {}", dir.display()))
}

/// Takes a folder away; it need not be there.
pub(crate) fn clear(dir: &Path) -> Result {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Failure::new(format!("removing {}: {error}", dir.display())))
        }
        _ => Ok(()),
    }
}

/// `with_extension` would take a version's last number for an extension.
fn beside(dir: &Path, ending: &str) -> PathBuf {
    let mut name = dir.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(ending);
    dir.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ready_is_not_made_again_and_what_failed_leaves_nothing_in_its_place() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("tool-1.2.3");
        let ready = || dir.join("tool").is_file();
        let failed = fill(&dir, ready, |partial| {
            fs::write(partial.join("half"), "").unwrap();
            Err(Failure::new("cut"))
        });
        assert_eq!(failed.unwrap_err().to_string(), "cut");
        assert!(!dir.exists());
        fill(&dir, ready, |partial| {
            assert!(!partial.join("half").exists(), "of the attempt before");
            fs::write(partial.join("tool"), "").context(|| "writing".into())
        })
        .unwrap();
        fill(&dir, ready, |_| panic!("it was there")).unwrap();
        assert!(!home.path().join("tool-1.2.3.partial").exists());
    }
}
