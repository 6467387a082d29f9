//! Runs a command: a component that exports `wasi:cli/run`.

use std::fmt;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use wasmtime_wasi::WasiCtx;
use wasmtime_wasi::cli::AsyncStdinStream;
use wasmtime_wasi::p2::bindings::CommandPre;

use super::budget::Metered;
use super::confines::Confines;
use super::engine::Program;
use super::error::{LoadError, Stopped, misfit};
use super::guest::Guest;
use super::http::{Kubernetes, Requests};
use super::output;

/// A command that is ready to run.
pub struct Sandbox {
    program: Program,
    command: CommandPre<Guest<()>>,
    confines: Confines,
}

/// The three streams of a command. What is a terminal gets no control characters.
pub struct Streams<I, O, E> {
    /// Its standard input.
    pub input: I,
    /// Its standard output, and whether that is a terminal.
    pub output: (O, bool),
    /// Its standard error output, and whether that is a terminal.
    pub errors: (E, bool),
}

impl Sandbox {
    /// Makes a program ready to run as a command.
    ///
    /// # Errors
    /// [`LoadError`] if it is no command of WASI 0.2.
    pub fn new(program: Program, confines: Confines) -> Result<Self, LoadError> {
        let unfit = |error: wasmtime::Error| LoadError::Unfit {
            path: program.path.clone(),
            reason: format!("{}; a command is built for wasi:cli", misfit(&error)),
        };
        let linker = Guest::linker(&program.engine).map_err(unfit)?;
        let instance = linker.instantiate_pre(&program.component).map_err(unfit)?;
        let command = CommandPre::new(instance).map_err(unfit)?;
        Ok(Self { program, command, confines })
    }

    /// Runs it to its end, which is its exit status, or until it has to be stopped. It gets the
    /// arguments, the name of the program first, and the variables, and nothing else of this process.
    ///
    /// Dropping the future stops it.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    ///
    /// # Errors
    /// [`Stopped`] if it traps or exceeds what it is confined to.
    pub async fn run<I, O, E>(
        &self,
        arguments: &[String],
        variables: &[(String, String)],
        server: Kubernetes,
        streams: Streams<I, O, E>,
    ) -> Result<i32, Stopped>
    where
        I: AsyncRead + Send + Sync + 'static,
        O: AsyncWrite + Send + Sync + Unpin + 'static,
        E: AsyncWrite + Send + Sync + Unpin + 'static,
    {
        let mut wasi = WasiCtx::builder();
        wasi.args(arguments)
            .envs(variables)
            .stdin(AsyncStdinStream::new(streams.input))
            .stdout(output::to(streams.output.0, streams.output.1))
            .stderr(output::to(streams.errors.0, streams.errors.1));
        let report = server.report();
        let requests = Requests::new(Arc::new(server), self.confines.requests, report);
        let mut store =
            Guest::confine(&self.program.engine, &self.confines, &mut wasi, requests, ());
        let ended = {
            let running = Box::pin(async {
                let command = self.command.instantiate_async(&mut store).await?;
                command.wasi_cli_run().call_run(&mut store).await
            });
            let metered = Metered::new(running, self.confines.compute);
            match self.confines.timeout {
                None => metered.await,
                Some(limit) => tokio::time::timeout(limit, metered)
                    .await
                    .map_err(|_elapsed| Stopped::Late(limit))?,
            }
        };
        match ended {
            None => Err(Stopped::Computed(self.confines.compute)),
            Some(Ok(run)) => Ok(i32::from(run.is_err())),
            Some(Err(error)) => match store.data().stopped(&error) {
                Stopped::Exited(status) => Ok(status),
                stopped => Err(stopped),
            },
        }
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox")
            .field("program", &self.program)
            .field("confines", &self.confines)
            .finish_non_exhaustive()
    }
}

impl<I, O, E> fmt::Debug for Streams<I, O, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streams").finish_non_exhaustive()
    }
}
