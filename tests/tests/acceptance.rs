//! The acceptance list of a raw LIST and WATCH client, and the proof that each number of it has a
//! test: the name of such a test begins with `a` and the number. It is the index as well: search
//! for `fn a35_`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const LIST: [&str; 55] = [
    // List and watch
    "request options and resulting store, in both modes",
    "errors interleaved, and the store still equals the list",
    "which versions a relist asks for",
    "an expired list is asked again with an empty version",
    "a version that is too large, in all its forms",
    "three pages are drained before watching",
    "the second page has expired",
    "compaction in the middle of a list",
    "timeouts within their bounds, and really random",
    "the version does not advance during synthetic ADDED",
    "an object of another kind is ignored",
    "an ERROR for a corrupt object; the relist removes it",
    "a start from a past version",
    "a watch resumed after a close skips what was applied",
    "a label lost and restored",
    "a hundred concurrent watches see one order",
    "unread events at the stop leak nothing",
    "a server's timeout is watched again, with still one list",
    // Streaming list
    "no bookmark: not synced",
    "an end mark that is \"false\": not synced",
    "changes before the bookmark are applied",
    "any refusal falls back to a list",
    "429 is retried without falling back",
    "cut before the sync: a clean restart",
    "cut after the sync: a plain watch at the last version",
    "an overdue bookmark meets a deadline",
    "a server swapped for one without streaming lists",
    "a resumed watch omits sendInitialEvents",
    "metadata only",
    // Back-off and transport
    "refused connections: growth, then a plateau",
    "429 in both forms",
    "four times 429, and still one list",
    "500 is retried",
    "end of file, reset, Retry-After, 401 and 403",
    "a relay that stops forwarding is noticed, and there is exactly one new connection",
    "a dead stream under a paused clock",
    "a partial frame at the close",
    "the Accept header for metadata",
    // Cache and subscribers
    "a replacement yields the removals",
    "a replacement is atomic",
    "the changes of an outage are delivered as the difference",
    "a late subscriber gets all while events flow",
    "a subscriber may leave while active",
    "a subscriber that panics or stalls hurts no other",
    "no task and no file descriptor is left behind",
    "a random hammer against a model",
    "a recreated object with a new uid",
    // Credentials
    "tokens are refreshed, and who comes too late throws nothing away",
    "authorities missing, empty, rotated",
    "a client certificate rotated under load",
    "exec plugins, and what they rotate",
    "kubeconfigs merged, paths, missing files",
    "the fallback to the service account",
    "names, addresses, and no check at all",
    "nothing secret is ever printed",
];

#[test]
fn every_number_has_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut numbers = BTreeSet::new();
    for folder in ["engine", "registry/src", "watcher/src", "watcher/tests", "tests/tests"] {
        collect(&root.join(folder), &mut numbers);
    }
    let missing: Vec<_> =
        LIST.iter().zip(1..).filter(|(_, number)| !numbers.contains(number)).collect();
    assert!(missing.is_empty(), "without a test: {missing:?}");
    let unknown: Vec<_> = numbers.iter().filter(|number| **number > LIST.len()).collect();
    assert!(unknown.is_empty(), "not on the list: {unknown:?}");
}

/// The numbers in the names of the tests below a folder: `a39_a40_…` has two.
fn collect(folder: &Path, numbers: &mut BTreeSet<usize>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, numbers);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            for name in text.split("fn ").skip(1) {
                let parts =
                    name.split('_').map_while(|part| part.strip_prefix('a')?.parse::<usize>().ok());
                numbers.extend(parts);
            }
        }
    }
}
