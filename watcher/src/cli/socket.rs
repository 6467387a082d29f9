//! A Unix socket to serve on, which only its owner or a group may use. It must never take one away on which another
//! program listens, nor anything that is no socket.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, chown};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use nix::sys::stat::{Mode, umask};
use nix::unistd::Group;
use tokio::net::UnixListener;

/// A socket at its path, which goes with this.
#[derive(Debug)]
pub(super) struct Bound {
    path: PathBuf,
    identity: Option<(u64, u64)>,
}

impl Drop for Bound {
    fn drop(&mut self) {
        // Another program may have put its own there.
        if self.identity.is_some() && identity(&self.path) == self.identity {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Listens at a path. One that is there already is replaced when nothing listens on it.
///
/// # Errors
/// A sentence that says why not, and what to do.
pub(super) fn bind(path: &Path, group: Option<&str>) -> Result<(UnixListener, Bound), String> {
    let group = group.map(group_id).transpose()?;
    make_room(path)?;
    let cannot = |error: io::Error| cannot(path, &error);
    // From its first moment on no other user may use it.
    let before = umask(Mode::from_bits_truncate(0o177));
    let listener = UnixListener::bind(path);
    umask(before);
    let listener = listener.map_err(cannot)?;
    let bound = Bound { path: path.to_owned(), identity: identity(path) };
    if let Some(group) = group {
        chown(path, None, Some(group)).map_err(|error| {
            format!("cannot give {} to the group {group}: {error}", path.display())
        })?;
        let mode = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o660);
        fs::set_permissions(path, mode).map_err(cannot)?;
    }
    Ok((listener, bound))
}

fn make_room(path: &Path) -> Result<(), String> {
    let shown = path.display();
    let there = match fs::symlink_metadata(path) {
        Ok(there) => there,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(cannot(path, &error)),
    };
    if !there.file_type().is_socket() {
        return Err(format!(
            "{shown} is there already and is no socket\n  --socket takes another path"
        ));
    }
    match UnixStream::connect(path) {
        Ok(_) => Err(format!(
            "another program listens on {shown} already: a second agent?\n  --socket takes another path"
        )),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(|error| cannot(path, &error))
        }
        Err(error) => Err(cannot(path, &error)),
    }
}

fn cannot(path: &Path, error: &io::Error) -> String {
    let advice = match error.kind() {
        io::ErrorKind::NotFound => {
            "\n  Its folder is missing: mount an emptyDir there, or take another path with --socket"
        }
        _ => "\n  --socket takes another path",
    };
    format!("cannot serve on {}: {error}{advice}", path.display())
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::symlink_metadata(path).ok().map(|there| (there.dev(), there.ino()))
}

/// A group by its name or its number.
fn group_id(name: &str) -> Result<u32, String> {
    if let Ok(number) = name.parse() {
        return Ok(number);
    }
    match Group::from_name(name) {
        Ok(Some(group)) => Ok(group.gid.as_raw()),
        Ok(None) => {
            Err(format!("there is no group {name} here\n  --socket-group takes a number as well"))
        }
        Err(error) => Err(format!("the group {name} cannot be looked up: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[tokio::test]
    async fn a_socket_is_its_owners_or_a_groups_and_goes_with_the_program() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.sock");
        let (_listener, bound) = bind(&path, None).unwrap();
        assert_eq!(mode(&path), 0o600);
        drop(bound);
        assert!(!path.exists());
        let own = fs::metadata(folder.path()).unwrap().gid().to_string();
        let (_listener, _bound) = bind(&path, Some(&own)).unwrap();
        assert_eq!(mode(&path), 0o660);
        let error = bind(&folder.path().join("b"), Some("no such group")).unwrap_err();
        assert!(error.contains("there is no group no such group"), "{error}");
    }

    #[tokio::test]
    async fn a_socket_on_which_a_program_listens_is_left_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.sock");
        let (_listener, _bound) = bind(&path, None).unwrap();
        let error = bind(&path, None).unwrap_err();
        assert!(error.contains("another program listens on"), "{error}");
        assert!(UnixStream::connect(&path).is_ok());
    }

    #[tokio::test]
    async fn a_socket_that_was_left_behind_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.sock");
        let (listener, mut bound) = bind(&path, None).unwrap();
        bound.identity = None;
        drop((listener, bound));
        assert!(path.exists());
        assert!(bind(&path, None).is_ok());
    }

    #[tokio::test]
    async fn what_is_no_socket_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.sock");
        fs::write(&path, "precious").unwrap();
        let error = bind(&path, None).unwrap_err();
        assert!(error.contains("is no socket"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"precious");
        let error = bind(&folder.path().join("missing/agent.sock"), None).unwrap_err();
        assert!(error.contains("mount an emptyDir"), "{error}");
    }
}
