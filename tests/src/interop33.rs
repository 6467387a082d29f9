//! The program of dubbo-go 3.3 (`tests/go/interop33`), and the calls that its consumer reports. A call that fails, fails the
//! test that reads it.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::path::PathBuf;

use serde_json::Value;

use crate::program::Running;
use crate::skip;

/// So many calls in a row pass over one of two providers once in 2^40.
const ENOUGH: usize = 40;

/// More calls than any change takes.
const TOO_MANY: usize = 10_000;

/// The program, or `None` if this test cannot run.
pub fn program(test: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("INTEROP33").filter(|folder| !folder.is_empty());
    if folder.is_none() {
        let way =
            "INTEROP33 is not set: with Go 1.26 or newer `cargo xtask test` builds it and sets it";
        skip::missing(test, way);
    }
    folder.map(|folder| PathBuf::from(folder).join("interop33"))
}

/// Who answered the next call. What dubbo-go logs is passed over.
///
/// # Panics
/// If the call failed.
pub fn answered_by(consumer: &Running) -> String {
    loop {
        let line = consumer.line();
        if line.starts_with('{') {
            let call: Value = serde_json::from_str(&line).unwrap();
            assert_eq!(call["ok"], true, "{call}");
            return call["from"].as_str().unwrap().to_owned();
        }
    }
}

/// Reads calls up to one that this provider answered.
///
/// # Panics
/// If a call failed, or the provider is not called.
pub fn until_answered_by(consumer: &Running, name: &str) {
    let answered = (0..TOO_MANY).any(|_| answered_by(consumer) == name);
    assert!(answered, "{name} is not called");
}

/// Reads calls until so many in a row were answered by others that this provider is no longer called.
///
/// # Panics
/// If a call failed, or the provider is still called.
pub fn until_passed_over(consumer: &Running, name: &str) {
    let mut in_a_row = 0;
    for _ in 0..TOO_MANY {
        in_a_row = if answered_by(consumer) == name { 0 } else { in_a_row + 1 };
        if in_a_row == ENOUGH {
            return;
        }
    }
    panic!("{name} is still called");
}

/// Reads some calls more.
///
/// # Panics
/// If one of them failed.
pub fn calls_go_on(consumer: &Running) {
    (0..ENOUGH).for_each(|_| drop(answered_by(consumer)));
}
