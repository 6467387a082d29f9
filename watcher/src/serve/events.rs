//! `GET /v1/events`: server-sent events. A client is a place in the shared log: what it is slow to
//! read is replaced by one snapshot, and nothing is queued for it beyond one piece.

use std::io;
use std::sync::Arc;

use axum::Extension;
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

use super::app::{App, Place};
use super::coding::Coding;
use super::peers::Peer;
use super::refusal::Refusal;
use super::snapshot::{self, asked};
use super::view::View;
use dubbo_k8s_registry::contract::Event;
use dubbo_k8s_registry::feed::{Cursor, Entry, Selection, State, Step, What};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EventsParameters {
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
    Extension(peer): Extension<Arc<Peer>>,
    Extension(view): Extension<View>,
    parameters: Result<Parameters<EventsParameters>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let selection = asked(parameters?.0.service)?;
    let place = app.stream(&peer, "events")?;
    let state = app.reader.state();
    // What a client with a narrow view has missed is not in the log: see `Feed::gather`.
    let id = headers.get(LAST_EVENT_ID).filter(|_| view.is_whole());
    let known = id.and_then(|id| view.revision(id.to_str().ok()?));
    let resumed = known.and_then(|revision| state.place_after(revision));
    let at = resumed.unwrap_or_else(|| state.end());
    let reader = Arc::new(Reading { app, peer, view, selection });
    let backlog = match resumed {
        Some(_) => greeting(),
        None => reader.snapshot(&state).await?,
    };
    let feed = Feed {
        cursor: reader.app.reader.cursor_at(at, reader.selection.clone()),
        place,
        backlog: Some(backlog),
        heartbeat: heartbeat(reader.app.heartbeat),
        reader,
    };
    let body = stream::try_unfold(feed, |mut feed| async move {
        let piece = feed.next().await?;
        Ok::<_, io::Error>(piece.map(|piece| (piece, feed)))
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
    reader: Arc<Reading>,
    cursor: Cursor,
    place: Place,
    /// What is being sent before the next event.
    backlog: Option<Backlog>,
    heartbeat: Interval,
}

/// Who reads a stream, and what was asked for.
struct Reading {
    app: Arc<App>,
    peer: Arc<Peer>,
    view: View,
    selection: Option<Arc<Selection>>,
}

type Backlog = BoxStream<'static, io::Result<Bytes>>;

impl Feed {
    /// The next piece to send; `None` when the server or the registry ends.
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            if let Some(backlog) = &mut self.backlog {
                match backlog.next().await {
                    Some(piece) => return piece.map(Some),
                    None => self.backlog = None,
                }
            }
            let step = tokio::select! {
                biased;
                () = self.reader.app.closing() => return Ok(None),
                () = self.reader.view.ended() => return Ok(None),
                step = self.cursor.next() => step,
                _ = self.heartbeat.tick() => return Ok(Some(HEARTBEAT)),
            };
            let Some(step) = step else { return Ok(None) };
            let (piece, lagged) = self.gather(step);
            if let Some(state) = lagged {
                let reader = Arc::clone(&self.reader);
                let snapshot = reader.snapshot(&state).await;
                // The client comes again later, as it does after any other end.
                self.backlog = Some(snapshot.map_err(|refusal| io::Error::other(refusal.detail))?);
            }
            if !piece.is_empty() {
                self.heartbeat.reset();
                return Ok(Some(piece));
            }
        }
    }

    /// One event and those that are there already, until a state is to be sent in their place.
    ///
    /// An event is about a key and all Pods that carry it. To a client that sees only some of them it would say
    /// too much or too little, so that client gets their state instead.
    fn gather(&mut self, first: Step) -> (Bytes, Option<Arc<State>>) {
        let mut piece = BytesMut::new();
        let mut next = Some(first);
        while let Some(step) = next {
            match step {
                Step::Entry(entry) if !self.reader.view.is_whole() => {
                    if entry.content {
                        let (all, selection) = (&self.reader.app.reader, &self.reader.selection);
                        let state = all.state();
                        self.cursor = all.cursor(&state, selection.clone());
                        return (piece.freeze(), Some(state));
                    }
                }
                Step::Entry(entry) => {
                    let rendered = entry.rendered(|entry| rendered(entry, &self.reader.view));
                    piece.extend_from_slice(&rendered);
                }
                Step::Lagged(state) => {
                    self.place.subscriber.lagged();
                    return (piece.freeze(), Some(state));
                }
            }
            next = if piece.len() < PIECE { self.cursor.take() } else { None };
        }
        (piece.freeze(), None)
    }
}

impl Reading {
    /// The whole content as one event.
    async fn snapshot(&self, state: &State) -> Result<Backlog, Refusal> {
        let id = self.view.tag(state.revision());
        let head = Bytes::from(format!("event: snapshot\nid: {id}\ndata: "));
        let tail = Bytes::from_static(b"\n\n");
        let (app, peer, selection) = (&self.app, &self.peer, self.selection.clone());
        let json =
            snapshot::make(app, peer, &self.view, state, selection, Coding::Identity).await?;
        let once = |piece| stream::once(async { Ok(piece) });
        Ok(once(head).chain(json.into_stream()).chain(once(tail)).boxed())
    }
}

/// Says at once that the stream stands.
fn greeting() -> Backlog {
    stream::iter([Ok(Bytes::from_static(b": resumed\n\n"))]).boxed()
}

/// An event as all clients with a whole view get it. An entry without an event still moves their last id.
fn rendered(entry: &Entry, view: &View) -> Bytes {
    let id = view.tag(entry.revision);
    let event = match &entry.what {
        What::Notice(notice) => Event::of(notice),
        What::Touched(_) => None,
    };
    match event {
        Some(event) => {
            let mut text = format!("event: {}\nid: {id}\ndata: ", event.name()).into_bytes();
            // Writing to a Vec does not fail.
            let _ = view.write(&mut text, &event);
            text.extend_from_slice(b"\n\n");
            text.into()
        }
        None if entry.content => format!("id: {id}\n\n").into(),
        None => Bytes::new(),
    }
}
