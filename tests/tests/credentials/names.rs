//! The name that is expected in the certificate, an address too, and none at all.

use std::time::Duration;

use dubbo_k8s_engine::TransportErrorKind;

use crate::rig::{Rig, ask};

#[tokio::test]
async fn a54_the_certificate_is_checked_for_the_name_that_the_kubeconfig_says() {
    let rig = Rig::start().await;
    let port = rig.server.address().port();
    for (host, name, accepted) in [
        ("127.0.0.1", None, true),
        ("localhost", None, true),
        ("127.0.0.1", Some("kubernetes.default.svc"), true),
        ("localhost", Some("127.0.0.1"), true),
        ("localhost", Some("::1"), true),
        ("localhost", Some("10.9.9.9"), false),
        ("127.0.0.1", Some("elsewhere.example"), false),
    ] {
        let named = name.map_or(String::new(), |name| format!(", tls-server-name: '{name}'"));
        rig.kubeconfig(&format!("server: 'https://{host}:{port}'{named}"), &rig.admin());
        let answer = ask(&mut rig.client(), Duration::ZERO).await;
        match answer {
            Ok(status) => assert!(accepted && status == 200, "{host} as {name:?}: {status}"),
            Err(error) => {
                assert!(!accepted, "{host} as {name:?}: {error}");
                assert_eq!(error.kind, TransportErrorKind::Tls, "{error}");
                assert!(error.text.contains(name.unwrap()), "{error}");
            }
        }
    }
}

#[tokio::test]
async fn a54_a_user_who_asks_for_it_is_not_protected() {
    let rig = Rig::start().await;
    rig.kubeconfig(&rig.here(), &rig.admin());
    rig.write("ca.crt", "");
    let error = dubbo_k8s_registry::kube::Client::new(rig.config(&[])).unwrap_err();
    let expected = "cannot set up TLS: the certificate authority holds no PEM certificate";
    assert_eq!(error.to_string(), expected);

    let text = std::fs::read_to_string(rig.path("kubeconfig")).unwrap();
    rig.write(
        "kubeconfig",
        &text.replace("certificate-authority: ca.crt", "insecure-skip-tls-verify: true"),
    );
    assert_eq!(ask(&mut rig.client(), Duration::ZERO).await, Ok(200));
}
