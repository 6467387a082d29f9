//! The calls that every request makes of its proxy, declared once more: the SDK's own copy every header into a
//! string, and end the filter when the proxy says no. It must never be used for anything rarer.
#![allow(unsafe_code, reason = "functions of the host, and memory that it fills")]

use core::ptr::{null, null_mut};

/// The status of a call that was done.
const OK: u32 = 0;

/// The map of the request's headers, by its number in the ABI.
const REQUEST_HEADERS: u32 = 0;

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn proxy_get_header_map_pairs(map: u32, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_set_property(
        path: *const u8,
        path_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    fn proxy_call_foreign_function(
        name: *const u8,
        name_size: usize,
        arguments: *const u8,
        arguments_size: usize,
        results: *mut *mut u8,
        results_size: *mut usize,
    ) -> u32;
}

/// The request's headers as one block; empty if the proxy has none.
pub(crate) fn request_head() -> Vec<u8> {
    let (mut data, mut size) = (null_mut(), 0);
    // SAFETY: both places live for the length of the call.
    let status =
        unsafe { proxy_get_header_map_pairs(REQUEST_HEADERS, &raw mut data, &raw mut size) };
    // SAFETY: see `filled`.
    if status == OK { unsafe { filled(data, size) } } else { Vec::new() }
}

/// Keeps a value in the filter state, under Envoy's prefix `wasm.`; false if the proxy does not.
pub(crate) fn set_property(path: &str, value: &str) -> bool {
    // SAFETY: both texts live for the length of the call, which only reads them.
    let status =
        unsafe { proxy_set_property(path.as_ptr(), path.len(), value.as_ptr(), value.len()) };
    status == OK
}

/// Calls a function that this proxy alone has; false if it has none of this name, or it failed.
pub(crate) fn foreign(name: &str, arguments: &[u8]) -> bool {
    let (mut data, mut size) = (null_mut(), 0);
    let start = if arguments.is_empty() { null() } else { arguments.as_ptr() };
    // SAFETY: what is passed lives for the length of the call, which writes to the two places alone.
    let status = unsafe {
        proxy_call_foreign_function(
            name.as_ptr(),
            name.len(),
            start,
            arguments.len(),
            &raw mut data,
            &raw mut size,
        )
    };
    // SAFETY: see `filled`.
    drop(unsafe { filled(data, size) });
    status == OK
}

/// What the proxy hands over.
///
/// # Safety
///
/// A place that is not null is one that the proxy got of the function `malloc`, which the SDK exports: a `Vec`
/// of just this size, and nobody else's.
unsafe fn filled(data: *mut u8, size: usize) -> Vec<u8> {
    if data.is_null() {
        return Vec::new();
    }
    // SAFETY: as the caller promises.
    unsafe { Vec::from_raw_parts(data, size, size) }
}
