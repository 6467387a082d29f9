//! The filter as a proxy-wasm plugin: the one file that knows proxy-wasm. It moves calls in and out, and
//! must never decide anything. Calls that the SDK answers with a panic when the proxy says no are only made
//! where the proxy cannot say no.

use core::time::Duration;
use std::rc::Rc;
use std::time::UNIX_EPOCH;

use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType, GrpcStatusCode, LogLevel, MapType, MetricType};

use crate::directory::Picked;
use crate::filter_state::{FilterState, ORIGINAL_DST_STATE};
use crate::host::{GrpcStatus, Host, Level, MetricKind};
use crate::hostcalls as calls;
use crate::plugin::{Plugin, Verdict};

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|_| Box::new(Root::default()));
}}

/// A plugin in one worker of the proxy.
#[derive(Default)]
struct Root {
    plugin: Option<Rc<Plugin>>,
}

/// One request.
struct Stream {
    plugin: Option<Rc<Plugin>>,
    picked: Option<Picked>,
}

impl Context for Root {
    fn on_http_call_response(
        &mut self,
        token: u32,
        headers: usize,
        _body: usize,
        _trailers: usize,
    ) {
        if let Some(plugin) = &self.plugin {
            // Without headers there is no answer, and the proxy must not be asked for its parts.
            plugin.answer(token, headers > 0, &Proxy);
        }
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        if let Some(plugin) = &self.plugin {
            plugin.leave();
        }
    }
}

impl RootContext for Root {
    fn on_configure(&mut self, _size: usize) -> bool {
        let json = self.get_plugin_configuration().unwrap_or_default();
        if let Some(earlier) = &self.plugin {
            earlier.leave();
        }
        self.plugin = Plugin::configure(&json, &Proxy).map(Rc::new);
        self.plugin.is_some()
    }

    fn on_tick(&mut self) {
        if let Some(plugin) = &self.plugin {
            plugin.tick(&Proxy);
        }
    }

    fn on_queue_ready(&mut self, _queue: u32) {
        if let Some(plugin) = &self.plugin {
            plugin.wake(&Proxy);
        }
    }

    fn create_http_context(&self, _id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream { plugin: self.plugin.clone(), picked: None }))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _count: usize, _end: bool) -> Action {
        let Some(plugin) = &self.plugin else { return Action::Continue };
        match plugin.route(&Proxy) {
            Verdict::Continue(picked) => {
                self.picked = picked;
                Action::Continue
            }
            Verdict::Answered => Action::Pause,
        }
    }

    fn on_log(&mut self) {
        self.picked = None;
    }
}

/// The proxy that runs this.
struct Proxy;

impl Host for Proxy {
    fn now(&self) -> u64 {
        let now = hostcalls::get_current_time().ok();
        let since = now.and_then(|now| now.duration_since(UNIX_EPOCH).ok());
        since.map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
    }

    fn log(&self, level: Level, line: &str) {
        let level = match level {
            Level::Info => LogLevel::Info,
            Level::Warn => LogLevel::Warn,
            Level::Error => LogLevel::Error,
        };
        let _ = hostcalls::log(level, line);
    }

    fn set_tick(&self, period: Duration) {
        let _ = hostcalls::set_tick_period(period);
    }

    fn send(&self, cluster: &str, headers: &[(&str, &str)], timeout: Duration) -> Option<u32> {
        hostcalls::dispatch_http_call(cluster, headers.to_vec(), None, Vec::new(), timeout).ok()
    }

    fn answer_header(&self, name: &str) -> Option<String> {
        let value =
            hostcalls::get_map_value_bytes(MapType::HttpCallResponseHeaders, name).ok()??;
        String::from_utf8(value).ok()
    }

    fn answer_body(&self, most: usize) -> Vec<u8> {
        let kind = proxy_wasm::types::BufferType::HttpCallResponseBody;
        hostcalls::get_buffer(kind, 0, most).ok().flatten().unwrap_or_default()
    }

    fn request_head(&self) -> Vec<u8> {
        calls::request_head()
    }

    fn set_request_header(&self, name: &str, value: &str) {
        let _ = hostcalls::set_map_value(MapType::HttpRequestHeaders, name, Some(value));
    }

    fn remove_request_header(&self, name: &str) {
        let _ = hostcalls::remove_map_value(MapType::HttpRequestHeaders, name);
    }

    fn clear_route_cache(&self) -> bool {
        calls::foreign("clear_route_cache", &[])
    }

    fn set_endpoint(&self, address: &str) -> bool {
        let Some(arguments) = FilterState::new(ORIGINAL_DST_STATE, address) else { return false };
        calls::foreign("set_envoy_filter_state", arguments.bytes())
    }

    fn set_property(&self, name: &str, value: &str) {
        calls::set_property(name, value);
    }

    fn respond(&self, status: u32, body: &str) {
        let headers = vec![("content-type", "text/plain; charset=utf-8")];
        let _ = hostcalls::send_http_response(status, headers, Some(body.as_bytes()));
    }

    fn respond_grpc(&self, status: GrpcStatus, message: &str) {
        let status = match status {
            GrpcStatus::Unimplemented => GrpcStatusCode::Unimplemented,
            GrpcStatus::Unavailable => GrpcStatusCode::Unavailable,
        };
        let _ = hostcalls::send_grpc_response(status, Some(message), Vec::new());
    }

    fn queue(&self, name: &str) -> Option<u32> {
        calls::register_queue(name)
    }

    fn wake(&self, queue: u32) {
        calls::enqueue(queue);
    }

    fn awake(&self, queue: u32) {
        while calls::dequeue(queue) {}
    }

    fn shared(&self, key: &str) -> Option<(Vec<u8>, u32)> {
        calls::shared_data(key)
    }

    fn share(&self, key: &str, value: &[u8], version: Option<u32>) -> bool {
        calls::set_shared_data(key, value, version)
    }

    fn define_metric(&self, kind: MetricKind, name: &str) -> u32 {
        let kind = match kind {
            MetricKind::Counter => MetricType::Counter,
            MetricKind::Gauge => MetricType::Gauge,
        };
        hostcalls::define_metric(kind, name).unwrap_or_default()
    }

    fn record_metric(&self, metric: u32, value: u64) {
        let _ = hostcalls::record_metric(metric, value);
    }

    fn increment_metric(&self, metric: u32, by: u64) {
        let _ = hostcalls::increment_metric(metric, i64::try_from(by).unwrap_or(i64::MAX));
    }
}
