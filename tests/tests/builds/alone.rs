//! What is the component's alone: where it finds its server, and what it says it cannot do.

use dubbo_k8s_tests::program::{self, Component};

use super::rig::Rig;

#[tokio::test(flavor = "multi_thread")]
async fn the_server_comes_from_the_variable_or_from_a_kubeconfig_that_can_be_read() {
    let Some(rig) = Rig::start("the component's server").await else { return };
    rig.provide("a-1", "10.0.0.1:20880");
    let url = rig.server.url();
    let variable = format!("DUBBO_SERVER={url}");
    let list = ["list", "-o", "json", "-n", "shop"];
    let ran = program::run(rig.component.command(&["--env", &variable], &list)).await;
    assert_eq!(ran.json()["records"], 1, "{ran:?}");

    // The flag wins over the variable.
    let nowhere = ["--env", "DUBBO_SERVER=http://127.0.0.1:1"];
    let flagged = [&list[..], &["--server", &url]].concat();
    let ran = program::run(rig.component.command(&nowhere, &flagged)).await;
    assert_eq!(ran.json()["records"], 1, "{ran:?}");

    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "clusters: [{{name: c, cluster: {{server: '{url}'}}}}]\n\
         contexts: [{{name: x, context: {{cluster: c, namespace: shop}}}}]\ncurrent-context: x\n"
    );
    std::fs::write(folder.path().join("config"), text).unwrap();
    let folder = format!("{}::/kube", folder.path().display());
    let host = ["--dir", &folder, "--env", "KUBECONFIG=/kube/config"];
    let ran = program::run(rig.component.command(&host, &["list", "-o", "json"])).await;
    assert_eq!(ran.json()["records"], 1, "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_server_it_says_what_its_host_has_to_give() {
    let Some(component) = Component::find("the component without a server") else { return };
    let ran = program::run(component.command(&[], &["list"])).await;
    let error = ran.error();
    assert!(error.starts_with("found no Kubernetes cluster to talk to"), "{error}");
    assert!(error.contains("wasmtime run --dir DIR --env NAME=VALUE"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_cannot_do_it_says() {
    let Some(component) = Component::find("what the component cannot do") else { return };
    for verb in ["register", "unregister", "serve", "agent", "doctor"] {
        let ran = program::run(component.command(&[], &[verb, "--all"])).await;
        assert_eq!((ran.status, &*ran.stdout), (Some(1), ""), "{ran:?}");
        let expected = format!("error: `{verb}` is not in the WASI component: ");
        assert!(ran.stderr.starts_with(&expected), "{ran:?}");
    }
    for option in ["--handler", "--allow-host", "--handler-dir"] {
        let ran = program::run(component.command(&[], &["watch", option, "a.wasm"])).await;
        let expected = format!("error: `{option}` is not in the WASI component: ");
        assert!(ran.status == Some(1) && ran.stderr.starts_with(&expected), "{ran:?}");
    }
    let ran = program::run(component.command(&[], &["lits"])).await;
    assert_eq!(ran.status, Some(1), "{ran:?}");
    assert!(ran.stderr.starts_with("error: unrecognized subcommand 'lits'"), "{ran:?}");

    let server = ["--server", "https://127.0.0.1:1"];
    for (flags, feature) in [
        (&["--insecure-skip-tls-verify"][..], "insecure-skip-tls-verify"),
        (&["--certificate-authority", "ca.crt"], "a certificate authority of its own"),
    ] {
        let arguments = [&["list"][..], &server, flags].concat();
        let ran = program::run(component.command(&[], &arguments)).await;
        let expected = format!("--server has {feature}, which a WASI component cannot use");
        assert!(ran.error().starts_with(&expected), "{ran:?}");
    }
}
