//! What only the native program can do, as an error of the component.

use std::ffi::OsString;

use clap::{
    CommandFactory as _,
    error::{ContextKind, ContextValue, ErrorKind},
};

use super::{arguments::Arguments, ended::Ended, plain::plain, terminal};

/// The verbs that a component has not, and why.
const ABSENT: [(&str, &str); 6] = [
    ("register", "a component only reads"),
    ("unregister", "a component only reads"),
    ("serve", "a component cannot listen"),
    ("agent", "a component cannot listen"),
    ("doctor", "it asks for rights that a component does not use"),
    ("sandbox", "a component cannot run another one"),
];

/// The options of `watch` that a component has not.
const HANDLING: [&str; 3] = ["--handler", "--allow-host", "--handler-dir"];

/// Says why there is no such option, if only the native program has it.
pub(super) fn is_option(error: &clap::Error) -> bool {
    let named = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(named)) if error.kind() == ErrorKind::UnknownArgument => named,
        _ => return false,
    };
    let known = HANDLING.iter().find(|known| named.split(['=', ' ']).next() == Some(known));
    if let Some(option) = known {
        native_only(option, "a component cannot run another one");
    }
    known.is_some()
}

fn native_only(what: &str, why: &str) {
    terminal::say_error(&format!(
        "`{what}` is not in the WASI component: {why}\n  \
         The native program has it: cargo install dubbo-k8s-watcher"
    ));
}

/// Says why there is no such verb.
pub(super) fn say(words: &[OsString]) -> Ended {
    let word = words.first().map(|word| word.to_string_lossy()).unwrap_or_default();
    match ABSENT.iter().find(|(verb, _)| *verb == word) {
        Some((verb, why)) => native_only(verb, why),
        None => {
            let message = format!("unrecognized subcommand '{}'", plain(&word));
            let error = Arguments::command().error(ErrorKind::InvalidSubcommand, message);
            // A stderr that is gone is no failure.
            let _ = error.print();
        }
    }
    Ended::Misused
}
