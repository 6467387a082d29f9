//! `dubbo-watcher sandbox`, as a person meets it: its messages and its exit status.

use std::path::Path;

use dubbo_k8s_tests::program::{Ran, bare, dubbo_watcher, run};

use crate::prison::{PODS, Prison, artefact};

async fn sandbox(prison: &Prison, before: &[&str], component: &Path, after: &[&str]) -> Ran {
    let mut command = bare(dubbo_watcher());
    command.arg("sandbox").args(before).arg(component).arg("--").args(after);
    command.env("KUBECONFIG", prison.folder.path().join("kubeconfig")).env("TOKEN", "secret");
    run(command).await
}

#[tokio::test]
async fn what_a_component_writes_is_the_program_s_and_so_is_its_status() {
    let Some(prison) = Prison::open().await else { return };
    let Some(component) = artefact() else { return };
    let ran = sandbox(&prison, &[], &component, &["look", "--help"]).await;
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    assert_eq!(
        ran.stdout,
        "argument 0 intruder.wasm\nargument 1 look\nargument 2 --help\n\
         variable DUBBO_SERVER http://kubernetes.default.svc\nvariable DUBBO_NAMESPACE shop\n\
         folders 0\nfolder false\n"
    );
    let ran = sandbox(&prison, &[], &component, &["ask", "GET", PODS]).await;
    assert!(ran.stdout.starts_with("status 200"), "{ran:?}");
    let ran = sandbox(&prison, &[], &component, &["fail"]).await;
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(1), ""), "it has its own words");
}

#[tokio::test]
async fn one_that_is_stopped_is_reported_with_status_1() {
    let Some(prison) = Prison::open().await else { return };
    let Some(component) = artefact() else { return };
    let ran = sandbox(&prison, &["--compute", "1"], &component, &["spin"]).await;
    assert_eq!(
        ran.error(),
        "the component was stopped: it computed for more than 1 s without waiting\n"
    );
    let ran = sandbox(&prison, &[], &component, &["ask", "GET", "http://elsewhere.example"]).await;
    assert_eq!(
        ran.stderr,
        "sandbox: a request was refused (GET http://elsewhere.example): only \
         http://kubernetes.default.svc may be asked\n"
    );
}

#[tokio::test]
async fn what_is_no_component_is_wrong_use() {
    let Some(prison) = Prison::open().await else { return };
    let file = prison.folder.path().join("kubeconfig");
    let none = prison.folder.path().join("none.wasm");
    for (file, why) in [(&file, "is not a WebAssembly component"), (&none, "cannot read")] {
        let ran = sandbox(&prison, &[], file, &[]).await;
        assert_eq!(ran.status, Some(2));
        assert!(ran.stderr.starts_with("error: ") && ran.stderr.contains(why), "{ran:?}");
    }
    if let Some(module) = std::env::var_os("CODEC_GUEST") {
        let ran = sandbox(&prison, &[], Path::new(&module), &[]).await;
        assert!(ran.stderr.contains("core module"), "{ran:?}");
    }
    if let Some(handler) = std::env::var_os("MOODY") {
        let ran = sandbox(&prison, &[], Path::new(&handler), &[]).await;
        assert_eq!(ran.status, Some(2));
        assert!(ran.stderr.contains("`dubbo:registry/files@0.1.0`"), "{ran:?}");
        assert!(ran.stderr.contains("a command is built for wasi:cli"), "{ran:?}");
    }
}
