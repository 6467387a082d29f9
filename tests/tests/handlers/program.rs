//! `--handler`, as a person meets it: with `serve`, with `watch`, and used wrongly.

use std::process::Command;

use dubbo_k8s_codec::{Record, encode};
use dubbo_k8s_tests::program::{Running, bare, dubbo_watcher, run};
use dubbo_k8s_tests::{monitoring, pods};
use serde_json::{Value, json};

use crate::rig::{Rig, component, key, within};

fn command(rig: &Rig, verb: &str) -> Command {
    let kubeconfig = rig.cluster.write_kubeconfig(rig.folder.path()).unwrap();
    let mut command = bare(dubbo_watcher());
    command.arg(verb).env("KUBECONFIG", kubeconfig);
    command
}

/// `serve` with these flags, and its address.
fn serve(rig: &Rig, flags: &[&str]) -> (Running, String) {
    let mut serve = command(rig, "serve");
    serve.args(["--bind", "127.0.0.1:0"]).args(flags);
    let serve = Running::start(serve);
    let url = serve.error_line().rsplit(' ').next().unwrap().to_owned();
    (serve, url)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn watch_prints_as_ever_and_serve_shows_what_handlers_do() {
    let Some(misbehaving_handler) = component("MISBEHAVING_HANDLER") else { return };
    let rig = Rig::start().await;
    let handler = format!("{}=ill", misbehaving_handler.display());
    let folder = rig.folder.path().to_str().unwrap();
    let flags = ["--handler", &handler, "--handler-dir", folder];

    let mut watch = command(&rig, "watch");
    watch.args(["-o", "jsonl"]).args(flags);
    let watch = Running::start(watch);
    watch.until("synced");
    rig.file("received", |text| text == "snapshot a.B\n").await;
    let ended = watch.end("-TERM");
    assert_eq!(ended.status, Some(0), "{ended:?}");

    std::fs::remove_file(rig.folder.path().join("received")).unwrap();
    let (serve, url) = serve(&rig, &flags);
    rig.file("received", |text| text == "snapshot a.B\n").await;
    serve.says("health failed: not well");
    let ready = get(&url, "/readyz").await;
    assert!(ready.starts_with("HTTP/1.1 200"), "handlers do not count: {ready}");
    let metrics = get(&url, "/metrics").await;
    for sample in [
        "dubbo_watcher_handler_calls_total{call=\"snapshot\",handler=\"misbehaving_handler\",outcome=\"done\"} 1",
        "dubbo_watcher_handler_calls_total{call=\"changed\",handler=\"misbehaving_handler\",outcome=\"done\"} 0",
        "dubbo_watcher_handler_quarantined{handler=\"misbehaving_handler\"} 0",
        "dubbo_watcher_handler_healthy{handler=\"misbehaving_handler\"} 0",
        "dubbo_watcher_handler_queue{handler=\"misbehaving_handler\"} 0",
        "dubbo_watcher_handler_lag_seconds{handler=\"misbehaving_handler\"} 0",
        "dubbo_watcher_handler_retries_total{handler=\"misbehaving_handler\"} 0",
    ] {
        assert!(metrics.contains(sample), "{sample} is not in {metrics}");
    }
    assert_eq!(monitoring::shown(), monitoring::exported(&metrics));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_handler_receives_everything_anew_and_holds_up_no_other() {
    let Some(misbehaving_handler) = component("MISBEHAVING_HANDLER") else { return };
    let rig = Rig::start().await;
    let handler = format!("{}=slow", misbehaving_handler.display());
    let folder = rig.folder.path().to_str().unwrap();
    let (serve, url) = serve(&rig, &["--handler", &handler, "--handler-dir", folder]);
    rig.file("received", |text| text == "snapshot a.B\n").await;

    // More than the registry remembers, again and again, until the handler has missed something.
    let publish = async {
        for round in 0_u32.. {
            let keys =
                (0..60).map(|number| key("a.C", &format!("10.1.{}.{number}:1", round % 250)));
            let keys: Vec<String> = keys.collect();
            let value = encode(keys.iter().map(|key| Record::new(key)));
            let change = |pod: &mut Value| {
                pod["metadata"]["annotations"]["dubbo.io/annotation"] = json!(value);
                pod["status"] = pods::running(&value);
            };
            rig.cluster.store().update("default", "web", change).unwrap();
            // No other task waits for it.
            assert!(get(&url, "/healthz").await.starts_with("HTTP/1.1 200"));
        }
    };
    let lagged = async { rig.file("received", |text| text.matches("snapshot").count() > 1).await };
    tokio::select! {
        () = publish => {}
        _ = lagged => {}
    }
    serve.says("misbehaving_handler: was too slow for the changes; it gets everything anew");
    rig.provide("last", "a.E", "10.0.0.3:20880");
    within(async { while !get(&url, "/v1/snapshot").await.contains("a.E") {} }).await;
    let metrics = get(&url, "/metrics").await;
    let lags = metrics.lines().find_map(|line| {
        line.strip_prefix("dubbo_watcher_handler_lags_total{handler=\"misbehaving_handler\"} ")
    });
    assert!(lags.is_some_and(|lags| lags != "0"), "{metrics}");
    let ended = serve.end("-TERM");
    assert_eq!(ended.status, Some(0), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_cannot_be_run_is_wrong_use() {
    let Some(command_component) = component("ESCAPING_GUEST") else { return };
    let rig = Rig::start().await;
    for (flags, why) in [
        (vec!["--handler", "none.wasm"], "cannot read none.wasm"),
        (vec!["--handler", command_component.to_str().unwrap()], "does not fit"),
        (vec!["--allow-host", "a"], "--handler"),
        (vec!["--handler", "a.wasm", "--allow-host", "http://a/"], "not a URL"),
    ] {
        let mut command = command(&rig, "watch");
        command.args(flags);
        let ran = run(command).await;
        assert_eq!(ran.status, Some(2), "{ran:?}");
        assert!(ran.stderr.contains(why), "{ran:?}");
    }
}

/// One answer, whole.
async fn get(url: &str, path: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let address = url.trim_start_matches("http://").to_owned();
    let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}
