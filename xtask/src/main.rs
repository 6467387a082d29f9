//! `cargo xtask <verb>`: the one entry to everything that is done with this checkout. Each verb does its
//! own set-up. It must never need more than Rust to start, so its own dependencies are few.

mod invariants;
mod process;
mod say;
mod setup;
mod supply;
mod test;
mod toolchain;
mod wasm;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use toolchain::Kind;

/// Everything that is done with this checkout.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
    /// Build wasm with this toolchain, and with no other.
    #[arg(long, global = true, value_name = "KIND")]
    wasm_toolchain: Option<Kind>,
}

#[derive(Subcommand)]
enum Verb {
    /// Bring what is missing to build and test, and say what was chosen.
    Setup,
    /// Run the whole check: format, lints, tests, wasm, documentation, packages.
    Test {
        /// Run only this step; may be given several times.
        #[arg(long, value_name = "STEP")]
        only: Vec<String>,
    },
    /// Build the wasm files, and say how large they are.
    Wasm,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let forced = arguments.wasm_toolchain;
    let done = match arguments.verb {
        Verb::Setup => setup::run(forced),
        Verb::Test { only } => test::run(forced, &only),
        Verb::Wasm => wasm::run(forced),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say::note(&failure.to_string());
            ExitCode::FAILURE
        }
    }
}
