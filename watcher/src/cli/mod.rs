//! The command line: arguments in, text out, one exit status. What the words mean is the
//! library's business.
//!
//! Exit status: 0 done; 1 the answer is an error; 2 wrong use. A closed pipe ends it quietly.

#[cfg(target_os = "wasi")]
mod absent;
#[cfg(unix)]
mod agent;
mod arguments;
mod caller;
#[cfg(not(target_os = "wasi"))]
mod candidates;
#[cfg(not(target_os = "wasi"))]
mod completion;
mod connection;
mod decode;
mod decoded;
#[cfg(not(target_os = "wasi"))]
mod doctor;
mod encode;
mod ended;
mod excerpt;
mod explain;
mod fault;
mod figures;
mod findings;
#[cfg(feature = "sandbox")]
mod handlers;
mod input;
mod list;
mod listing;
#[cfg(not(target_os = "wasi"))]
mod man;
mod narrator;
#[cfg(not(target_os = "wasi"))]
mod own_pod;
mod plain;
mod printer;
mod queue;
#[cfg(feature = "sandbox")]
mod reader;
mod records;
#[cfg(not(target_os = "wasi"))]
mod register;
#[cfg(feature = "sandbox")]
mod sandbox;
#[cfg(not(target_os = "wasi"))]
mod serve;
mod session;
mod signals;
#[cfg(unix)]
mod socket;
mod table;
mod terminal;
mod trusting;
mod watch;
mod why;

use std::{io, process::ExitCode};

use dubbo_k8s_registry::host;

use self::arguments::{Arguments, Verb};
use self::caller::Caller;
use self::ended::Ended;

/// Runs the program.
pub(crate) fn main() -> ExitCode {
    #[cfg(feature = "sandbox")]
    if let Some(ended) = dubbo_k8s_watcher::sandbox::in_child(std::env::args_os()) {
        return ended;
    }
    let caller = Caller::of(std::env::args_os().next().as_deref());
    #[cfg(not(target_os = "wasi"))]
    match completion::answer(&caller) {
        Ok(false) => {}
        answered => return status(answered.map(drop)),
    }
    let arguments = match Arguments::read(&caller, std::env::args_os()) {
        Ok(arguments) => arguments,
        #[cfg(target_os = "wasi")]
        Err(error) if absent::is_option(&error) => return ExitCode::from(2),
        Err(error) => return wrong_use(&error),
    };
    let ended = match arguments.verb {
        Verb::Decode(decode) => decode::run(&decode),
        Verb::Encode(encode) => encode::run(&encode),
        Verb::List(list) => in_runtime(list::run(&list)),
        Verb::Watch(watch) => in_runtime(watch::run(&watch)),
        #[cfg(not(target_os = "wasi"))]
        Verb::Doctor(doctor) => in_runtime(doctor::run(&doctor)),
        #[cfg(not(target_os = "wasi"))]
        Verb::Register(register) => in_runtime(register::run(&register)),
        #[cfg(not(target_os = "wasi"))]
        Verb::Unregister(unregister) => in_runtime(register::unregister(&unregister)),
        #[cfg(not(target_os = "wasi"))]
        Verb::Serve(serve) => in_threads(None, serve::run(&serve)),
        #[cfg(unix)]
        Verb::Agent(agent) => {
            agent::keep_small();
            in_threads(Some(agent::THREADS), agent::run(&agent))
        }
        #[cfg(not(target_os = "wasi"))]
        Verb::Completion(completion) => completion::run(&completion, &caller),
        #[cfg(not(target_os = "wasi"))]
        Verb::Man(man) => man::run(&man),
        #[cfg(feature = "sandbox")]
        Verb::Sandbox(sandbox) => in_runtime(sandbox::run(&sandbox)),
        #[cfg(target_os = "wasi")]
        Verb::Other(words) => Err(absent::say(&words)),
    };
    status(ended)
}

/// The exit status; says why where output could not be written.
fn status(ended: Result<(), Ended>) -> ExitCode {
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(Ended::Failed) => ExitCode::from(1),
        Err(Ended::Misused) => ExitCode::from(2),
        Err(Ended::Interrupted) => ExitCode::from(130),
        #[cfg(feature = "sandbox")]
        Err(Ended::Status(status)) => ExitCode::from(status),
        Err(Ended::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(Ended::Output(error)) => {
            terminal::say_error(&format!("cannot write the output: {error}"));
            ExitCode::from(1)
        }
    }
}

/// Prints what clap has to say. Help and version come this way too, with status 0.
fn wrong_use(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
}

/// Clients are answered on other threads than the one that follows the Pods: one for each processor, or so many.
#[cfg(not(target_os = "wasi"))]
fn in_threads(
    threads: Option<usize>,
    verb: impl Future<Output = Result<(), Ended>>,
) -> Result<(), Ended> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if let Some(threads) = threads {
        runtime.worker_threads(threads);
    }
    let runtime = runtime.enable_all().build()?;
    let ended = runtime.block_on(verb);
    runtime.shutdown_background();
    ended
}

/// Runs it on this thread.
fn in_runtime(verb: impl Future<Output = Result<(), Ended>>) -> Result<(), Ended> {
    host::block_on(verb)?
}
