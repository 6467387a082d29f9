//! Measures what the filter adds to a request, what a large registry costs, and how soon a change is there.
//! Prints tables in Markdown. Everything that is compared is measured in turns, in the same Envoy.
//!
//! It needs `ENVOY`, `FILTER_WASM` and `EMPTY_FILTER_WASM`: `cargo xtask bench filter` sets them.

mod changes;
mod feed;
mod latency;
mod samples;
mod size;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use dubbo_k8s_tests::mesh::Programs;

/// Measures the Envoy filter.
#[derive(Clone, Debug, Parser)]
struct Arguments {
    /// How many providers the larger registries have.
    #[arg(long, default_value_t = 10_000)]
    providers: usize,
    /// How many providers the largest one has, for memory and loading.
    #[arg(long, default_value_t = 50_000)]
    most: usize,
    /// How many requests are measured of each kind.
    #[arg(long, default_value_t = 20_000)]
    requests: usize,
    /// How many changes are measured of each kind.
    #[arg(long, default_value_t = 20)]
    changes: usize,
    /// Another build of the filter to measure in the same run; may be repeated.
    #[arg(long, value_name = "NAME=FILE", value_parser = Build::parse)]
    beside: Vec<Build>,
    /// Another build of the empty filter; may be repeated.
    #[arg(long, value_name = "NAME=FILE", value_parser = Build::parse)]
    beside_empty: Vec<Build>,
    /// Measures single calls of the proxy too, which the empty filter makes.
    #[arg(long)]
    calls: bool,
    /// Measures the time of a request with one provider alone.
    #[arg(long)]
    one: bool,
    /// Measures this alone; may be repeated.
    #[arg(long, value_enum)]
    only: Vec<Part>,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// The time of a request.
    Latency,
    /// Loading a large registry.
    Size,
    /// How soon a change is there.
    Changes,
    /// What following the registry costs the watcher.
    Feed,
}

/// Another build of the filter.
#[derive(Clone, Debug)]
struct Build {
    name: String,
    file: PathBuf,
}

impl Build {
    fn parse(text: &str) -> Result<Self, String> {
        let (name, file) = text.split_once('=').ok_or("it is written NAME=FILE")?;
        Ok(Self { name: name.to_owned(), file: file.into() })
    }
}

/// What may go wrong, for a person.
type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

// One thread for consumer and provider: two would wake each other, and the two cores are Envoy's too.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "filter_bench: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Outcome {
    let programs = Programs::from_environment()?;
    let empty = std::env::var_os("EMPTY_FILTER_WASM").filter(|set| !set.is_empty());
    let empty = PathBuf::from(empty.ok_or("EMPTY_FILTER_WASM names no file of an empty filter")?);
    let artefact = std::fs::metadata(&programs.filter)?.len();
    line(&format!(
        "The filter's file: {artefact} bytes; the empty filter's: {} bytes.\n",
        std::fs::metadata(&empty)?.len()
    ))?;
    let wanted = |part| arguments.only.is_empty() || arguments.only.contains(&part);
    if wanted(Part::Latency) {
        latency::table(&programs, &empty, &arguments).await?;
    }
    if wanted(Part::Size) {
        size::table(&programs, &arguments).await?;
    }
    if wanted(Part::Changes) {
        changes::table(&programs, arguments.changes).await?;
    }
    if wanted(Part::Feed) {
        feed::table(&programs, &arguments).await?;
    }
    Ok(())
}

fn line(text: &str) -> Outcome {
    Ok(writeln!(std::io::stdout(), "{text}")?)
}
