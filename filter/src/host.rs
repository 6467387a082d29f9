//! What the filter asks of its proxy: the few calls it needs, as a trait, and a proxy for tests. No other
//! way leads out.

use core::time::Duration;

/// The level of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// What is worth knowing.
    Info,
    /// What an operator should look at.
    Warn,
    /// What does not work.
    Error,
}

/// What a metric counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// It only grows.
    Counter,
    /// It is set.
    Gauge,
}

/// The proxy. No call of it fails loudly: what a proxy cannot do is left undone.
pub trait Host {
    /// Nanoseconds since the epoch.
    fn now(&self) -> u64;
    /// Writes a line into the proxy's log.
    fn log(&self, level: Level, line: &str);
    /// Asks to be called again and again after this time.
    fn set_tick(&self, period: Duration);

    /// Sends a request without a body to a cluster; its answer comes with the token. None if the proxy has no
    /// such cluster, or no host in it.
    fn send(&self, cluster: &str, headers: &[(&str, &str)], timeout: Duration) -> Option<u32>;
    /// A header of the answer that has just come.
    fn answer_header(&self, name: &str) -> Option<String>;
    /// The body of the answer that has just come, up to that many bytes.
    fn answer_body(&self, most: usize) -> Vec<u8>;

    /// The head of the request as one block, names in lower case: the number of headers, the lengths of each
    /// name and value, then each of them with a zero behind it; numbers have four bytes, the lowest first.
    fn request_head(&self) -> Vec<u8>;
    /// Puts a header in place of all with its name.
    fn set_request_header(&self, name: &str, value: &str);
    /// Takes all headers with this name away.
    fn remove_request_header(&self, name: &str);
    /// Makes the proxy choose its route again; false if it cannot.
    fn clear_route_cache(&self) -> bool;
    /// Gives the request an endpoint that no header names; false if the proxy cannot.
    fn set_endpoint(&self, address: &str) -> bool;
    /// Keeps a value beside the request, for the access log.
    fn set_property(&self, name: &str, value: &str);
    /// Answers the request, in plain text.
    fn respond(&self, status: u32, body: &str);
    /// Answers a gRPC request.
    fn respond_grpc(&self, status: GrpcStatus, message: &str);

    /// A queue at which other threads of the proxy wake this one; none if they cannot.
    fn queue(&self, _name: &str) -> Option<u32> {
        None
    }
    /// Wakes the thread that has this queue.
    fn wake(&self, _queue: u32) {}
    /// Takes what woke this thread out of its queue.
    fn awake(&self, _queue: u32) {}
    /// A value that all threads of the proxy see, and its version.
    fn shared(&self, _key: &str) -> Option<(Vec<u8>, u32)> {
        None
    }
    /// Sets such a value if it has this version still, or whatever it is; true if it was set.
    fn share(&self, _key: &str, _value: &[u8], _version: Option<u32>) -> bool {
        false
    }

    /// A number for a metric of this name.
    fn define_metric(&self, kind: MetricKind, name: &str) -> u32;
    /// Sets a gauge.
    fn record_metric(&self, metric: u32, value: u64);
    /// Adds to a counter.
    fn increment_metric(&self, metric: u32, by: u64);
}

/// The gRPC statuses that the filter answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrpcStatus {
    /// 12: there is no such service or path.
    Unimplemented,
    /// 14: no provider is available for it now.
    Unavailable,
}
