//! Envoy's clusters as values: where requests go, and who picks the endpoint.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Value, json};

use super::config::{address, typed};

/// A load assignment: the endpoints of a cluster, all alike. It is what an EDS file holds too.
pub fn assignment(cluster: &str, endpoints: &[SocketAddr]) -> Value {
    let endpoints: Vec<Value> = endpoints
        .iter()
        .map(|endpoint| json!({"endpoint": {"address": address(*endpoint)}}))
        .collect();
    json!({"cluster_name": cluster, "endpoints": [{"lb_endpoints": endpoints}]})
}

/// Fixed endpoints that speak HTTP/1.1, in turn.
pub fn fixed(name: &str, endpoints: &[SocketAddr]) -> Value {
    json!({
        "name": name, "type": "STATIC", "connect_timeout": "5s",
        "load_assignment": assignment(name, endpoints),
    })
}

/// The endpoint of a request is what its header `x-envoy-original-dst-host` says.
pub fn original_destination(name: &str) -> Value {
    json!({
        "name": name, "type": "ORIGINAL_DST", "lb_policy": "CLUSTER_PROVIDED",
        "connect_timeout": "5s",
        "original_dst_lb_config": {"use_http_header": true},
    })
}

/// Fixed endpoints of which a request's `header` picks one; without it they come in turn.
pub fn override_host(name: &str, header: &str, endpoints: &[SocketAddr]) -> Value {
    let in_turn = typed(
        "envoy.load_balancing_policies.round_robin",
        "envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin",
        json!({}),
    );
    let policy = typed(
        "envoy.load_balancing_policies.override_host",
        "envoy.extensions.load_balancing_policies.override_host.v3.OverrideHost",
        json!({
            "override_host_sources": [{"header": header}],
            "fallback_policy": {"policies": [{"typed_extension_config": in_turn}]},
        }),
    );
    let mut cluster = fixed(name, endpoints);
    if let Some(map) = cluster.as_object_mut() {
        let policies = json!({"policies": [{"typed_extension_config": policy}]});
        map.insert("load_balancing_policy".to_owned(), policies);
    }
    cluster
}

/// Endpoints out of an EDS file, which Envoy reads again when another is moved into its place.
pub fn from_file(name: &str, file: &Path) -> Value {
    json!({
        "name": name, "type": "EDS", "connect_timeout": "5s",
        "eds_cluster_config": {"eds_config": {
            "path_config_source": {"path": file},
            "resource_api_version": "V3",
        }},
    })
}

/// The text of an EDS file: a discovery response with one load assignment.
pub fn endpoints_file(version: &str, cluster: &str, endpoints: &[SocketAddr]) -> String {
    let mut resource = assignment(cluster, endpoints);
    if let Some(map) = resource.as_object_mut() {
        let kind = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment";
        map.insert("@type".to_owned(), kind.into());
    }
    json!({"version_info": version, "resources": [resource]}).to_string()
}

/// The cluster speaks HTTP/2 to its endpoints, without TLS.
#[must_use]
pub fn http2(mut cluster: Value) -> Value {
    let name = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
    let options = json!({
        "@type": format!("type.googleapis.com/{name}"),
        "explicit_http_config": {"http2_protocol_options": {}},
    });
    if let Some(map) = cluster.as_object_mut() {
        map.insert("typed_extension_protocol_options".to_owned(), json!({name: options}));
    }
    cluster
}
