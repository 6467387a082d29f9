//! `dubbo-k8s-web-bindgen WASM FOLDER`: writes the wasm and its JavaScript for the page into a folder.
//!
//! A program of its own, so that nothing else of the workspace waits for its dependencies.

use std::error::Error;
use std::path::PathBuf;

use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(wasm), Some(folder), None) = (arguments.next(), arguments.next(), arguments.next())
    else {
        return Err("usage: dubbo-k8s-web-bindgen WASM FOLDER".into());
    };
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(wasm)
        .web(true)?
        .typescript(true)
        .remove_name_section(true)
        .remove_producers_section(true)
        .out_name("inspector")
        .generate(folder)?;
    Ok(())
}
