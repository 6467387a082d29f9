//! Random interleavings of a plain simulated server and its faults. Whatever happens, the registry
//! equals the server's Pods once things are quiet, and the changes were ordered, unique and
//! complete (the rig replays them strictly). Each seed is one deterministic history.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use dubbo_k8s_codec::random::Random;
use dubbo_k8s_engine::{
    Input, Notice, RelistReason, Scopes, Settings, StreamId, TransportError, TransportErrorKind,
    Verb,
};
use serde_json::Value;

use crate::objects::*;
use crate::rig::{Form, Rig, parameter, settings};

const NAMESPACES: [&str; 2] = ["one", "two"];
const NAMES: [&str; 5] = ["A", "B", "C", "D", "E"];

#[test]
fn random_histories_end_in_what_the_server_holds() {
    let mut met = BTreeSet::new();
    for (seed, form) in (0..200).flat_map(|seed| [(seed, Form::Json), (seed, Form::Protobuf)]) {
        met.extend(Simulation::new(seed, form).run(150));
    }
    // Histories in which nothing happens would prove nothing.
    let expected = [
        "Disconnected",
        "Expired",
        "Failed",
        "Problem",
        "Reconnected",
        "RefreshCredential",
        "Rewound",
        "Synced",
        "WatchError",
    ];
    assert_eq!(met, expected.into());
}

/// The Pods, their history, and which part of that is still known.
struct Server {
    version: u64,
    pods: BTreeMap<(String, String), Stored>,
    log: Vec<Logged>,
    /// Watches must start at this version or later.
    compacted: u64,
    backup: (u64, BTreeMap<(String, String), Stored>),
    snapshots: BTreeMap<u64, Vec<Value>>,
    next: u64,
    streaming: bool,
    form: Form,
}

#[derive(Clone)]
struct Stored {
    uid: String,
    version: u64,
    names: Vec<&'static str>,
    labelled: bool,
    terminating: bool,
    broken: bool,
}

struct Logged {
    version: u64,
    namespace: String,
    line: String,
}

/// One exchange as the server sees it.
struct Answer {
    namespace: Option<String>,
    head: Option<(u16, Option<Duration>)>,
    body: Vec<u8>,
    then: Then,
    /// When the server ends it, as it was asked to.
    ends: Option<Duration>,
}

#[derive(Clone, Copy, PartialEq)]
enum Then {
    End,
    /// Follow the log from this entry on; the mark that ends the initial events is still due.
    Follow {
        next: usize,
        mark: bool,
    },
    /// Say nothing more.
    Silence,
}

impl Stored {
    fn object(&self, (namespace, name): &(String, String)) -> Value {
        let mut pod = pod_in(namespace, name, &self.uid, self.version, &self.names);
        if self.terminating {
            pod = terminating(pod);
        }
        if self.broken {
            pod["metadata"]["annotations"]["dubbo.io/annotation"] = "%".into();
        }
        pod
    }
}

impl Server {
    fn new(form: Form, streaming: bool) -> Self {
        Self {
            version: 0,
            pods: BTreeMap::new(),
            log: Vec::new(),
            compacted: 0,
            backup: Default::default(),
            snapshots: BTreeMap::new(),
            next: 0,
            streaming,
            form,
        }
    }

    fn live_keys(&self, namespaces: &[&str]) -> BTreeSet<String> {
        let counts = |stored: &&Stored| stored.labelled && !stored.terminating && !stored.broken;
        let pods = self.pods.iter().filter(|((ns, _), _)| namespaces.contains(&ns.as_str()));
        let live = pods.map(|(_, stored)| stored).filter(counts);
        live.flat_map(|stored| stored.names.iter().map(|name| key(name))).collect()
    }

    /// The uids of the live Pods whose annotation cannot be read.
    fn broken(&self, namespaces: &[&str]) -> BTreeSet<String> {
        let counts = |stored: &&Stored| stored.labelled && !stored.terminating && stored.broken;
        let pods = self.pods.iter().filter(|((ns, _), _)| namespaces.contains(&ns.as_str()));
        pods.map(|(_, stored)| stored).filter(counts).map(|stored| stored.uid.clone()).collect()
    }

