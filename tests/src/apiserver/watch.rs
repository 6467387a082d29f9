//! WATCH: from a version, from the present state, or as a streaming list; with bookmarks and an
//! end. One event is one chunk. Never changes the store.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use futures_util::stream;
use http::Response;
use tokio::sync::watch as channel;
use tokio::time::Instant;

use super::answer::{self, Body, Cut};
use super::list::reach;
use super::object::{Encoding, Form, Object, Place, Representation};
use super::request::{ListOptions, Request, parse_version};
use super::selector::Selector;
use super::shared::{Gauge, Shared};
use super::stamps::Unwritten;
use super::status::Status;
use super::store::{Entry, Position, Snapshot, Store, Tail, What};
use super::{accept, protobuf};

/// How long a watch without timeoutSeconds lasts. A real server takes 30 to 60 minutes.
const DEFAULT_TIMEOUT: u32 = 1800;

/// How long before the end of a watch its last bookmark comes.
const LAST_BOOKMARK: u32 = 2;

/// A WATCH of one namespace, or of all.
pub(crate) fn watch(
    shared: &Arc<Shared>,
    unwritten: &Unwritten,
    request: &Request,
    namespace: Option<&str>,
) -> Result<Response<Body>, Status> {
    let shape = accept::negotiate(&request.accept, &shared.options)?;
    let options = ListOptions::parse(&request.query, true, shared.options.streaming_list)?;
    let version = parse_version(&options.resource_version)
        .map_err(|message| Status::new(500, "", message))?;
    let start = Start::choose(&options, version);
    let unwritten = unwritten.clone();
    let encoding = shape.encoding();
    let watch = Watch::new(shared, unwritten, options, namespace, shape, start);
    let lines = stream::unfold(watch, |mut watch| async move {
        let line = watch.next().await?;
        Some((Ok::<_, Cut>(line), watch))
    });
    Ok(answer::events(encoding, answer::open(lines)))
}

/// Where the events begin.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Start {
    /// With what is there now, once the store has reached the version; then on from there.
    Present { at_least: u64 },
    /// After a version.
    After(u64),
    /// With the next change.
    Now,
}

impl Start {
    fn choose(options: &ListOptions, version: u64) -> Self {
        match options.send_initial_events {
            Some(true) => Self::Present { at_least: version },
            Some(false) if version == 0 => Self::Now,
            None if version == 0 => Self::Present { at_least: 0 },
            _ => Self::After(version),
        }
    }
}

/// One open watch.
struct Watch {
    shared: Arc<Shared>,
    unwritten: Unwritten,
    changes: channel::Receiver<u64>,
    ends: channel::Receiver<u64>,
    selector: Selector,
    namespace: Option<String>,
    /// `None` when the client asked for a kind that cannot be watched.
    shape: Option<Representation>,
    encoding: Encoding,
    bookmarks: bool,
    /// Begins with the present state, once the store has reached this version.
    at_least: Option<u64>,
    position: Position,
    initial: VecDeque<Arc<Object>>,
    initial_version: Option<u64>,
    /// Lines, and the version of the change in each; 0 for none.
    ready: VecDeque<(u64, Bytes)>,
    over: bool,
    end: Instant,
    next_bookmark: Instant,
    last_bookmark: Option<Instant>,
    bookmark_due: bool,
    _open: Gauge,
}

impl Watch {
    fn new(
        shared: &Arc<Shared>,
        unwritten: Unwritten,
        options: ListOptions,
        namespace: Option<&str>,
        shape: accept::Shape,
        start: Start,
    ) -> Self {
        let now = Instant::now();
        let timeout = options.timeout_seconds.filter(|seconds| *seconds > 0);
        let timeout = timeout.unwrap_or(DEFAULT_TIMEOUT);
        let last = timeout.checked_sub(LAST_BOOKMARK).filter(|at| *at > 0);
        let bounds = shared.store.bounds();
        let version = match start {
            Start::After(version) => version,
            Start::Now | Start::Present { .. } => bounds.version,
        };
        let mut ready = VecDeque::new();
        let is_lost = version < bounds.compacted;
        if is_lost {
            ready.push_back((
                0,
                Bytes::from(Status::too_old(version, bounds.compacted).event(shape.encoding())),
            ));
        }
        let at_least = match start {
            Start::Present { at_least } => Some(at_least),
            Start::Now | Start::After(_) => None,
        };
        Self {
            changes: shared.store.subscribe(),
            ends: shared.ends.subscribe(),
            selector: options.selector,
            namespace: namespace.map(str::to_owned),
            shape: shape.of_watch(),
            encoding: shape.encoding(),
            bookmarks: options.bookmarks,
            at_least,
            position: Position { version, epoch: bounds.epoch },
            initial: VecDeque::new(),
            initial_version: None,
            ready,
            over: is_lost,
            end: now + shared.options.seconds(timeout),
            next_bookmark: now + shared.options.bookmark_interval,
            last_bookmark: last.map(|at| now + shared.options.seconds(at)),
            bookmark_due: false,
            _open: Gauge::enter(&shared.watches),
            shared: Arc::clone(shared),
            unwritten,
        }
    }

