//! Runs other programs and says clearly what went wrong with them. It never hides a failure: a status
//! other than 0 is an error that names the whole command.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// What went wrong, for a person, with the way out where there is one.
#[derive(Debug)]
pub(crate) struct Failure(String);

pub(crate) type Result<T = ()> = std::result::Result<T, Failure>;

impl Failure {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

/// Says which step a failure belongs to.
pub(crate) trait Context<T> {
    fn context(self, step: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: fmt::Display> Context<T> for std::result::Result<T, E> {
    fn context(self, step: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| Failure(format!("{}: {error}", step())))
    }
}

/// A program about to be run.
pub(crate) struct Tool {
    command: Command,
}

impl Tool {
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(program);
        command.stdin(Stdio::null());
        Self { command }
    }

    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    pub(crate) fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.command.args(args);
        self
    }

    pub(crate) fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn env_remove(mut self, name: impl AsRef<OsStr>) -> Self {
        self.command.env_remove(name);
        self
    }

    pub(crate) fn dir(mut self, dir: &Path) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// Lets it read from a file.
    pub(crate) fn input(mut self, file: std::fs::File) -> Self {
        self.command.stdin(file);
        self
    }

    /// Lets it read from this terminal, too.
    pub(crate) fn with_terminal(mut self) -> Self {
        self.command.stdin(Stdio::inherit());
        self
    }

    /// Runs it with this terminal's output.
    pub(crate) fn run(mut self) -> Result {
        let status = self.command.status().map_err(|error| self.not_started(&error))?;
        if status.success() { Ok(()) } else { Err(self.ended(&status.to_string(), "")) }
    }

    /// Runs it in silence and gives its stdout; what it said on stderr is part of the failure.
    pub(crate) fn read(mut self) -> Result<String> {
        let output = self.command.output().map_err(|error| self.not_started(&error))?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            let said = String::from_utf8_lossy(&output.stderr);
            Err(self.ended(&output.status.to_string(), said.trim()))
        }
    }

    /// As [`read`](Self::read), with what it said on stderr behind what it said on stdout.
    pub(crate) fn read_both(mut self) -> Result<String> {
        let output = self.command.output().map_err(|error| self.not_started(&error))?;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        if output.status.success() {
            Ok(said)
        } else {
            Err(self.ended(&output.status.to_string(), said.trim()))
        }
    }

    /// Runs it in the place of this process, which it has the id, the terminal and the signals of.
    pub(crate) fn replace_this_process(mut self) -> Result {
        use std::os::unix::process::CommandExt as _;
        let error = self.command.exec();
        Err(self.not_started(&error))
    }

    /// Starts it with pipes on stdin and stdout; it ends when the caller ends it.
    pub(crate) fn spawn_piped(mut self) -> Result<Child> {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped());
        self.command.spawn().map_err(|error| self.not_started(&error))
    }

    /// Starts it with a pipe on stderr and nothing on stdout; it ends when the caller ends it.
    pub(crate) fn spawn_telling(mut self) -> Result<Child> {
        self.command.stdout(Stdio::null()).stderr(Stdio::piped());
        self.command.spawn().map_err(|error| self.not_started(&error))
    }

    fn not_started(&self, error: &std::io::Error) -> Failure {
        Failure(format!("cannot start `{}`: {error}", self.shown()))
    }

    fn ended(&self, status: &str, said: &str) -> Failure {
        let colon = if said.is_empty() { "" } else { ":\n" };
        Failure(format!("`{}` ended with {status}{colon}{said}", self.shown()))
    }

    fn shown(&self) -> String {
        let mut words = vec![short_name(self.command.get_program())];
        words.extend(self.command.get_args().map(|arg| arg.to_string_lossy().into_owned()));
        words.join(" ")
    }
}

/// The cargo that runs this program, without what `cargo run` put in the environment for it alone.
pub(crate) fn cargo(verb: &str) -> Tool {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    without_cargo_run(Tool::new(program)).arg(verb).dir(&root())
}

/// Takes away what `cargo run` sets for the package it runs: another build must not see it.
pub(crate) fn without_cargo_run(mut tool: Tool) -> Tool {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            tool = tool.env_remove(&name);
        }
    }
    tool
}

/// The workspace's folder: the one above this crate.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// Whether a program is on the PATH.
pub(crate) fn on_path(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).is_file()))
}

fn short_name(program: &OsStr) -> String {
    let path = Path::new(program);
    path.file_name().unwrap_or(program).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_command_its_status_and_what_it_said() {
        let failure = Tool::new("sh").args(["-c", "echo no disk >&2; exit 3"]).read().unwrap_err();
        let text = failure.to_string();
        assert!(text.contains("sh -c") && text.contains("status: 3"), "{text}");
        assert!(text.ends_with("no disk"), "{text}");
    }

    #[test]
    fn a_missing_program_is_named() {
        let failure = Tool::new("/nowhere/at-all").run().unwrap_err();
        assert!(failure.to_string().starts_with("cannot start `at-all`"), "{failure}");
    }
}
