//! `cargo xtask dist`: what people download, made of this checkout: archives, an image, the chart, the crate with its page,
//! what is in them and their checksums. The same sources give the same bytes. It must never publish anything.

mod archive;
mod bill;
mod chart;
mod contents;
mod digest;
mod image;
mod krew;
pub(crate) mod page;
mod platform;

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::cache;
use crate::places::target_dir;
use crate::process::{Context as _, Result, Tool, root};
use crate::progress::Progress;
use crate::say;
use crate::toolchain;
use archive::files_below;
use platform::{Platform, VERSION, archive_name};

#[derive(Args)]
pub(crate) struct Options {
    /// The targets to build for; repeat it for several [default: this machine's, static on Linux]
    #[arg(long = "target", value_name = "TRIPLE", value_parser = platform::named)]
    targets: Vec<Platform>,
    /// Instead: write the checksums of the files in this folder, which several machines made, and krew's manifest
    #[arg(long, value_name = "DIR", conflicts_with = "targets", requires = "download_url")]
    finish: Option<PathBuf>,
    /// Where the archives will be downloaded from, for the manifest
    #[arg(long, value_name = "URL")]
    download_url: Option<String>,
    /// Where the project is at home, for the manifest
    #[arg(long, value_name = "URL", requires = "download_url")]
    homepage: Option<String>,
}

/// Makes all of it in the folder `archives` of the target folder; or finishes a folder that is made.
pub(crate) fn run(options: &Options) -> Result {
    if let Some(folder) = &options.finish {
        return finish(folder, options);
    }
    let targets = match options.targets.as_slice() {
        [] => vec![platform::of_this_machine()?],
        targets => targets.to_vec(),
    };
    let out = target_dir().join("archives");
    cache::clear(&out)?;
    fs::create_dir_all(&out).context(|| format!("creating {}", out.display()))?;
    make(&targets, &out)?;
    finish(&out, options)
}

fn make(targets: &[Platform], out: &Path) -> Result {
    let time = source_time()?;
    let mut progress = Progress::of(targets.len() + 3);
    progress.step("the inspector's page");
    page::put_into_crate(&toolchain::resolve()?)?;
    let mut binaries = Vec::new();
    for target in targets {
        progress.step(&format!("the program for {}", target.triple));
        binaries.push(target.build()?);
    }
    progress.step("archives");
    let shared = contents::shared(&binaries)?;
    for (target, binary) in targets.iter().zip(&binaries) {
        let name = archive_name(*target);
        let entries = contents::of(target, binary, &shared)?;
        let entries = entries.into_iter().map(|entry| entry.below(&name)).collect::<Vec<_>>();
        write(&out.join(format!("{name}.tar.gz")), &archive::tar_gz(&entries, time)?)?;
        write(&out.join(format!("{name}.cdx.json")), bill::of(target)?.as_bytes())?;
        if target.os == "linux" {
            let layout = image::layout(&[(target, binary)], time)?;
            write(&out.join(format!("{name}-oci.tar")), &layout)?;
        }
    }
    let chart = out.join(format!("dubbo-watcher-chart-{VERSION}.tgz"));
    write(&chart, &archive::tar_gz(&chart::entries()?, time)?)?;
    progress.step("Helm reads the chart");
    chart::check(&chart)
}

/// Writes the manifest for krew and the checksums of everything.
fn finish(out: &Path, options: &Options) -> Result {
    if let Some(url) = &options.download_url {
        let manifest = krew::manifest(url, options.homepage.as_deref(), out)?;
        let path = out.join("dubbo.yaml");
        write(&path, manifest.as_bytes())?;
        krew::check(&path)?;
    }
    let mut sums = String::new();
    for (name, path) in files_below(out)?.iter().filter(|(name, _)| name != SUMS) {
        sums.extend([&digest::of_file(path)?, "  ", name, "\n"]);
    }
    write(&out.join(SUMS), sums.as_bytes())?;
    say::line(sums.trim_end());
    say::line(&format!("in {}", out.display()));
    Ok(())
}

/// The file with the checksums.
const SUMS: &str = "SHA256SUMS";

fn write(path: &Path, bytes: &[u8]) -> Result {
    fs::write(path, bytes).context(|| format!("writing {}", path.display()))
}

/// The time that files in archives carry: `SOURCE_DATE_EPOCH`, else that of the commit.
fn source_time() -> Result<u64> {
    let text = match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(text) => text,
        Err(_) => Tool::new("git").args(["log", "-1", "--format=%ct"]).dir(&root()).read()?,
    };
    text.trim().parse().context(|| format!("SOURCE_DATE_EPOCH={}", text.trim()))
}
