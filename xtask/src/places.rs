//! The folders of this machine that compilers see, and what their output has in their place: the same sources give the same
//! bytes wherever they are. It must never name a folder that is not of this machine.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::process::{Result, Tool, root};

/// Each folder, and its other name.
pub(crate) struct Places(Vec<(PathBuf, &'static str)>);

impl Places {
    /// This checkout, its target folder, the compiler and cargo's home.
    pub(crate) fn of_this_machine() -> Result<Self> {
        let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
        let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
        let mut places = vec![(root(), "/src"), (target_dir(), "/target"), (sysroot()?, "/rust")];
        places.extend(home.map(|home| (home, "/cargo")));
        Ok(Self(places))
    }

    /// Flags for rustc.
    pub(crate) fn for_rust(&self) -> String {
        self.flags("--remap-path-prefix=")
    }

    /// Flags for a C compiler.
    pub(crate) fn for_c(&self) -> String {
        self.flags("-ffile-prefix-map=")
    }

    fn flags(&self, flag: &str) -> String {
        let flags = self.0.iter().map(|(from, to)| format!("{flag}{}={to}", from.display()));
        flags.collect::<Vec<_>>().join(" ")
    }
}

/// Native build's target folder.
pub(crate) fn target_dir() -> PathBuf {
    let set = std::env::var_os("CARGO_TARGET_DIR").filter(|dir| !dir.is_empty());
    root().join(set.unwrap_or_else(|| OsString::from("target")))
}

/// The sysroot of the compiler in use.
pub(crate) fn sysroot() -> Result<PathBuf> {
    let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
    let text = Tool::new(compiler).args(["--print", "sysroot"]).dir(&root()).read()?;
    Ok(PathBuf::from(text.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_folder_of_this_machine_gets_another_name() {
        let places = Places(vec![("/home/a".into(), "/src"), ("/b".into(), "/target")]);
        assert_eq!(
            places.for_rust(),
            "--remap-path-prefix=/home/a=/src --remap-path-prefix=/b=/target"
        );
        assert_eq!(places.for_c(), "-ffile-prefix-map=/home/a=/src -ffile-prefix-map=/b=/target");
    }
}
