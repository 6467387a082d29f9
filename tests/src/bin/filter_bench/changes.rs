//! How soon a change of the cluster is there: from the write to the kube-apiserver to the last request to a
//! provider that was deleted, and to the first to one that was added, under load.

use std::time::Instant;

use dubbo_k8s_tests::mesh::{INTERFACE, Mesh, Programs, Service};
use dubbo_k8s_tests::triple::{Call, Load, Provider};
use serde_json::json;

use crate::samples::Samples;
use crate::{Outcome, line};

/// A provider that was passed over so often by random choice among three is not chosen any more.
const GONE: u64 = 200;

pub(crate) async fn table(programs: &Programs, changes: usize) -> Outcome {
    let [a, b, c] =
        [Provider::start("a").await?, Provider::start("b").await?, Provider::start("c").await?];
    let mesh = Mesh::start(programs, &json!({}), |cluster| {
        for provider in [&a, &b] {
            cluster.store().create(Service::at(provider.address()).pod(provider.name()))?;
        }
        Ok(())
    })
    .await?;
    mesh.routes(&Call::new(INTERFACE, "Hello")).await?;
    let load = Load::start(mesh.address()?, &Call::new(INTERFACE, "Hello"), 4);
    let (mut added, mut deleted) = (Samples::default(), Samples::default());
    for _ in 0..changes {
        let before = load.tally().count("c");
        let written = Instant::now();
        mesh.register("c", &Service::at(c.address()))?;
        load.until("calls to the one that was added", |tally| tally.count("c") > before).await?;
        added.add(written.elapsed());
        load.more(GONE).await?;
        let written = Instant::now();
        mesh.delete("c")?;
        let tally = load.until("an end of calls to it", |tally| tally.since("c") > GONE).await?;
        let last = tally.providers.get("c").map(|share| share.last);
        deleted.add(
            last.map_or_else(Default::default, |last| last.saturating_duration_since(written)),
        );
    }
    let tally = load.stop().await;
    line(&format!(
        "From the write to the kube-apiserver, in ms, {changes} times each; of {} calls meanwhile {} failed.\n",
        tally.total, tally.failures
    ))?;
    line("| | p50 | most |")?;
    line("|---|---|---|")?;
    for (name, samples) in [
        ("first request to one that was added", added),
        ("last request to one that was deleted", deleted),
    ] {
        let [p50, most] = [50, 100].map(|percent| samples.percentile(percent).as_secs_f64() * 1e3);
        line(&format!("| {name} | {p50:.0} | {most:.0} |"))?;
    }
    Ok(())
}
