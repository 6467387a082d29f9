//! What only the native program can do, said to whoever asks a component for it.

use std::ffi::OsString;

use clap::{CommandFactory as _, error::ErrorKind};

use super::{Ended, arguments::Arguments, plain::plain, terminal};

/// The verbs that a component has not, and why.
const ABSENT: [(&str, &str); 5] = [
    ("register", "a component only reads"),
    ("unregister", "a component only reads"),
    ("serve", "a component cannot listen"),
    ("doctor", "it asks for rights that a component does not use"),
    ("sandbox", "a component cannot run another one"),
];

/// Says why there is no such verb.
pub(super) fn say(words: &[OsString]) -> Ended {
    let word = words.first().map(|word| word.to_string_lossy()).unwrap_or_default();
    match ABSENT.iter().find(|(verb, _)| *verb == word) {
        Some((verb, why)) => terminal::say_error(&format!(
            "`{verb}` is not in the WASI component: {why}\n  \
             The native program has it: cargo install dubbo-k8s-watcher"
        )),
        None => {
            let message = format!("unrecognized subcommand '{}'", plain(&word));
            let error = Arguments::command().error(ErrorKind::InvalidSubcommand, message);
            // A stderr that is gone is nobody's business.
            let _ = error.print();
        }
    }
    Ended::Misused
}
