//! `--handler`, as a person meets it: with `serve`, with `watch`, and used wrongly.

use std::process::Command;

use dubbo_k8s_tests::monitoring;
use dubbo_k8s_tests::program::{Running, bare, dubbo_watcher, run};

use crate::rig::{Rig, component};

fn command(rig: &Rig, verb: &str) -> Command {
    rig.cluster.write_kubeconfig(rig.folder.path()).unwrap();
    let kubeconfig = rig.cluster.write_kubeconfig(rig.folder.path()).unwrap();
    let mut command = bare(dubbo_watcher());
    command.arg(verb).env("KUBECONFIG", kubeconfig);
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn watch_prints_as_ever_and_serve_shows_what_handlers_do() {
    let Some(moody) = component("MOODY") else { return };
    let rig = Rig::start().await;
    let handler = format!("{}=ill", moody.display());
    let folder = rig.folder.path().to_str().unwrap();
    let flags = ["--handler", &handler, "--handler-dir", folder];

    let mut watch = command(&rig, "watch");
    watch.args(["-o", "jsonl"]).args(flags);
    let watch = Running::start(watch);
    watch.until("synced");
    rig.file("told", |told| told == "snapshot a.B\n").await;
    let ended = watch.end("-TERM");
    assert_eq!(ended.status, Some(0), "{ended:?}");

    std::fs::remove_file(rig.folder.path().join("told")).unwrap();
    let mut serve = command(&rig, "serve");
    serve.args(["--bind", "127.0.0.1:0"]).args(flags);
    let serve = Running::start(serve);
    let line = serve.error_line();
    let url = line.rsplit(' ').next().unwrap().to_owned();
    rig.file("told", |told| told == "snapshot a.B\n").await;
    serve.says("health failed: not well");
    let ready = get(&url, "/readyz").await;
    assert!(ready.starts_with("HTTP/1.1 200"), "handlers do not count: {ready}");
    let metrics = get(&url, "/metrics").await;
    for sample in [
        "dubbo_watcher_handler_calls_total{call=\"snapshot\",handler=\"moody\",outcome=\"done\"} 1",
        "dubbo_watcher_handler_calls_total{call=\"changed\",handler=\"moody\",outcome=\"done\"} 0",
        "dubbo_watcher_handler_quarantined{handler=\"moody\"} 0",
        "dubbo_watcher_handler_healthy{handler=\"moody\"} 0",
        "dubbo_watcher_handler_queue{handler=\"moody\"} 0",
        "dubbo_watcher_handler_lag_seconds{handler=\"moody\"} 0",
        "dubbo_watcher_handler_retries_total{handler=\"moody\"} 0",
    ] {
        assert!(metrics.contains(sample), "{sample} is not in {metrics}");
    }
    assert_eq!(monitoring::shown(), monitoring::exported(&metrics));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_cannot_be_run_is_wrong_use() {
    let Some(command_component) = component("INTRUDER") else { return };
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
