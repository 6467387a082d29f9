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
use crate::process::{Context as _, Failure, Result, Tool, root};
use crate::progress::Progress;
use crate::say;
use crate::toolchain::{self, target_dir};
use archive::Entry;
use platform::Platform;

#[derive(Args)]
pub(crate) struct Options {
    /// The targets to build for; repeat it for several [default: this machine's, static on Linux]
    #[arg(long = "target", value_name = "TRIPLE", value_parser = platform::named)]
    targets: Vec<Platform>,
    /// Where the archives will be downloaded from; the manifest for krew is made only with it
    #[arg(long, value_name = "URL")]
    download_url: Option<String>,
    /// Where the project is at home, for the manifest
    #[arg(long, value_name = "URL", requires = "download_url")]
    homepage: Option<String>,
}

/// The version that everything carries.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A file that people download, and its bytes' digest.
pub(super) struct Made {
    name: String,
    digest: String,
}

/// Makes all of it in the folder `archives` of the target folder.
pub(crate) fn run(options: &Options) -> Result {
    let targets = match options.targets.as_slice() {
        [] => vec![platform::of_this_machine()?],
        targets => targets.to_vec(),
    };
    let out = target_dir().join("archives");
    cache::clear(&out)?;
    fs::create_dir_all(&out).context(|| format!("creating {}", out.display()))?;
    let time = source_time()?;
    let mut progress = Progress::of(targets.len() + 3);
    progress.step("the inspector's page");
    page::put_into_crate(&toolchain::resolve()?)?;
    let mut binaries = Vec::new();
    for target in &targets {
        progress.step(&format!("the program for {}", target.triple));
        binaries.push(target.build()?);
    }
    progress.step("archives");
    let shared = contents::shared(&binaries)?;
    let mut made = Vec::new();
    for (target, binary) in targets.iter().zip(&binaries) {
        let name = format!("dubbo-watcher-{VERSION}-{}", target.triple);
        let entries = contents::of(target, binary, &shared)?;
        let entries = entries.into_iter().map(|entry| entry.below(&name)).collect::<Vec<_>>();
        made.push(write(&out, &format!("{name}.tar.gz"), &archive::tar_gz(&entries, time)?)?);
        let bill = bill::of(target)?;
        made.push(write(&out, &format!("{name}.cdx.json"), bill.as_bytes())?);
    }
    let images: Vec<_> =
        targets.iter().zip(&binaries).filter(|(target, _)| target.os == "linux").collect();
    if !images.is_empty() {
        let layout = image::layout(&images, time)?;
        made.push(write(&out, &format!("dubbo-watcher-{VERSION}-oci.tar"), &layout)?);
    }
    let chart = archive::tar_gz(&chart::entries()?, time)?;
    made.push(write(&out, &format!("dubbo-watcher-chart-{VERSION}.tgz"), &chart)?);
    progress.step("checks by Helm and krew");
    chart::check(&out.join(format!("dubbo-watcher-chart-{VERSION}.tgz")))?;
    if let Some(url) = &options.download_url {
        let manifest = krew::manifest(url, options.homepage.as_deref(), &targets, &made)?;
        made.push(write(&out, "dubbo.yaml", manifest.as_bytes())?);
        krew::check(&out.join("dubbo.yaml"))?;
    }
    drop(progress);
    let lines = made.iter().map(|made| format!("{}  {}", made.digest, made.name));
    let sums = lines.collect::<Vec<_>>().join("\n") + "\n";
    write(&out, "SHA256SUMS", sums.as_bytes())?;
    say::line(sums.trim_end());
    say::line(&format!("in {}", out.display()));
    Ok(())
}

fn write(out: &Path, name: &str, bytes: &[u8]) -> Result<Made> {
    let path = out.join(name);
    fs::write(&path, bytes).context(|| format!("writing {}", path.display()))?;
    Ok(Made { name: name.to_owned(), digest: digest::sha256(bytes) })
}

/// The time that files in archives carry: `SOURCE_DATE_EPOCH`, else that of the commit.
fn source_time() -> Result<u64> {
    let text = match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(text) => text,
        Err(_) => Tool::new("git").args(["log", "-1", "--format=%ct"]).dir(&root()).read()?,
    };
    text.trim().parse().context(|| format!("SOURCE_DATE_EPOCH={}", text.trim()))
}

/// Every file below a folder, with its path from there, in order.
pub(super) fn files_below(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(&at).context(|| format!("reading {}", at.display()))? {
            let path = entry.context(|| format!("reading {}", at.display()))?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let below = path.strip_prefix(folder).unwrap_or(&path);
            let name = below.to_str().ok_or_else(|| {
                Failure::new(format!("{} has a name that is not UTF-8", path.display()))
            })?;
            found.push((name.replace('\\', "/"), path));
        }
    }
    found.sort();
    Ok(found)
}

/// A file of this checkout as it goes into an archive.
pub(super) fn entry(name: &str, path: &Path) -> Result<Entry> {
    let bytes = fs::read(path).context(|| format!("reading {}", path.display()))?;
    Ok(Entry::file(name, bytes))
}
