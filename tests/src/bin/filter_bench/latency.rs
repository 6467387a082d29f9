//! The time of a request: with no filter, with an empty one, with ours in the ways that it can be set, and with
//! other builds of it, one after the other over and over, each over a connection of its own to a listener of its
//! own in one Envoy.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use dubbo_k8s_tests::apiserver::Server;
use dubbo_k8s_tests::envoy::config::{self, Listener};
use dubbo_k8s_tests::mesh::{
    INTERFACE, Mesh, Programs, Service, crowd, discovering, ingress, of_one_service,
};
use dubbo_k8s_tests::triple::{Call, Connection, Provider};
use serde_json::{Value, json};

use crate::samples::{Samples, micros, more};
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

/// The ways in which the filter is set, and what each is called.
fn ways() -> [(&'static str, Value); 4] {
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

pub(crate) async fn table(programs: &Programs, empty: &Path, arguments: &Arguments) -> Outcome {
    let Arguments { providers, requests, .. } = *arguments;
    line(&format!(
        "One request at a time over HTTP/2, {requests} of each kind in turns of {TURN}, in µs; CPU is that of \
         Envoy alone.\n"
    ))?;
    line(
        "| providers | | p50 | p99 | p50 over no filter | p50 over the empty filter | p99 over the empty filter | CPU |",
    )?;
    line("|---|---|---|---|---|---|---|---|")?;
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
    for (name, pods) in registries {
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
    let beside = |watcher| listeners(programs, empty, arguments, watcher);
    let fill = |cluster: &Server| cluster.store().create_all(pods).map(drop);
    let mesh = Mesh::start_beside(programs, &heavy(json!({})), beside, fill).await?;
    mesh.knows(known).await?;
    let call = Call::new(INTERFACE, "Hello");
    mesh.routes(&call).await?;
    let named = call.clone().header("x-envoy-original-dst-host", &provider.address().to_string());
    let titles = ["no filter", "empty filter"].into_iter().chain(ways().map(|(title, _)| title));
    let titles = titles.chain(arguments.beside.iter().map(|build| &*build.name));
    let mut kinds = Vec::new();
    for (number, title) in titles.enumerate() {
        let mut connection = Connection::open(mesh.envoy().address(title)?).await?;
        let call = if number < 2 { &named } else { &call };
        // Each filter reads the registry for itself.
        while !connection.call(call).await?.is_good() {}
        kinds.push(Kind::new(title, connection, call));
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

/// A listener for each kind, under its title.
fn listeners(
    programs: &Programs,
    empty: &Path,
    arguments: &Arguments,
    watcher: SocketAddr,
) -> Vec<Listener> {
    let original = || config::with_header("x-envoy-original-dst-host", "original");
    let empty = config::wasm(empty, &json!({}));
    let without = Listener::new("no filter").route(original());
    let mut all = vec![without, Listener::new("empty filter").filter(empty).route(original())];
    all.extend(ways().into_iter().map(|(title, settings)| {
        let is_fixed = settings.get("endpoint").is_some();
        let settings = discovering(&heavy(settings), watcher);
        if !is_fixed {
            return ingress(programs, title, &settings);
        }
        // One route for everything, as `filter/envoy.yaml` has it.
        let filter = config::wasm(&programs.filter, &settings);
        Listener::new(title).filter(filter).route(config::to_cluster("original"))
    }));
    all.extend(arguments.beside.iter().map(|build| {
        let programs = Programs { filter: build.file.clone(), ..programs.clone() };
        ingress(&programs, &build.name, &discovering(&heavy(json!({})), watcher))
    }));
    all
}

fn rows(name: &str, kinds: &[Kind<'_>]) -> Outcome {
    let [none, empty] = [0, 1].map(|number| kinds.get(number).map(|kind| &kind.samples));
    let of = |samples: Option<&Samples>, percent| {
        samples.map_or(Duration::ZERO, |samples| samples.percentile(percent))
    };
    for kind in kinds {
        let title = kind.title;
        let [p50, p99] = [50, 99].map(|percent| kind.samples.percentile(percent));
        let cpu = kind.cpu / u32::try_from(kind.calls.max(1)).unwrap_or(u32::MAX);
        let failed =
            if kind.failed == 0 { String::new() } else { format!(" ({} failed)", kind.failed) };
        line(&format!(
            "| {name} | {title}{failed} | {} | {} | {} | {} | {} | {} |",
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
struct Kind<'a> {
    title: &'a str,
    connection: Connection,
    call: Call,
    samples: Samples,
    calls: usize,
    failed: usize,
    cpu: Duration,
}

impl<'a> Kind<'a> {
    fn new(title: &'a str, connection: Connection, call: &Call) -> Self {
        let (samples, cpu) = (Samples::default(), Duration::ZERO);
        Self { title, connection, call: call.clone(), samples, calls: 0, failed: 0, cpu }
    }

    async fn turn(&mut self, mesh: &Mesh, counts: bool) -> Outcome {
        let before = mesh.envoy().cpu();
        for _ in 0..TURN {
            let started = Instant::now();
            let answer = self.connection.call(&self.call).await?;
            let took = started.elapsed();
            if counts && answer.is_good() {
                self.samples.add(took);
            } else if counts {
                self.failed += 1;
            }
        }
        if counts {
            self.calls += TURN;
            let used =
                mesh.envoy().cpu().zip(before).map(|(after, before)| after.saturating_sub(before));
            self.cpu += used.unwrap_or_default();
        }
        Ok(())
    }
}
