//! `watch`, of both builds: every change, through a restart of the server and a history that is gone.

use dubbo_k8s_tests::apiserver::{Act, Fault, Grant, Options};

use super::rig::{ANONYMOUS, Rig, annotation, provider};

const FORMS: [&str; 2] = ["text", "jsonl"];

#[tokio::test(flavor = "multi_thread")]
async fn every_change_is_the_same_line() {
    let Some(rig) = Rig::start("watch of both builds").await else { return };
    rig.provide("a-1", "10.0.0.1:20880");
    let watching = FORMS.map(|form| rig.watch(&["-n", "shop", "-o", form]));
    for both in &watching {
        both.until("a-1");
    }
    watching[0].error_until("That is all for now: 1 record in 1 Pod.");
    watching[1].until("synced");
    for (keys, text) in [
        (vec![provider("a.B", "10.0.0.1:20880", "&weight=50")], "weight 50 is new"),
        (
            vec![provider("a.C", "10.0.0.1:1", "&application=用户")],
            "appeared at dubbo://10.0.0.1:1",
        ),
        (vec![], "left at dubbo://10.0.0.1:1"),
    ] {
        rig.annotate("a-1", &annotation(&keys));
        watching[0].until(text);
    }
    for _ in 0..5 {
        watching[1].line();
    }
    rig.annotate("a-1", "W3s!");
    watching[0].until("cannot be read: base64: expected");
    watching[1].until("\"problem\"");
    rig.server.store().delete("shop", "a-1").unwrap();
    watching[0].until("a problem is gone");
    watching[1].until("\"resolved\"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_is_reported_and_what_it_hid_is_delivered() {
    let Some(mut rig) = Rig::start("a restart under both builds").await else { return };
    rig.provide("a-1", "10.0.0.1:1");
    rig.provide("a-2", "10.0.0.2:1");
    let watching = FORMS.map(|form| rig.watch(&["-n", "shop", "-o", form]));
    watching[0].error_until("That is all for now");
    watching[1].until("synced");
    rig.server.stop().await;
    watching[0].error_until("lost touch with namespace shop");
    watching[1].until("disconnected");
    rig.server.store().delete("shop", "a-1").unwrap();
    rig.provide("a-3", "10.0.0.3:1");
    rig.server.resume().await.unwrap();
    watching[0].error_until("following namespace shop again");
    watching[0].until("a-3");
    watching[1].until("reconnected");
    let changes = [watching[1].line(), watching[1].line()].concat();
    assert!(changes.contains("\"a-1\"") && changes.contains("\"a-3\""), "{changes}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_that_is_gone_is_read_again() {
    let Some(mut rig) = Rig::start("410 under both builds").await else { return };
    rig.provide("a-1", "10.0.0.1:1");
    let watching = FORMS.map(|form| rig.watch(&["-A", "-o", form]));
    watching[0].error_until("That is all for now");
    watching[1].until("synced");
    rig.server.stop().await;
    watching[0].error_until("lost touch");
    rig.server.store().delete("shop", "a-1").unwrap();
    rig.server.store().compact();
    rig.server.resume().await.unwrap();
    watching[0].until("left at dubbo://10.0.0.1:1 on Pod shop/a-1");
    watching[0].error_until("was read again: the server no longer has the changes");
    watching[1].until("removed");
    watching[1].until("relisted");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_core_drops_is_dropped_by_the_host() {
    // The event is written as JSON.
    let options = Options { protobuf: false, ..Options::default() };
    let Some(rig) = Rig::start_with("a cancelled exchange of both builds", options).await else {
        return;
    };
    rig.provide("a-1", "10.0.0.1:1");
    // An error event breaks a watch off, though the server would go on with it.
    let gone =
        r#"{"kind":"Status","status":"Failure","reason":"Expired","code":410,"message":"old"}"#;
    let event = format!("{{\"type\":\"ERROR\",\"object\":{gone}}}\n");
    rig.server.faults().add(Fault::on_plain_watch(Act::Before(event.into())).times(2));
    let both = rig.watch(&["-n", "shop", "-o", "jsonl"]);
    both.until("synced");
    rig.server.end_watches();
    both.until("relisted");
    rig.annotate("a-1", &annotation(&[provider("a.B", "10.0.0.2:1", "")]));
    both.until("10.0.0.2");
    let mut open = rig.server.watches();
    tokio::time::timeout(dubbo_k8s_tests::program::TIMEOUT, open.wait_for(|open| *open == 2))
        .await
        .expect("one watch of each build")
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_explained_once_and_tried_again_until_it_is_lifted() {
    let Some(rig) = Rig::start("a refusal of both builds").await else { return };
    rig.provide("a-1", "10.0.0.1:1");
    rig.server.access().revoke_grants(ANONYMOUS);
    let both = rig.watch(&["-n", "shop", "-o", "jsonl"]);
    both.until("disconnected");
    both.error_until("error: not allowed to");
    rig.server.access().grant(Grant::all(ANONYMOUS));
    both.until("a-1");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_there_yet() {
    let Some(rig) = Rig::start("an empty watch of both builds").await else { return };
    let both = rig.watch(&["-n", "shop"]);
    both.error_until("no Dubbo service is registered in namespace shop");
    rig.provide("a-1", "10.0.0.1:1");
    both.until("a-1");
}
