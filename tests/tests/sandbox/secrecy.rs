//! What a guest must never see or reach.

use std::fmt::Write as _;
use std::time::Duration;

use dubbo_k8s_tests::apiserver::Verb;
use dubbo_k8s_watcher::sandbox::WriteVerb;
use tokio::net::TcpListener;

use crate::prison::{PODS, Prison};

#[tokio::test]
async fn a_guest_finds_its_arguments_and_its_variables_and_nothing_else() {
    let Some(prison) = Prison::open().await else { return };
    let served = prison.run(&["look", "here"]).await;
    assert_eq!(
        served.output(),
        "argument 0 escaping_guest\nargument 1 look\nargument 2 here\n\
         variable DUBBO_SERVER http://kubernetes.default.svc\nfolders 0\nfolder false\n"
    );
}

#[tokio::test]
async fn the_host_authenticates_and_the_guest_sees_no_token() {
    let Some(prison) = Prison::open().await else { return };
    let token = prison.cluster.server.token().to_owned();
    assert!(!token.is_empty());
    let mut seen = String::new();
    for arguments in [
        &["look"][..],
        &["ask", "GET", PODS],
        &["ask", "GET", PODS, "authorization=Bearer mine", "impersonate-user=admin", "cookie=a"],
        &["ask", "GET", &format!("{PODS}/none")],
        &["ask", "POST", PODS],
        &["ask", "GET", "http://elsewhere.example"],
    ] {
        let served = prison.run(arguments).await;
        assert_eq!(served.ended, Ok(0));
        write!(seen, "{served:?}").unwrap();
    }
    assert_eq!(seen.matches("status 200").count(), 2, "{seen}");
    assert!(seen.contains("com.example.Greeter") || seen.contains("dubbo.io/annotation"), "{seen}");
    assert!(!seen.contains(&token));
    assert!(!seen.to_lowercase().contains("authorization:"), "{seen}");
    assert!(!seen.contains("system:"), "neither who we are: {seen}");
}

#[tokio::test]
async fn the_credential_goes_to_the_server_also_when_the_guest_brings_its_own() {
    let Some(prison) = Prison::open().await else { return };
    let served = prison.run(&["ask", "GET", PODS, "authorization=Bearer mine"]).await;
    assert!(served.output().starts_with("status 200"), "{served:?}");
    let asked = prison.cluster.server.requests().all();
    assert_eq!(asked.len(), 1);
    assert!(asked.iter().all(|request| request.status == Some(200)), "{asked:?}");
}

#[tokio::test]
async fn no_other_host_is_reached() {
    let Some(prison) = Prison::open().await else { return };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    // The very server that may be asked, by its real address, is another host too.
    let real = prison.cluster.server.address();
    for url in [
        format!("http://{address}/"),
        format!("https://{address}/"),
        format!("http://kubernetes.default.svc:{}/api", address.port()),
        format!("http://kubernetes.default.svc@{address}/api"),
        format!("https://{real}/api/v1/pods"),
    ] {
        let served = prison.run(&["ask", "GET", &url]).await;
        assert!(served.output().contains("error"), "{url}: {served:?}");
    }
    let served = prison.run(&["connect", &address.to_string()]).await;
    assert!(served.output().contains("refused"), "{served:?}");
    assert!(prison.cluster.server.requests().all().is_empty());
    let caller = tokio::time::timeout(Duration::ZERO, listener.accept()).await;
    assert!(caller.is_err(), "a connection came: {caller:?}");
}

#[tokio::test]
async fn a_refusal_says_what_was_asked_and_the_way_out_but_not_for_ever() {
    let Some(prison) = Prison::open().await else { return };
    let served = prison.run(&["ask", "PATCH", PODS]).await;
    assert_eq!(served.output(), "error ErrorCode::HttpRequestDenied\n");
    assert_eq!(
        served.reports,
        ["a request was refused (PATCH http://kubernetes.default.svc): it may only read; \
          --allow-verb patch lets it"]
    );
    let served = prison.run(&["ask-many", "50", "http://elsewhere.example/"]).await;
    assert_eq!(served.output(), "answered 0, refused {\"ErrorCode::HttpRequestDenied\": 50}\n");
    assert_eq!(served.reports.len(), 10);
}

#[tokio::test]
async fn no_file_is_opened() {
    let Some(prison) = Prison::open().await else { return };
    let file = prison.cluster.path("kubeconfig");
    let before = std::fs::read(&file).unwrap();
    let file_name = file.to_str().unwrap();
    let served = prison.run(&["open", file_name, "kubeconfig", "/etc/hostname", "../x"]).await;
    assert!(!served.output().contains("DONE"), "{served:?}");
    assert_eq!(served.output().matches("refused").count(), 8);
    assert_eq!(std::fs::read(&file).unwrap(), before);
}

#[tokio::test]
async fn only_reading_is_allowed_unless_a_verb_is() {
    let Some(mut prison) = Prison::open().await else { return };
    let pod = format!("{PODS}/web");
    for method in ["POST", "PUT", "PATCH", "DELETE", "TRACE"] {
        let served = prison.run(&["ask", method, &pod]).await;
        assert_eq!(served.output(), "error ErrorCode::HttpRequestDenied\n", "{method}");
    }
    assert!(prison.cluster.server.requests().all().is_empty());

    prison.verbs = vec![WriteVerb::Patch];
    let patch = &["ask", "PATCH", &pod, "content-type=application/merge-patch+json"];
    let served = prison.run(patch).await;
    assert!(served.output().starts_with("status 4"), "an empty patch is the server's to refuse");
    assert_eq!(prison.cluster.server.requests().count(Verb::Patch), 1);
}
