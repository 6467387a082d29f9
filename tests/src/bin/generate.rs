//! Writes a large registry as one list, as a server would send it: for benchmarks of what reads
//! lists, without a server. The same bytes each time.

use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use dubbo_k8s_tests::apiserver::Store;
use dubbo_k8s_tests::fleet::Fleet;

/// Writes a list of Pods with ten registry records each; 10,000 of them carry 30,401 distinct
/// records.
#[derive(Debug, Parser)]
#[command(name = "generate")]
struct Arguments {
    /// How many Pods.
    #[arg(long, default_value_t = 10_000)]
    pods: usize,
    /// Over how many namespaces they are spread.
    #[arg(long, default_value_t = 1)]
    namespaces: usize,
    /// What the list holds.
    #[arg(long, value_enum, default_value_t = Form::Metadata)]
    form: Form,
    /// The file to write; standard output when it is not given.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    /// A `PartialObjectMetadataList`.
    Metadata,
    /// A `PodList`.
    Full,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "generate: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> std::io::Result<()> {
    let fleet = Fleet { pods: arguments.pods, namespaces: arguments.namespaces };
    let store = Store::default();
    store.create_all(fleet.pods()).map_err(|status| std::io::Error::other(status.message))?;
    let metadata_only = matches!(arguments.form, Form::Metadata);
    match &arguments.output {
        Some(path) => write(&store, metadata_only, std::fs::File::create(path)?),
        None => write(&store, metadata_only, std::io::stdout().lock()),
    }
}

fn write(store: &Store, metadata_only: bool, output: impl Write) -> std::io::Result<()> {
    let mut output = BufWriter::new(output);
    for piece in store.list(metadata_only) {
        output.write_all(&piece)?;
    }
    output.flush()
}
