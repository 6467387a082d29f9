//! The time of a request: with no filter, with an empty one, with ours in the ways that it can be set, and with
//! other builds of it, one after the other over and over, each over a connection of its own to a listener of its
//! own in one Envoy.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use dubbo_k8s_tests::apiserver::Server;
use dubbo_k8s_tests::envoy::config::{self, Listener};
use dubbo_k8s_tests::mesh::{
    INTERFACE, Mesh, Programs, Service, crowd, discovering, of_one_service,
};
use dubbo_k8s_tests::triple::{Call, Connection, Provider};
use serde_json::{Value, json};

use crate::samples::{Samples, micros, more, paired};
use crate::{Arguments, Outcome, line};

/// How many requests of a kind are made before it is the next one's turn.
const TURN: usize = 100;

/// How many turns are not measured.
const WARM: usize = 10;

/// The one provider that listens weighs so much more than all others that hardly a request goes to another one.
const HEAVY: u32 = 2_000_000_000;

/// A limit of weights that it keeps.
fn heavy(mut settings: Value) -> Value {
    if let Some(members) = settings.as_object_mut() {
        members.insert("trust".to_owned(), json!({"maxWeight": HEAVY}));
    }
    settings
}

/// One kind of request: a listener of its own, and what it is called.
struct Way {
    title: String,
    /// The file of a filter and its configuration; none without a filter.
    filter: Option<(PathBuf, String)>,
    /// Whether the client names the endpoint, because the filter does not.
    is_named: bool,
    /// Whether one route takes everything, as in `filter/envoy.yaml`.
    is_fixed: bool,
}

