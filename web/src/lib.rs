//! What the page of the browser inspector decides: what was pasted, what is registered in it, what is
//! wrong and why, and how it would be written back.
//!
//! The page only shows it. Everything here is an ordinary library with tests; the one file that knows
//! of a browser is `bindings`, which exists only on wasm.

pub mod answer;
#[cfg(target_arch = "wasm32")]
mod bindings;
pub mod compare;
pub mod diff;
pub mod document;
pub mod editing;
pub mod encoding;
pub mod events;
pub mod json;
pub mod layers;
pub mod live;
pub mod model;
pub mod pod;
pub mod rows;
pub mod session;
pub mod share;
pub mod show;
pub mod source;
pub mod spans;
pub mod verdict;
pub mod yaml;
