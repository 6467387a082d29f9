//! Registering for real: the binary and the library against the scripted kube-apiserver over TLS.

#![cfg(test)]

mod doctor;
mod failures;
mod library;
mod rig;

use dubbo_k8s_codec::ANNOTATION;
use dubbo_k8s_tests::apiserver::Verb;
use rig::Rig;
use serde_json::{Value, json};

const URL: &str = "dubbo://10.244.0.7:20880/com.example.Greeter?version=1.0.0";
const KEY: &str = "/dubbo/com.example.Greeter/providers/dubbo%3A%2F%2F10.244.0.7%3A20880%2Fcom.example.Greeter%3Fversion%3D1.0.0";

fn url(number: usize) -> String {
    format!("dubbo://10.244.0.7:20880/com.example.Service{number}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_url_is_registered_beside_what_is_there_and_taken_out_again() {
    let rig = Rig::start().await;
    rig.set_keys(&["/dubbo", "other", "/dubbo"]);
    let ran = rig.run(&["register", URL]).await;
    assert_eq!(
        (ran.status, &*ran.stdout, &*ran.stderr),
        (
            Some(0),
            &*format!("registered in Pod shop/user-0: providers com.example.Greeter  {URL}\n"),
            ""
        )
    );
    assert_eq!(rig.keys(), ["/dubbo", "other", "/dubbo", KEY]);
    let metadata = rig.metadata();
    assert_eq!(metadata["labels"], json!({"app": "user", "dubbo.io/label": "dubbo.io-value"}));
    assert_eq!(metadata["annotations"]["team"], "a");

    let again = rig.run(&["register", URL]).await;
    assert!(again.stdout.starts_with("was registered already in Pod shop/user-0"), "{again:?}");
    assert_eq!(rig.patches(), 1, "what is there is not written again");

    let ran = rig.run(&["unregister", URL]).await;
    assert!(ran.stdout.starts_with("unregistered in Pod shop/user-0"), "{ran:?}");
    assert_eq!(rig.keys(), ["/dubbo", "other", "/dubbo"]);
    let ran = rig.run(&["unregister", URL]).await;
    assert!(ran.status == Some(0) && ran.stdout.starts_with("was not registered in"), "{ran:?}");

    let ran = rig.run(&["unregister", "--all"]).await;
    assert_eq!(ran.stdout, "all 3 records of Pod shop/user-0 unregistered\n");
    assert_eq!(rig.metadata()["annotations"], json!({"team": "a"}));
    assert_eq!(rig.label().as_deref(), Some("dubbo.io-value"), "the label stays");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_at_once_on_one_pod_are_all_there() {
    let rig = Rig::start().await;
    let urls: Vec<String> = (0..10).map(url).collect();
    let runs = urls.iter().map(|url| async { rig.run(&["register", url]).await });
    for ran in futures_util::future::join_all(runs).await {
        assert_eq!((ran.status, &*ran.stderr), (Some(0), ""));
    }
    let mut keys = rig.keys();
    keys.sort();
    assert_eq!(keys.len(), 10, "{keys:?}");
    for (key, number) in keys.iter().zip(0..) {
        assert!(key.starts_with(&format!("/dubbo/com.example.Service{number}/")), "{keys:?}");
    }
    let patches = rig.server.requests().of(Verb::Patch);
    for patch in &patches {
        let body: Value = serde_json::from_slice(&patch.body).unwrap();
        assert!(
            body["metadata"]["uid"].is_string() && body["metadata"]["resourceVersion"].is_string()
        );
    }
    assert_eq!(patches.iter().filter(|patch| patch.status == Some(200)).count(), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_prints_the_request_and_sends_none() {
    let rig = Rig::start().await;
    let ran = rig.run(&["register", "--dry-run", URL]).await;
    let uid = rig.metadata()["uid"].as_str().unwrap().to_owned();
    let (head, body) = ran.stdout.split_once("\n\n").unwrap();
    assert_eq!(
        head,
        "PATCH /api/v1/namespaces/shop/pods/user-0\nContent-Type: application/merge-patch+json"
    );
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["metadata"]["uid"], uid);
    assert_eq!(body["metadata"]["labels"]["dubbo.io/label"], "dubbo.io-value");
    assert_eq!((ran.status, rig.patches()), (Some(0), 0));
    assert!(ran.stderr.contains("would be registered in Pod shop/user-0"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pod_s_own_label_stays_unless_a_flag_names_another() {
    let rig = Rig::start().await;
    rig.server.store().label("shop", "user-0", "dubbo.io/label", Some("mine")).unwrap();
    let ran = rig.run(&["register", URL]).await;
    assert_eq!((ran.status, rig.label().as_deref()), (Some(0), Some("mine")));
    assert!(ran.stderr.contains("--label-value dubbo.io-value changes it"), "{ran:?}");
    let ran = rig.run(&["register", "--label-value", "dubbo.io.provider", URL]).await;
    assert_eq!((ran.status, &*ran.stderr), (Some(0), ""));
    assert_eq!(rig.label().as_deref(), Some("dubbo.io.provider"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_held_comes_back_and_goes_with_the_signal() {
    for signal in ["-TERM", "-INT"] {
        let rig = Rig::start().await;
        let running = rig.start_program(&["register", "--hold", URL]);
        running.says("holding the URL in Pod shop/user-0");
        rig.server.watches().wait_for(|open| *open == 1).await.unwrap();
        rig.set_keys(&["other"]);
        running.says("another writer overwrote Pod shop/user-0: put 1 records back");
        assert_eq!(rig.keys(), ["other", KEY]);
        let ran = running.end(signal);
        assert_eq!(ran.status, Some(0), "{ran:?}");
        assert_eq!(rig.keys(), ["other"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_it_leaves_what_it_held_and_its_successor_takes_it_out() {
    let rig = Rig::start().await;
    let running = rig.start_program(&["register", "--hold", URL]);
    running.says("holding the URL in Pod shop/user-0");
    assert_eq!(running.end("-KILL").status, None);
    assert_eq!(rig.keys(), [KEY], "no process could take it out");
    let running = rig.start_program(&["register", "--hold", URL]);
    running.says("holding the URL in Pod shop/user-0");
    assert_eq!(rig.keys(), [KEY], "it is the same, once");
    assert_eq!(running.end("-TERM").status, Some(0));
    assert!(rig.keys().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn holding_survives_a_server_that_goes_away_and_ends_with_its_pod() {
    let mut rig = Rig::start().await;
    rig.server.stop().await;
    let running = rig.start_program(&["register", "--hold", URL]);
    running.says("trying again in");
    rig.server.resume().await.unwrap();
    running.says("holding the URL");
    assert_eq!(rig.keys(), [KEY]);
    rig.server.restart().await.unwrap();
    running.says("trying again in");
    rig.server.watches().wait_for(|open| *open == 1).await.unwrap();
    rig.server.store().annotate("shop", "user-0", ANNOTATION, None).unwrap();
    running.says("another writer overwrote");
    rig.server.store().delete("shop", "user-0").unwrap();
    let ran = running.ended();
    assert_eq!(ran.status, Some(1));
    assert!(ran.stderr.contains("Pod shop/user-0 is gone"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_readers_would_not_believe_is_registered_by_force_only() {
    let rig = Rig::start().await;
    let status =
        json!({"phase": "Running", "podIP": "10.244.0.7", "podIPs": [{"ip": "10.244.0.7"}]});
    rig.server.store().update("shop", "user-0", |pod| pod["status"] = status).unwrap();
    let heavy = format!("{URL}&weight=4000000000");
    for (spoofed, why) in [
        ("dubbo://169.254.169.254:80/a.B", "a link-local address"),
        ("dubbo://10.244.0.8:20880/a.B", "another address"),
        (&*heavy, "a larger weight"),
    ] {
        let ran = rig.run(&["register", spoofed]).await;
        assert!(ran.error().contains("would not be believed of Pod shop/user-0"), "{ran:?}");
        assert!(ran.stderr.contains(why) && ran.stderr.contains("--force"), "{ran:?}");
    }
    assert_eq!((rig.keys(), rig.patches()), (vec![], 0));
    assert_eq!(
        rig.run(&["register", "--force", "dubbo://10.244.0.8:20880/a.B"]).await.status,
        Some(0)
    );
    let admitted = ["register", "--address", "10.244.0.0/16", "dubbo://10.244.0.9:20880/a.B"];
    assert_eq!(rig.run(&admitted).await.status, Some(0));
    assert_eq!(rig.run(&["register", URL]).await.status, Some(0));
    assert_eq!(rig.keys().len(), 3);
}
