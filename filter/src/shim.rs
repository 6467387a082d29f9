//! The filter as a proxy-wasm plugin (ABI 0.2.1): the functions that a proxy calls, and what is kept between two calls. It
//! moves calls in and out, and must never decide anything.
//!
//! A proxy enters the virtual machine for every callback that a module exports, and leaves the others out. The SDK exports
//! all of them, bodies, trailers and answers too; here a request is entered three times: its context is made, its head
//! comes, its context is deleted.
#![allow(unsafe_code, reason = "functions that a proxy finds by their names")]

use core::cell::RefCell;
use core::time::Duration;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::directory::Picked;
use crate::filter_state::{FilterState, ORIGINAL_DST_STATE};
use crate::host::{GrpcStatus, Host, Level, MetricKind};
use crate::hostcalls;
use crate::plugin::{Plugin, Verdict};

/// What becomes of a request's head, by its numbers in the ABI.
const CONTINUE: u32 = 0;
const PAUSE: u32 = 1;

/// The level of a log line for what ends the filter.
const CRITICAL: u32 = 5;

/// What is kept between two calls.
struct Contexts {
    /// The plugins of this worker, by their root contexts.
    plugins: Vec<(u32, Rc<Plugin>)>,
    /// The requests whose head has not come yet, each with its root context.
    awaited: Vec<(u32, u32)>,
    /// The requests that count at their provider until they end.
    counted: BTreeMap<u32, Picked>,
}

thread_local! {
    static CONTEXTS: RefCell<Contexts> = const {
        RefCell::new(Contexts { plugins: Vec::new(), awaited: Vec::new(), counted: BTreeMap::new() })
    };
}

impl Contexts {
    fn plugin(&self, root: u32) -> Option<Rc<Plugin>> {
        let plugin = self.plugins.iter().find(|(id, _)| *id == root);
        plugin.map(|(_, plugin)| Rc::clone(plugin))
    }

    /// The plugin of a request whose head has come.
    fn begin(&mut self, context: u32) -> Option<Rc<Plugin>> {
        // Mostly there is no other.
        let at = self.awaited.iter().rposition(|(id, _)| *id == context)?;
        let (_, root) = self.awaited.swap_remove(at);
        self.plugin(root)
    }

    /// Forgets a context; gives the plugin that goes with it.
    fn end(&mut self, context: u32) -> Option<Rc<Plugin>> {
        self.awaited.retain(|(id, _)| *id != context);
        self.counted.remove(&context);
        let at = self.plugins.iter().position(|(id, _)| *id == context)?;
        Some(self.plugins.swap_remove(at).1)
    }
}

fn plugin(root: u32) -> Option<Rc<Plugin>> {
    CONTEXTS.with_borrow(|contexts| contexts.plugin(root))
}

/// The version of the ABI, by its name.
#[unsafe(no_mangle)]
extern "C" fn proxy_abi_version_0_2_1() {}

// Named as in C: proxies knew this name before that of the ABI.
#[unsafe(export_name = "malloc")]
extern "C" fn proxy_on_memory_allocate(size: usize) -> *mut u8 {
    hostcalls::allocate(size)
}

