//! What the server itself counts. Labels come from short, fixed lists, so that no client can make them grow.

use std::time::Duration;

use http::{Method, StatusCode};
use prometheus::core::Collector;
use prometheus::{HistogramOpts, HistogramVec, IntCounter, IntGauge};

/// Counters of connections and requests.
#[derive(Debug)]
pub(super) struct Meters {
    pub(super) connections: IntGauge,
    pub(super) turned_away: IntCounter,
    latencies: HistogramVec,
}

/// Seconds. A long poll may take a minute; everything else should stay far below one second.
const BUCKETS: [f64; 12] =
    [0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 60.0];

impl Meters {
    #[expect(clippy::expect_used, reason = "constants, checked by a test")]
    pub(super) fn new() -> Self {
        let latencies = HistogramOpts::new(
            "dubbo_watcher_http_request_duration_seconds",
            "Time from the head of a request to the head of its response; a long poll's includes \
             its wait.",
        )
        .buckets(BUCKETS.to_vec());
        Self {
            connections: IntGauge::new("dubbo_watcher_http_connections", "Clients connected now.")
                .expect("a legal name"),
            turned_away: IntCounter::new(
                "dubbo_watcher_http_connections_rejected_total",
                "Clients turned away because there were too many.",
            )
            .expect("a legal name"),
            latencies: HistogramVec::new(latencies, &["path", "method", "status"])
                .expect("legal names"),
        }
    }

    pub(super) fn request(&self, path: &str, method: &Method, status: StatusCode, took: Duration) {
        let method =
            if matches!(*method, Method::GET | Method::HEAD) { method.as_str() } else { "other" };
        let labels = [path, method, status.as_str()];
        self.latencies.with_label_values(&labels).observe(took.as_secs_f64());
    }

    pub(super) fn collectors(&self) -> [Box<dyn Collector>; 3] {
        [
            Box::new(self.connections.clone()),
            Box::new(self.turned_away.clone()),
            Box::new(self.latencies.clone()),
        ]
    }
}
