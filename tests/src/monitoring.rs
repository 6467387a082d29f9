//! The metrics that the dashboard and the alerts show, and those that an answer of `/metrics` has. The two must
//! be the same: a metric that no panel shows is not missed when it goes, and a panel of one that is not
//! there shows nothing for ever.

use std::collections::BTreeSet;

/// How the names begin that are there only where there are handlers.
pub const OF_HANDLERS: &str = "dubbo_watcher_handler_";

/// The dashboard, in Grafana's JSON.
pub const DASHBOARD: &str = include_str!("../../watcher/deploy/monitoring/dashboard.json");
/// The alert rules, in Prometheus' YAML.
pub const ALERTS: &str = include_str!("../../watcher/deploy/monitoring/alerts.yaml");

/// The families that the dashboard or an alert asks for.
pub fn shown() -> BTreeSet<String> {
    let names = [DASHBOARD, ALERTS].into_iter().flat_map(|text| {
        text.match_indices("dubbo_watcher_").map(|(at, _)| {
            let rest = text.get(at..).unwrap_or_default();
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            rest.get(..end.unwrap_or(rest.len())).unwrap_or_default()
        })
    });
    names.map(family).collect()
}

/// The families of an answer.
pub fn exported(metrics: &str) -> BTreeSet<String> {
    let types = metrics.lines().filter_map(|line| line.strip_prefix("# TYPE dubbo_watcher_"));
    let names = types.filter_map(|rest| rest.split(' ').next());
    names.map(|name| format!("dubbo_watcher_{name}")).collect()
}

/// A histogram has samples of several names.
fn family(name: &str) -> String {
    let histogram =
        ["_bucket", "_count", "_sum"].into_iter().find_map(|end| name.strip_suffix(end));
    histogram.unwrap_or(name).to_owned()
}
