//! What a handler is told, and what becomes of one that fails. Each test compiles the component, so
//! that one test tells a whole story.

use std::collections::BTreeSet;
use std::time::Duration;

use dubbo_k8s_watcher::registry::{LogLimits, Update};
use futures_util::StreamExt as _;

use crate::rig::{Rig, component, within};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_is_told_everything_and_then_what_changes() {
    let Some(moody) = component("MOODY") else { return };
    let rig = Rig::start().await;
    let _handlers = rig.handle(&[(&moody, "open")]);
    rig.file("told", |told| told == "snapshot a.B\n").await;
    rig.provide("shop", "a.C", "10.0.0.2:20880");
    // It has also tried to open a file, to find a variable and to write elsewhere.
    rig.file("told", |told| told == "snapshot a.B\nChangeKind::Added a.C\n").await;
    rig.remove("web");
    let told = "snapshot a.B\nChangeKind::Added a.C\nChangeKind::Removed a.B\n";
    rig.file("told", |text| text == told).await;
    assert!(!rig.folder.path().parent().unwrap().join("outside").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_refused_comes_again_and_a_lag_is_one_fresh_snapshot() {
    let Some(moody) = component("MOODY") else { return };
    let mut rig = Rig::with(LogLimits { entries: 4, bytes: 1 << 20 }).await;
    let _handlers = rig.handle(&[(&moody, "refuse once")]);
    rig.file("told", |told| told == "snapshot a.B\n").await;
    rig.provide("shop", "a.C", "10.0.0.2:20880");
    let told = rig.told("changed failed").await;
    assert_eq!(told, "moody: changed failed: not in the mood; again in 0.2 s");
    rig.told("works again").await;
    rig.file("told", |told| told == "snapshot a.B\nChangeKind::Added a.C\n").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_handlers_are_stopped_and_begin_anew_and_hold_up_nobody() {
    let Some(moody) = component("MOODY") else { return };
    let mut rig = Rig::start().await;
    rig.options.deadline = Duration::from_millis(500);
    rig.options.confines.memory = 16 << 20;
    let bad = ["spin", "trap", "hoard", "refuse"].map(|mood| (moody.as_path(), mood));
    let handlers = rig.handle(&bad);
    let mut updates = rig.registry.subscribe_all();
    rig.provide("shop", "a.C", "10.0.0.2:20880");
    within(async {
        loop {
            if let Some(Update::Change(change)) = updates.next().await
                && change.key.contains("a.C")
            {
                break;
            }
        }
    })
    .await;
    // One that had not begun by then has it in its snapshot; sooner or later each is told of a change.
    let mut broken = BTreeSet::new();
    for number in 0_u32.. {
        if broken.len() == 3 {
            break;
        }
        let address = format!("10.1.{}.{}:20880", number / 250, number % 250);
        rig.provide(&format!("more-{number}"), "a.D", &address);
        let told = rig.told("changed was broken off");
        if let Ok(told) = tokio::time::timeout(Duration::from_millis(300), told).await {
            broken.extend(told.split(':').next().map(str::to_owned));
        }
    }
    // The one that refuses is left alone in the end.
    let told = rig.told("left alone").await;
    assert!(told.ends_with("it has failed too often and is left alone for 60 s"), "{told}");
    drop(handlers);
}
