//! `dubbo-k8s-web-bindgen WASM FOLDER NAME [TEXTS]`: writes a wasm and its JavaScript into a folder, and for the page
//! the explanations of the codec's codes, which it has as data so that the wasm need not hold them.
//!
//! A program of its own, so that nothing else of the workspace waits for its dependencies.

use std::error::Error;
use std::path::PathBuf;

use dubbo_k8s_codec::Found;
use dubbo_k8s_codec::problem::{Code, Language, Phrase};
use dubbo_k8s_codec::relation::Obstacle;
use serde_json::{Map, Value, json};
use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(wasm), Some(folder), Some(name)) =
        (arguments.next(), arguments.next(), arguments.next())
    else {
        return Err("usage: dubbo-k8s-web-bindgen WASM FOLDER NAME [TEXTS]".into());
    };
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(wasm)
        .web(true)?
        .typescript(true)
        .remove_name_section(true)
        .remove_producers_section(true)
        .out_name(&name.to_string_lossy())
        .generate(&folder)?;
    if let Some(file) = arguments.next() {
        std::fs::write(file, texts().to_string())?;
    }
    Ok(())
}

/// Title and advice of each problem; the title of each reason of a pair that does not match; each phrase that errors are
/// made of; each byte that can be found, and the end. English, then 中文.
fn texts() -> Value {
    const LANGUAGES: [Language; 2] = [Language::English, Language::Chinese];
    let problem = |code: Code| {
        let both = LANGUAGES.map(|language| [code.title(language), code.advice(language)]);
        (code.as_str().to_owned(), json!(both))
    };
    let obstacle = |of: Obstacle| (of.as_str().to_owned(), json!(LANGUAGES.map(|it| of.title(it))));
    let problems: Map<String, Value> = Code::all().map(problem).collect();
    let obstacles: Map<String, Value> = Obstacle::ALL.iter().copied().map(obstacle).collect();
    let phrase = |of: &Phrase| {
        let name = serde_json::to_value(of).ok()?.as_str()?.to_owned();
        Some((name, json!(LANGUAGES.map(|it| of.text(it)))))
    };
    let phrases: Map<String, Value> = Phrase::ALL.iter().filter_map(phrase).collect();
    let found = |of: Found| LANGUAGES.map(|it| of.text(it));
    let bytes: Vec<[String; 2]> = (0..=u8::MAX).map(|byte| found(Found::Byte(byte))).collect();
    json!({
        "problems": problems, "obstacles": obstacles, "phrases": phrases, "bytes": bytes, "end": found(Found::End)
    })
}
