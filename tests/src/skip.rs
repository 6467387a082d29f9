//! How a test says that it cannot run here, and why. A skip is never silent: it is printed, and
//! `cargo xtask test` lists it in its summary. What CI must have is never skipped there.

use std::io::Write as _;

/// The file that collects skips, one a line; `cargo xtask test` names it.
const COLLECTED: &str = "SKIPPED_TESTS";

/// Something this machine should have had is missing: on CI (`CI=true`) that fails the test.
///
/// # Panics
/// With `CI=true`.
pub fn missing(test: &str, why: &str) {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{test} cannot run: {why}");
    optional(test, why);
}

/// The test needs something that no machine must have, such as a real cluster.
#[expect(clippy::print_stdout, reason = "the test's own output is where a person looks")]
pub fn optional(test: &str, why: &str) {
    println!("SKIPPED {test}: {why}");
    let Some(path) = std::env::var_os(COLLECTED) else { return };
    let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
    // One write a line, so that tests in parallel do not mix theirs; a summary is no reason to fail.
    let _ = file.and_then(|mut file| file.write_all(format!("{test}: {why}\n").as_bytes()));
}
