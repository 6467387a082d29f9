//! Our own component in our own sandbox: it says what the native program says, and it asks by the credential
//! that it never sees.

use std::path::{Path, PathBuf};
use std::process::Command;

use dubbo_k8s_tests::program::{bare, dubbo_watcher, run};
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
        command.env("KUBECONFIG", prison.folder.path().join("kubeconfig"));
        command
    })
}

#[tokio::test]
async fn it_lists_what_the_native_program_lists() {
    let Some(prison) = Prison::open().await else { return };
    let Some(component) = component() else { return };
    let [native, sandboxed] = both(&prison, &component, &["list", "-o", "wide"]);
    let (native, sandboxed) = (run(native).await, run(sandboxed).await);
    assert_eq!((native.status, native.stderr.as_str()), (Some(0), ""), "{native:?}");
    assert!(native.stdout.contains("com.example.Greeter"), "{native:?}");
    assert_eq!((sandboxed.status, &sandboxed.stdout), (Some(0), &native.stdout), "{sandboxed:?}");
    assert_eq!(sandboxed.stderr, "");
}
