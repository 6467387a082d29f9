//! Puts the built inspector into the binary: in a checkout the one that `cargo xtask wasm` built last, in the published
//! crate the one in its folder `inspector`, which `cargo xtask dist` puts there.
//!
//! Without it `serve` shows its plain status page, and says so.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Another place of the built page than the one in this checkout.
const PLACE: &str = "DUBBO_INSPECTOR";

fn main() -> io::Result<()> {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    println!("cargo::rerun-if-env-changed={PLACE}");
    let places = match env::var_os(PLACE) {
        Some(place) => vec![PathBuf::from(place)],
        None => vec![here.join("../web/page/dist"), here.join("inspector")],
    };
    // Of a published crate nothing changes, and cargo would build it anew for a folder that is not there.
    let is_watched = |place: &&PathBuf| place.parent().is_some_and(Path::is_dir);
    for place in places.iter().filter(is_watched).take(1) {
        println!("cargo::rerun-if-changed={}", place.display());
    }
    let mut code = String::from("[\n");
    if let Some(page) = places.iter().find(|place| place.join("index.html").is_file()) {
        for folder in ["", "assets"] {
            files(page, folder, &mut code)?;
        }
    } else {
        println!(
            "cargo::warning=this build has no inspector: `cargo xtask wasm` builds the page, before this"
        );
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
    let is_page = |path: &PathBuf| path.is_file() && path.extension() != Some("sha256".as_ref());
    for path in paths.into_iter().filter(is_page) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let address = if folder.is_empty() { name } else { format!("{folder}/{name}") };
        let whole = path.canonicalize()?.to_string_lossy().into_owned();
        // Writing to a String does not fail.
        let _ = writeln!(code, "    ({address:?}, include_bytes!({whole:?}).as_slice()),");
    }
    Ok(())
}
