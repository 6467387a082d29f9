//! The step `package`: what would be published, packed, and compiled where nothing else of this checkout is.
//!
//! It must never see an older source than the one that was just packed. `cargo package` verifies several
//! packages at once with sources that it unpacked into cargo's home, and does not unpack a version again that
//! is there: so it only packs here, and this step unpacks.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cache;
use crate::dist::page;
use crate::places::target_dir;
use crate::process::{Context as _, Result, Tool, cargo, root};
use crate::say;
use crate::workspace::{Package, members, packages};

/// Packs every package that is published, uncommitted changes too, and compiles each by itself: with the files
/// that are in it, the dependencies it names and the features that it asks of them.
///
/// It checks and does not build: files that are missing are missed by the compiler before it makes code, build
/// scripts run, and linking is the same as in this checkout.
pub(super) fn run() -> Result {
    page::check()?;
    let packages = packages()?;
    let published: Vec<&Package> = members(&packages).filter(|member| member.publishable).collect();
    let tool = cargo("package").args(["--locked", "--allow-dirty", "--no-verify"]);
    published.iter().fold(tool, |tool, package| tool.args(["--package", &package.name])).run()?;
    let alone = unpack(&target_dir().join("package"), &published)?;
    for package in published {
        say::line(&format!("{} alone", package.name));
        let check = cargo("check").dir(&alone).args(["--quiet", "--package", &package.name]);
        // What was compiled of dependencies for other steps is used again.
        check.arg("--target-dir").arg(target_dir()).run()?;
    }
    Ok(())
}

/// A workspace of nothing but what is in the packages, in a folder of its own below theirs.
fn unpack(packed: &Path, published: &[&Package]) -> Result<PathBuf> {
    let alone = packed.join("alone");
    cache::clear(&alone)?;
    fs::create_dir_all(&alone).context(|| format!("creating {}", alone.display()))?;
    for package in published {
        let name = folder(package);
        // A package's files have a time long past. With the time of now cargo sees that they are others.
        let tar = Tool::new("tar").args(["-x", "-z", "-m", "-C"]).arg(&alone);
        tar.arg("-f").arg(packed.join(format!("{name}.crate"))).read()?;
    }
    let outer = fs::read_to_string(root().join("Cargo.toml")).context(|| "Cargo.toml".into())?;
    fs::write(alone.join("Cargo.toml"), manifest(&outer, published))
        .context(|| format!("writing into {}", alone.display()))?;
    fs::copy(root().join("Cargo.lock"), alone.join("Cargo.lock"))
        .context(|| "copying Cargo.lock".into())?;
    Ok(alone)
}

/// The folder in a package.
fn folder(package: &Package) -> String {
    format!("{}-{}", package.name, package.version)
}

/// The manifest of a workspace of these packages, in which they have each other instead of what crates.io has
/// of that version, and in which dependencies are compiled as in the workspace whose manifest is `outer`.
fn manifest(outer: &str, published: &[&Package]) -> String {
    let members: Vec<String> = published.iter().map(|package| folder(package)).collect();
    let is_used = |package: &&&Package| {
        published.iter().any(|user| user.dependencies.contains(&package.name))
    };
    let used = published.iter().filter(is_used);
    let patches: Vec<String> =
        used.map(|used| format!("{} = {{ path = {:?} }}\n", used.name, folder(used))).collect();
    format!(
        "[workspace]\nresolver = \"3\"\nmembers = {members:?}\n\n[patch.crates-io]\n{}\n{}",
        patches.concat(),
        development_profile(outer)
    )
}

/// The tables of a manifest that say how cargo compiles by default.
fn development_profile(manifest: &str) -> String {
    let mut is_inside = false;
    let lines = manifest.lines().filter(|line| {
        if line.starts_with('[') {
            is_inside = line.starts_with("[profile.dev]") || line.starts_with("[profile.dev.");
        }
        is_inside
    });
    lines.flat_map(|line| [line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::time::{Duration, SystemTime};

    use super::*;

    fn package(name: &str, dependencies: &[&str]) -> Package {
        Package {
            name: name.into(),
            version: "0.1.0".into(),
            dependencies: dependencies.iter().map(|name| (*name).to_owned()).collect(),
            ..Package::default()
        }
    }

    #[test]
    fn packages_have_each_other_and_the_profile_of_the_workspace_they_come_from() {
        let outer = "[workspace]\nmembers = [\n    \"a\",\n]\n\n[profile.dev]\ndebug = 1\n\
                     [profile.page]\nstrip = \"none\"\n[profile.dev.package.\"*\"]\ndebug = false\n\
                     [profile.development]\ninherits = \"dev\"\n";
        let (below, above) = (package("used", &["serde"]), package("user", &["used"]));
        assert_eq!(
            manifest(outer, &[&below, &above]),
            "[workspace]\nresolver = \"3\"\nmembers = [\"used-0.1.0\", \"user-0.1.0\"]\n\n\
             [patch.crates-io]\nused = { path = \"used-0.1.0\" }\n\n\
             [profile.dev]\ndebug = 1\n[profile.dev.package.\"*\"]\ndebug = false\n"
        );
    }

    /// Packs a file as cargo does, with a time long past.
    fn pack(packed: &Path, file: &str, text: &str) {
        let folder = packed.join("codec-0.1.0");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(file), text).unwrap();
        let past = SystemTime::UNIX_EPOCH + Duration::from_secs(1_153_704_088);
        File::options().write(true).open(folder.join(file)).unwrap().set_modified(past).unwrap();
        let tar = Tool::new("tar").args(["-c", "-z", "-f", "codec-0.1.0.crate", "codec-0.1.0"]);
        tar.dir(packed).read().unwrap();
        cache::clear(&folder).unwrap();
    }

    #[test]
    fn of_an_earlier_package_of_the_same_version_nothing_is_left() {
        let packed = tempfile::tempdir().unwrap();
        let codec = package("codec", &[]);
        pack(packed.path(), "old.rs", "old");
        let first = unpack(packed.path(), &[&codec]).unwrap().join("codec-0.1.0");
        let compiled = fs::metadata(first.join("old.rs")).unwrap().modified().unwrap();
        pack(packed.path(), "new.rs", "new");
        let folder = unpack(packed.path(), &[&codec]).unwrap().join("codec-0.1.0");
        assert!(!folder.join("old.rs").exists());
        assert_eq!(fs::read_to_string(folder.join("new.rs")).unwrap(), "new");
        // Else cargo would take for compiled what it has compiled of the earlier one.
        let modified = fs::metadata(folder.join("new.rs")).unwrap().modified().unwrap();
        assert!(modified >= compiled, "{modified:?} is before {compiled:?}");
    }
}
