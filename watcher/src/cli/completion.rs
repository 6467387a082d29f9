//! The Tab key: the script by which a shell asks this program, and the answers, to a shell or to kubectl. It must never
//! write anything but candidates to stdout, and never an error where a person is typing.

pub(super) mod candidates;
mod line;
pub(super) mod registered;

use std::ffi::OsString;
use std::io::{self, Write};
use std::sync::OnceLock;

use clap::{Args, CommandFactory as _, ValueEnum};
use clap_complete::CompleteEnv;
use clap_complete::engine::{CompletionCandidate, complete};
use clap_complete::env::Shells;

use super::arguments::Arguments;
use super::caller::Caller;
use super::{Ended, terminal};

/// The environment variable by which a shell asks for candidates, and names itself.
const VARIABLE: &str = "DUBBO_WATCHER_COMPLETE";

/// The shell that asks: the library takes the variable away before it asks for candidates.
static SHELL: OnceLock<OsString> = OnceLock::new();

/// Of cobra, which kubectl is made with: no file names beside the candidates.
const NO_FILES: u8 = 4;
/// Of cobra: no space behind the candidate, because more is to follow.
const NO_SPACE: u8 = 2;

#[derive(Debug, Args)]
pub(super) struct Completion {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
    #[value(name = "powershell")]
    Pwsh,
    Elvish,
}

impl Shell {
    fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
            Self::Pwsh => "powershell",
            Self::Elvish => "elvish",
        }
    }
}

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
            super::caller::PROGRAM
        ));
    }
    let mut out = terminal::data();
    let program = super::caller::PROGRAM;
    shell.write_registration(VARIABLE, program, program, program, &mut out)?;
    Ok(out.flush()?)
}

/// Whether it is this shell that asks.
fn shell_is(name: &str) -> bool {
    SHELL.get().is_some_and(|shell| shell == name)
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
    let _ = SHELL.set(shell);
    let words: Vec<OsString> = std::env::args_os().collect();
    line::set(words.iter().skip_while(|word| *word != "--").skip(1).cloned().collect());
    let here = std::env::current_dir().ok();
    let answer = CompleteEnv::with_factory(Arguments::command).var(VARIABLE);
    answer.try_complete(words, here.as_deref()).map_err(|error| {
        terminal::say_error(error.to_string().trim_start_matches("error: ").trim());
        Ended::Misused
    })
}

/// Answers kubectl, which asks `kubectl_complete-dubbo` with the plugin's arguments, the last of them unfinished.
fn answer_kubectl() -> io::Result<()> {
    let mut words: Vec<OsString> = vec![super::caller::PROGRAM.into()];
    words.extend(std::env::args_os().skip(1));
    if words.len() == 1 {
        words.push(OsString::new());
    }
    line::set(words.clone());
    let last = words.len() - 1;
    let here = std::env::current_dir().ok();
    let found = complete(&mut Arguments::command(), words, last, here.as_deref());
    let mut out = io::stdout().lock();
    write_for_kubectl(&mut out, &found.unwrap_or_default())?;
    out.flush()
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

    use super::{Shell, write_for_kubectl};
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
}