    /// The next line, `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(at_least) = self.at_least.take() {
            self.begin(at_least).await;
        }
        loop {
            if let Some(line) = self.take() {
                // Asked for a kind that cannot be watched: the stream ends at its first event.
                return self.shape.is_some().then_some(line);
            }
            if self.over {
                return None;
            }
            self.changes.borrow_and_update();
            if self.read() {
                continue;
            }
            self.wait().await;
        }
    }

    async fn begin(&mut self, at_least: u64) {
        match reach(&self.shared, at_least).await {
            Ok(()) => self.load(&self.shared.store.snapshot()),
            Err(status) => {
                self.ready.push_back((0, Bytes::from(status.event(self.encoding))));
                self.over = true;
            }
        }
    }

    fn load(&mut self, snapshot: &Snapshot) {
        self.initial = snapshot
            .pods(self.namespace.as_deref(), None)
            .filter(|pod| self.selector.matches(pod))
            .cloned()
            .collect();
        self.position = Position { version: snapshot.version, epoch: snapshot.epoch };
        self.initial_version = Some(snapshot.version);
    }

    /// A line that needs no waiting.
    fn take(&mut self) -> Option<Bytes> {
        if let Some((version, line)) = self.ready.pop_front() {
            if version > 0 {
                self.shared.sent.store(version, Ordering::Relaxed);
                self.unwritten.push(version);
            }
            return Some(line);
        }
        if let Some(pod) = self.initial.pop_front() {
            return Some(event("ADDED", &pod, pod.version, self.shape()));
        }
        let version = self.initial_version.take()?;
        self.bookmarks.then(|| bookmark(version, true, self.shape()))
    }

    /// Takes new entries of the log; whether there is anything to say (or the end) now.
    fn read(&mut self) -> bool {
        let (entries, version) = match self.store().tail(self.position) {
            Tail::Entries(entries, version) => (entries, version),
            Tail::Lost => {
                self.over = true;
                return true;
            }
        };
        for entry in entries {
            if let Some(line) = self.line(&entry) {
                self.ready.push_back((entry.version, line));
            }
        }
        // A watch from the future gets silence until the present has caught up.
        let caught_up = version >= self.position.version;
        self.position.version = self.position.version.max(version);
        if std::mem::take(&mut self.bookmark_due) && self.bookmarks && caught_up {
            self.ready.push_back((0, bookmark(version, false, self.shape())));
        }
        !self.ready.is_empty()
    }

    /// What an entry is to this watch. A Pod that no longer matches is deleted, as it was before
    /// but with the version of the change.
    fn line(&self, entry: &Entry) -> Option<Bytes> {
        let (old, new) = match &entry.what {
            What::Raw(bytes) => return Some(bytes.clone()),
            What::Bookmark => {
                return self.bookmarks.then(|| bookmark(entry.version, false, self.shape()));
            }
            What::Pod { old, new } => (old.as_ref(), new.as_ref()),
        };
        let old = old.filter(|pod| self.sees(pod));
        let new = new.filter(|pod| self.sees(pod));
        let (kind, pod) = match (old, new) {
            (None, None) => return None,
            (None, Some(new)) => ("ADDED", new),
            (Some(_), Some(new)) => ("MODIFIED", new),
            (Some(old), None) => ("DELETED", old),
        };
        Some(event(kind, pod, entry.version, self.shape()))
    }

    fn sees(&self, pod: &Object) -> bool {
        let here = self.namespace.as_deref().is_none_or(|namespace| *namespace == *pod.namespace);
        here && self.selector.matches(pod)
    }

    async fn wait(&mut self) {
        let bookmark_at = match self.last_bookmark {
            Some(last) => last.min(self.next_bookmark),
            None => self.next_bookmark,
        };
        tokio::select! {
            biased;
            changed = self.changes.changed() => self.over |= changed.is_err(),
            _ = self.ends.changed() => self.over = true,
            () = tokio::time::sleep_until(self.end) => self.over = true,
            () = tokio::time::sleep_until(bookmark_at) => self.mark(bookmark_at),
        }
    }

    fn mark(&mut self, at: Instant) {
        if self.last_bookmark == Some(at) {
            self.last_bookmark = None;
        }
        self.next_bookmark = at + self.shared.options.bookmark_interval;
        self.bookmark_due = true;
    }

    fn store(&self) -> &Store {
        &self.shared.store
    }

    fn shape(&self) -> Representation {
        self.shape.unwrap_or(Representation { form: Form::Metadata, encoding: self.encoding })
    }
}

fn event(kind: &str, pod: &Object, version: u64, shape: Representation) -> Bytes {
    let form = shape.form;
    if shape.encoding == Encoding::Protobuf {
        let object = form.wrap(&pod.message(form, version));
        return Bytes::from(protobuf::event_frame(kind, &object));
    }
    let mut line = Vec::with_capacity(pod.printed_length(form) + 96);
    line.extend_from_slice(b"{\"type\":\"");
    line.extend_from_slice(kind.as_bytes());
    line.extend_from_slice(b"\",\"object\":");
    pod.write(form, Place::Alone, version, &mut line);
    line.extend_from_slice(b"}\n");
    Bytes::from(line)
}

/// A bookmark; with `end` the one that closes the initial events.
fn bookmark(version: u64, end: bool, shape: Representation) -> Bytes {
    let line = bookmark_line(version, end, shape.form);
    match shape.encoding {
        Encoding::Json => Bytes::from(line),
        Encoding::Protobuf => {
            let event = serde_json::from_str(&line).unwrap_or_default();
            Bytes::from(protobuf::frame(&event))
        }
    }
}

fn bookmark_line(version: u64, end: bool, form: Form) -> String {
    let (kind, tail) = match form {
        Form::Full => {
            (r#""kind":"Pod","apiVersion":"v1""#, r#","spec":{"containers":null},"status":{}"#)
        }
        Form::Metadata => (r#""kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1""#, ""),
    };
    let end = if end { r#","annotations":{"k8s.io/initial-events-end":"true"}"# } else { "" };
    format!(
        "{{\"type\":\"BOOKMARK\",\"object\":{{{kind},\"metadata\":{{\"resourceVersion\":\"{version}\"{end}}}{tail}}}}}\n"
    )
}