    /// One write, and the event that a client of the selector sees.
    fn write(&mut self, random: &mut Dice) {
        let at = (random.of(&NAMESPACES).to_string(), format!("p{}", random.below(5)));
        self.version += 1;
        let version = self.version;
        let Some(stored) = self.pods.get_mut(&at) else {
            self.next += 1;
            let mut stored = Stored {
                uid: format!("u{}", self.next),
                version,
                names: random.some_of(&NAMES),
                labelled: true,
                terminating: false,
                broken: false,
            };
            stored.broken = random.one_in(8);
            let line = added(&stored.object(&at));
            self.pods.insert(at.clone(), stored);
            return self.log(version, at.0, line);
        };
        let before = stored.clone();
        stored.version = version;
        let line = match random.below(8) {
            0 | 1 => {
                let mut gone = self.pods.remove(&at).unwrap();
                gone.version = version;
                if !gone.labelled {
                    return;
                }
                deleted(&gone.object(&at))
            }
            2 => {
                stored.labelled = !stored.labelled;
                if stored.labelled {
                    added(&stored.object(&at))
                } else {
                    // As kube-apiserver: the object before the change, with the new version.
                    deleted(&Stored { version, ..before }.object(&at))
                }
            }
            change => {
                match change {
                    3 => stored.terminating = true,
                    4 => stored.broken = !stored.broken,
                    _ => stored.names = random.some_of(&NAMES),
                }
                if !stored.labelled {
                    return;
                }
                modified(&stored.object(&at))
            }
        };
        self.log(version, at.0, line);
    }

    fn log(&mut self, version: u64, namespace: String, line: String) {
        self.log.push(Logged { version, namespace, line });
    }

    fn compact(&mut self) {
        self.compacted = self.version;
        self.snapshots.clear();
    }

    /// Restores the backup: with its old version, or with one that is newer than any seen.
    fn restore(&mut self, bump: bool) {
        let seen = self.version;
        (self.version, self.pods) = self.backup.clone();
        if bump {
            self.version = seen + 1000;
        }
        self.log.clear();
        self.compact();
        self.backup.0 = self.version;
    }

    fn selected(&self, namespace: Option<&str>) -> Vec<Value> {
        let in_scope = |ns: &str| namespace.is_none_or(|namespace| namespace == ns);
        let pods = self.pods.iter().filter(|((ns, _), stored)| in_scope(ns) && stored.labelled);
        pods.map(|(at, stored)| stored.object(at)).collect()
    }

    fn answer(&mut self, verb: Verb, target: &str, random: &mut Dice) -> Answer {
        let path = target.split('?').next().unwrap();
        let namespace = path
            .strip_prefix("/api/v1/namespaces/")
            .map(|rest| rest.strip_suffix("/pods").unwrap().to_owned());
        let number = |name: &str| parameter(target, name).map(|text| text.parse::<u64>().unwrap());
        let future = number("resourceVersion").is_some_and(|asked| asked > self.version);
        let form = self.form;
        let answer = |status, body: String, then| Answer {
            namespace: namespace.clone(),
            head: Some((status, None)),
            body: body.split_inclusive('\n').flat_map(|line| form.write(line)).collect(),
            then,
            ends: None,
        };
        if verb == Verb::List {
            if future {
                return answer(504, too_large().to_string(), Then::End);
            }
            let limit = number("limit").map_or(usize::MAX, |limit| usize::try_from(limit).unwrap());
            return match self.page(
                namespace.as_deref(),
                parameter(target, "continue").as_deref(),
                limit,
            ) {
                Some(body) => answer(200, body, Then::End),
                None => answer(410, expired().to_string(), Then::End),
            };
        }
        if parameter(target, "sendInitialEvents").is_some() {
            return if !self.streaming {
                answer(422, status(422, "Invalid", "sendInitialEvents").to_string(), Then::End)
            } else if future {
                answer(200, error_event(&too_large()), Then::End)
            } else {
                let body = self.selected(namespace.as_deref()).iter().map(added).collect();
                answer(200, body, Then::Follow { next: self.log.len(), mark: true })
            };
        }
        let since = number("resourceVersion").expect("a watch has a version");
        if future {
            answer(200, String::new(), Then::Silence)
        } else if since < self.compacted {
            let expected = expired();
            if random.one_in(2) {
                answer(410, expected.to_string(), Then::End)
            } else {
                answer(200, error_event(&expected), Then::End)
            }
        } else {
            let mut next = self.log.partition_point(|logged| logged.version <= since);
            if random.one_in(3) {
                // A server that repeats itself.
                next = next.saturating_sub(random.below(10));
            }
            answer(200, String::new(), Then::Follow { next, mark: false })
        }
    }

