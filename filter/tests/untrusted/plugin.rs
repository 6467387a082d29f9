//! Any bytes as the head of a request, and behind an empty line any bytes as the plugin's configuration and as an
//! answer of the watcher, packed or not: no panic, no long answer, and no endpoint that is no address.

use std::cell::Cell;
use std::time::Duration;

use dubbo_k8s_filter::{GrpcStatus, Host, Level, MetricKind, Plugin};

/// The headers that the lines of a head are the values of.
const NAMES: [&str; 5] =
    [":path", "tri-service-version", "tri-service-group", "dubbo.tag", "content-type"];

const WATCHER: &[u8] = br#"{"discovery":{"cluster":"w"}}"#;

struct Proxy<'a> {
    head: &'a [u8],
    body: &'a [u8],
    /// How many requests were given an endpoint.
    routed: Cell<u32>,
}

impl Host for Proxy<'_> {
    fn now(&self) -> u64 {
        1_700_000_000_000_000_000
    }

    fn log(&self, _level: Level, _line: &str) {}

    fn set_tick(&self, _period: Duration) {}

    fn send(&self, _cluster: &str, _headers: &[(&str, &str)], _timeout: Duration) -> Option<u32> {
        Some(1)
    }

    fn answer_header(&self, name: &str) -> Option<String> {
        match name {
            ":status" => Some("200".into()),
            "age" => Some("0".into()),
            "content-encoding" => self.body.starts_with(&[0x1f, 0x8b]).then(|| "gzip".into()),
            _ => None,
        }
    }

    fn answer_body(&self, most: usize) -> Vec<u8> {
        self.body.iter().copied().take(most).collect()
    }

    fn request_head(&self) -> Vec<u8> {
        // What is no block of headers is tried as one too.
        if self.head.first().is_some_and(|byte| *byte < 8) {
            return self.head.to_vec();
        }
        let lines: Vec<&[u8]> = self.head.split(|byte| *byte == b'\n').collect();
        let headers = || NAMES.iter().zip(&lines);
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes();
        let mut block = number(headers().count()).to_vec();
        for (name, value) in headers() {
            block.extend([number(name.len()), number(value.len())].concat());
        }
        for (name, value) in headers() {
            block.extend([name.as_bytes(), b"\0", value, b"\0"].concat());
        }
        block
    }

    fn set_request_header(&self, _name: &str, value: &str) {
        assert!(value.parse::<std::net::SocketAddr>().is_ok(), "{value}");
        self.routed.set(self.routed.get() + 1);
    }

    fn remove_request_header(&self, _name: &str) {}

    fn clear_route_cache(&self) -> bool {
        true
    }

    fn set_endpoint(&self, value: &str) -> bool {
        assert!(value.parse::<std::net::SocketAddr>().is_ok(), "{value}");
        self.routed.set(self.routed.get() + 1);
        true
    }

    fn set_property(&self, _name: &str, _value: &str) {}

    fn respond(&self, _status: u32, body: &str) {
        assert!(body.len() < 300);
    }

    fn respond_grpc(&self, _status: GrpcStatus, message: &str) {
        assert!(message.len() < 300);
    }

    fn define_metric(&self, _kind: MetricKind, _name: &str) -> u32 {
        0
    }

    fn record_metric(&self, _metric: u32, _value: u64) {}

    fn increment_metric(&self, _metric: u32, _by: u64) {}
}

/// Gives how often an endpoint was chosen.
pub(crate) fn check(bytes: &[u8]) -> u32 {
    let at = bytes.windows(2).position(|two| two == b"\n\n");
    let (head, body) = at.map_or((bytes, bytes), |at| (&bytes[..at], &bytes[at + 2..]));
    let proxy = Proxy { head, body, routed: Cell::new(0) };
    if let Some(plugin) = Plugin::configure(body, &proxy) {
        plugin.tick(&proxy);
        plugin.route(&proxy);
    }
    if let Some(plugin) = Plugin::configure(WATCHER, &proxy) {
        plugin.tick(&proxy);
        plugin.answer(1, true, &proxy);
        plugin.tick(&proxy);
        plugin.route(&proxy);
    }
    proxy.routed.get()
}