/// The ways in which the filter is set, and what each is called.
fn settings() -> [(&'static str, Value); 4] {
    [
        ("this filter", json!({})),
        ("without access log", json!({"accessLog": false})),
        ("filter state", json!({"endpoint": "filterState"})),
        (
            "filter state, without access log",
            json!({"endpoint": "filterState", "accessLog": false}),
        ),
    ]
}

/// Calls of the proxy that the empty filter makes, to measure what each costs by itself.
fn calls(provider: SocketAddr) -> [(&'static str, String); 8] {
    [
        ("one fixed route", String::new()),
        ("all headers", "head".to_owned()),
        ("six headers, one by one", "eachHeader".to_owned()),
        ("header set", format!("setHeader={provider}")),
        ("header set, route cache cleared", format!("setHeader={provider} clearRouteCache")),
        ("filter state set", format!("filterState={provider}")),
        ("one property", "property=a".to_owned()),
        ("two properties", "property=a property=b".to_owned()),
    ]
}

/// All kinds: the first two are what the others are compared with.
fn ways(
    programs: &Programs,
    empty: &Path,
    arguments: &Arguments,
    provider: SocketAddr,
    watcher: SocketAddr,
) -> Vec<Way> {
    let named = |title: &str, filter: Option<(&Path, &str)>, is_fixed| Way {
        title: title.to_owned(),
        filter: filter.map(|(file, text)| (file.to_owned(), text.to_owned())),
        is_named: true,
        is_fixed,
    };
    let mut all =
        vec![named("no filter", None, false), named("empty filter", Some((empty, "")), false)];
    if arguments.calls {
        all.extend(calls(provider).iter().map(|(title, calls)| {
            let is_fixed = calls.is_empty() || calls.starts_with("filterState");
            named(&format!("empty filter, {title}"), Some((empty, calls)), is_fixed)
        }));
    }
    all.extend(
        arguments
            .beside_empty
            .iter()
            .map(|build| named(&build.name, Some((&build.file, "")), false)),
    );
    let ours = std::iter::once((String::new(), &programs.filter));
    let others = arguments.beside.iter().map(|build| (format!("{}: ", build.name), &build.file));
    for (prefix, file) in ours.chain(others) {
        all.extend(settings().into_iter().map(|(title, settings)| Way {
            title: format!("{prefix}{title}"),
            is_fixed: settings.get("endpoint").is_some(),
            is_named: false,
            filter: Some((file.clone(), discovering(&heavy(settings), watcher).to_string())),
        }));
    }
    all
}

pub(crate) async fn table(programs: &Programs, empty: &Path, arguments: &Arguments) -> Outcome {
    let Arguments { providers, requests, .. } = *arguments;
    line(&format!(
        "One request at a time over HTTP/2, {requests} of each kind in turns of {TURN}, in µs; CPU is that of \
         Envoy alone.\n"
    ))?;
    line(
        "| providers | | p50 | p99 | p50 over no filter | p50 over the empty filter | the same, of each turn | p99 over the empty filter | CPU |",
    )?;
    line("|---|---|---|---|---|---|---|---|---|")?;
    let provider = Provider::start("a").await?;
    let weight = HEAVY.to_string();
    let parameters = [("weight", &*weight)];
    let heavy = Service::at(provider.address()).with(&parameters);
    let registries: [(String, Vec<Value>); 3] = [
        ("1".to_owned(), vec![heavy.pod("a")]),
        (
            format!("{providers} of 500 services"),
            crowd(providers - 1).chain([heavy.pod("a")]).collect(),
        ),
        (
            format!("{providers} of one service"),
            of_one_service(providers - 1).chain([heavy.pod("a")]).collect(),
        ),
    ];
    for (name, pods) in registries.into_iter().take(if arguments.one { 1 } else { 3 }) {
        let known = if name == "1" { 1 } else { providers as u64 };
        one(programs, empty, arguments, &provider, (&name, pods, known)).await?;
    }
    line("")
}

async fn one(
    programs: &Programs,
    empty: &Path,
    arguments: &Arguments,
    provider: &Provider,
    (name, pods, known): (&str, Vec<Value>, u64),
) -> Outcome {
    let all = |watcher| ways(programs, empty, arguments, provider.address(), watcher);
    let beside = |watcher| all(watcher).into_iter().map(|way| way.listener()).collect();
    let fill = |cluster: &Server| cluster.store().create_all(pods).map(drop);
    let mesh = Mesh::start_beside(programs, &heavy(json!({})), beside, fill).await?;
    mesh.knows(known).await?;
    let call = Call::new(INTERFACE, "Hello");
    mesh.routes(&call).await?;
    let named = call.clone().header("x-envoy-original-dst-host", &provider.address().to_string());
    let mut kinds = Vec::new();
    // Where the watcher is does not matter any more.
    for way in all(provider.address()) {
        let mut connection = Connection::open(mesh.envoy().address(&way.title)?).await?;
        let call = if way.is_named { &named } else { &call };
        // Each filter reads the registry for itself.
        while !connection.call(call).await?.is_good() {}
        kinds.push(Kind::new(way.title, connection, call));
    }
    for turn in 0..WARM + arguments.requests.div_ceil(TURN) {
        // Each kind is first in its turn.
        for place in 0..kinds.len() {
            let number = (turn + place) % kinds.len();
            let Some(kind) = kinds.get_mut(number) else { continue };
            kind.turn(&mesh, turn >= WARM).await?;
        }
    }
    rows(name, &kinds)
}

impl Way {
    /// The listener, under its title.
    fn listener(&self) -> Listener {
        let listener = Listener::new(&self.title);
        let listener = match &self.filter {
            Some((file, text)) => listener.filter(config::wasm_with_text(file, text)),
            None => listener,
        };
        if self.is_fixed {
            listener.route(config::to_cluster("original"))
        } else {
            listener.route(config::with_header("x-envoy-original-dst-host", "original"))
        }
    }
}

fn rows(name: &str, kinds: &[Kind]) -> Outcome {
    let [none, empty] = [0, 1].map(|number| kinds.get(number).map(|kind| &kind.samples));
    let of = |samples: Option<&Samples>, percent| {
        samples.map_or(Duration::ZERO, |samples| samples.percentile(percent))
    };
    for kind in kinds {
        let title = &kind.title;
        let [p50, p99] = [50, 99].map(|percent| kind.samples.percentile(percent));
        let paired = kinds.get(1).map_or(0.0, |empty| paired(&kind.turns, &empty.turns));
        let cpu = kind.cpu / u32::try_from(kind.calls.max(1)).unwrap_or(u32::MAX);
        let failed =
            if kind.failed == 0 { String::new() } else { format!(" ({} failed)", kind.failed) };
        line(&format!(
            "| {name} | {title}{failed} | {} | {} | {} | {} | {paired:+.1} | {} | {} |",
            micros(p50),
            micros(p99),
            more(p50, of(none, 50)),
            more(p50, of(empty, 50)),
            more(p99, of(empty, 99)),
            micros(cpu),
        ))?;
    }
    Ok(())
}

/// One kind of request.
struct Kind {
    title: String,
    connection: Connection,
    call: Call,
    samples: Samples,
    /// The p50 of each turn.
    turns: Vec<Duration>,
    calls: usize,
    failed: usize,
    cpu: Duration,
}

impl Kind {
    fn new(title: String, connection: Connection, call: &Call) -> Self {
        let (samples, cpu) = (Samples::default(), Duration::ZERO);
        let (call, turns) = (call.clone(), Vec::new());
        Self { title, connection, call, samples, turns, calls: 0, failed: 0, cpu }
    }

    async fn turn(&mut self, mesh: &Mesh, counts: bool) -> Outcome {
        let before = mesh.envoy().cpu();
        let mut own = Samples::default();
        for _ in 0..TURN {
            let started = Instant::now();
            let answer = self.connection.call(&self.call).await?;
            let took = started.elapsed();
            if counts && answer.is_good() {
                self.samples.add(took);
                own.add(took);
            } else if counts {
                self.failed += 1;
            }
        }
        if counts {
            self.calls += TURN;
            self.turns.push(own.percentile(50));
            let used =
                mesh.envoy().cpu().zip(before).map(|(after, before)| after.saturating_sub(before));
            self.cpu += used.unwrap_or_default();
        }
        Ok(())
    }
}