    fn page(
        &mut self,
        namespace: Option<&str>,
        token: Option<&str>,
        limit: usize,
    ) -> Option<String> {
        let (version, from) = if let Some(token) = token {
            let (version, from) = token.split_once(':').unwrap();
            (version.parse().unwrap(), from.parse::<usize>().unwrap())
        } else {
            let all = self.selected(None);
            self.snapshots.insert(self.version, all);
            (self.version, 0)
        };
        let snapshot = self.snapshots.get(&version)?;
        let in_scope = |pod: &&Value| namespace.is_none_or(|ns| pod["metadata"]["namespace"] == ns);
        let pods: Vec<Value> = snapshot.iter().filter(in_scope).cloned().collect();
        let end = from.saturating_add(limit).min(pods.len());
        let token = if end < pods.len() { format!("{version}:{end}") } else { String::new() };
        Some(list(version, &token, &pods[from..end]))
    }
}

struct Simulation {
    seed: u64,
    rig: Rig,
    server: Server,
    random: Dice,
    answers: BTreeMap<StreamId, Answer>,
    namespaces: Vec<&'static str>,
    faults: bool,
}

impl Simulation {
    fn new(seed: u64, form: Form) -> Self {
        let mut random = Dice(Random::new(seed));
        let (scopes, namespaces) = match random.below(3) {
            0 => (Scopes::all(), NAMESPACES.to_vec()),
            1 => (Scopes::namespaces(NAMESPACES).unwrap(), NAMESPACES.to_vec()),
            _ => (Scopes::namespaces(["two"]).unwrap(), vec!["two"]),
        };
        let settings = Settings { page_limit: 2, scopes, ..settings() };
        let mut server = Server::new(form, random.one_in(2));
        for _ in 0..=random.below(20) {
            server.write(&mut random);
        }
        server.backup = (server.version, server.pods.clone());
        let rig = Rig::seeded(settings, seed);
        Self { seed, rig, server, random, answers: BTreeMap::new(), namespaces, faults: true }
    }

