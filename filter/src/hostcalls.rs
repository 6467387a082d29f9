//! Calls of the proxy, declared once more: those that every request makes, because the SDK's own copy every header into a
//! string, and those that a proxy may refuse, because the SDK's own end the filter then. It must never be used for others.
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
    fn proxy_register_shared_queue(name: *const u8, size: usize, queue: *mut u32) -> u32;
    fn proxy_enqueue_shared_queue(queue: u32, value: *const u8, size: usize) -> u32;
    fn proxy_dequeue_shared_queue(queue: u32, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_get_shared_data(
        key: *const u8,
        key_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
        version: *mut u32,
    ) -> u32;
    fn proxy_set_shared_data(
        key: *const u8,
        key_size: usize,
        value: *const u8,
        value_size: usize,
        version: u32,
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

/// A queue of this thread; none if the proxy has no queues.
pub(crate) fn register_queue(name: &str) -> Option<u32> {
    let mut queue = 0;
    // SAFETY: the text and the place live for the length of the call.
    let status = unsafe { proxy_register_shared_queue(name.as_ptr(), name.len(), &raw mut queue) };
    (status == OK).then_some(queue)
}

/// Puts something into a queue.
pub(crate) fn enqueue(queue: u32) -> bool {
    let value = b"1";
    // SAFETY: the text lives for the length of the call, which only reads it.
    let status = unsafe { proxy_enqueue_shared_queue(queue, value.as_ptr(), value.len()) };
    status == OK
}

/// Takes something out of a queue; false if it is empty.
pub(crate) fn dequeue(queue: u32) -> bool {
    let (mut data, mut size) = (null_mut(), 0);
    // SAFETY: both places live for the length of the call.
    let status = unsafe { proxy_dequeue_shared_queue(queue, &raw mut data, &raw mut size) };
    // SAFETY: see `filled`.
    drop(unsafe { filled(data, size) });
    status == OK
}

/// A value of the proxy's shared data, and its version.
pub(crate) fn shared_data(key: &str) -> Option<(Vec<u8>, u32)> {
    let (mut data, mut size, mut version) = (null_mut(), 0, 0);
    // SAFETY: the text and the places live for the length of the call.
    let status = unsafe {
        let places = (&raw mut data, &raw mut size, &raw mut version);
        proxy_get_shared_data(key.as_ptr(), key.len(), places.0, places.1, places.2)
    };
    // SAFETY: see `filled`.
    let value = unsafe { filled(data, size) };
    (status == OK).then_some((value, version))
}

/// Sets a value of the proxy's shared data, if it has this version still; false if it has not, or the proxy keeps none.
pub(crate) fn set_shared_data(key: &str, value: &[u8], version: Option<u32>) -> bool {
    let version = version.unwrap_or_default();
    // SAFETY: both texts live for the length of the call, which only reads them.
    let status = unsafe {
        proxy_set_shared_data(key.as_ptr(), key.len(), value.as_ptr(), value.len(), version)
    };
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
/// of just this size, and no other's.
unsafe fn filled(data: *mut u8, size: usize) -> Vec<u8> {
    if data.is_null() {
        return Vec::new();
    }
    // SAFETY: as the caller promises.
    unsafe { Vec::from_raw_parts(data, size, size) }
}
