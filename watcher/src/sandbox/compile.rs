//! Compiles components that need not be trusted: in a process of its own, with bounds on its memory and its time, since
//! a small component can be made to take gigabytes to compile. The child is this program again; it reads the component
//! from its standard input, writes what it compiled to its standard output, and is given no variable and no other file.

use std::ffi::OsString;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus, Output, Stdio};
use std::thread;

use super::configuration::{Allocation, config};
use super::error::{Excess, LoadError, why};

/// Where components are compiled.
#[derive(Debug, Clone, Default)]
pub enum Compiler {
    /// In this process, without bounds: for components that are one's own.
    #[default]
    Here,
    /// In a process of its own: this program, whose `main` has to begin with [`in_child`].
    Confined(PathBuf),
}

impl Compiler {
    /// In a process of the program that runs now.
    ///
    /// # Errors
    ///
    /// When the system does not say which program that is.
    pub fn confined() -> io::Result<Self> {
        std::env::current_exe().map(Self::Confined)
    }
}

/// The first argument of a child.
const CHILD: &str = "compile-component";

/// Address space of the child, in bytes. The largest components here (2 MB) take 1.3 GiB, of which 1 GiB is what the
/// allocator reserves; in use are 163 MiB.
const MEMORY: u64 = 2 << 30;
/// Seconds of its processors' time, all together. The same components take 8 in a build that is not optimised.
const SECONDS: u64 = 120;

/// The child's exit status when the engine was refused memory.
const NO_MEMORY: u8 = 3;

/// Compiles a component in a child.
pub(super) fn compile(
    program: &Path,
    allocation: Allocation,
    path: &Path,
    component: Vec<u8>,
) -> Result<Vec<u8>, LoadError> {
    let to_path = || path.to_owned();
    let failed = |error: &dyn std::fmt::Display| LoadError::Engine {
        reason: format!("the process that compiles {} has failed: {error}", path.display()),
    };
    let output = run(program, allocation, component).map_err(|error| failed(&error))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    if let Some(excess) = excess(output.status) {
        return Err(LoadError::Costly { path: to_path(), excess });
    }
    let reason = String::from_utf8_lossy(&output.stderr).trim_end().to_owned();
    match output.status.code() {
        Some(1) => Err(LoadError::Invalid { path: to_path(), reason }),
        _ => Err(failed(&output.status)),
    }
}

fn run(program: &Path, allocation: Allocation, component: Vec<u8>) -> io::Result<Output> {
    let reservation = allocation.reservation().map_or(String::new(), |bytes| bytes.to_string());
    let mut child = Command::new(program)
        .args([CHILD, &reservation])
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let input = child.stdin.take();
    // A child that ends early does not read it all; how it ended says why.
    let writing = thread::spawn(move || input.map(|mut input| input.write_all(&component)));
    let output = child.wait_with_output();
    let _ = writing.join();
    output
}

/// What a child took too much of, if that ended it.
#[cfg(unix)]
fn excess(status: ExitStatus) -> Option<Excess> {
    use std::os::unix::process::ExitStatusExt as _;
    let memory = Excess::Memory(MEMORY >> 20);
    match (status.signal(), status.code()) {
        (Some(signal), _) if signal == nix::sys::signal::Signal::SIGXCPU as i32 => {
            Some(Excess::Time(SECONDS))
        }
        // A program that gets no memory ends itself; a thread that gets none for its stack is a panic.
        (Some(_), _) => Some(memory),
        (None, Some(code)) => (code == i32::from(NO_MEMORY) || code == PANICKED).then_some(memory),
        (None, None) => None,
    }
}

/// The exit status of a Rust program after a panic.
#[cfg(unix)]
const PANICKED: i32 = 101;

#[cfg(not(unix))]
fn excess(_status: ExitStatus) -> Option<Excess> {
    None
}

/// What the program has to do first: if it was started as a child that compiles, it does that and nothing else.
pub fn in_child(mut arguments: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    if arguments.nth(1)? != CHILD {
        return None;
    }
    let reservation = arguments.next().and_then(|text| text.to_str()?.parse().ok());
    Some(match confine().map_err(|error| error.to_string()).and_then(|()| child(reservation)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            let out_of_memory = io::Error::from_raw_os_error(OUT_OF_MEMORY).to_string();
            // Nothing is left to report to when standard error is gone.
            let _ = writeln!(io::stderr(), "{reason}");
            let status = if reason.contains(&out_of_memory) { NO_MEMORY } else { 1 };
            ExitCode::from(status)
        }
    })
}

/// ENOMEM.
const OUT_OF_MEMORY: i32 = 12;

fn child(reservation: Option<u64>) -> Result<(), String> {
    let mut component = Vec::new();
    io::stdin().read_to_end(&mut component).map_err(|error| error.to_string())?;
    let engine = wasmtime::Engine::new(&config(reservation)).map_err(|error| why(&error))?;
    let compiled = engine.precompile_component(&component).map_err(|error| why(&error))?;
    io::stdout().write_all(&compiled).map_err(|error| error.to_string())
}

/// The bounds on this process, from now on.
#[cfg(unix)]
fn confine() -> io::Result<()> {
    use nix::sys::resource::{Resource, setrlimit};
    let bounds = [
        (Resource::RLIMIT_AS, MEMORY),
        (Resource::RLIMIT_CPU, SECONDS),
        (Resource::RLIMIT_CORE, 0),
    ];
    for (resource, bound) in bounds {
        // The hard bound on time is later, so that the signal says which of them it was.
        let hard = if resource == Resource::RLIMIT_CPU { bound + 5 } else { bound };
        setrlimit(resource, bound, hard).map_err(io::Error::from)?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn confine() -> io::Result<()> {
    Ok(())
}
