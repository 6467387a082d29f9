//! The command line as far as it is typed: which server, as whom, and which namespace. Whatever is unfinished or wrong in
//! it counts as not there; it must never be an error.

use std::ffi::OsString;
use std::sync::OnceLock;

use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _};

use crate::cli::arguments::Arguments;
use crate::cli::connection::Connection;
use dubbo_k8s_registry::kube::config::Overrides;

/// The words, the program's name first. The library that completes gives its callbacks only the last one.
static WORDS: OnceLock<Vec<OsString>> = OnceLock::new();

/// Keeps the words of the line that is to be completed.
pub(super) fn set(words: Vec<OsString>) {
    let _ = WORDS.set(words);
}

/// What was typed so far of which Pods to look at.
#[derive(Debug, Default)]
pub(super) struct Typed {
    pub(super) overrides: Overrides,
    pub(super) namespace: Option<String>,
    pub(super) pod: Option<String>,
}

impl Typed {
    /// Reads the words that were kept.
    pub(super) fn now() -> Self {
        WORDS.get().map(|words| Self::read(words)).unwrap_or_default()
    }

    fn read(words: &[OsString]) -> Self {
        let finished = words.split_last().map(|(_, finished)| finished).unwrap_or_default();
        let command = Arguments::command().ignore_errors(true);
        let Ok(before) = command.try_get_matches_from(finished) else { return Self::default() };
        let behind = before.subcommand().map(|(_, behind)| behind);
        let of = |matches: &ArgMatches| Connection::from_arg_matches(matches).ok();
        let connection = match (of(&before), behind.and_then(of)) {
            (Some(before), Some(mut behind)) => {
                let _ = behind.take(&before);
                Some(behind)
            }
            (before, behind) => behind.or(before),
        };
        Self {
            overrides: connection.map(|connection| connection.overrides()).unwrap_or_default(),
            namespace: behind.and_then(namespace).or_else(|| namespace(&before)),
            pod: behind.and_then(|behind| one(behind, "pod")),
        }
    }
}

/// The last `-n`; verbs differ in whether it repeats.
fn namespace(matches: &ArgMatches) -> Option<String> {
    let many = matches.try_get_many::<String>("namespaces").ok().flatten();
    many.and_then(|mut names| names.next_back().cloned()).or_else(|| one(matches, "namespace"))
}

fn one(matches: &ArgMatches, name: &str) -> Option<String> {
    matches.try_get_one::<String>(name).ok().flatten().cloned()
}

#[cfg(test)]
mod tests {
    use super::Typed;

    fn typed(line: &str) -> (Option<String>, Option<String>) {
        let words: Vec<_> = line.split(' ').map(Into::into).collect();
        let typed = Typed::read(&words);
        (typed.overrides.context, typed.namespace)
    }

    #[test]
    fn what_stands_before_the_unfinished_word_is_read_and_what_is_wrong_is_not() {
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(typed("dubbo-watcher list --context prod -n "), (text("prod"), None));
        assert_eq!(
            typed("dubbo-watcher --context prod -n a unregister --pod x"),
            (text("prod"), text("a"))
        );
        assert_eq!(typed("dubbo-watcher -n a list -n b -n c --context "), (None, text("c")));
        assert_eq!(typed("dubbo-watcher register -n shop --pod "), (None, text("shop")));
        assert_eq!(typed("dubbo-watcher list --no-such -n "), (None, None));
        let words = ["dubbo-watcher", "unregister", "--pod", "greeter-0", ""].map(Into::into);
        assert_eq!(Typed::read(&words).pod, text("greeter-0"));
        assert_eq!(typed("dubbo-watcher "), (None, None));
    }
}
