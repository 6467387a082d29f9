//! The Tab key: the script by which a shell asks this program, and the answers, to a shell or to kubectl. It must never
//! write anything but candidates to stdout, and never an error where a person is typing.

use std::ffi::OsString;
use std::io::{self, Write};

use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _};
use clap_complete::CompleteEnv;
use clap_complete::engine::{CompletionCandidate, complete};
use clap_complete::env::Shells;

use super::arguments::{Arguments, Completion};
use super::caller::{self, Caller};
use super::candidates::Typed;
use super::connection::Connection;
use super::{ended::Ended, terminal};

/// The environment variable by which a shell asks for candidates, and names itself.
const VARIABLE: &str = "DUBBO_WATCHER_COMPLETE";

/// Of cobra, which kubectl is made with: no file names beside the candidates.
const NO_FILES: u8 = 4;
/// Of cobra: no space behind the candidate, because more is to follow.
const NO_SPACE: u8 = 2;

/// Prints the script that makes a shell complete `dubbo-watcher`. The shell asks the program on its PATH each time.
pub(super) fn run(arguments: &Completion, caller: &Caller) -> Result<(), Ended> {
    let shells = Shells::builtins();
    let Some(shell) = shells.completer(arguments.shell.name()) else {
        return Err(Ended::Misused); // there is none that is not built in
    };
    if let Caller::Kubectl(words) = caller {
        terminal::say(&format!(
            "kubectl completes `{words}` by itself, where kubectl's own completion is set up and \
             kubectl_complete-{} is on the PATH; this script is for `{}`",
            words.trim_start_matches("kubectl ").replace('-', "_").replace(' ', "-"),
            caller::PROGRAM
        ));
    }
    let mut out = terminal::data();
    let program = caller::PROGRAM;
    shell.write_registration(VARIABLE, program, program, program, &mut out)?;
    Ok(out.flush()?)
}

/// Answers a shell or kubectl that asks for candidates: whether one did.
///
/// # Errors
/// Where the shell that asks is none that is known, or stdout cannot be written to.
pub(super) fn answer(caller: &Caller) -> Result<bool, Ended> {
    if matches!(caller, Caller::KubectlCompletion(_)) {
        answer_kubectl()?;
        return Ok(true);
    }
    let Some(shell) = std::env::var_os(VARIABLE).filter(|shell| !shell.is_empty()) else {
        return Ok(false);
    };
    let words: Vec<OsString> = std::env::args_os().collect();
    let line: Vec<_> = words.iter().skip_while(|word| *word != "--").skip(1).cloned().collect();
    Typed { shell: Some(shell), ..typed(&line) }.keep();
    let here = std::env::current_dir().ok();
    let answer = CompleteEnv::with_factory(Arguments::command).var(VARIABLE);
    answer.try_complete(words, here.as_deref()).map_err(|error| {
        terminal::say_error(error.to_string().trim_start_matches("error: ").trim());
        Ended::Misused
    })
}

/// Answers kubectl, which asks `kubectl_complete-dubbo` with the plugin's arguments, the last of them unfinished.
fn answer_kubectl() -> io::Result<()> {
    let mut words: Vec<OsString> = vec![caller::PROGRAM.into()];
    words.extend(std::env::args_os().skip(1));
    if words.len() == 1 {
        words.push(OsString::new());
    }
    typed(&words).keep();
    let last = words.len() - 1;
    let here = std::env::current_dir().ok();
    let found = complete(&mut Arguments::command(), words, last, here.as_deref());
    let mut out = io::stdout().lock();
    write_for_kubectl(&mut out, &found.unwrap_or_default())?;
    out.flush()
}

/// Reads the words of the line, the program's name first and the unfinished one last. Whatever is unfinished or wrong
/// counts as not there.
fn typed(words: &[OsString]) -> Typed {
    let finished = words.split_last().map(|(_, finished)| finished).unwrap_or_default();
    let command = Arguments::command().ignore_errors(true);
    let Ok(before) = command.try_get_matches_from(finished) else { return Typed::default() };
    let behind = before.subcommand().map(|(_, behind)| behind);
    let of = |matches: &ArgMatches| Connection::from_arg_matches(matches).ok();
    let connection = match (of(&before), behind.and_then(of)) {
        (Some(before), Some(mut behind)) => {
            let _ = behind.take(&before);
            Some(behind)
        }
        (before, behind) => behind.or(before),
    };
    Typed {
        overrides: connection.map(|connection| connection.overrides()).unwrap_or_default(),
        shell: None,
        namespace: behind.and_then(namespace).or_else(|| namespace(&before)),
        pod: behind.and_then(|behind| one(behind, "pod")),
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

/// One candidate a line with its description, then what kubectl is to do with them.
fn write_for_kubectl(out: &mut dyn Write, found: &[CompletionCandidate]) -> io::Result<()> {
    let mut directive = NO_FILES;
    for candidate in found {
        let value = candidate.get_value().to_string_lossy();
        if value.ends_with(['=', '/']) {
            directive |= NO_SPACE;
        }
        let help = candidate.get_help().map(ToString::to_string).unwrap_or_default();
        let help = help.lines().next().unwrap_or_default();
        let tab = if help.is_empty() { "" } else { "\t" };
        writeln!(out, "{value}{tab}{help}")?;
    }
    writeln!(out, ":{directive}")
}

#[cfg(test)]
mod tests {
    use clap_complete::engine::CompletionCandidate;
    use clap_complete::env::Shells;

    use super::{typed, write_for_kubectl};
    use crate::cli::arguments::Shell;
    use clap::ValueEnum as _;

    #[test]
    fn every_shell_that_can_be_named_has_a_script() {
        for shell in Shell::value_variants() {
            assert!(Shells::builtins().completer(shell.name()).is_some(), "{shell:?}");
        }
    }

    #[test]
    fn kubectl_gets_candidates_with_descriptions_and_a_directive() {
        let candidates = [
            CompletionCandidate::new("list").help(Some("Show what is registered now\nmore".into())),
            CompletionCandidate::new("watch"),
        ];
        let mut out = Vec::new();
        write_for_kubectl(&mut out, &candidates).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "list\tShow what is registered now\nwatch\n:4\n"
        );
        let mut out = Vec::new();
        write_for_kubectl(&mut out, &[CompletionCandidate::new("dir/")]).unwrap();
        assert_eq!(out, b"dir/\n:6\n");
    }

    fn named(line: &str) -> (Option<String>, Option<String>) {
        let words: Vec<_> = line.split(' ').map(Into::into).collect();
        let typed = typed(&words);
        (typed.overrides.context, typed.namespace)
    }

    #[test]
    fn what_stands_before_the_unfinished_word_is_read_and_what_is_wrong_is_not() {
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(named("dubbo-watcher list --context prod -n "), (text("prod"), None));
        assert_eq!(
            named("dubbo-watcher --context prod -n a unregister --pod x"),
            (text("prod"), text("a"))
        );
        assert_eq!(named("dubbo-watcher -n a list -n b -n c --context "), (None, text("c")));
        assert_eq!(named("dubbo-watcher register -n shop --pod "), (None, text("shop")));
        assert_eq!(named("dubbo-watcher list --no-such -n "), (None, None));
        let words = ["dubbo-watcher", "unregister", "--pod", "greeter-0", ""].map(Into::into);
        assert_eq!(typed(&words).pod, text("greeter-0"));
        assert_eq!(named("dubbo-watcher "), (None, None));
    }
}
