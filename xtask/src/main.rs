//! `cargo xtask <verb>`: the one entry to everything that is done with this checkout. Each verb does its
//! own set-up. It must never need more than Rust to start, so its own dependencies are few.

mod adapter;
mod bench;
mod bindings;
mod cache;
mod cluster;
mod debian;
mod demo;
mod dist;
mod docs;
mod doctor;
mod dubbo_rust;
mod go;
mod gotool;
mod inspector;
mod invariants;
mod mesh;
mod npm;
mod page_tests;
mod places;
mod process;
mod progress;
mod promtool;
mod say;
mod semver;
mod setup;
mod shells;
mod soak;
mod supply;
mod test;
mod toolchain;
mod vectors;
mod wasm;
mod web;
mod weight;
mod wheel;
mod workspace;

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

/// Everything that is done with this checkout.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Bring what is missing to build and test, and say what was chosen.
    Setup,
    /// Show the watcher at work on a simulated cluster.
    Demo {
        /// Show the filter instead: Envoy in front of providers that come and go.
        #[arg(long)]
        envoy: bool,
        /// How long, as in 30s; else until Ctrl-C on a terminal, and one minute otherwise.
        #[arg(long = "for", value_name = "TIME", value_parser = seconds)]
        length: Option<Duration>,
    },
    /// Run the whole check: format, lints, tests, wasm, documentation, packages.
    Test {
        /// Run only this step; may be given several times.
        #[arg(long, value_name = "STEP")]
        only: Vec<String>,
    },
    /// Measure, beside others in the same run, and print tables.
    Bench {
        subject: Option<bench::Subject>,
        /// Instead: changes of every kind for minutes, and subscribers that miss nothing.
        #[arg(long, conflicts_with_all = ["subject", "pods", "runs"])]
        soak: bool,
        /// How long the soak is, as in 3m.
        #[arg(long = "for", value_name = "TIME", value_parser = seconds, requires = "soak")]
        length: Option<Duration>,
        /// How many Pods the watcher reads; repeat it for several sizes.
        #[arg(long, default_values_t = [10_000, 100_000])]
        pods: Vec<u32>,
        /// How often each is measured.
        #[arg(long, default_value_t = 5)]
        runs: u32,
    },
    /// Run one program and print the microseconds of wall and CPU time and the bytes of memory it used.
    #[command(hide = true)]
    Measure {
        #[arg(last = true, required = true)]
        command: Vec<String>,
    },
    /// Run a real kube-apiserver with etcd, print its kubeconfig, and end it at Ctrl-C.
    Cluster {
        /// The version of Kubernetes.
        #[arg(long, default_value = go::KUBERNETES[0].number(), value_parser = go::kubernetes_numbers())]
        kubernetes: String,
    },
    /// Change Pods of a real kube-apiserver, kill it again and again, and watch what the watcher holds and takes.
    Soak {
        /// How long, as in 2h.
        #[arg(long = "for", value_name = "TIME", value_parser = seconds, default_value = "2h")]
        length: Duration,
    },
    /// Ask dubbo-go the questions of the codec's vectors again, and compare its answers.
    Vectors {
        /// Record its answers of now.
        #[arg(long)]
        write: bool,
    },
    /// Build the wasm files, and say how large they are.
    Wasm,
    /// Make what people download: archives, checksums, a bill of materials, an image, the chart.
    Dist(dist::Options),
    /// Build the documentation as a site.
    Docs,
    /// Take the pictures of README and documentation anew.
    Pictures,
    /// Compare the public items of the published libraries with the last release.
    Semver {
        /// Compare with this revision of the repository instead.
        #[arg(long, value_name = "REV")]
        revision: Option<String>,
    },
    /// Say what this machine lacks, what for, and how to get it.
    Doctor,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.verb {
        Verb::Setup => {
            setup::run();
            setup::built_by_go();
            Ok(())
        }
        Verb::Demo { envoy: true, length } => demo::envoy(length),
        Verb::Demo { envoy: false, length } => demo::run(length),
        Verb::Bench { soak: true, length, .. } => bench::soak(length),
        Verb::Bench { subject, pods, runs, .. } => bench::run(subject, &pods, runs),
        Verb::Measure { command } => bench::measure::run(&command),
        Verb::Test { only } => test::run(&only),
        Verb::Cluster { kubernetes } => go::cluster(&kubernetes),
        Verb::Soak { length } => soak::run(length),
        Verb::Vectors { write } => vectors::run(write),
        Verb::Wasm => wasm::run(),
        Verb::Dist(options) => dist::run(&options),
        Verb::Docs => docs::run(),
        Verb::Pictures => web::pictures(),
        Verb::Semver { revision } => semver::run(revision.as_deref()),
        Verb::Doctor => doctor::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say::note(&failure.to_string());
            ExitCode::FAILURE
        }
    }
}

/// `30s`, `2m`, `2h` or plain seconds.
fn seconds(text: &str) -> Result<Duration, String> {
    let units = [('h', 3600), ('m', 60), ('s', 1)];
    let unit = units.iter().find_map(|(name, unit)| Some((text.strip_suffix(*name)?, *unit)));
    let (digits, unit) = unit.unwrap_or((text, 1));
    let count: u64 =
        digits.parse().map_err(|_| format!("{text} is not a time such as 30s or 2m"))?;
    Ok(Duration::from_secs(count.saturating_mul(unit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds_unless_they_name_a_unit() {
        assert_eq!(seconds("2h"), Ok(Duration::from_hours(2)));
        assert_eq!(seconds("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(seconds("30"), Ok(Duration::from_secs(30)));
        assert_eq!(seconds("2m"), Ok(Duration::from_mins(2)));
        assert!(seconds("soon").is_err());
    }

    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory as _;
        Arguments::command().debug_assert();
    }
}
