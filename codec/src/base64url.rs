//! The base64 of the annotation on its clean path: URL-safe, padded, nothing odd.

use alloc::string::String;
use alloc::vec::Vec;

use base64::Engine;

/// Decodes canonical base64; nothing for anything else, which `compatibility` then looks at closely.
pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    engine().decode(text).ok()
}

/// Encodes with padding, as Go's `base64.URLEncoding` does.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut out = alloc::vec![0; bytes.len().div_ceil(3) * 4];
    let written = engine().encode_slice(bytes, &mut out).unwrap_or(0);
    out.truncate(written);
    String::from_utf8(out).unwrap_or_default()
}

/// The engine that picks the CPU's instructions at run time, where there is one.
#[cfg(all(feature = "std", any(target_arch = "x86_64", target_arch = "aarch64")))]
fn engine() -> impl Engine {
    base64::engine::Simd::url_safe(base64::engine::general_purpose::PAD)
}

#[cfg(not(all(feature = "std", any(target_arch = "x86_64", target_arch = "aarch64"))))]
fn engine() -> impl Engine {
    base64::engine::general_purpose::URL_SAFE
}
