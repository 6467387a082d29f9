//! The agent beside one application: what it holds when it is at rest, while a subscriber is served and afterwards, and
//! how long a change takes from the server to that subscriber, over the Unix socket.

use dubbo_k8s_tests::fleet::Fleet;

use crate::latency::{Wanted, by_event};
use crate::programs::{Programs, settle};
use crate::report::{Outcome, say};
use crate::sse::Stream;
use crate::usage::mebibytes;

pub(crate) async fn run(programs: &Programs, pods: usize, changes: usize, rate: u32) -> Outcome {
    let mut cluster = programs.cluster(pods, &["--stamps".to_owned()])?;
    cluster.prepare()?;
    let (namespace, name) = Fleet { pods, namespaces: 1 }.place(0);
    let agent = programs.agent(&cluster.kubeconfig, &format!("{namespace}/{name}"))?;
    settle().await;
    let rest = agent.usage()?;
    say(&format!(
        "| {changes} changes at {rate}/s of {pods} Pods, {} providers: arrival at | p50 \u{b5}s | p99 \u{b5}s | p99.9 \u{b5}s |",
        3 * pods
    ));
    say("|---|---|---|---|");
    let mut stream = Stream::open_unix(&agent.socket, "/v1/events").await?;
    stream.next().await?;
    settle().await;
    let task = tokio::spawn(by_event(stream, changes));
    let run = Wanted { changes, rate }.run(&mut cluster, task).await?;
    run.row("an application at the socket of `agent`", &run.arrivals)?;
    settle().await;
    let after = agent.usage()?;
    say("\n| the agent holds | at rest | after the changes | at most |");
    say("|---|---|---|---|");
    say(&format!(
        "| MiB | {:.1} | {:.1} | {:.1} |",
        mebibytes(rest.resident),
        mebibytes(after.resident),
        mebibytes(after.peak)
    ));
    Ok(())
}
