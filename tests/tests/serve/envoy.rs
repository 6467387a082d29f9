//! A real Envoy that asks with a token, by the cluster of `watcher/deploy/envoy`.

use std::fs;
use std::path::Path;
use std::time::Duration;

use dubbo_k8s_tests::apiserver::Authority;
use dubbo_k8s_tests::envoy::{self, Envoy, config};
use dubbo_k8s_tests::skip;
use serde_json::Value;

use crate::access::Guarded;
use crate::client::get;
use crate::rig::within;
use crate::tls::{tls, write};

const CLUSTER: &str = include_str!("../../../watcher/deploy/envoy/cluster.yaml");

/// How often Envoy is asked whether it has read another token.
const ASK: Duration = Duration::from_millis(50);

/// The cluster of the manifests, with addresses and folders of this test.
fn cluster(port: u16, folder: &Path) -> Value {
    let folder = folder.to_str().unwrap();
    let text = CLUSTER
        .replace(
            "address: dubbo-watcher.default.svc, port_value: 7777",
            &format!("address: 127.0.0.1, port_value: {port}"),
        )
        .replace("dubbo-watcher.default.svc", "localhost")
        .replace("/var/run/secrets/dubbo-watcher", &format!("{folder}/secrets"))
        .replace("/etc/dubbo-watcher", folder);
    let json = dubbo_k8s_codec::yaml::documents(&text).next().unwrap().unwrap();
    serde_json::from_slice(&json).unwrap()
}

/// Puts a token into its file as the kubelet does: all at once, by renaming.
fn put(folder: &Path, token: &str) {
    let (new, file) = (folder.join("secrets/new"), folder.join("secrets/token"));
    fs::write(&new, token).unwrap();
    fs::rename(new, file).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn envoy_asks_with_the_token_of_its_file_and_takes_up_the_next_one() {
    let Some(program) = envoy::program() else {
        return skip::missing(
            "envoy with a token",
            "ENVOY names no Envoy: cargo xtask test sets it",
        );
    };
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new().unwrap();
    write(folder.path(), &authority.server().unwrap());
    fs::write(folder.path().join("ca.crt"), authority.pem()).unwrap();
    fs::create_dir(folder.path().join("secrets")).unwrap();
    put(folder.path(), "token-of-bob");
    let guarded = Guarded::over_tls(tls(folder.path())).await;
    let listener = config::Listener::new("in").route(config::to_cluster("dubbo_watcher"));
    let clusters = [cluster(guarded.address.port(), folder.path())];
    let bootstrap = config::bootstrap(&[listener.value()], &clusters);
    let envoy = Envoy::start(&program, &bootstrap).await.unwrap();
    let address = envoy.address("in").unwrap();
    let headers = [("host", "localhost")];
    // This account may list Pods elsewhere: it is known, so that the token has come through.
    let refused = get(address, "/v1/annotations", &headers).await;
    assert_eq!(refused.status, 403, "{}", refused.text());

    put(folder.path(), "token-of-ann");
    within(async {
        let mut ask = tokio::time::interval(ASK);
        while get(address, "/v1/annotations", &headers).await.status != 200 {
            ask.tick().await;
        }
    })
    .await;
    let feed = get(address, "/v1/annotations", &headers).await;
    assert!(feed.text().contains("pod-of-shop") && !feed.text().contains("pod-of-default"));
}