#[unsafe(no_mangle)]
extern "C" fn _initialize() {
    std::panic::set_hook(Box::new(|panic| hostcalls::log(CRITICAL, &panic.to_string())));
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_context_create(context: u32, root: u32) {
    // A root context has none above it, and is known once it is configured.
    if root != 0 {
        CONTEXTS.with_borrow_mut(|contexts| contexts.awaited.push((context, root)));
    }
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_vm_start(_root: u32, _size: usize) -> bool {
    true
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_configure(root: u32, _size: usize) -> bool {
    let earlier = CONTEXTS.with_borrow_mut(|contexts| contexts.end(root));
    if let Some(earlier) = earlier {
        earlier.leave();
    }
    let plugin = Plugin::configure(&hostcalls::configuration(), &Proxy).map(Rc::new);
    let is_configured = plugin.is_some();
    CONTEXTS.with_borrow_mut(|contexts| contexts.plugins.extend(plugin.map(|one| (root, one))));
    is_configured
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_tick(root: u32) {
    if let Some(plugin) = plugin(root) {
        plugin.tick(&Proxy);
    }
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_queue_ready(root: u32, _queue: u32) {
    if let Some(plugin) = plugin(root) {
        plugin.wake(&Proxy);
    }
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_http_call_response(
    root: u32,
    token: u32,
    headers: usize,
    _body: usize,
    _trailers: usize,
) {
    if let Some(plugin) = plugin(root) {
        // Without headers there is no answer.
        plugin.answer(token, headers > 0, &Proxy);
    }
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_headers(context: u32, _headers: usize, _end: bool) -> u32 {
    let plugin = CONTEXTS.with_borrow_mut(|contexts| contexts.begin(context));
    let Some(plugin) = plugin else { return CONTINUE };
    match plugin.route(&Proxy) {
        Verdict::Continue(picked) => {
            if let Some(picked) = picked.filter(Picked::is_counted) {
                CONTEXTS.with_borrow_mut(|contexts| contexts.counted.insert(context, picked));
            }
            CONTINUE
        }
        Verdict::Answered => PAUSE,
    }
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_delete(context: u32) {
    let plugin = CONTEXTS.with_borrow_mut(|contexts| contexts.end(context));
    if let Some(plugin) = plugin {
        plugin.leave();
    }
}

/// The proxy that runs this.
struct Proxy;

impl Host for Proxy {
    fn now(&self) -> u64 {
        hostcalls::now()
    }

    fn log(&self, level: Level, line: &str) {
        let level = match level {
            Level::Info => 2,
            Level::Warn => 3,
            Level::Error => 4,
        };
        hostcalls::log(level, line);
    }

    fn set_tick(&self, period: Duration) {
        hostcalls::set_tick(millis(period));
    }

    fn send(&self, cluster: &str, headers: &[(&str, &str)], timeout: Duration) -> Option<u32> {
        hostcalls::call(cluster, headers, millis(timeout))
    }

    fn answer_header(&self, name: &str) -> Option<String> {
        String::from_utf8(hostcalls::answer_header(name)?).ok()
    }

    fn answer_body(&self, most: usize) -> Vec<u8> {
        hostcalls::answer_body(most)
    }

    fn request_head(&self) -> Vec<u8> {
        hostcalls::request_head()
    }

    fn set_request_header(&self, name: &str, value: &str) {
        hostcalls::set_request_header(name, value);
    }

    fn remove_request_header(&self, name: &str) {
        hostcalls::remove_request_header(name);
    }

    fn clear_route_cache(&self) -> bool {
        hostcalls::foreign("clear_route_cache", &[])
    }

    fn set_endpoint(&self, address: &str) -> bool {
        let Some(arguments) = FilterState::new(ORIGINAL_DST_STATE, address) else { return false };
        hostcalls::foreign("set_envoy_filter_state", arguments.bytes())
    }

    fn set_property(&self, name: &str, value: &str) {
        hostcalls::set_property(name, value);
    }

    fn respond(&self, status: u32, body: &str) {
        let headers = [("content-type", "text/plain; charset=utf-8")];
        hostcalls::respond(status, &headers, body, None);
    }

    fn respond_grpc(&self, status: GrpcStatus, message: &str) {
        let status = match status {
            GrpcStatus::Unimplemented => 12,
            GrpcStatus::Unavailable => 14,
        };
        hostcalls::respond(200, &[], message, Some(status));
    }

    fn queue(&self, name: &str) -> Option<u32> {
        hostcalls::register_queue(name)
    }

    fn wake(&self, queue: u32) {
        hostcalls::enqueue(queue);
    }

    fn awake(&self, queue: u32) {
        while hostcalls::dequeue(queue) {}
    }

    fn shared(&self, key: &str) -> Option<(Vec<u8>, u32)> {
        hostcalls::shared_data(key)
    }

    fn share(&self, key: &str, value: &[u8], version: Option<u32>) -> bool {
        hostcalls::set_shared_data(key, value, version)
    }

    fn define_metric(&self, kind: MetricKind, name: &str) -> u32 {
        let kind = match kind {
            MetricKind::Counter => 0,
            MetricKind::Gauge => 1,
        };
        hostcalls::define_metric(kind, name)
    }

    fn record_metric(&self, metric: u32, value: u64) {
        hostcalls::record_metric(metric, value);
    }

    fn increment_metric(&self, metric: u32, by: u64) {
        hostcalls::increment_metric(metric, i64::try_from(by).unwrap_or(i64::MAX));
    }
}

fn millis(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}
