//! Puts the built inspector into the binary, where there is one: `cargo xtask wasm` builds it.
//!
//! Without it, as in a package of this crate alone, `serve` shows its plain status page instead.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Another place of the built page than the one in this checkout.
const PLACE: &str = "DUBBO_INSPECTOR";

fn main() -> io::Result<()> {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let dist = env::var_os(PLACE).map_or_else(|| here.join("../web/page/dist"), PathBuf::from);
    println!("cargo::rerun-if-env-changed={PLACE}");
    println!("cargo::rerun-if-changed={}", dist.display());
    let mut code = String::from("[\n");
    if dist.join("index.html").is_file() {
        for folder in ["", "assets"] {
            files(&dist, folder, &mut code)?;
        }
    }
    code.push_str("]\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("inspector.rs"), code)
}

/// One line of Rust for each file of a folder, in order.
fn files(dist: &Path, folder: &str, code: &mut String) -> io::Result<()> {
    let mut paths: Vec<PathBuf> = fs::read_dir(dist.join(folder))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<_>>()?;
    paths.sort();
    for path in paths.into_iter().filter(|path| path.is_file()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let address = if folder.is_empty() { name } else { format!("{folder}/{name}") };
        let whole = path.canonicalize()?.to_string_lossy().into_owned();
        // Writing to a String does not fail.
        let _ = writeln!(code, "    ({address:?}, include_bytes!({whole:?}).as_slice()),");
    }
    Ok(())
}
