//! `GET /metrics`: what an operator alerts on, in the Prometheus text format. Labels come from
//! short, fixed lists, so that no client and no Pod can make the answer grow.

use std::sync::Arc;

use axum::extract::State as Shared;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use prometheus::core::Collector;
use prometheus::{
    Encoder as _, Gauge, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TEXT_FORMAT,
    TextEncoder,
};

use super::app::App;
use super::refusal::Refusal;
use dubbo_k8s_registry::feed::{Family, Meters, State};

pub(super) async fn metrics(Shared(app): Shared<Arc<App>>) -> Result<Response, Refusal> {
    let text = render(&app).map_err(|error| {
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, format!("The metrics failed: {error}"))
    })?;
    Ok(([(CONTENT_TYPE, TEXT_FORMAT), (CACHE_CONTROL, "no-store")], text).into_response())
}

fn render(app: &App) -> Result<Vec<u8>, prometheus::Error> {
    let registry = Registry::new();
    let own = app.meters.collectors().into_iter();
    for collector in own.chain(counted(&app.registry)).chain(current(&app.reader.state())) {
        registry.register(collector)?;
    }
    #[cfg(feature = "sandbox")]
    for collector in app.handlers.iter().flat_map(crate::handlers::Meters::collectors) {
        registry.register(collector)?;
    }
    let mut text = Vec::new();
    TextEncoder::new().encode(&registry.gather(), &mut text)?;
    Ok(text)
}

/// What the registry counts, by the names under which this program exports it.
#[expect(clippy::expect_used, reason = "constants, checked by a test")]
fn counted(meters: &Meters) -> Vec<Box<dyn Collector>> {
    let export = |family: &Family| -> Box<dyn Collector> {
        let opts = Opts::new(format!("dubbo_watcher_{}", family.name), family.help);
        let labels: &[&str] = if family.label.is_empty() { &[] } else { &[family.label] };
        let values = |value: &'static str| if labels.is_empty() { vec![] } else { vec![value] };
        if family.falls {
            let gauges = IntGaugeVec::new(opts, labels).expect("a legal name");
            for (value, count) in family.samples() {
                let count = i64::try_from(count).unwrap_or(i64::MAX);
                gauges.with_label_values(&values(value)).set(count);
            }
            return Box::new(gauges);
        }
        let counters = IntCounterVec::new(opts, labels).expect("a legal name");
        for (value, count) in family.samples() {
            counters.with_label_values(&values(value)).inc_by(count);
        }
        Box::new(counters)
    };
    meters.families().into_iter().map(export).collect()
}

/// Gauges of the state as it is now.
fn current(state: &State) -> Vec<Box<dyn Collector>> {
    let counts: [(&str, &str, usize); 5] = [
        (
            "dubbo_watcher_synced",
            "1 when all Pods have been read once, otherwise 0.",
            usize::from(state.is_synced()),
        ),
        (
            "dubbo_watcher_connected",
            "1 while every scope is followed, otherwise 0.",
            usize::from(state.is_followed()),
        ),
        ("dubbo_watcher_pods", "Pods that carry records.", state.content().pods()),
        ("dubbo_watcher_records", "Distinct records.", state.content().records()),
        (
            "dubbo_watcher_problems",
            "Pods that cannot be read, or not wholly.",
            state.content().broken_pods(),
        ),
    ];
    let mut gauges: Vec<Box<dyn Collector>> = Vec::new();
    for (name, help, count) in counts {
        let gauge = gauge(name, help);
        gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        gauges.push(Box::new(gauge));
    }
    let age = seconds(
        "dubbo_watcher_age_seconds",
        "How old the registry may be: 0 while every scope is followed, otherwise the time since \
         the server was last heard.",
    );
    age.set(state.age().unwrap_or_default().as_secs_f64());
    gauges.push(Box::new(age));
    if let Some(behind) = state.behind() {
        let gauge = gauge(
            "dubbo_watcher_versions_behind",
            "How many resourceVersions the server is known to be ahead, over all objects of the cluster; \
             absent where they are no numbers (before Kubernetes 1.35).",
        );
        gauge.set(i64::try_from(behind).unwrap_or(i64::MAX));
        gauges.push(Box::new(gauge));
    }
    gauges.push(Box::new(build()));
    gauges
}

#[expect(clippy::expect_used, reason = "constants, checked by a test")]
fn gauge(name: &str, help: &str) -> IntGauge {
    IntGauge::new(name, help).expect("a legal name")
}

#[expect(clippy::expect_used, reason = "constants, checked by a test")]
fn seconds(name: &str, help: &str) -> Gauge {
    Gauge::new(name, help).expect("a legal name")
}

#[expect(clippy::expect_used, reason = "constants, checked by a test")]
fn build() -> IntGauge {
    let opts = Opts::new("dubbo_watcher_build_info", "1, labelled with the version.");
    let build = IntGauge::with_opts(opts.const_label("version", env!("CARGO_PKG_VERSION")));
    let build = build.expect("a legal name");
    build.set(1);
    build
}
