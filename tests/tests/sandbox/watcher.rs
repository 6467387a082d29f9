//! Our own component in our own sandbox: it says what the native program says, and it asks by the credential
//! that it never sees.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use dubbo_k8s_tests::program::{Ran, Running, bare, dubbo_watcher, piped, run};
use dubbo_k8s_tests::skip;

use crate::prison::Prison;

/// What `cargo xtask test` names as `DUBBO_WATCHER_WASM`.
fn component() -> Option<PathBuf> {
    let path = std::env::var_os("DUBBO_WATCHER_WASM").map(PathBuf::from);
    if path.is_none() {
        skip::missing("the watcher in the sandbox", "DUBBO_WATCHER_WASM is not set");
    }
    path
}

/// The native program with these arguments, and the same in the sandbox.
fn both(prison: &Prison, component: &Path, arguments: &[&str]) -> [Command; 2] {
    let mut native = bare(dubbo_watcher());
    native.args(arguments);
    let mut sandboxed = bare(dubbo_watcher());
    sandboxed.arg("sandbox").arg(component).arg("--").args(arguments);
    [native, sandboxed].map(|mut command| {
        command.env("KUBECONFIG", prison.cluster.kubeconfig());
        command
    })
}

#[tokio::test]
async fn it_lists_what_the_native_program_lists() {
    let Some(prison) = Prison::open().await else { return };
    let Some(component) = component() else { return };
    let [native, sandboxed] = both(&prison, &component, &["list", "-o", "wide"]);
    let (native, sandboxed) = (run(native).await, run(sandboxed).await);
    assert!(native.stdout.contains("com.example.Greeter"), "{native:?}");
    assert_eq!((native.status, sandboxed.status), (Some(0), Some(0)), "{sandboxed:?}");
    assert_eq!(native.stdout, sandboxed.stdout);
    // What follows is the time of day.
    let said = |ran: &Ran| ran.stderr.split_once(", as of ").map(|(said, _)| said.to_owned());
    assert!(said(&native).is_some(), "{native:?}");
    assert_eq!(said(&native), said(&sandboxed));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_watches_as_the_native_program_does() {
    let Some(prison) = Prison::open().await else { return };
    let Some(component) = component() else { return };
    let watching = both(&prison, &component, &["watch", "-o", "jsonl"]).map(Running::start);
    for event in ["added", "synced"] {
        let [native, sandboxed] = watching.each_ref().map(|running| running.until(event));
        assert_eq!(native, sandboxed);
    }
    prison.cluster.server.store().delete("shop", "web").unwrap();
    let [native, sandboxed] = watching.each_ref().map(|running| running.until("removed"));
    assert_eq!(native, sandboxed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_pipe_ends_it_quietly() {
    let Some(prison) = Prison::open().await else { return };
    let Some(component) = component() else { return };
    let [_, sandboxed] = both(&prison, &component, &["watch", "-o", "jsonl"]);
    let (child, mut stdout) = piped(sandboxed);
    let ended = tokio::task::block_in_place(|| {
        stdout.read_exact(&mut [0]).unwrap();
        drop(stdout);
        prison.cluster.server.store().delete("shop", "web").unwrap();
        child.wait_with_output().unwrap()
    });
    assert_eq!((ended.status.code(), String::from_utf8_lossy(&ended.stderr)), (Some(0), "".into()));
}
