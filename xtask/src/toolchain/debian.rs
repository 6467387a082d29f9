//! Debian's Rust for wasm: found where it is installed, else fetched and unpacked into a cache.
//! It must never change the system: it needs no root, installs nothing, and leaves apt's own state alone.

use std::fs;
use std::path::{Path, PathBuf};

use super::choice::Debian;
use super::sources;
use crate::cache;
use crate::process::{Context as _, Failure, Result, Tool, on_path};
use crate::say;

/// What a toolchain consists of, below its `usr`. A folder with all of these can build every target.
const PARTS: [&str; 5] = [
    "bin/rustc",
    "bin/cargo",
    "lib/rustlib/src/rust/library/std/src/lib.rs",
    "lib/wasm32-wasip2/crt1-command.o",
    "lib/wasm32-wasip2/libc.a",
];

/// The release whose packages are known to work.
const RELEASE: &str = "12";

/// What of Debian's toolchain is on this machine, without asking the network.
pub(super) fn look() -> Debian {
    let usable = |usr: PathBuf| {
        let version = compiler_version(&usr)?;
        is_enough(&version).then_some(Debian::Ready { usr, version })
    };
    let installed = installed_usr().filter(|usr| is_complete(usr)).and_then(usable);
    let cached =
        || folder().ok().map(|dir| dir.join("usr")).filter(|usr| is_complete(usr)).and_then(usable);
    installed.or_else(cached).unwrap_or_else(|| match impossible() {
        Some(why) => Debian::Impossible(why),
        None => Debian::Untried,
    })
}

/// Fetches the packages by a private apt and unpacks them. Two at once wait for each other, and the
/// folder appears only when it is whole.
pub(super) fn fetch() -> Result<Debian> {
    let dir = folder()?;
    let is_ready = || matches!(look(), Debian::Ready { .. });
    cache::fill(&dir, is_ready, |partial| {
        Apt::new(&partial.join("apt"))?.download()?;
        unpack(partial)?;
        cache::clear(&partial.join("apt"))
    })?;
    match look() {
        ready @ Debian::Ready { .. } => Ok(ready),
        _ => Err(Failure::new(unusable(&dir.join("usr")))),
    }
}

/// The shared libraries' folders below `usr`: the packages expect them on the loader's path.
pub(super) fn library_dirs(usr: &Path) -> Vec<PathBuf> {
    let lib = usr.join("lib");
    let multiarch = fs::read_dir(&lib).into_iter().flatten().flatten().map(|entry| entry.path());
    multiarch.filter(|path| path.to_string_lossy().ends_with("-linux-gnu")).collect()
}

fn is_complete(usr: &Path) -> bool {
    PARTS.iter().all(|part| usr.join(part).exists())
}

fn impossible() -> Option<String> {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    if os_release(&release, "ID") != Some("debian")
        || os_release(&release, "VERSION_ID") != Some(RELEASE)
    {
        return Some(format!("this is not Debian {RELEASE}"));
    }
    let missing = ["apt-get", "dpkg-deb", "tar"].into_iter().find(|program| !on_path(program));
    missing.map(|program| format!("there is no {program} here"))
}

fn os_release<'a>(text: &'a str, field: &str) -> Option<&'a str> {
    let value = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix('='));
    value.map(|value| value.trim_matches('"'))
}

/// The `usr` that an installed rustc-web has its files in, as dpkg tells it.
fn installed_usr() -> Option<PathBuf> {
    let files = Tool::new("dpkg").args(["-L", "rustc-web"]).read().ok()?;
    let compiler = files.lines().find(|line| line.ends_with("/bin/rustc"))?;
    Some(Path::new(compiler).parent()?.parent()?.to_owned())
}

fn compiler_version(usr: &Path) -> Option<String> {
    let loader = std::env::join_paths(library_dirs(usr)).ok()?;
    let text = Tool::new(usr.join("bin/rustc"))
        .arg("--version")
        .env("LD_LIBRARY_PATH", loader)
        .read()
        .ok()?;
    text.split_whitespace().nth(1).map(str::to_owned)
}

/// Whether a compiler of this version builds this workspace.
fn is_enough(version: &str) -> bool {
    numbers(version) >= numbers(env!("CARGO_PKG_RUST_VERSION"))
}

fn numbers(version: &str) -> Vec<u32> {
    version.split(['.', '-']).map_while(|part| part.parse().ok()).collect()
}

fn unusable(usr: &Path) -> String {
    if let Some(part) = PARTS.iter().find(|part| !usr.join(part).exists()) {
        return format!("the archive's packages have no {part}");
    }
    format!(
        "the archive's rustc-web is {}, and this project needs {}: add bookworm-security to apt's sources",
        compiler_version(usr).unwrap_or_else(|| "not runnable".into()),
        env!("CARGO_PKG_RUST_VERSION"),
    )
}

/// Where the packages are unpacked: a gigabyte that never changes.
fn folder() -> Result<PathBuf> {
    cache::folder(&format!("wasm-debian-{RELEASE}"))
}

/// Unpacks every package under `dir/apt` into `dir`; of Rust's sources only the standard library.
fn unpack(dir: &Path) -> Result {
    let packages =
        fs::read_dir(dir.join("apt/cache/archives")).context(|| "reading the packages".into())?;
    for package in packages.flatten().map(|entry| entry.path()) {
        if package.extension().is_some_and(|extension| extension == "deb") {
            let script = "dpkg-deb --fsys-tarfile \"$1\" | tar -x -C \"$2\" \
                          --anchored --no-wildcards-match-slash \
                          --exclude='./usr/src/*/compiler' --exclude='./usr/src/*/src' \
                          --exclude=./usr/share --exclude=./usr/lib/wasm32-wasi --exclude=./usr/lib/wasm32-wasip1";
            // `pipefail` is bash's: with plain sh a broken package would go unseen.
            Tool::new("bash")
                .args(["-o", "pipefail", "-c", script, "unpack"])
                .arg(package)
                .arg(dir)
                .read()?;
        }
    }
    Ok(())
}

/// An apt of our own: its sources, lists and cache are below one folder, the machine's are only read.
struct Apt {
    dir: PathBuf,
    codename: String,
}

impl Apt {
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
        Ok(Self { dir: dir.to_owned(), codename })
    }

    fn download(&self) -> Result {
        say::note("reading the archive's package lists");
        self.get().arg("update").read()?;
        say::note("downloading rustc-web, cargo-web, rust-web-src and wasi-libc (about 150 MB)");
        let install = ["install", "--yes", "--download-only", "--no-install-recommends"];
        let packages = ["rustc-web", "cargo-web", "rust-web-src"];
        let wasi = format!("wasi-libc/{}-backports", self.codename);
        self.get().args(install).args(packages).arg(wasi).read()?;
        Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number() {
        assert!(
            is_enough("1.96.0")
                && is_enough("1.100.0")
                && is_enough(env!("CARGO_PKG_RUST_VERSION"))
        );
        assert!(!is_enough("1.85.0") && !is_enough(""));
    }

    #[test]
    fn os_release_fields_are_read_with_and_without_quotes() {
        let text = "PRETTY_NAME=\"x\"\nVERSION_ID=\"12\"\nID=debian\n";
        assert_eq!(os_release(text, "VERSION_ID"), Some("12"));
        assert_eq!(os_release(text, "ID"), Some("debian"));
        assert_eq!(os_release(text, "VERSION"), None);
    }
}
