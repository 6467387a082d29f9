//! Debian's packages without root: fetched by a private apt and unpacked where the caller says. It must never
//! change the system: it installs nothing, and leaves apt's own state alone.

mod sources;

use std::fs;
use std::path::{Path, PathBuf};

use crate::cache;
use crate::process::{Context as _, Failure, Result, Tool, on_path};
use crate::say;

/// The release of Debian whose packages are known to work.
pub(crate) const RELEASE: &str = "12";

/// Why packages of that release cannot be had here, if they cannot.
pub(crate) fn impossible() -> Option<String> {
    let text = fs::read_to_string("/etc/os-release").unwrap_or_default();
    if os_release(&text, "ID") != Some("debian") || os_release(&text, "VERSION_ID") != Some(RELEASE)
    {
        return Some(format!("this is not Debian {RELEASE}"));
    }
    let missing = ["apt-get", "dpkg-deb", "tar"].into_iter().find(|program| !on_path(program));
    missing.map(|program| format!("there is no {program} here"))
}

/// Fills the cache's folder `dir` with what is in the packages that `download` gets, as tar is told to unpack them,
/// unless `is_ready` says that it is there.
pub(crate) fn fill(
    dir: &Path,
    is_ready: impl Fn() -> bool,
    download: impl FnOnce(&Apt) -> Result<Vec<PathBuf>>,
    told: &[&str],
) -> Result {
    cache::fill(dir, is_ready, |partial| {
        let apt = Apt::new(&partial.join("apt"))?;
        for package in download(&apt)? {
            unpack(&package, partial, told)?;
        }
        cache::clear(&apt.dir)
    })
}

/// Unpacks a package into a folder, as tar is told to.
fn unpack(package: &Path, dir: &Path, told: &[&str]) -> Result {
    let script = "package=$1; dir=$2; shift 2; dpkg-deb --fsys-tarfile \"$package\" | tar -x -C \"$dir\" \"$@\"";
    // `pipefail` is bash's: with plain sh a broken package would go unseen.
    Tool::new("bash")
        .args(["-o", "pipefail", "-c", script, "unpack"])
        .arg(package)
        .arg(dir)
        .args(told.iter().copied())
        .read()?;
    Ok(())
}

/// An apt of our own: its sources, lists and cache are below one folder, the machine's are only read.
pub(crate) struct Apt {
    dir: PathBuf,
    codename: String,
}

impl Apt {
    /// An apt below `dir`, which knows what the archive has.
    fn new(dir: &Path) -> Result<Self> {
        let release =
            fs::read_to_string("/etc/os-release").context(|| "reading /etc/os-release".into())?;
        let codename = os_release(&release, "VERSION_CODENAME").unwrap_or("bookworm").to_owned();
        let stanzas = sources::derive(&machine_sources(), &codename).ok_or_else(|| {
            Failure::new(format!(
                "apt's sources name no archive of {codename}: add one to /etc/apt/sources.list.d"
            ))
        })?;
        for part in ["sources", "lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(dir.join(part)).context(|| format!("creating {}", dir.display()))?;
        }
        fs::write(dir.join("sources/private.sources"), stanzas)
            .context(|| "writing the sources".into())?;
        let apt = Self { dir: dir.to_owned(), codename };
        say::note("reading the archive's package lists");
        apt.get().arg("update").read()?;
        Ok(apt)
    }

    /// A package of this release's backports.
    pub(crate) fn backported(&self, package: &str) -> String {
        format!("{package}/{}-backports", self.codename)
    }

    /// Downloads these packages and what they depend on. Returns all that there are.
    pub(crate) fn download_with_dependencies(&self, packages: &[&str]) -> Result<Vec<PathBuf>> {
        let install = ["install", "--yes", "--download-only", "--no-install-recommends"];
        self.get().args(install).args(packages.iter().copied()).read()?;
        packages_in(&self.dir.join("cache/archives"))
    }

    /// Downloads one package alone.
    pub(crate) fn download(&self, package: &str) -> Result<Vec<PathBuf>> {
        let dir = self.dir.join("alone");
        fs::create_dir_all(&dir).context(|| format!("creating {}", dir.display()))?;
        self.get().args(["download", package]).dir(&dir).read()?;
        packages_in(&dir)
    }

    fn get(&self) -> Tool {
        let set = |name: &str, value: &Path| format!("{name}={}", value.display());
        let options = [
            "Dir::Etc::SourceList=/dev/null".to_owned(),
            set("Dir::Etc::SourceParts", &self.dir.join("sources")),
            set("Dir::State::Lists", &self.dir.join("lists")),
            set("Dir::Cache", &self.dir.join("cache")),
            // Nothing shared is written, so nothing shared is locked; and the folder is the caller's own.
            "Debug::NoLocking=1".to_owned(),
            "APT::Sandbox::User=root".to_owned(),
            "Acquire::Retries=2".to_owned(),
            "Acquire::Languages=none".to_owned(),
        ];
        let tool = Tool::new("apt-get").arg("--quiet").env("DEBIAN_FRONTEND", "noninteractive");
        options.into_iter().fold(tool, |tool, option| tool.arg("-o").arg(option))
    }
}

fn machine_sources() -> Vec<(String, String)> {
    let parts = fs::read_dir("/etc/apt/sources.list.d").into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = parts.map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|name| name == "sources" || name == "list"));
    paths.push("/etc/apt/sources.list".into());
    paths.sort();
    let read = |path: &PathBuf| Some((path.display().to_string(), fs::read_to_string(path).ok()?));
    paths.iter().filter_map(read).collect()
}

fn packages_in(dir: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(dir).context(|| "reading the packages".into())?;
    let paths = entries.flatten().map(|entry| entry.path());
    Ok(paths.filter(|path| path.extension().is_some_and(|end| end == "deb")).collect())
}

fn os_release<'a>(text: &'a str, field: &str) -> Option<&'a str> {
    let value = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix('='));
    value.map(|value| value.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn os_release_fields_are_read_with_and_without_quotes() {
        let text = "PRETTY_NAME=\"x\"\nVERSION_ID=\"12\"\nID=debian\n";
        assert_eq!(os_release(text, "VERSION_ID"), Some("12"));
        assert_eq!(os_release(text, "ID"), Some("debian"));
        assert_eq!(os_release(text, "VERSION"), None);
    }
}
