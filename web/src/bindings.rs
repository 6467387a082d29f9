//! The one file that crosses over into the browser.
//!
//! It decides nothing: bytes and requests go in, JSON comes out.
#![allow(unsafe_code, reason = "what wasm-bindgen writes here")]

use wasm_bindgen::prelude::wasm_bindgen;

use crate::session::Session;

/// The model that the page's Worker owns.
#[wasm_bindgen]
#[derive(Debug, Default)]
pub struct Inspector(Session);

#[wasm_bindgen]
impl Inspector {
    /// An empty one.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the bytes of a paste or a file; gives a summary as JSON.
    pub fn load(&mut self, bytes: Vec<u8>) -> String {
        self.0.load(bytes)
    }

    /// Reads the bytes of a file that was unpacked, up to where it is damaged; gives a summary as JSON.
    #[wasm_bindgen(js_name = loadUnpacked)]
    pub fn load_unpacked(&mut self, bytes: Vec<u8>, damaged: bool) -> String {
        self.0.load_unpacked(bytes, damaged)
    }

    /// Answers a request in JSON.
    pub fn request(&mut self, request: &str) -> String {
        self.0.request(request)
    }

    /// Takes an answer of a live registry, which came at the time `now`, in milliseconds.
    pub fn follow(&mut self, answer: Vec<u8>, now: f64) -> String {
        // A clock that is wrong is as good as any.
        self.0.follow(answer, now as u64)
    }
}
