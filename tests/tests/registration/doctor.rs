//! What `doctor` finds, and the fix that it brings.

use dubbo_k8s_tests::apiserver::{Act, Fault, Options, Status, Verb};
use dubbo_k8s_tests::program::Ran;
use http::HeaderValue;

use super::URL;
use super::rig::Rig;

fn assert_found(ran: &Ran, status: i32, parts: &[&str]) {
    assert_eq!((ran.status, &*ran.stderr), (Some(status), ""), "{ran:?}");
    for part in parts {
        assert!(ran.stdout.contains(part), "{part:?} is not in:\n{}", ran.stdout);
    }
    assert_eq!(ran.stdout.contains("FAIL"), status == 1, "{}", ran.stdout);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_all_is_well_it_says_what_it_looked_at() {
    let rig = Rig::start().await;
    rig.run(&["register", URL]).await;
    rig.server.requests().clear();
    let ran = rig.run(&["doctor"]).await;
    assert_found(
        &ran,
        0,
        &[
            "ok    configuration from ",
            &format!("ok    {}/ answers: Kubernetes v1.36.0", rig.server.url()),
            "ok    Kubernetes 1.36 is one of those that are tested with\n",
            "ok    TLS, and the server's certificate is vouched for by the cluster's authority\n",
            "ok    the clock agrees with the server's\n",
            "ok    the server accepts the credentials as scripted-admin\n",
            "ok    may list, watch pods in namespace shop\n",
            "ok    a page of at most 100 Pods came as protobuf: ",
            "ok    the server streams the first list (WatchList)\n",
            "ok    may get, patch, watch Pod user-0 in namespace shop\n",
            "ok    Pod shop/user-0 has the label dubbo.io-value\n",
            "ok    Pod shop/user-0 carries 1 records; ",
        ],
    );
    assert!(!ran.stdout.contains("note"), "{}", ran.stdout);
    assert_eq!(rig.patches(), 0, "it changes nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_server_or_a_proxy_cannot_do_is_noted_and_is_no_failure() {
    let options = Options { protobuf: false, streaming_list: false, ..Options::default() };
    let rig = Rig::start_with(options).await;
    let parts = [
        "ok    a page of at most 100 Pods came as JSON: ",
        "note  a proxy or a gateway keeps protobuf back; JSON costs more and works\n",
        "note  the server does not stream the first list (WatchList, of Kubernetes 1.34); it is read in pages\n",
    ];
    let ran = rig.run(&["doctor", "--needs", "read"]).await;
    assert_found(&ran, 0, &parts);
    let ran = rig.run(&["doctor", "--needs", "read", "--wire", "json"]).await;
    assert_found(&ran, 0, &parts[..1]);
    assert!(!ran.stdout.contains("keeps protobuf back"), "{}", ran.stdout);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_right_comes_with_its_role_and_counts_only_if_it_is_needed() {
    let rig = Rig::start().await;
    rig.allow_only(&[Verb::List, Verb::Watch]);
    let ran = rig.run(&["doctor"]).await;
    let lacking = [
        "FAIL  may not get, patch pods in namespace shop\n",
        "        kind: Role\n        metadata: {name: dubbo-registrar, namespace: shop}\n",
        "verbs: [get, patch, watch]",
        "name: scripted-admin}",
    ];
    assert_found(&ran, 1, &lacking);
    let ran = rig.run(&["doctor", "--needs", "read"]).await;
    assert_found(&ran, 0, &["note  may not get, patch pods in namespace shop\n"]);
    let ran = rig.run_with(&["doctor"], &[]).await;
    assert_found(&ran, 0, &["note  no Pod to register in"]);

    rig.allow_only(&[Verb::Get, Verb::Patch]);
    let ran = rig.run(&["doctor", "--needs", "register"]).await;
    assert_found(&ran, 0, &["note  may not list, watch pods", "note  may not watch pods"]);
    let ran = rig.run(&["doctor", "-A"]).await;
    assert_found(
        &ran,
        1,
        &["FAIL  may not list, watch pods in all namespaces", "kind: ClusterRole\n"],
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_the_pod_is_said_with_the_way_out() {
    let rig = Rig::start().await;
    rig.annotate("!!");
    rig.server.store().label("shop", "user-0", "dubbo.io/label", Some("mine")).unwrap();
    let ran = rig.run(&["doctor"]).await;
    assert_found(
        &ran,
        1,
        &[
            "note  Pod shop/user-0 has the label dubbo.io/label=mine, which readers overlook without -l\n      \
             kubectl label pod -n shop user-0 --overwrite dubbo.io/label=dubbo.io-value\n",
            "FAIL  the registry annotation of Pod shop/user-0 cannot be read: base64:",
            "      dubbo-watcher unregister --all -n shop --pod user-0\n",
        ],
    );
    let ran = rig.run(&["doctor", "--pod", "absent"]).await;
    assert_found(&ran, 1, &["FAIL  there is no Pod shop/absent\n"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_does_not_let_us_in_ends_the_visit() {
    let mut rig = Rig::start().await;
    rig.server.access().revoke_token(rig.server.token());
    let ran = rig.run(&["doctor"]).await;
    assert_found(&ran, 1, &["FAIL  the server does not accept our credentials (401)"]);
    rig.server.stop().await;
    let ran = rig.run(&["doctor"]).await;
    assert_found(&ran, 1, &["FAIL  cannot reach the server: "]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_wrong_is_said_with_its_direction() {
    let rig = Rig::start().await;
    for (date, which) in
        [("Mon, 01 Jan 2024 00:00:00 GMT", "ahead of"), ("Fri, 01 Jan 2100 00:00:00 GMT", "behind")]
    {
        rig.server.faults().clear();
        rig.server.faults().add(Fault::any(Act::Date(HeaderValue::from_static(date))));
        let ran = rig.run(&["doctor", "--needs", "read"]).await;
        let said = format!("s {which} the server's: tokens and certificates may count as");
        assert_found(&ran, 0, &["note  the clock is ", &said]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_right_to_review_callers_comes_with_its_role() {
    let rig = Rig::start().await;
    let ran = rig.run(&["doctor", "--needs", "review"]).await;
    assert_found(&ran, 0, &["ok    may review callers (tokenreviews, subjectaccessreviews)\n"]);
    rig.allow_only(&[Verb::List, Verb::Watch]);
    let ran = rig.run(&["doctor", "--needs", "read,review"]).await;
    let lacking = [
        "FAIL  may not create tokenreviews.authentication.k8s.io, \
         subjectaccessreviews.authorization.k8s.io: ",
        "system:auth-delegator",
    ];
    assert_found(&ran, 1, &lacking);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_policy_is_found_by_a_patch_that_is_not_carried_out() {
    let rig = Rig::start().await;
    let before = rig.metadata();
    let ran = rig.run(&["doctor", "--needs", "policy"]).await;
    let lacking = [
        "FAIL  this account may change all of Pod shop/user-0",
        "kubectl apply -k watcher/deploy/policy",
    ];
    assert_found(&ran, 1, &lacking);
    assert_eq!(rig.metadata(), before);

    let refused = "pods \"user-0\" is forbidden: ValidatingAdmissionPolicy 'dubbo-registrar' with binding \
                   'dubbo-registrar' denied request";
    let refusal = Status::new(403, "Forbidden", refused);
    rig.server.faults().add(Fault::on(Verb::Patch, Act::Refuse(refusal)));
    let ran = rig.run(&["doctor", "--needs", "policy"]).await;
    assert_found(
        &ran,
        0,
        &["ok    a policy keeps this account to the records of Pod shop/user-0\n"],
    );
}
