//! `list`, of both builds.

use dubbo_k8s_tests::apiserver::Options;
use serde_json::Value;

use super::rig::{Rig, annotation, provider};

/// `[{"k":"/dubbo"x"}]`
const BROKEN: &str = "W3siayI6Ii9kdWJibyJ4In1d";

async fn filled(test: &str, options: Options) -> Option<Rig> {
    let rig = Rig::start_with(test, options).await?;
    rig.provide("a-1", "10.0.0.1:20880");
    rig.provide("a-2", "10.0.0.2:20880");
    let keys = [provider("a.C", "10.0.0.3:1", "&group=g&version=1.0.0&application=用户")];
    rig.create("other", "c-1", &annotation(&keys));
    rig.create("shop", "bad-1", BROKEN);
    Some(rig)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_and_every_namespace() {
    let Some(rig) = filled("list of both builds", Options::default()).await else { return };
    for output in ["table", "wide", "json"] {
        for place in [&["-n", "shop"][..], &["-n", "shop", "-n", "other"], &["-A"]] {
            let ran = rig.both(&[&["list", "-o", output][..], place].concat()).await;
            assert_eq!(ran.status, Some(0), "{ran:?}");
            assert!(ran.stdout.contains("a.B"), "{ran:?}");
        }
    }
    let ran = rig.both(&["list", "-A", "--ready-only", "-l", "dubbo.io/label"]).await;
    assert!(ran.stdout.contains("other/c-1"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn older_servers_and_many_pages() {
    let options = Options { streaming_list: false, ..Options::default() };
    let Some(rig) = filled("list of older servers by both builds", options).await else { return };
    for number in 0..600 {
        rig.provide(&format!("p-{number}"), &format!("10.1.0.{}:{}", number % 256, 1000 + number));
    }
    let ran = rig.both(&["list", "-A", "-o", "json"]).await;
    let snapshot: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(snapshot["records"], 603);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_and_nowhere() {
    let Some(rig) = Rig::start("an empty list of both builds").await else { return };
    let ran = rig.both(&["list", "-n", "shop"]).await;
    assert!(ran.stderr.starts_with("no Dubbo service is registered in namespace shop"), "{ran:?}");
    let ran = rig.both(&["list", "-n", "Not A Name"]).await;
    assert_eq!(ran.status, Some(2), "{ran:?}");
}
