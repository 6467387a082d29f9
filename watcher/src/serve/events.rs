//! `GET /v1/events`: server-sent events. A client is a place in the shared log: what it is slow to
//! read is replaced by one snapshot, and nothing is queued for it beyond one piece.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Query as Parameters, State as Shared};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::App;
use super::poll::Place;
use super::refusal::Refusal;
use super::snapshot::{asked, pieces};
use dubbo_k8s_registry::contract::Event;
use dubbo_k8s_registry::feed::{Cursor, Entry, Selection, State, Step, What};
use dubbo_k8s_registry::{Revision, Snapshot};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    service: Option<String>,
}

/// The id of the last event that a client has seen, as browsers send it.
const LAST_EVENT_ID: &str = "last-event-id";

/// Several small events are sent in one piece, up to about this size.
const PIECE: usize = 16 << 10;

/// Keeps the connection open and nothing else.
const HEARTBEAT: Bytes = Bytes::from_static(b": still here\n\n");

pub(super) async fn events(
    Shared(app): Shared<Arc<App>>,
    asked_for: Result<Parameters<Asked>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let selection = asked(asked_for?.0.service)?;
    let place = app.stream("events")?;
    let state = app.reader.state();
    let known = headers.get(LAST_EVENT_ID).and_then(|id| id.to_str().ok()?.parse().ok());
    let resumed = known.and_then(|revision: Revision| state.place_after(revision));
    let (at, backlog) = match resumed {
        Some(at) => (at, greeting()),
        None => (state.end(), snapshot_event(&state, selection.clone())),
    };
    let feed = Feed {
        cursor: app.reader.cursor_at(at, selection.clone()),
        selection,
        place,
        backlog: Some(backlog),
        heartbeat: heartbeat(app.heartbeat),
        app,
    };
    let body = stream::unfold(feed, |mut feed| async move {
        let piece = feed.next().await?;
        Some((Ok::<_, Infallible>(piece), feed))
    });
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // nginx would hold events back until its buffer is full.
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    Ok((headers, Body::from_stream(body)).into_response())
}

fn heartbeat(every: std::time::Duration) -> Interval {
    let mut interval = interval_at(Instant::now() + every, every);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

struct Feed {
    app: Arc<App>,
    cursor: Cursor,
    selection: Option<Arc<Selection>>,
    place: Place,
    /// What is being sent before the next event.
    backlog: Option<BoxStream<'static, Bytes>>,
    heartbeat: Interval,
}

impl Feed {
    /// The next piece to send; `None` when the server or the registry ends.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(backlog) = &mut self.backlog {
                match backlog.next().await {
                    Some(piece) => return Some(piece),
                    None => self.backlog = None,
                }
            }
            let step = tokio::select! {
                biased;
                () = self.app.closing() => return None,
                step = self.cursor.next() => step?,
                _ = self.heartbeat.tick() => return Some(HEARTBEAT),
            };
            if let Some(piece) = self.gather(step) {
                self.heartbeat.reset();
                return Some(piece);
            }
        }
    }

    /// One event and those that are there already; or the start of a fresh snapshot.
    fn gather(&mut self, first: Step) -> Option<Bytes> {
        let mut piece = BytesMut::new();
        let mut next = Some(first);
        while let Some(step) = next {
            match step {
                Step::Entry(entry) => piece.extend_from_slice(&entry.rendered(rendered)),
                Step::Lagged(state) => {
                    self.place.subscriber.lagged();
                    self.backlog = Some(snapshot_event(&state, self.selection.clone()));
                    break;
                }
            }
            next = if piece.len() < PIECE { self.cursor.take() } else { None };
        }
        (!piece.is_empty()).then(|| piece.freeze())
    }
}

/// Says at once that the stream stands.
fn greeting() -> BoxStream<'static, Bytes> {
    stream::iter([Bytes::from_static(b": resumed\n\n")]).boxed()
}

/// The whole content as one event, made while it is sent.
fn snapshot_event(state: &State, selection: Option<Arc<Selection>>) -> BoxStream<'static, Bytes> {
    let head = Bytes::from(format!("event: snapshot\nid: {}\ndata: ", state.revision()));
    let json = pieces(Snapshot::new(state, selection));
    let tail = Bytes::from_static(b"\n\n");
    stream::iter(std::iter::once(head).chain(json).chain(std::iter::once(tail))).boxed()
}

/// An event as all clients get it. An entry without anything to tell still moves their last id.
fn rendered(entry: &Entry) -> Bytes {
    let id = entry.revision;
    let event = match &entry.what {
        What::Notice(notice) => Event::of(notice),
        What::Touched(_) => None,
    };
    match event {
        Some(event) => {
            let json = serde_json::to_string(&event).unwrap_or_default();
            format!("event: {}\nid: {id}\ndata: {json}\n\n", event.name()).into()
        }
        None if entry.content => format!("id: {id}\n\n").into(),
        None => Bytes::new(),
    }
}