    /// Runs the history, and says what it met.
    fn run(mut self, steps: usize) -> BTreeSet<&'static str> {
        for _ in 0..steps {
            self.accept();
            self.step();
        }
        self.settle();
        self.rig.notices().iter().map(name).collect()
    }

    fn step(&mut self) {
        match self.random.below(100) {
            0..30 => self.server.write(&mut self.random),
            30..75 => self.deliver_some(),
            75..85 => {
                let time = *self.random.of(&[1, 300, 1000, 3000, 20_000, 100_000]);
                self.rig.pass(Duration::from_millis(time));
            }
            85..91 => self.break_one(),
            91..94 => self.bookmarks(),
            94..96 => self.server.compact(),
            96 => self.server.backup = (self.server.version, self.server.pods.clone()),
            97 => self.restore(),
            98 => self.server.streaming = !self.server.streaming,
            _ => self.garbage(),
        }
    }

    /// The server takes up the exchanges that were sent.
    fn accept(&mut self) {
        self.answers.retain(|stream, _| self.rig.open.iter().any(|(open, _)| open == stream));
        for (stream, request) in self.rig.open.clone() {
            if self.answers.contains_key(&stream) {
                continue;
            }
            let mut answer = self.server.answer(request.verb, &request.target, &mut self.random);
            if self.faults && self.random.one_in(4) {
                match self.random.below(4) {
                    0 => {
                        self.fail(stream, TransportErrorKind::Connect);
                        continue;
                    }
                    1 => answer.head = None,
                    2 if request.verb == Verb::Watch => {
                        let expected = status(500, "InternalError", "etcdserver: no leader");
                        answer.head = Some((200, None));
                        answer.body = self.server.form.write(&error_event(&expected));
                    }
                    _ => {
                        let code = *self.random.of(&[401, 403, 429, 429, 500, 503]);
                        answer.head = Some((code, Some(Duration::from_secs(1))));
                        answer.body = b"no".to_vec();
                    }
                }
                answer.then = if answer.head.is_none() { Then::Silence } else { Then::End };
            }
            let timeout = parameter(&request.target, "timeoutSeconds");
            answer.ends =
                timeout.map(|timeout| self.rig.now + Duration::from_secs(timeout.parse().unwrap()));
            self.answers.insert(stream, answer);
        }
    }

    /// Moves a piece of one answer, cut anywhere.
    fn deliver_some(&mut self) {
        let Some(stream) = self.any_stream() else { return };
        let size = *self.random.of(&[1, 7, 100, 1000, 100_000]);
        self.deliver(stream, size);
    }

    fn deliver(&mut self, stream: StreamId, size: usize) {
        let Some(answer) = self.answers.get_mut(&stream) else { return };
        if let Some((status, retry_after)) = answer.head.take() {
            let content_type = self.server.form.content_type();
            return self.rig.input(Input::Head { stream, status, retry_after, content_type });
        }
        self.follow(stream);
        let Some(answer) = self.answers.get_mut(&stream) else { return };
        let ended =
            answer.then == Then::End || answer.ends.is_some_and(|ends| ends <= self.rig.now);
        if answer.body.is_empty() && ended {
            self.over(stream);
            return self.rig.input(Input::End { stream });
        }
        let size = size.min(answer.body.len());
        let bytes: Vec<u8> = answer.body.drain(..size).collect();
        if !bytes.is_empty() {
            self.rig.input(Input::Chunk { stream, bytes: &bytes });
        }
    }

    /// Adds to a watch what the log has gained.
    fn follow(&mut self, stream: StreamId) {
        let (Some(answer), server) = (self.answers.get_mut(&stream), &self.server) else { return };
        let Then::Follow { next, mark } = &mut answer.then else { return };
        for logged in server.log.iter().skip(*next) {
            if answer.namespace.as_deref().is_none_or(|namespace| namespace == logged.namespace) {
                answer.body.extend(server.form.write(&logged.line));
            }
        }
        *next = server.log.len();
        if *mark && (!self.faults || self.random.one_in(3)) {
            answer.body.extend(server.form.write(&synced(server.version)));
            *mark = false;
        }
    }

    fn bookmarks(&mut self) {
        let streams: Vec<StreamId> = self.answers.keys().copied().collect();
        for stream in streams {
            self.follow(stream);
            let answer = self.answers.get_mut(&stream).unwrap();
            if matches!(answer.then, Then::Follow { .. }) {
                answer.body.extend(self.server.form.write(&bookmark(self.server.version)));
            }
        }
    }

    fn break_one(&mut self) {
        let Some(stream) = self.any_stream() else { return };
        if self.random.one_in(2) {
            return self.fail(stream, TransportErrorKind::Interrupted);
        }
        let answer = self.answers.get(&stream).unwrap();
        if answer.head.is_none() {
            self.over(stream);
            self.rig.input(Input::End { stream });
        }
    }

    /// Bytes that belong to nothing, between two events.
    fn garbage(&mut self) {
        let Some(stream) = self.any_stream() else { return };
        let answer = self.answers.get_mut(&stream).unwrap();
        if !matches!(answer.then, Then::Follow { .. }) {
            return;
        }
        match self.server.form {
            Form::Json if answer.body.ends_with(b"\n") => {
                answer.body.extend_from_slice(b"{\"type\":\"ADDED\",\"object\":7}\nwhat\n");
            }
            Form::Json => {}
            Form::Protobuf => answer.body.extend_from_slice(b"\0\0\0\x05\x0a\x0fwha\0\0\0\0"),
        }
    }

    /// The server is restored from its backup, which breaks every connection. Versions that begin
    /// again can only be noticed before they have come as far as those that were seen: no writes
    /// until the client has noticed.
    fn restore(&mut self) {
        let bump = self.random.one_in(2);
        self.server.restore(bump);
        let streams: Vec<StreamId> = self.rig.open.iter().map(|(stream, _)| *stream).collect();
        for stream in streams {
            self.fail(stream, TransportErrorKind::Interrupted);
        }
        if !bump {
            self.settle();
            self.faults = true;
        }
    }

    fn any_stream(&mut self) -> Option<StreamId> {
        let streams: Vec<StreamId> = self.answers.keys().copied().collect();
        (!streams.is_empty()).then(|| *self.random.of(&streams))
    }

    fn fail(&mut self, stream: StreamId, kind: TransportErrorKind) {
        self.over(stream);
        self.rig.input(Input::Failed { stream, error: TransportError::new(kind, "") });
    }

    fn over(&mut self, stream: StreamId) {
        self.answers.remove(&stream);
        self.rig.open.retain(|(open, _)| *open != stream);
    }

    fn deliver_all(&mut self) {
        for _ in 0..20 {
            self.accept();
            let streams: Vec<StreamId> = self.answers.keys().copied().collect();
            for stream in streams {
                self.deliver(stream, usize::MAX);
            }
        }
    }

    /// Without faults and writes everything comes to rest, within the longest watch.
    fn settle(&mut self) {
        self.faults = false;
        for round in 0..250 {
            self.deliver_all();
            self.rig.pass(Duration::from_secs(5));
            if round % 12 == 0 {
                self.bookmarks();
            }
        }
        self.deliver_all();
        let held: BTreeSet<String> = self.rig.replayed.keys().cloned().collect();
        assert_eq!(
            held,
            self.server.live_keys(&self.namespaces),
            "seed {} {:?}",
            self.seed,
            self.server.form
        );
        self.rig.agrees();
        let broken = self.server.broken(&self.namespaces);
        let problems = self.rig.engine.catalog().problems();
        let problems: BTreeSet<String> = problems
            .map(|problem| problem.holder.uid.to_string())
            .filter(|uid| !uid.is_empty())
            .collect();
        assert_eq!(problems, broken, "seed {} {:?}", self.seed, self.server.form);
        let status = self.rig.engine.status();
        assert!(
            status.synced() && status.age(self.rig.now) == Some(Duration::ZERO),
            "seed {} {:?}",
            self.seed,
            self.server.form
        );
    }
}

fn name(notice: &Notice) -> &'static str {
    match notice {
        Notice::Change(_) | Notice::FirstList | Notice::Pod(_) => "Change",
        Notice::Problem(_) => "Problem",
        Notice::Progress { .. } => "Progress",
        Notice::Synced { .. } => "Synced",
        Notice::Relisted { reason: RelistReason::Expired, .. } => "Expired",
        Notice::Relisted { reason: RelistReason::Rewound, .. } => "Rewound",
        Notice::Relisted { .. } => "WatchError",
        Notice::Disconnected { .. } => "Disconnected",
        Notice::Reconnected { .. } => "Reconnected",
        Notice::Failed { .. } => "Failed",
        Notice::RefreshCredential => "RefreshCredential",
        _ => "another",
    }
}

struct Dice(Random);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.0.bits() % bound as u64).unwrap()
    }

    fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }

    fn of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    fn some_of(&mut self, names: &[&'static str]) -> Vec<&'static str> {
        names.iter().copied().filter(|_| self.one_in(2)).collect()
    }
}
