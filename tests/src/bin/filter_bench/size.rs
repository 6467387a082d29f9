//! What a large registry costs: the time from Envoy's start to the first routed request, and memory.

use std::time::Duration;

use dubbo_k8s_tests::mesh::{INTERFACE, Mesh, Programs, Service, crowd};
use dubbo_k8s_tests::triple::{Call, Connection, Provider};
use serde_json::json;

use crate::{Arguments, Outcome, line};

/// How long a registry may take.
const TIMEOUT: Duration = Duration::from_mins(5);

/// What was seen of one registry.
#[derive(Clone, Copy, Debug)]
struct Seen {
    providers: usize,
    routed: Duration,
    resident: u64,
    allocated: u64,
}

pub(crate) async fn table(programs: &Programs, arguments: &Arguments) -> Outcome {
    line(
        "A registry is loaded once by each thread of Envoy that has the filter: here the main one and one worker.\n",
    )?;
    line(
        "| providers | from Envoy's start to the first routed request, s | resident, MiB | of that Envoy's own heap, MiB | resident for each 10,000 providers, MiB |",
    )?;
    line("|---|---|---|---|---|")?;
    let mut least: Option<Seen> = None;
    for providers in [1, arguments.providers, arguments.most] {
        let seen = one(programs, providers).await?;
        let each = least.map_or("–".to_owned(), |least| each(&least, &seen));
        line(&format!(
            "| {providers} | {:.2} | {} | {} | {each} |",
            seen.routed.as_secs_f64(),
            seen.resident >> 20,
            seen.allocated >> 20,
        ))?;
        least.get_or_insert(seen);
    }
    line("")
}

#[expect(clippy::cast_precision_loss, reason = "a figure of one decimal")]
fn each(least: &Seen, seen: &Seen) -> String {
    let bytes = seen.resident.saturating_sub(least.resident) as f64;
    let providers = (seen.providers - least.providers).max(1) as f64;
    format!("{:.1}", bytes / providers * 10_000.0 / 1024.0 / 1024.0)
}

async fn one(programs: &Programs, providers: usize) -> Outcome<Seen> {
    let provider = Provider::start("a").await?;
    let service = Service::at(provider.address());
    let mesh = Mesh::start(programs, &json!({}), |cluster| {
        cluster.store().create_all(crowd(providers - 1))?;
        cluster.store().create(service.pod("a")).map(drop)
    })
    .await?;
    let call = Call::new(INTERFACE, "Hello");
    let mut connection = Connection::open(mesh.address()?).await?;
    let routed = async {
        while !connection.call(&call).await?.is_good() {}
        Ok::<_, dubbo_k8s_tests::triple::Error>(mesh.started().elapsed())
    };
    let routed = tokio::time::timeout(TIMEOUT, routed).await??;
    // The worker has it; the main thread too when both have reported.
    mesh.knows(providers as u64).await?;
    mesh.until_metric("dubbo.loads", |loads| loads >= 2).await?;
    let resident = mesh.envoy().resident().ok_or("this system does not say what is resident")?;
    let allocated = mesh.envoy().admin().allocated().await?;
    Ok(Seen { providers, routed, resident, allocated })
}
