//! The functions of a proxy (proxy-wasm ABI 0.2.1) as this filter calls them: none copies what it need not, and what a
//! proxy refuses is left undone. It must never decide anything.
#![allow(unsafe_code, reason = "functions of the host, and memory that it fills")]

use core::ptr::{null, null_mut, slice_from_raw_parts_mut};

use crate::head::block;

/// The status of a call that was done.
const OK: u32 = 0;

/// Maps of headers, by their numbers in the ABI.
const REQUEST_HEADERS: u32 = 0;
const CALL_RESPONSE_HEADERS: u32 = 6;

/// Buffers, by their numbers in the ABI.
const CALL_RESPONSE_BODY: u32 = 4;
const PLUGIN_CONFIGURATION: u32 = 7;

/// A gRPC status that is none.
const NOT_GRPC: i32 = -1;

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn proxy_log(level: u32, text: *const u8, size: usize) -> u32;
    fn proxy_get_current_time_nanoseconds(time: *mut u64) -> u32;
    fn proxy_set_tick_period_milliseconds(period: u32) -> u32;
    fn proxy_get_buffer_bytes(
        kind: u32,
        start: usize,
        most: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_get_header_map_pairs(map: u32, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_get_header_map_value(
        map: u32,
        name: *const u8,
        name_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_replace_header_map_value(
        map: u32,
        name: *const u8,
        name_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    fn proxy_remove_header_map_value(map: u32, name: *const u8, name_size: usize) -> u32;
    fn proxy_http_call(
        cluster: *const u8,
        cluster_size: usize,
        headers: *const u8,
        headers_size: usize,
        body: *const u8,
        body_size: usize,
        trailers: *const u8,
        trailers_size: usize,
        timeout: u32,
        token: *mut u32,
    ) -> u32;
    fn proxy_send_local_response(
        status: u32,
        details: *const u8,
        details_size: usize,
        body: *const u8,
        body_size: usize,
        headers: *const u8,
        headers_size: usize,
        grpc_status: i32,
    ) -> u32;
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
    fn proxy_define_metric(kind: u32, name: *const u8, size: usize, metric: *mut u32) -> u32;
    fn proxy_record_metric(metric: u32, value: u64) -> u32;
    fn proxy_increment_metric(metric: u32, by: i64) -> u32;
    fn proxy_call_foreign_function(
        name: *const u8,
        name_size: usize,
        arguments: *const u8,
        arguments_size: usize,
        results: *mut *mut u8,
        results_size: *mut usize,
    ) -> u32;
}

// What each call needs to be sound: the texts that are passed live for the length of the call, which only reads them;
// the places that it writes to are variables of the caller.

/// Writes a line into the proxy's log.
pub(crate) fn log(level: u32, line: &str) {
    // SAFETY: see above.
    unsafe { proxy_log(level, line.as_ptr(), line.len()) };
}

/// Nanoseconds since the epoch.
pub(crate) fn now() -> u64 {
    let mut now = 0;
    // SAFETY: see above.
    unsafe { proxy_get_current_time_nanoseconds(&raw mut now) };
    now
}

/// Has `proxy_on_tick` called so often.
pub(crate) fn set_tick(milliseconds: u32) {
    // SAFETY: it takes a number.
    unsafe { proxy_set_tick_period_milliseconds(milliseconds) };
}

/// The plugin configuration, while the plugin is configured.
pub(crate) fn configuration() -> Vec<u8> {
    buffer(PLUGIN_CONFIGURATION, usize::MAX)
}

/// The body of the answer that has just come, up to that many bytes.
pub(crate) fn answer_body(most: usize) -> Vec<u8> {
    buffer(CALL_RESPONSE_BODY, most)
}

fn buffer(kind: u32, most: usize) -> Vec<u8> {
    // SAFETY: see above.
    received(|data, size| unsafe { proxy_get_buffer_bytes(kind, 0, most, data, size) })
        .unwrap_or_default()
}

/// A header of the answer that has just come.
pub(crate) fn answer_header(name: &str) -> Option<Vec<u8>> {
    let (name, length) = (name.as_ptr(), name.len());
    // SAFETY: see above.
    received(|data, size| unsafe {
        proxy_get_header_map_value(CALL_RESPONSE_HEADERS, name, length, data, size)
    })
}

/// The request's headers as one block; empty if the proxy has none.
pub(crate) fn request_head() -> Vec<u8> {
    // SAFETY: see above.
    received(|data, size| unsafe { proxy_get_header_map_pairs(REQUEST_HEADERS, data, size) })
        .unwrap_or_default()
}

/// Puts a header of the request in place of all with its name.
pub(crate) fn set_request_header(name: &str, value: &str) {
    let (name, value) = ((name.as_ptr(), name.len()), (value.as_ptr(), value.len()));
    // SAFETY: see above.
    unsafe { proxy_replace_header_map_value(REQUEST_HEADERS, name.0, name.1, value.0, value.1) };
}

/// Takes all headers of the request with this name away.
pub(crate) fn remove_request_header(name: &str) {
    // SAFETY: see above.
    unsafe { proxy_remove_header_map_value(REQUEST_HEADERS, name.as_ptr(), name.len()) };
}

/// Sends a request without a body to a cluster; none if the proxy does not.
pub(crate) fn call(cluster: &str, headers: &[(&str, &str)], milliseconds: u32) -> Option<u32> {
    let (headers, trailers, mut token) = (block(headers), block::<&str>(&[]), 0);
    // SAFETY: see above.
    let status = unsafe {
        proxy_http_call(
            cluster.as_ptr(),
            cluster.len(),
            headers.as_ptr(),
            headers.len(),
            null(),
            0,
            trailers.as_ptr(),
            trailers.len(),
            milliseconds,
            &raw mut token,
        )
    };
    (status == OK).then_some(token)
}

/// Answers the request; with a gRPC status as gRPC does.
pub(crate) fn respond(status: u32, headers: &[(&str, &str)], body: &str, grpc: Option<i32>) {
    let headers = block(headers);
    // SAFETY: see above.
    unsafe {
        proxy_send_local_response(
            status,
            null(),
            0,
            body.as_ptr(),
            body.len(),
            headers.as_ptr(),
            headers.len(),
            grpc.unwrap_or(NOT_GRPC),
        )
    };
}

/// Keeps a value in the filter state, under Envoy's prefix `wasm.`.
pub(crate) fn set_property(path: &str, value: &str) {
    // SAFETY: see above.
    unsafe { proxy_set_property(path.as_ptr(), path.len(), value.as_ptr(), value.len()) };
}

/// A queue of this thread; none if the proxy has no queues.
pub(crate) fn register_queue(name: &str) -> Option<u32> {
    let mut queue = 0;
    // SAFETY: see above.
    let status = unsafe { proxy_register_shared_queue(name.as_ptr(), name.len(), &raw mut queue) };
    (status == OK).then_some(queue)
}

/// Puts something into a queue.
pub(crate) fn enqueue(queue: u32) {
    let value = b"1";
    // SAFETY: see above.
    unsafe { proxy_enqueue_shared_queue(queue, value.as_ptr(), value.len()) };
}

/// Takes something out of a queue; false if it is empty.
pub(crate) fn dequeue(queue: u32) -> bool {
    // SAFETY: see above.
    received(|data, size| unsafe { proxy_dequeue_shared_queue(queue, data, size) }).is_some()
}

/// A value of the proxy's shared data, and its version.
pub(crate) fn shared_data(key: &str) -> Option<(Vec<u8>, u32)> {
    let mut version = 0;
    // SAFETY: see above.
    let value = received(|data, size| unsafe {
        proxy_get_shared_data(key.as_ptr(), key.len(), data, size, &raw mut version)
    })?;
    Some((value, version))
}

/// Sets a value of the proxy's shared data, if it has this version still; false if it has not, or the proxy keeps none.
pub(crate) fn set_shared_data(key: &str, value: &[u8], version: Option<u32>) -> bool {
    let version = version.unwrap_or_default();
    // SAFETY: see above.
    let status = unsafe {
        proxy_set_shared_data(key.as_ptr(), key.len(), value.as_ptr(), value.len(), version)
    };
    status == OK
}

/// A number for a metric of this name; 0 if the proxy has none.
pub(crate) fn define_metric(kind: u32, name: &str) -> u32 {
    let mut metric = 0;
    // SAFETY: see above.
    unsafe { proxy_define_metric(kind, name.as_ptr(), name.len(), &raw mut metric) };
    metric
}

/// Sets a gauge.
pub(crate) fn record_metric(metric: u32, value: u64) {
    // SAFETY: it takes numbers.
    unsafe { proxy_record_metric(metric, value) };
}

/// Adds to a counter.
pub(crate) fn increment_metric(metric: u32, by: i64) {
    // SAFETY: it takes numbers.
    unsafe { proxy_increment_metric(metric, by) };
}

/// Calls a function that this proxy alone has; false if it has none of this name, or it failed.
pub(crate) fn foreign(name: &str, arguments: &[u8]) -> bool {
    let start = if arguments.is_empty() { null() } else { arguments.as_ptr() };
    let (name, name_size, size) = (name.as_ptr(), name.len(), arguments.len());
    // SAFETY: see above.
    received(|results, results_size| unsafe {
        proxy_call_foreign_function(name, name_size, start, size, results, results_size)
    })
    .is_some()
}

/// Memory that the proxy fills. It is freed by [`received`] alone.
pub(crate) fn allocate(size: usize) -> *mut u8 {
    Box::into_raw(Box::<[u8]>::new_uninit_slice(size)).cast()
}

/// What a call hands over; none if it was not done.
fn received(call: impl FnOnce(*mut *mut u8, *mut usize) -> u32) -> Option<Vec<u8>> {
    let (mut data, mut size) = (null_mut(), 0);
    let status = call(&raw mut data, &raw mut size);
    let bytes = if data.is_null() {
        Vec::new()
    } else {
        // SAFETY: a proxy has every place that it hands over from `allocate`, with just this size.
        unsafe { Box::from_raw(slice_from_raw_parts_mut(data, size)) }.into_vec()
    };
    (status == OK).then_some(bytes)
}
