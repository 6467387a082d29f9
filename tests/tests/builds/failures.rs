//! What can be wrong with a server, said by both builds in the same words.

use dubbo_k8s_tests::apiserver::{Act, Fault, Status, Verb};

use super::rig::{ANONYMOUS, Rig};

#[tokio::test(flavor = "multi_thread")]
async fn each_failure_has_the_same_message_and_status() {
    let Some(mut rig) = Rig::start("failures of both builds").await else { return };
    rig.provide("a-1", "10.0.0.1:1");
    rig.server.faults().add(Fault::any(Act::TooManyRequests { retry_after: 1 }).times(2));
    assert_eq!(rig.both(&["list", "-n", "shop"]).await.status, Some(0));

    rig.server.faults().clear();
    let missing = Act::Refuse(Status::new(404, "NotFound", "namespaces \"nope\" not found"));
    rig.server.faults().add(Fault::on(Verb::Get, missing).matching("/namespaces/nope"));
    let ran = rig.both(&["list", "-n", "nope"]).await;
    assert_eq!(ran.error(), "the namespace nope does not exist\n");

    let ran = rig.both(&["list", "-n", "shop", "-l", "a in"]).await;
    assert!(ran.error().starts_with("the server does not take the request (400): "), "{ran:?}");

    rig.server.faults().add(Fault::any(Act::Silence));
    let ran = rig.both(&["list", "-n", "shop", "--timeout", "1"]).await;
    assert!(ran.error().starts_with("the list was not complete after 1 seconds"), "{ran:?}");

    rig.server.faults().clear();
    rig.server.access().revoke_grants(ANONYMOUS);
    let ran = rig.both(&["list", "-n", "shop"]).await;
    assert!(ran.error().contains("took us for an anonymous user"), "{ran:?}");

    let address = rig.server.address();
    rig.server.stop().await;
    let ran = rig.both(&["list", "-n", "shop"]).await;
    let expected = format!("cannot reach the server: {address} refused the connection\n");
    assert!(ran.error().starts_with(&expected), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_use_is_status_2() {
    let Some(rig) = Rig::start("wrong use of both builds").await else { return };
    for arguments in [
        &["list", "--bogus"][..],
        &["list", "--timeout", "0"],
        &["watch", "-n", "a", "-A"],
        &["list", "-o", "yaml"],
    ] {
        assert_eq!(rig.both(arguments).await.status, Some(2), "{arguments:?}");
    }
    let ran = rig.both(&["list", "--server", "http://10.0.0.1:80"]).await;
    assert_eq!(ran.status, Some(0), "given twice, the last counts, as for kubectl");
}
