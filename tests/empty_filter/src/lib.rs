//! A proxy-wasm filter that lets every request pass: what it costs is the cost of having a filter at all. A plugin
//! configuration may name calls of the proxy that it makes for each request, so that each can be measured alone. It must
//! never decide anything.
#![cfg(target_arch = "wasm32")]
#![allow(missing_docs, reason = "the macro `main` makes a function without any")]

use std::rc::Rc;

use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType, MapType};

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|_| Box::new(Root::default()));
}}

/// One call of the proxy.
enum Call {
    /// All headers of the request.
    Head,
    /// Six headers of the request, one by one.
    EachHeader,
    /// Sets the header from which a cluster of type `ORIGINAL_DST` takes the endpoint.
    SetHeader(String),
    /// Has the proxy choose its route again.
    ClearRouteCache,
    /// Calls a foreign function with these arguments.
    FilterState(Vec<u8>),
    /// Keeps a value for the access log.
    Property(String),
}

impl Call {
    /// Reads `name` or `name=value`.
    fn read(text: &str) -> Option<Self> {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        Some(match name {
            "head" => Self::Head,
            "eachHeader" => Self::EachHeader,
            "setHeader" => Self::SetHeader(value.to_owned()),
            "clearRouteCache" => Self::ClearRouteCache,
            "filterState" => Self::FilterState(filter_state(value)?),
            "property" => Self::Property(value.to_owned()),
            _ => return None,
        })
    }

    fn make(&self) {
        match self {
            Self::Head => {
                let _ = hostcalls::get_map_bytes(MapType::HttpRequestHeaders);
            }
            Self::EachHeader => {
                for name in NAMES {
                    let _ = hostcalls::get_map_value_bytes(MapType::HttpRequestHeaders, name);
                }
            }
            Self::SetHeader(value) => {
                let map = MapType::HttpRequestHeaders;
                let _ = hostcalls::set_map_value(map, "x-envoy-original-dst-host", Some(value));
            }
            Self::ClearRouteCache => {
                let _ = hostcalls::call_foreign_function("clear_route_cache", None);
            }
            Self::FilterState(arguments) => {
                let name = "set_envoy_filter_state";
                let _ = hostcalls::call_foreign_function(name, Some(arguments));
            }
            Self::Property(name) => {
                let _ = hostcalls::set_property(vec![name], Some(b"com.example.Greeter"));
            }
        }
    }
}

const NAMES: [&str; 6] = [
    ":path",
    "content-type",
    "tri-service-group",
    "tri-service-version",
    "dubbo.tag",
    "x-gateway-destination-endpoint",
];

/// The arguments of `set_envoy_filter_state`: two strings in a protobuf message.
fn filter_state(value: &str) -> Option<Vec<u8>> {
    let key = "envoy.network.transport_socket.original_dst_address";
    let [key_size, value_size] = [u8::try_from(key.len()).ok()?, u8::try_from(value.len()).ok()?];
    Some([&[0x0a, key_size], key.as_bytes(), &[0x12, value_size], value.as_bytes()].concat())
}

#[derive(Default)]
struct Root {
    calls: Rc<[Call]>,
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _size: usize) -> bool {
        let text = self.get_plugin_configuration().unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let calls: Option<_> = text.split_ascii_whitespace().map(Call::read).collect();
        self.calls = calls.unwrap_or_default();
        true
    }

    fn create_http_context(&self, _id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream { calls: Rc::clone(&self.calls) }))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

struct Stream {
    calls: Rc<[Call]>,
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _count: usize, _end: bool) -> Action {
        self.calls.iter().for_each(Call::make);
        Action::Continue
    }
}
