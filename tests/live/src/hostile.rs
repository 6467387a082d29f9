//! What many hostile clients of one address cost a client of another: how long its requests take beside them, and what
//! memory `serve` takes for them. Every client is on this machine and shares its processors with `serve`.

use std::net::{Ipv4Addr, SocketAddr};
use std::thread;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::percentile::Sorted;
use crate::programs::{Programs, Serve, settle};
use crate::report::{Outcome, say};
use crate::usage::mebibytes;

/// Where the two peers come from: each address of the loopback interface is a peer of its own.
const HOSTILE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const OTHER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);

/// A hostile client that was turned away, or has been answered, comes again after this time: five times sooner than it
/// is asked to.
const AGAIN: Duration = Duration::from_secs(1);

/// How long a request of the other peer may take before it counts as lost.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Between two requests of the other peer.
const PAUSE: Duration = Duration::from_millis(20);

/// What hostile clients do, each kind as many of them as the others.
const KINDS: [Kind; 5] = [
    Kind { what: "hold an event stream and do not read", path: Some("/v1/events"), reads: false },
    Kind { what: "hold a socket and ask nothing", path: None, reads: false },
    Kind { what: "ask for the feed and do not read", path: Some("/v1/annotations"), reads: false },
    Kind {
        what: "ask for every service again and again",
        path: Some("/v1/snapshot?service=*"),
        reads: true,
    },
    Kind { what: "ask for the counts again and again", path: Some("/status"), reads: true },
];

#[derive(Clone, Copy)]
struct Kind {
    what: &'static str,
    path: Option<&'static str>,
    reads: bool,
}

pub(crate) async fn run(
    programs: &Programs,
    pods: usize,
    clients: usize,
    requests: usize,
) -> Outcome {
    let cluster = programs.cluster(pods, &[])?;
    let mut serve = programs.serve(&cluster.kubeconfig, &[])?;
    serve.synced()?;
    let kinds = KINDS.map(|kind| kind.what).join("; ");
    say(&format!("{clients} clients of one address, a fifth of each kind: {kinds}.\n"));
    say(&format!(
        "| a client of another address, {requests} requests of each kind, {pods} Pods | /v1/annotations p50, p99 ms | /healthz p50, most ms | lost | resident, most MiB |"
    ));
    say("|---|---|---|---|---|");
    settle().await;
    // What is made once for all is made before anything is measured.
    measure(serve.address, 10).await?;
    let idle = serve.usage()?.resident;
    row("alone", measure(serve.address, requests).await?, &serve)?;
    let mut hostile = JoinSet::new();
    for kind in KINDS.iter().cycle().take(clients) {
        hostile.spawn(beset(serve.address, *kind));
    }
    settle().await;
    row("beside them", measure(serve.address, requests).await?, &serve)?;
    let grown = serve.usage()?.peak.saturating_sub(idle);
    say(&format!("\nMemory at most {:.0} MiB above idle.", mebibytes(grown)));
    hostile.shutdown().await;
    Ok(())
}

fn row(name: &str, seen: Seen, serve: &Serve) -> Outcome {
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let (feed, health, usage) = (Sorted::new(seen.feed), Sorted::new(seen.health), serve.usage()?);
    say(&format!(
        "| {name} | {:.1}, {:.1} | {:.1}, {:.1} | {} | {:.0}, {:.0} |",
        ms(feed.at(500)),
        ms(feed.at(990)),
        ms(health.at(500)),
        ms(health.at(1000)),
        seen.lost,
        mebibytes(usage.resident),
        mebibytes(usage.peak),
    ));
    Ok(())
}

/// How long the requests of the other peer took.
#[derive(Default)]
struct Seen {
    feed: Vec<Duration>,
    health: Vec<Duration>,
    lost: usize,
}

/// Requests of the other peer, each over a connection of its own. They run on a thread of their own: it is `serve` that
/// is measured, and not how many tasks this program has.
async fn measure(address: SocketAddr, requests: usize) -> Outcome<Seen> {
    let (done, times) = tokio::sync::oneshot::channel();
    thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build();
        let seen = runtime.map(|runtime| runtime.block_on(seen(address, requests)));
        let _ = done.send(seen);
    });
    Ok(times.await??)
}

async fn seen(address: SocketAddr, requests: usize) -> Seen {
    let mut seen = Seen::default();
    for _ in 0..requests {
        for path in ["/v1/annotations", "/healthz"] {
            let started = Instant::now();
            let is_whole = timeout(TIMEOUT, whole(address, path)).await;
            let times = if path == "/healthz" { &mut seen.health } else { &mut seen.feed };
            match is_whole {
                Ok(Ok(true)) => times.push(started.elapsed()),
                _ => seen.lost += 1,
            }
            sleep(PAUSE).await;
        }
    }
    seen
}

/// Whether a request was answered with 200 and a whole body.
async fn whole(address: SocketAddr, path: &str) -> std::io::Result<bool> {
    let mut socket = ask(OTHER, address, path).await?;
    let (mut buffer, mut length, mut is_good) = (vec![0; 1 << 16], 0, false);
    loop {
        let read = socket.read(&mut buffer).await?;
        if length == 0 {
            is_good = buffer.starts_with(b"HTTP/1.1 200");
        }
        if read == 0 {
            return Ok(is_good && length > 0);
        }
        length += read;
    }
}

async fn connect(from: Ipv4Addr, address: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((from, 0).into())?;
    socket.connect(address).await
}

async fn ask(from: Ipv4Addr, address: SocketAddr, path: &str) -> std::io::Result<TcpStream> {
    let mut socket = connect(from, address).await?;
    let head = format!(
        "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\naccept-encoding: gzip\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await?;
    Ok(socket)
}

/// One hostile client, as long as it is let.
async fn beset(address: SocketAddr, kind: Kind) {
    loop {
        // Whatever it is answered, it comes again.
        let _ = once(address, kind).await;
        sleep(AGAIN).await;
    }
}

async fn once(address: SocketAddr, kind: Kind) -> std::io::Result<()> {
    let mut socket = match kind.path {
        None => connect(HOSTILE, address).await?,
        Some(path) => ask(HOSTILE, address, path).await?,
    };
    let mut buffer = vec![0; 1 << 16];
    if kind.reads {
        while socket.read(&mut buffer).await? > 0 {}
        return Ok(());
    }
    // A client that was turned away has its answer at once; one that was let in keeps the place.
    let read = socket.read(buffer.get_mut(..12).unwrap_or_default()).await?;
    if read > 0 && buffer.starts_with(b"HTTP/1.1 200") {
        std::future::pending::<()>().await;
    }
    Ok(())
}
