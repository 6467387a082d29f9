//! Exec plugins against a server that accepts what they give, stops accepting it,
//! and gets the next.

use std::{fs, os::unix::fs::PermissionsExt as _, sync::Arc, time::Duration};

use dubbo_k8s_engine::{Scopes, Settings};
use dubbo_k8s_registry::{Config, Registry};

use crate::rig::{Rig, ask};

const ZERO: Duration = Duration::ZERO;

/// A plugin beside the kubeconfig that counts its runs and prints the file `credential`.
pub(crate) fn plugin(rig: &Rig) {
    let script =
        "#!/bin/sh\ncd \"$(dirname \"$0\")\" || exit 9\necho run >> runs\ncat credential\n";
    let path = rig.write("plugin", script);
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
    rig.kubeconfig(
        &rig.here(),
        "{exec: {command: ./plugin, interactiveMode: Never, \
         apiVersion: client.authentication.k8s.io/v1}}",
    );
}

pub(crate) fn credential(rig: &Rig, status: &serde_json::Value) {
    let credential = serde_json::json!({
        "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status,
    });
    rig.write("credential", &credential.to_string());
}

fn runs(rig: &Rig) -> usize {
    fs::read_to_string(rig.path("runs")).map_or(0, |runs| runs.lines().count())
}

#[tokio::test]
async fn a51_a_token_is_kept_until_the_server_refuses_it() {
    let rig = Rig::start().await;
    for token in ["one", "two"] {
        rig.server.access().add_token(token, "ada");
    }
    plugin(&rig);
    credential(&rig, &serde_json::json!({"token": "one"}));
    let mut client = rig.client();
    assert_eq!(runs(&rig), 0, "nothing is asked before it is needed");
    for _ in 0..3 {
        assert_eq!(ask(&mut client, ZERO).await, Ok(200));
    }
    assert_eq!(runs(&rig), 1);

    rig.server.access().revoke_token("one");
    credential(&rig, &serde_json::json!({"token": "two"}));
    assert_eq!(ask(&mut client, ZERO).await, Ok(401));
    assert_eq!(ask(&mut client, ZERO).await, Ok(200));
    assert_eq!(runs(&rig), 2);
}

#[tokio::test]
async fn a51_a_certificate_is_shown_and_rotated() {
    let rig = Rig::start().await;
    plugin(&rig);
    let mut client = rig.client();
    let issue = |rig: &Rig| {
        let identity = rig.server.client_certificate("ada").unwrap();
        credential(
            rig,
            &serde_json::json!({
                "clientCertificateData": identity.certificate_pem,
                "clientKeyData": identity.key_pem,
            }),
        );
        identity
    };
    let first = issue(&rig);
    assert_eq!(ask(&mut client, ZERO).await, Ok(200));
    rig.server.access().revoke_certificate(&first);
    issue(&rig);
    assert_eq!(ask(&mut client, ZERO).await, Ok(401));
    assert_eq!(ask(&mut client, ZERO).await, Ok(200));
    assert_eq!(runs(&rig), 2);
}

#[tokio::test]
async fn a51_a48_one_run_serves_all_namespaces_and_a_refusal_is_survived() {
    let rig = Rig::start().await;
    for token in ["one", "two"] {
        rig.server.access().add_token(token, "ada");
    }
    plugin(&rig);
    credential(&rig, &serde_json::json!({"token": "one"}));
    let settings = Settings::new(Scopes::namespaces(["a", "b", "c", "d"]).unwrap());
    let registry = Arc::new(Registry::connect(Config::new(rig.config(&[]), settings)).unwrap());
    assert!(tokio::time::timeout(Duration::from_secs(30), registry.synced()).await.unwrap());
    assert_eq!(runs(&rig), 1);

    rig.server.access().revoke_token("one");
    credential(&rig, &serde_json::json!({"token": "two"}));
    rig.server.requests().clear();
    rig.server.end_watches();
    let watching = rig
        .server
        .requests()
        .wait_for(|seen| seen.iter().filter(|seen| seen.status == Some(200)).count() >= 4);
    tokio::time::timeout(Duration::from_secs(30), watching).await.unwrap();
    assert_eq!(runs(&rig), 2, "of four that are refused the first runs it");
}
