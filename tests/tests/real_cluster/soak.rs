//! Churn for hours: what a subscriber and the served registry hold stays the truth, and what the watcher takes stays what
//! it was when everything had happened once. `cargo xtask soak` runs it.

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use dubbo_k8s_tests::control_plane::ControlPlane;
use dubbo_k8s_tests::watcher::Serving;
use serde_json::Value;

use crate::churn::Churn;
use crate::cluster::{Cluster, soon};
use crate::real_servers;
use crate::view::View;

/// The namespace of the kubeconfig, which `serve` reads.
const NAMESPACE: &str = "default";

/// Changes between two looks at the truth, and looks between two kills of the server.
const CHANGES: u32 = 100;
const LOOKS: u32 = 5;
/// After so many rounds everything has happened: changes, kills, new lists. What the watcher takes then is enough.
const SETTLED: u32 = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "for as long as SOAK_SECONDS says: cargo xtask soak"]
async fn pods_change_for_as_long_as_one_likes() {
    let Some(programs) = real_servers("soak").first().cloned() else { return };
    let seconds = std::env::var("SOAK_SECONDS").expect("SOAK_SECONDS").parse().expect("a number");
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut server = ControlPlane::start(&programs, &[]).await;
    let cluster = Cluster::of_kubeconfig(server.kubeconfig());
    let namespace = cluster.existing(NAMESPACE);
    let serving = Serving::start(server.kubeconfig()).await.unwrap();
    serving.synced().await.unwrap();
    let mut view = View::of(&namespace);
    let mut churn = Churn::new(0x6b38_7300);
    let (mut rounds, mut settled) = (0, None);
    while Instant::now() < end {
        for _ in 0..LOOKS {
            for _ in 0..CHANGES {
                churn.step(&namespace).await;
            }
            let truth = churn.truth();
            view.becomes(&truth.iter().map(String::as_str).collect::<Vec<_>>()).await;
            serves(&serving, &truth).await;
        }
        rounds += 1;
        let taken = Taken::by(serving.id());
        report(rounds, &taken);
        match &settled {
            Some(settled) => taken.is_no_more_than(settled),
            None if rounds == SETTLED => settled = Some(taken),
            None => {}
        }
        server.kill_apiserver();
        server.start_apiserver().await;
    }
    assert!(rounds > SETTLED, "{rounds} rounds: too short to say anything about memory");
}

#[expect(clippy::print_stdout, reason = "a person reads it for hours")]
fn report(rounds: u32, taken: &Taken) {
    let (changes, kills) = (rounds * CHANGES * LOOKS, rounds - 1);
    println!("{changes} changes, {kills} kills: {} KiB, {} handles", taken.memory, taken.handles);
}

/// Waits until the served registry has these names, and no more.
async fn serves(serving: &Serving, names: &[String]) {
    let wanted: BTreeSet<String> =
        names.iter().map(|name| format!("com.example.{name}.Service")).collect();
    let endpoint = serving.endpoint().unwrap();
    let mut look = tokio::time::interval(Duration::from_millis(50));
    soon("the served registry", async {
        loop {
            look.tick().await;
            let mut reply = endpoint.get("/v1/snapshot", "application/json").await.unwrap();
            let snapshot: Value = serde_json::from_slice(&reply.body().await.unwrap()).unwrap();
            let services = snapshot["services"].as_array().unwrap().iter();
            let served = services.map(|service| service["interface"].as_str().unwrap().to_owned());
            if served.collect::<BTreeSet<_>>() == wanted {
                break;
            }
        }
    })
    .await;
}

/// What a process takes of the machine.
struct Taken {
    /// Resident, in KiB.
    memory: u64,
    handles: usize,
}

impl Taken {
    fn by(process: u32) -> Self {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let memory = memory.trim().trim_end_matches(" kB").parse().unwrap();
        let handles = fs::read_dir(format!("/proc/{process}/fd")).unwrap().count();
        Self { memory, handles }
    }

    fn is_no_more_than(&self, settled: &Self) {
        let allowed = settled.memory + settled.memory / 4;
        assert!(self.memory <= allowed, "{} KiB, after {} KiB", self.memory, settled.memory);
        // One connection may be ending while the next one is there.
        let allowed = settled.handles + 2;
        assert!(self.handles <= allowed, "{} handles, after {}", self.handles, settled.handles);
    }
}
