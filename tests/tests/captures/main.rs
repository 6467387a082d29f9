//! The scripted kube-apiserver against a real one: each recorded request is sent to a scripted
//! server in the state that the real one was in, and the answers are compared: the status, the
//! headers that matter, and the body to the byte wherever that can be.
//!
//! What cannot be compared is listed in [`DIFFERENT`] with the reason. Everything on that list is
//! sent all the same: as soon as an answer on it is the recorded one, the list is stale and fails.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod client;
mod compare;
mod world;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use dubbo_k8s_tests::apiserver::Exchange;

/// Recordings that the scripted server does not follow.
const DIFFERENT: [(&str, &str); 12] = [
    ("14n-apply", APPLY),
    ("14o-apply-yaml", APPLY),
    ("14p-apply-conflict-409", APPLY),
    ("14q-apply-force", APPLY),
    ("14q-apply-stale-rv-409", APPLY),
    ("14q-apply-uid-mismatch", APPLY),
    ("14r-apply-no-manager", APPLY),
    ("14s-apply-drops-annotation", APPLY),
    ("14t-apply-absent-pod-no-create-right", APPLY),
    ("14u-apply-absent-pod-admin", APPLY),
    ("14v-apply-absent-pod-uid", APPLY),
    ("18-readyz-verbose", "the list of a real server's internal checks"),
];

const APPLY: &str = "server-side apply is refused: it needs the ownership of fields";

fn captures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/captures")
}

fn folders() -> BTreeSet<String> {
    let entries = std::fs::read_dir(captures()).unwrap().map(Result::unwrap);
    entries
        .filter(|entry| entry.file_type().unwrap().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect()
}

pub(crate) fn read(name: &str) -> Exchange {
    Exchange::read(&captures().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Sends the recorded request; how the answer differs from the recorded one.
async fn differences(name: &str) -> Vec<String> {
    let recorded = read(name);
    let world = world::of(&recorded);
    let answer = client::send(&recorded, &world).await;
    compare::differences(&recorded, &answer)
}

#[tokio::test]
async fn answers_as_the_real_server_did() {
    let different: BTreeSet<&str> = DIFFERENT.iter().map(|(name, _)| *name).collect();
    let mut wrong = Vec::new();
    let mut compared = 0;
    for name in folders() {
        let differences = differences(&name).await;
        match (different.contains(name.as_str()), differences.is_empty()) {
            (true, true) => wrong.push(format!("{name}: stale, the answer is the recorded one")),
            (true, false) => {}
            (false, true) => compared += 1,
            (false, false) => wrong.push(format!("{name}:\n    {}", differences.join("\n    "))),
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(compared + different.len(), folders().len(), "a name on the list is no recording");
}
