//! What Prometheus' own `promtool` says of the alert rules, of the dashboard's queries and of an answer of
//! `/metrics`. `PROMTOOL` names it, as `cargo xtask test` does.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use dubbo_k8s_tests::{monitoring, skip};
use serde_json::{Value, json};

use crate::rig::{Rig, provider};

/// When each alert fires, and when not; it finds the rules beside it.
fn alert_tests() -> PathBuf {
    let file = "../watcher/deploy/monitoring/alerts.test.yaml";
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

/// The program with its arguments, or a skip of the test.
fn promtool(test: &str, arguments: &[&str]) -> Option<Command> {
    let Some(program) = std::env::var_os("PROMTOOL") else {
        skip::missing(test, "PROMTOOL is not set: cargo xtask test sets it");
        return None;
    };
    let mut command = Command::new(program);
    command.args(arguments);
    Some(command)
}

/// Runs it with `input`; what it says is in the failure.
fn accepts(mut command: Command, input: &str) {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let ended = child.wait_with_output().unwrap();
    let said = [ended.stdout, ended.stderr].concat();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&said));
}

#[test]
fn each_alert_fires_when_it_should_and_only_then() {
    let Some(mut command) = promtool("each_alert_fires", &["test", "rules"]) else { return };
    command.arg(alert_tests());
    accepts(command, "");
}

#[test]
fn every_alert_has_a_test_of_both_kinds() {
    let tests = std::fs::read_to_string(alert_tests()).unwrap();
    let rules = monitoring::ALERTS.lines();
    let mut names = rules.filter_map(|line| line.trim().strip_prefix("- alert: ")).peekable();
    assert!(names.peek().is_some());
    for name in names {
        let silent = format!("alertname: {name}, exp_alerts: []");
        assert!(tests.contains(&silent), "{name} is not asked to be silent");
        let fires = format!("alertname: {name}\n        exp_alerts:\n          - exp_labels");
        assert!(tests.contains(&fires), "{name} is not asked to fire");
    }
}

#[test]
fn every_query_of_the_dashboard_is_one() {
    let Some(mut command) = promtool("every_query", &["check", "rules"]) else { return };
    let dashboard: Value = serde_json::from_str(monitoring::DASHBOARD).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
    let rules: Vec<Value> = targets
        .map(|target| target["expr"].as_str().unwrap())
        .map(|query| query.replace("$__rate_interval", "5m").replace("$instance", ".+"))
        .enumerate()
        .map(|(number, query)| json!({"record": format!("query_{number}"), "expr": query}))
        .collect();
    assert!(rules.len() > 20, "{}", rules.len());
    // JSON is YAML, and a rule that records takes any query.
    let file = tempfile::NamedTempFile::new().unwrap();
    let groups = json!({"groups": [{"name": "dashboard", "rules": rules}]});
    std::fs::write(file.path(), groups.to_string()).unwrap();
    command.arg(file.path());
    accepts(command, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metrics_are_as_prometheus_wants_them() {
    let Some(command) = promtool("the_metrics", &["check", "metrics"]) else { return };
    let rig = Rig::new(&[("one", &[provider("a.B", 1)])]).await;
    let _stream = rig.events("/v1/events", &[]).await;
    rig.get("/v1/snapshot").await;
    let answer = rig.get("/metrics").await;
    tokio::task::block_in_place(|| accepts(command, answer.text()));
}
