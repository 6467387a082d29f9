//! The watcher from its start to the end of a list of many Pods, beside curl that fetches the same bytes
//! from the same server: as a streaming list, and as the LIST that older servers answer.

use std::io::Read as _;
use std::time::{Duration, Instant};

use super::live;
use super::measure::{self, Usage, measured, median};
use crate::cluster::{Cluster, Profile, build_to_measure};
use crate::process::{Context as _, Failure, Result, Tool};
use crate::say;

const SELECTOR: &str =
    "labelSelector=dubbo.io/label%20in%20(dubbo.io-value,dubbo.io.provider,dubbo.io.consumer)";
const STREAM: &str =
    "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
const ONE: &str = "accept: application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
const LIST: &str = "accept: application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

/// What a bookmark at the end of a streaming list names.
const END_OF_LIST: &[u8] = b"k8s.io/initial-events-end";

/// More bytes than the line of that bookmark has.
const LAST_LINE: usize = 512;

pub(super) fn run(sizes: &[u32], runs: u32) -> Result {
    build_to_measure(&["dubbo-k8s-live"])?;
    for pods in sizes {
        say::line(&format!("\n| {pods} Pods | client | wall s | CPU s | peak MiB | |"));
        say::line("|---|---|---|---|---|---|");
        let flags = ["--pods".to_owned(), pods.to_string()];
        compare("streaming", &flags, runs, stream)?;
        live::run(&["sync", "--pods", &pods.to_string(), "--runs", &runs.to_string()])?;
        let flags = [&flags[..], &["--no-streaming-list".to_owned()]].concat();
        compare("paged, gzip", &flags, runs, page)?;
    }
    Ok(())
}

/// Curl and the watcher in turn, so that both meet the same server in the same state.
fn compare(
    name: &str,
    flags: &[String],
    runs: u32,
    fetch: fn(&Cluster) -> Result<Fetched>,
) -> Result {
    let cluster = Cluster::start(Profile::Release, flags)?;
    let program = Profile::Release.program("dubbo-watcher");
    let kubeconfig = cluster.kubeconfig.display().to_string();
    let list = ["list", "--all-namespaces", "--kubeconfig", &kubeconfig].map(str::to_owned);
    let json = [&list[..], &["-o".to_owned(), "json".to_owned()]].concat();
    let (mut curl, mut table, mut whole, mut bytes) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for _ in 0..runs {
        let before = measure::of_children()?;
        let fetched = fetch(&cluster)?;
        let cpu = measure::of_children()?.cpu.saturating_sub(before.cpu);
        curl.push(Usage { wall: fetched.wall, cpu, peak: 0 });
        bytes = fetched.bytes;
        table.push(measured(&program, &list)?);
        whole.push(measured(&program, &json)?);
    }
    let curl = median(&curl);
    let (wall, cpu) = (curl.wall.as_secs_f64(), curl.cpu.as_secs_f64());
    let fetched = megabytes(bytes);
    say::line(&format!("| {name} | curl | {wall:.2} | {cpu:.2} | – | {fetched:.1} MB fetched |"));
    let of_curl = |usage: &Usage| format!("{:.2} × curl's wall", usage.wall.as_secs_f64() / wall);
    for (output, usage) in [("", median(&table)), (" -o json", median(&whole))] {
        let (row, ratio) = (row(&usage), of_curl(&usage));
        say::line(&format!("| {name} | dubbo-watcher list{output} | {row} | {ratio} |"));
    }
    Ok(())
}

fn row(usage: &Usage) -> String {
    let mebibytes = usage.peak / 1024 / 1024;
    format!("{:.2} | {:.2} | {mebibytes}", usage.wall.as_secs_f64(), usage.cpu.as_secs_f64())
}

#[expect(clippy::cast_precision_loss, reason = "a figure of one decimal")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// What curl fetched, and how long it took.
struct Fetched {
    wall: Duration,
    bytes: u64,
}

/// A streaming list has no end of its own: it is read up to the bookmark that ends the list.
fn stream(cluster: &Cluster) -> Result<Fetched> {
    let started = Instant::now();
    let mut curl = curl(cluster, ONE, STREAM)?.spawn_piped()?;
    let mut output = curl.stdout.take().ok_or_else(|| Failure::new("curl has no output"))?;
    let (mut bytes, mut buffer, mut tail) = (0, vec![0; 1 << 16], Vec::new());
    let wall = loop {
        let count = output.read(&mut buffer).context(|| "reading from curl".into())?;
        let chunk = buffer.get(..count).unwrap_or_default();
        if chunk.is_empty() {
            return Err(Failure::new("the stream ended before the list did"));
        }
        bytes += count as u64;
        // Nothing follows the mark here, so the end of each piece is enough to look at: looking at all
        // of it would be measured as curl's time.
        tail.extend_from_slice(
            chunk.get(chunk.len().saturating_sub(LAST_LINE)..).unwrap_or_default(),
        );
        tail.drain(..tail.len().saturating_sub(LAST_LINE));
        if tail.windows(END_OF_LIST.len()).any(|window| window == END_OF_LIST) {
            break started.elapsed();
        }
    };
    curl.kill().context(|| "ending curl".into())?;
    curl.wait().context(|| "ending curl".into())?;
    Ok(Fetched { wall, bytes })
}

/// One LIST without pages: what curl needs least for.
fn page(cluster: &Cluster) -> Result<Fetched> {
    let started = Instant::now();
    let tool = curl(cluster, LIST, "")?.args(["-H", "accept-encoding: gzip", "-o", "/dev/null"]);
    let size = tool.args(["-w", "%{size_download}"]).read()?;
    let bytes = size.trim().parse().context(|| format!("reading curl's size {size}"))?;
    Ok(Fetched { wall: started.elapsed(), bytes })
}

/// The scripted server's certificate is its own and its token is good for this run alone, so neither
/// is worth more than the shortest way to pass it.
fn curl(cluster: &Cluster, accept: &str, query: &str) -> Result<Tool> {
    let text =
        std::fs::read_to_string(&cluster.kubeconfig).context(|| "reading the kubeconfig".into())?;
    let token = text.lines().find_map(|line| line.trim().strip_prefix("token: "));
    let token = token.ok_or_else(|| Failure::new("the kubeconfig has no token"))?;
    let url = format!("{}/api/v1/pods?{SELECTOR}&{query}", cluster.url);
    let tool =
        Tool::new("curl").args(["--silent", "--show-error", "--fail", "--insecure", "--no-buffer"]);
    Ok(tool.args(["-H", accept, "-H", &format!("authorization: Bearer {token}"), &url]))
}
