//! A driver without a network: it carries out what the engine says in virtual time, and keeps a
//! plain replica of the registry by replaying the changes, strictly.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use dubbo_k8s_codec::trust::{Admit, Trust};
use dubbo_k8s_engine::catalog::{Change, ChangeKind};
use dubbo_k8s_engine::{
    Engine, Input, Notice, Output, Request, Scopes, Settings, StreamId, TransportError,
    TransportErrorKind,
};
use serde_json::Value;

use crate::objects::key;
use crate::protobuf;

pub(crate) struct Rig {
    pub(crate) engine: Engine,
    pub(crate) now: Duration,
    /// Exchanges under way, the newest last.
    pub(crate) open: Vec<(StreamId, Request)>,
    /// Everything that was sent, and when.
    pub(crate) sent: Vec<(Duration, Request)>,
    /// Effect since the last [`Rig::expected`], changes left out.
    notices: Vec<Notice>,
    changes: Vec<Change>,
    /// In which form answers come that are given as JSON.
    pub(crate) form: Form,
    /// The changes, replayed: key to value.
    pub(crate) replayed: BTreeMap<String, String>,
}

/// A form of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Json,
    Protobuf,
}

impl Form {
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Protobuf => "application/vnd.kubernetes.protobuf;stream=watch",
        }
    }

    /// A body, or the line of an event, that was written as JSON; what is none stays as it is.
    pub(crate) fn write(self, json: &str) -> Vec<u8> {
        let of = match self {
            Self::Json => None,
            Self::Protobuf => serde_json::from_str::<Value>(json).ok(),
        };
        match of {
            Some(event) if !event["type"].is_null() => protobuf::frame(&event),
            Some(body) => protobuf::body(&body),
            None => json.as_bytes().to_vec(),
        }
    }
}

pub(crate) fn settings() -> Settings {
    // Recorded Pods have no address of their own; who is believed is tested with the catalog.
    let trust = Trust { admitted: vec![Admit::Any], ..Trust::default() };
    Settings { trust, ..Settings::new(Scopes::namespaces(["shop"]).unwrap()) }
}

/// Settings for a server that is known to have no streaming list.
pub(crate) fn paged() -> Settings {
    Settings { streaming_list: false, ..settings() }
}

impl Rig {
    pub(crate) fn new(settings: Settings) -> Self {
        Self::seeded(settings, 7)
    }

    pub(crate) fn seeded(settings: Settings, seed: u64) -> Self {
        let mut rig = Self {
            engine: Engine::new(settings, seed),
            now: Duration::ZERO,
            open: Vec::new(),
            sent: Vec::new(),
            notices: Vec::new(),
            changes: Vec::new(),
            form: Form::Json,
            replayed: BTreeMap::new(),
        };
        rig.input(Input::Wake);
        rig
    }

    /// One that has listed these Pods at `version` and has an open watch.
    pub(crate) fn watching(version: u64, pods: &[Value]) -> Self {
        let mut rig = Self::new(paged());
        rig.answer(&crate::objects::list(version, "", pods));
        rig.head(200);
        rig.notices();
        rig.changes();
        rig
    }

    pub(crate) fn input(&mut self, input: Input<'_>) {
        let mut out = Vec::new();
        self.engine.handle(self.now, input, &mut out);
        for output in out {
            match output {
                Output::Send { stream, request } => {
                    assert!(self.open.iter().all(|(open, _)| *open != stream), "used twice");
                    self.sent.push((self.now, request.clone()));
                    self.open.push((stream, request));
                }
                Output::Cancel { stream } => self.open.retain(|(open, _)| *open != stream),
                Output::Notice(Notice::Change(change)) => self.replay(change),
                Output::Notice(Notice::Pod(_)) => {}
                Output::Notice(notice) => self.notices.push(notice),
            }
        }
        assert_eq!(
            self.engine.catalog().records(),
            self.replayed.len(),
            "the catalog is its changes"
        );
        assert!(self.open.len() <= 16, "exchanges pile up");
    }

    fn replay(&mut self, change: Change) {
        let (key, value) = (change.key.to_string(), change.value.to_string());
        match change.kind {
            ChangeKind::Added => assert_eq!(self.replayed.insert(key, value), None, "added twice"),
            ChangeKind::Updated => {
                let old = self.replayed.insert(key, value.clone());
                assert!(old.is_some_and(|old| old != value), "updated to what it was");
            }
            ChangeKind::Removed => assert!(self.replayed.remove(&key).is_some(), "removed twice"),
        }
        self.changes.push(change);
    }

    pub(crate) fn stream(&self) -> StreamId {
        self.open.last().expect("an exchange is open").0
    }

