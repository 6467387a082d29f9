//! Envoy's configuration as values: a bootstrap, listeners for HTTP, filters, routes. Only what the tests
//! and the demo need; what else there is goes in as plain JSON.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// A whole configuration.
pub fn bootstrap(listeners: &[Value], clusters: &[Value]) -> Value {
    json!({
        "node": {"id": "test", "cluster": "test"},
        "static_resources": {"listeners": listeners, "clusters": clusters},
    })
}

/// The admin interface, on a port that Envoy takes itself.
pub(super) fn admin() -> Value {
    json!({"address": address(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))})
}

/// An address as Envoy writes it.
pub fn address(address: SocketAddr) -> Value {
    json!({"socket_address": {"address": address.ip(), "port_value": address.port()}})
}

/// A message of a type, in an envelope with a name.
pub fn typed(name: &str, kind: &str, mut message: Value) -> Value {
    if let Some(map) = message.as_object_mut() {
        map.insert("@type".to_owned(), format!("type.googleapis.com/{kind}").into());
    }
    json!({"name": name, "typed_config": message})
}

/// A listener for HTTP/1.1 and HTTP/2 without TLS, on a port that Envoy takes itself.
#[derive(Clone, Debug)]
pub struct Listener {
    name: String,
    filters: Vec<Value>,
    routes: Vec<Value>,
    access_log: Option<(PathBuf, Value)>,
}

impl Listener {
    /// Without filters and routes; [`super::Envoy::address`] knows it by its name.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), filters: Vec::new(), routes: Vec::new(), access_log: None }
    }

    /// Adds an HTTP filter behind those that there are; the router comes last by itself.
    #[must_use]
    pub fn filter(mut self, filter: Value) -> Self {
        self.filters.push(filter);
        self
    }

    /// Adds a route behind those that there are.
    #[must_use]
    pub fn route(mut self, route: Value) -> Self {
        self.routes.push(route);
        self
    }

    /// Writes an object in JSON for each request to a file: `fields` names them, as
    /// `{"path": "%REQ(:PATH)%"}`.
    #[must_use]
    pub fn access_log(mut self, file: &Path, fields: Value) -> Self {
        self.access_log = Some((file.to_owned(), fields));
        self
    }

    /// As Envoy takes it.
    pub fn value(self) -> Value {
        let router = "envoy.extensions.filters.http.router.v3.Router";
        let mut filters = self.filters;
        filters.push(typed("envoy.filters.http.router", router, json!({})));
        let access_log = self.access_log.iter().map(|(file, fields)| {
            typed(
                "envoy.access_loggers.file",
                "envoy.extensions.access_loggers.file.v3.FileAccessLog",
                json!({"path": file, "log_format": {"json_format": fields}}),
            )
        });
        let manager = typed(
            "envoy.filters.network.http_connection_manager",
            "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            json!({
                "stat_prefix": self.name,
                "http_filters": filters,
                "access_log": access_log.collect::<Vec<_>>(),
                "route_config": {"virtual_hosts": [
                    {"name": "all", "domains": ["*"], "routes": self.routes},
                ]},
            }),
        );
        json!({
            "name": self.name,
            "address": address(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
            "filter_chains": [{"filters": [manager]}],
        })
    }
}

/// Everything goes to one cluster.
pub fn to_cluster(cluster: &str) -> Value {
    json!({"match": {"prefix": "/"}, "route": {"cluster": cluster}})
}

/// What carries this header with this value goes to one cluster.
pub fn with_header_to_cluster(header: &str, value: &str, cluster: &str) -> Value {
    let wanted = json!({"name": header, "string_match": {"exact": value}});
    json!({"match": {"prefix": "/", "headers": [wanted]}, "route": {"cluster": cluster}})
}

/// What carries this header goes to one cluster.
pub fn with_header(header: &str, cluster: &str) -> Value {
    let wanted = json!({"name": header, "present_match": true});
    json!({"match": {"prefix": "/", "headers": [wanted]}, "route": {"cluster": cluster}})
}

/// Everything is answered by Envoy itself.
pub fn answered(status: u16, body: &str) -> Value {
    json!({"match": {"prefix": "/"},
        "direct_response": {"status": status, "body": {"inline_string": body}}})
}

/// A proxy-wasm filter out of a file, in V8, with its configuration as JSON text. A filter that failed
/// refuses its requests.
pub fn wasm(file: &Path, configuration: &Value) -> Value {
    wasm_with_text(file, &configuration.to_string())
}

/// As [`wasm`], with any text for its configuration.
pub fn wasm_with_text(file: &Path, configuration: &str) -> Value {
    typed(
        "envoy.filters.http.wasm",
        "envoy.extensions.filters.http.wasm.v3.Wasm",
        json!({"config": {
            "name": "filter",
            "root_id": "filter",
            "failure_policy": "FAIL_CLOSED",
            "vm_config": {
                "vm_id": "filter",
                "runtime": "envoy.wasm.runtime.v8",
                "code": {"local": {"filename": file}},
            },
            "configuration": {
                "@type": "type.googleapis.com/google.protobuf.StringValue",
                "value": configuration,
            },
        }}),
    )
}
