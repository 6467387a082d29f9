//! `dubbo-watcher`: the command line over the library.

use std::process::ExitCode;

mod cli;

/// Millions of small texts live for long, and are freed by other threads than made them.
#[cfg(not(target_os = "wasi"))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::main()
}
