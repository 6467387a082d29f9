//! What an archive holds beside the program: its other names, manual pages, completions, licence. It must never hold
//! anything that is not in the checkout or made by the program itself.

use std::fs;
use std::path::PathBuf;

use super::archive::{Entry, entry, files_below};
use super::platform::Platform;
use crate::process::{Context as _, Result, Tool, root};
use crate::say;

/// The names under which kubectl finds it.
const LINKS: [&str; 2] = ["kubectl-dubbo", "kubectl_complete-dubbo"];

/// Shells and what they call a file with completions.
const COMPLETIONS: [(&str, &str); 4] = [
    ("bash", "dubbo-watcher.bash"),
    ("zsh", "_dubbo-watcher"),
    ("fish", "dubbo-watcher.fish"),
    ("powershell", "dubbo-watcher.ps1"),
];

/// What is the same for every target; a program that runs here writes its own pages.
pub(super) fn shared(binaries: &[PathBuf]) -> Result<Vec<Entry>> {
    let mut entries = vec![
        entry("LICENSE", &root().join("LICENSE"))?,
        entry("README.md", &root().join("watcher/README.md"))?,
        entry("CHANGELOG.md", &root().join("CHANGELOG.md"))?,
    ];
    let runs = |binary: &&PathBuf| Tool::new(binary).arg("--version").read().is_ok();
    let Some(program) = binaries.iter().find(runs) else {
        say::note(
            "none of these programs runs here: the archives are without manual pages and completions",
        );
        return Ok(entries);
    };
    let folder = tempfile::tempdir().context(|| "making a folder for manual pages".into())?;
    Tool::new(program).arg("man").arg(folder.path()).read()?;
    for (name, path) in files_below(folder.path())? {
        entries.push(entry(&format!("man/{name}"), &path)?);
    }
    for (shell, name) in COMPLETIONS {
        let script = Tool::new(program).args(["completion", shell]).read()?;
        entries.push(Entry::file(&format!("completions/{name}"), script.into_bytes()));
    }
    Ok(entries)
}

/// All of one archive.
pub(super) fn of(target: &Platform, binary: &PathBuf, shared: &[Entry]) -> Result<Vec<Entry>> {
    let bytes = fs::read(binary).context(|| format!("reading {}", binary.display()))?;
    let mut entries = vec![Entry::program(target.program(), bytes)];
    if target.os != "windows" {
        entries.extend(LINKS.map(|link| Entry::link(link, target.program())));
    }
    entries.extend(shared.iter().cloned());
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dist::platform;

    #[test]
    fn kubectl_finds_the_program_except_where_there_are_no_links() {
        let folder = tempfile::tempdir().unwrap();
        let binary = folder.path().join("program");
        fs::write(&binary, "code").unwrap();
        let linux = platform::named("x86_64-unknown-linux-musl").unwrap();
        let entries = of(&linux, &binary, &[]).unwrap();
        assert_eq!(entries[0], Entry::program("dubbo-watcher", b"code".to_vec()));
        assert!(entries.contains(&Entry::link("kubectl-dubbo", "dubbo-watcher")));
        let windows = platform::named("x86_64-pc-windows-msvc").unwrap();
        assert_eq!(of(&windows, &binary, &[]).unwrap().len(), 1);
    }
}
