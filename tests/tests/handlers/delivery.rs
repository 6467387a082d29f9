//! What a handler is message, and what becomes of one that fails. Each test compiles the component, so
//! that one test has all steps.

use std::collections::BTreeMap;
use std::time::Duration;

use dubbo_k8s_registry::Update;
use futures_util::StreamExt as _;

use crate::rig::{Rig, component, within};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_receives_everything_and_then_what_changes() {
    let Some(misbehaving_handler) = component("MISBEHAVING_HANDLER") else { return };
    let rig = Rig::start().await;
    let _handlers = rig.handle(&[(&misbehaving_handler, "open")]);
    rig.file("received", |text| text == "snapshot a.B\n").await;
    rig.provide("shop", "a.C", "10.0.0.2:20880");
    // It has also tried to open a file, to find a variable and to write elsewhere.
    rig.file("received", |text| text == "snapshot a.B\nChangeKind::Added a.C\n").await;
    rig.remove("web");
    let expected = "snapshot a.B\nChangeKind::Added a.C\nChangeKind::Removed a.B\n";
    rig.file("received", |text| text == expected).await;
    assert!(!rig.folder.path().parent().unwrap().join("outside").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_refused_comes_again() {
    let Some(misbehaving_handler) = component("MISBEHAVING_HANDLER") else { return };
    let mut rig = Rig::start().await;
    let _handlers = rig.handle(&[(&misbehaving_handler, "refuse once")]);
    rig.file("received", |text| text == "snapshot a.B\n").await;
    rig.provide("shop", "a.C", "10.0.0.2:20880");
    let message = rig.message("changed failed").await;
    assert_eq!(
        message,
        "misbehaving_handler: changed failed: refused as configured; again in 0.2 s"
    );
    rig.message("works again").await;
    rig.file("received", |text| text == "snapshot a.B\nChangeKind::Added a.C\n").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_handlers_are_stopped_and_begin_anew_and_hold_up_no_other() {
    let Some(misbehaving_handler) = component("MISBEHAVING_HANDLER") else { return };
    let mut rig = Rig::start().await;
    rig.options.deadline = Duration::from_millis(500);
    rig.options.confines.memory = 16 << 20;
    let behaviours = ["spin", "trap", "hoard", "refuse", "keep good"];
    let handlers = rig.handle(&behaviours.map(|config| (misbehaving_handler.as_path(), config)));
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
    // One that had not begun by then has it in its snapshot; sooner or later each gets a change.
    let mut broken = BTreeMap::new();
    for number in 0_u32.. {
        if broken.len() == 3 {
            break;
        }
        let address = format!("10.1.{}.{}:20880", number / 250, number % 250);
        rig.provide(&format!("more-{number}"), "a.D", &address);
        let message = rig.message("changed was broken off");
        if let Ok(message) = tokio::time::timeout(Duration::from_millis(300), message).await {
            let (name, why) = message.split_once(':').unwrap();
            broken.insert(name.to_owned(), why.to_owned());
        }
    }
    let why: Vec<_> = broken.into_values().collect();
    for reason in ["it ran for more than 0.5 s", "it failed: ", "more than 16 MiB of memory"] {
        assert!(why.iter().any(|why| why.contains(reason)), "{reason} is not in {why:?}");
    }
    // The good one among them gets them all the while.
    rig.provide("last", "a.E", "10.0.0.3:20880");
    rig.file("good", |text| text.ends_with("ChangeKind::Added a.E\n")).await;
    // The one that refuses is left alone in the end.
    let message = rig.message("left alone").await;
    assert!(message.ends_with("it has failed too often and is left alone for 60 s"), "{message}");
    drop(handlers);
}