    /// The last request that was sent.
    pub(crate) fn request(&self) -> &Request {
        &self.sent.last().expect("a request was sent").1
    }

    /// One parameter of the last request, decoded.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        parameter(&self.request().target, name)
    }

    pub(crate) fn head(&mut self, status: u16) {
        self.input(Input::Head {
            stream: self.stream(),
            status,
            retry_after: None,
            content_type: self.form.content_type(),
        });
    }

    pub(crate) fn body(&mut self, text: &str) {
        self.bytes(&self.form.write(text));
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.input(Input::Chunk { stream: self.stream(), bytes });
    }

    pub(crate) fn end(&mut self) {
        let (stream, _) = self.open.pop().expect("an exchange is open");
        self.input(Input::End { stream });
    }

    /// 200, a body, and its end.
    pub(crate) fn answer(&mut self, body: &str) {
        self.head(200);
        self.body(body);
        self.end();
    }

    /// An error status with its body.
    pub(crate) fn refuse(&mut self, status: u16, body: &str) {
        self.refuse_for(status, body, None);
    }

    pub(crate) fn refuse_for(&mut self, status: u16, body: &str, retry_after: Option<Duration>) {
        self.input(Input::Head {
            stream: self.stream(),
            status,
            retry_after,
            content_type: self.form.content_type(),
        });
        self.body(body);
        self.end();
    }

    pub(crate) fn fail(&mut self, kind: TransportErrorKind) {
        let (stream, _) = self.open.pop().expect("an exchange is open");
        self.input(Input::Failed { stream, error: TransportError::new(kind, "as scripted") });
    }

    /// Lets time pass, waking the engine whenever it asked for it.
    pub(crate) fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(wake) = self.engine.next_wake().filter(|wake| *wake <= until) {
            assert!(wake >= self.now || wake == Duration::ZERO, "a wake in the past");
            let before = (self.engine.next_wake(), self.sent.len(), self.open.len());
            self.now = self.now.max(wake);
            self.input(Input::Wake);
            let after = (self.engine.next_wake(), self.sent.len(), self.open.len());
            assert_ne!(before, after, "it wakes for nothing, and would do so for ever");
        }
        self.now = until;
    }

    /// Lets time pass until the next request is sent, and says how long it took.
    pub(crate) fn until_sent(&mut self) -> Duration {
        let (start, sent) = (self.now, self.sent.len());
        while self.sent.len() == sent {
            let wake = self.engine.next_wake().expect("it waits for something");
            self.pass(wake.saturating_sub(self.now));
        }
        self.now.saturating_sub(start)
    }

    /// What was expected since the last call, changes of keys and Pods left out.
    pub(crate) fn notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// The changes since the last call: `+` or `-` or `~` and the short name of the key.
    pub(crate) fn changes(&mut self) -> Vec<String> {
        let changes = std::mem::take(&mut self.changes);
        let sign = |kind| match kind {
            ChangeKind::Added => '+',
            ChangeKind::Removed => '-',
            ChangeKind::Updated => '~',
        };
        changes
            .iter()
            .map(|change| format!("{}{}", sign(change.kind), short(&change.key)))
            .collect()
    }

    /// The catalog is what its changes add up to, with all values.
    #[track_caller]
    pub(crate) fn agrees(&self) {
        let entries = self.engine.catalog().entries();
        let held = entries.map(|(key, value, _)| (key, value.to_owned()));
        assert_eq!(held.collect::<BTreeMap<_, _>>(), self.replayed);
    }

    /// The registry holds exactly the keys of these short names.
    #[track_caller]
    pub(crate) fn holds(&self, names: &[&str]) {
        let keys: BTreeSet<String> = names.iter().map(|name| key(name)).collect();
        let held: BTreeSet<String> = self.replayed.keys().cloned().collect();
        assert_eq!(held, keys);
        self.agrees();
    }

    /// How many lists were begun (later pages are not counted), streaming lists among them.
    pub(crate) fn lists(&self) -> usize {
        let begins = |target: &str| {
            let watch = parameter(target, "watch").is_some();
            let initial = parameter(target, "sendInitialEvents").is_some();
            initial || (!watch && parameter(target, "continue").is_none())
        };
        self.sent.iter().filter(|(_, request)| begins(&request.target)).count()
    }
}

pub(crate) fn parameter(target: &str, name: &str) -> Option<String> {
    let (_, query) = target.split_once('?')?;
    let value = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
    Some(percent_encoding::percent_decode_str(value).decode_utf8().unwrap().into_owned())
}

fn short(key: &str) -> &str {
    key.strip_prefix("/dubbo/com.example.").and_then(|rest| rest.split('/').next()).unwrap_or(key)
}
