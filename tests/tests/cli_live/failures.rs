//! Each way in which a server can fail has its own message, status 1, and a way out. None of them
//! shows a credential.

use dubbo_k8s_tests::apiserver::{Act, Fault, Status, Verb};

use super::rig::{Rig, provider};

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_not_accepted() {
    let rig = Rig::start().await;
    let path = rig.write("token", "s3cr3t-and-wrong").unwrap();
    let path = path.to_str().unwrap();
    let ran = rig.run(&["list", "--token-file", path]).await;
    let expected = format!(
        "the server does not accept our credentials (401)\n  It was shown the token in {path},"
    );
    assert!(ran.error().starts_with(&expected), "{}", ran.stderr);
    assert!(!ran.stderr.contains("s3cr3t"), "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_right_to_read_pods() {
    let rig = Rig::start().await;
    rig.server.access().add_token("t0ken", "system:serviceaccount:shop:dubbo");
    let path = rig.write("token", "t0ken\n").unwrap();
    let ran = rig.run(&["list", "--token-file", path.to_str().unwrap()]).await;
    let error = ran.error();
    assert!(error.contains("pods in namespace shop (403)\n  the server says: pods is forbidden"));
    for line in [
        "    kind: Role\n",
        "    metadata: {name: dubbo-reader, namespace: shop}\n",
        "    - {apiGroups: [\"\"], resources: [pods], verbs: [list, watch]}\n",
        "    - {kind: ServiceAccount, namespace: shop, name: dubbo}\n",
    ] {
        assert!(error.contains(line), "{line}{error}");
    }
    assert!(!error.contains("t0ken"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_forbidden_namespace_does_not_hide_the_other() {
    let rig = Rig::start().await;
    rig.create("open", "p", &[provider("a.B", "10.0.0.1:1", "")]);
    let path = rig.reader_of("open");
    let ran = rig.run(&["list", "-n", "open", "-n", "closed", "--token-file", &path]).await;
    assert!(ran.stdout.contains("a.B"), "{ran:?}");
    assert!(ran.stderr.contains("in namespace closed (403)"), "{ran:?}");
    assert_eq!(ran.status, Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_another_authority() {
    let rig = Rig::start().await;
    let other = Rig::start().await;
    let path = rig.write("other.crt", &other.server.ca_pem()).unwrap();
    let ran = rig.run(&["list", "--certificate-authority", path.to_str().unwrap()]).await;
    let expected = "cannot make a secure connection: the server's certificate is signed by an \
                    authority that is not trusted here";
    assert!(ran.error().starts_with(expected), "{}", ran.stderr);

    let ran = rig.run(&["list", "--insecure-skip-tls-verify", "-o", "json"]).await;
    assert_eq!(ran.status, Some(0), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_server_listens() {
    let mut rig = Rig::start().await;
    rig.server.stop().await;
    let ran = rig.run(&["list"]).await;
    let address = rig.server.address();
    let expected = format!("cannot reach the server: {address} refused the connection\n");
    assert!(ran.error().starts_with(&expected), "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_says_nothing() {
    let rig = Rig::start().await;
    rig.server.faults().add(Fault::any(Act::Silence));
    let ran = rig.run(&["list", "--timeout", "1"]).await;
    let expected = "the list was not complete after 1 seconds; --timeout gives it longer\n";
    assert!(ran.error().starts_with(expected), "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wrong_kind_of_port() {
    let rig = Rig::start().await;
    let url = rig.server.url();
    let ran = rig.run(&["list", "--server", &url.replace("https", "http")]).await;
    assert!(ran.error().contains("Try https:// instead of http://."), "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_registered() {
    let rig = Rig::start().await;
    let ran = rig.run(&["list"]).await;
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(0), ""));
    let expected = "no Dubbo service is registered in namespace shop\n  looked for Pods with -l \
                    'dubbo.io/label in (dubbo.io-value,dubbo.io.provider,dubbo.io.consumer)'\n  \
                    -n NAMESPACE looks elsewhere, -A everywhere\n";
    assert_eq!(ran.stderr, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_that_does_not_exist() {
    let rig = Rig::start().await;
    let message = "namespaces \"nope\" not found";
    let missing = Act::Refuse(Status::new(404, "NotFound", message));
    rig.server.faults().add(Fault::on(Verb::Get, missing).matching("/namespaces/nope"));
    let ran = rig.run(&["list", "-n", "nope"]).await;
    assert_eq!(ran.error(), "the namespace nope does not exist\n");

    // Who may not ask gets no answer about that, and no noise.
    rig.server.faults().clear();
    let forbidden = Act::Refuse(Status::new(403, "Forbidden", "no"));
    rig.server.faults().add(Fault::on(Verb::Get, forbidden).matching("/namespaces/nope"));
    let ran = rig.run(&["list", "-n", "nope"]).await;
    assert!(ran.stderr.starts_with("no Dubbo service is registered"), "{}", ran.stderr);
    assert_eq!(ran.status, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_selector_that_is_none() {
    let rig = Rig::start().await;
    let ran = rig.run(&["list", "-l", "a in"]).await;
    assert!(ran.error().starts_with("the server does not take the request (400): "), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_server_is_tried_again() {
    let rig = Rig::start().await;
    rig.provide("a-1", "a.B", "10.0.0.1:1");
    rig.server.faults().add(Fault::any(Act::TooManyRequests { retry_after: 1 }).once());
    let ran = rig.run(&["list", "-o", "json"]).await;
    assert_eq!(ran.json()["records"], 1, "{ran:?}");
}
