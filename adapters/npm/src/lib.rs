//! The codec's functions for JavaScript: texts go in, JSON comes out, `{"ok":…}` or `{"error":…}` of what can fail.
//!
//! It decides nothing; `package/api.js` makes values and exceptions of the JSON.
#![allow(unsafe_code, reason = "what wasm-bindgen writes here")]

use dubbo_k8s_codec::problem::Language;
use dubbo_k8s_plain::{Codec, Fault, Units};
use serde::Serialize;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen::prelude::wasm_bindgen;

/// What a function answers.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Answer<T> {
    Ok(T),
    Error(Fault),
}

fn codec(language: &str) -> Codec {
    Codec { units: Units::Utf16, language: Language::of(language) }
}

fn json<T: Serialize>(answer: Result<T, Fault>) -> String {
    let answer = answer.map_or_else(Answer::Error, Answer::Ok);
    serde_json::to_string(&answer).unwrap_or_default()
}

/// Reads the value of an annotation.
#[cfg_attr(target_arch = "wasm32", wasm_bindgen)]
pub fn decode(annotation: &str, language: &str) -> String {
    json(codec(language).decode(annotation))
}

/// Writes the value of an annotation of keys, and as many values.
#[cfg_attr(target_arch = "wasm32", wasm_bindgen)]
#[expect(clippy::needless_pass_by_value, reason = "as they come from JavaScript")]
pub fn encode(keys: Vec<String>, values: Vec<String>) -> String {
    Codec::default().encode(keys.iter().zip(&values).map(|(key, value)| (&**key, &**value)))
}

/// The key under which a URL is registered.
#[cfg_attr(target_arch = "wasm32", wasm_bindgen(js_name = keyOf))]
pub fn key_of(url: &str, language: &str) -> String {
    json(codec(language).key_of(url))
}

/// Takes a URL apart.
#[cfg_attr(target_arch = "wasm32", wasm_bindgen(js_name = parseUrl))]
pub fn parse_url(url: &str, language: &str) -> String {
    json(codec(language).parse_url(url))
}

/// What is wrong with the bytes of a text.
#[cfg_attr(target_arch = "wasm32", wasm_bindgen)]
pub fn problems(text: &[u8], language: &str) -> String {
    json(Ok(codec(language).problems(text)))
}
