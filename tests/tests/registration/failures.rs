//! What can be wrong, each with its own message that says what to do, and nothing half-written.

use dubbo_k8s_tests::apiserver::{Act, Fault, Status, Verb};
use dubbo_k8s_tests::program::Ran;

use super::rig::Rig;
use super::{KEY, URL};

fn assert_said(ran: &Ran, status: i32, parts: &[&str]) {
    assert_eq!((ran.status, &*ran.stdout), (Some(status), ""), "{ran:?}");
    for part in parts {
        assert!(ran.stderr.contains(part), "{part:?} is not in:\n{}", ran.stderr);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_url_is_underlined_and_nothing_is_sent() {
    let rig = Rig::start().await;
    let ran = rig.run(&["register", URL, "dubbo://10.0.0.1/a.B", "dubbo://10.0.0.1:1/"]).await;
    assert_said(
        &ran,
        2,
        &[
            "error: a provider needs a port, as in 10.0.0.1:20880 (at byte 8)\n  dubbo://10.0.0.1/a.B\n          ^^^^^^^^\n",
            "error: an interface is missing",
        ],
    );
    assert!(rig.server.requests().all().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_url_that_dubbo_go_refuses_is_not_written_and_its_escape_is_shown() {
    let rig = Rig::start().await;
    for (url, instead) in [
        (
            "tri://10.0.0.1:1/a.B?filter=echo;token",
            "a semicolon in the query must be escaped; write %3B",
        ),
        ("tri://10.0.0.1:1/a.B?desc=100%", "a percent sign is written %25; write %25"),
        ("tri://fd00::7:50051/a.B", "an IPv6 address needs brackets; write [fd00::7]:50051"),
        ("tri://a b@10.0.0.1:1/a.B", "white space and control characters must be escaped"),
        ("tri://10.0.0.1:99999/a.B", "expected a port of at most 65535"),
    ] {
        let ran = rig.run(&["register", url]).await;
        assert_said(&ran, 2, &[instead]);
    }
    assert!(rig.server.requests().all().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_url_that_dubbo_go_refuses_can_be_taken_out_by_itself_or_by_its_key() {
    let rig = Rig::start().await;
    let refused = "tri://10.0.0.1:1/a.B?filter=echo;token";
    let key = "/dubbo/a.B/providers/tri%3A%2F%2F10.0.0.1%3A1%2Fa.B%3Ffilter%3Decho%3Btoken";
    let other = "/dubbo/a.B/providers/tri%3a%2f%2f10.0.0.1%3a2%2fa.B";
    rig.set_keys(&[key, KEY, other]);
    let ran = rig.run(&["unregister", refused]).await;
    assert!(ran.stdout.starts_with("unregistered in Pod shop/user-0: providers a.B"), "{ran:?}");
    assert_eq!(rig.keys(), [KEY, other]);
    let ran = rig.run(&["unregister", other]).await;
    assert!(ran.stdout.starts_with("unregistered in Pod shop/user-0: providers a.B"), "{ran:?}");
    assert_eq!(rig.keys(), [KEY]);
    let ran = rig.run(&["unregister", "tri://10.0.0.1:x/a.B"]).await;
    assert_said(&ran, 2, &["expected a port number, found \"x\"; its key can be given instead"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_names_the_pod_is_not_guessed() {
    let rig = Rig::start().await;
    let ran = rig.run_with(&["register", URL], &[("NAMESPACE", "shop")]).await;
    assert_said(
        &ran,
        2,
        &[
            "neither POD_NAME nor HOSTNAME is set",
            "fieldPath: metadata.name}",
            "--pod NAME -n NAMESPACE",
        ],
    );
    let ran = rig.run_with(&["register", URL], &[("HOSTNAME", "user-0")]).await;
    assert_said(&ran, 2, &["NAMESPACE is not set", "fieldPath: metadata.namespace}"]);
    assert!(rig.server.requests().all().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_that_is_not_there_is_said_and_how_to_name_it() {
    let rig = Rig::start().await;
    let ran = rig.run(&["register", URL, "--pod", "absent"]).await;
    assert_said(
        &ran,
        1,
        &["error: there is no Pod shop/absent", "--pod and -n", "kubectl get pods -n shop"],
    );
    let ran = rig.run(&["unregister", "--all", "--pod", "absent"]).await;
    assert_said(&ran, 1, &["error: there is no Pod shop/absent"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_not_patch_gets_the_role_that_may() {
    let rig = Rig::start().await;
    rig.allow_only(&[Verb::Get, Verb::List, Verb::Watch]);
    let ran = rig.run(&["register", URL]).await;
    assert_said(
        &ran,
        1,
        &[
            "error: not allowed to patch pods in namespace shop (403)",
            "kind: Role\n",
            "metadata: {name: dubbo-registrar, namespace: shop}",
            "verbs: [get, patch, watch]",
        ],
    );
    assert_eq!((rig.keys().len(), rig.label()), (0, None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_server_finds_invalid_is_said_in_its_words() {
    let rig = Rig::start().await;
    let invalid = Status::new(422, "Invalid", "Pod \"user-0\" is invalid: metadata.labels: no");
    rig.server.faults().add(Fault::on(Verb::Patch, Act::Refuse(invalid)));
    let ran = rig.run(&["register", URL]).await;
    assert_said(&ran, 1, &["(422)", "metadata.labels: no"]);
    assert_eq!(rig.patches(), 1, "asking again would not help");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_much_is_refused_before_the_server_is_asked() {
    let rig = Rig::start().await;
    rig.server.store().annotate("shop", "user-0", "big/one", Some(&"x".repeat(262_000))).unwrap();
    let ran = rig.run(&["register", URL]).await;
    assert_said(
        &ran,
        1,
        &[
            "262,144 that Kubernetes allows",
            "  262,007  big/one",
            "dubbo.io/annotation",
            &format!("of that, new: {}", &KEY[..60]),
        ],
    );
    assert_eq!((rig.patches(), rig.keys().len()), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_annotation_that_cannot_be_read_is_left_until_it_is_thrown_away() {
    let rig = Rig::start().await;
    rig.annotate("!!");
    let ran = rig.run(&["register", URL]).await;
    assert_said(
        &ran,
        1,
        &[
            "cannot be read: base64:",
            "Nothing was changed",
            "dubbo-watcher unregister --all -n shop --pod user-0",
        ],
    );
    assert_eq!(rig.patches(), 0);
    let ran = rig.run(&["unregister", "--all", "-n", "shop", "--pod", "user-0"]).await;
    assert_eq!(
        (ran.status, &*ran.stdout),
        (Some(0), "the annotation of Pod shop/user-0 removed\n")
    );
    assert_eq!(rig.run(&["register", URL]).await.status, Some(0));
    assert_eq!(rig.keys(), [KEY]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_lost_is_looked_into() {
    let rig = Rig::start().await;
    rig.server.faults().add(Fault::on(Verb::Patch, Act::Reset { after: 10 }).once());
    let ran = rig.run(&["register", URL]).await;
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert!(ran.stderr.contains("trying again in"), "{ran:?}");
    assert_eq!((rig.keys(), rig.patches()), (vec![KEY.to_owned()], 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_url_with_a_password_warns_and_never_shows_it_in_errors() {
    let rig = Rig::start().await;
    let ran = rig.run(&["register", "dubbo://u:s3cret@10.0.0.1/a.B"]).await;
    assert_said(&ran, 2, &["dubbo://u:******@10.0.0.1/a.B"]);
    assert!(!ran.stderr.contains("s3cret"));
}
