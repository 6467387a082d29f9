//! Conditional and long-polling reads: which state to answer with, or that there is nothing new.

use std::sync::Arc;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::header::{
    AGE, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, VARY,
};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::app::App;
use super::cache::Made;
use super::coding::Coding;
use super::conditional::{Known, etag};
use super::peers::Peer;
use super::refusal::Refusal;
use super::view::View;
use dubbo_k8s_registry::feed::{Selection, State};
use dubbo_k8s_registry::{Revision, host};

/// What there is to answer.
#[derive(Debug)]
pub(super) enum Outcome {
    /// This state, which the client does not know.
    Fresh(Arc<State>),
    /// The client knows all that it asks for.
    Unchanged(Arc<State>),
}

/// Decides at once, or waits up to `wait` for something new in what the query asks for.
pub(super) async fn poll(
    app: &App,
    peer: &Peer,
    known: Known,
    wait: Duration,
    selection: Option<&Selection>,
) -> Result<Outcome, Refusal> {
    let state = app.reader.state();
    let base = match known {
        Known::Nothing => None,
        Known::Anything => Some(state.revision()),
        Known::Revisions(known) => {
            known.into_iter().find(|known| is_same(&state, *known, selection))
        }
    };
    let Some(base) = base else { return Ok(Outcome::Fresh(state)) };
    if wait.is_zero() {
        return Ok(Outcome::Unchanged(state));
    }
    let _place = app.stream(peer, "poll")?;
    Ok(change_of(app, base, wait, selection).await)
}

async fn change_of(
    app: &App,
    mut base: Revision,
    wait: Duration,
    selection: Option<&Selection>,
) -> Outcome {
    let mut reader = app.reader.clone();
    let news = reader.wait(|state| {
        if !is_same(state, base, selection) {
            return Some(Arc::clone(state));
        }
        base = state.revision();
        None
    });
    let fresh = tokio::select! {
        biased;
        news = news => news,
        () = host::sleep(wait) => None,
        () = app.closing() => None,
    };
    fresh.map_or_else(|| Outcome::Unchanged(app.reader.state()), Outcome::Fresh)
}

/// Whether the state shows the same as that revision did, as far as the query goes.
fn is_same(state: &State, known: Revision, selection: Option<&Selection>) -> bool {
    let now = state.revision();
    if known == now {
        return true;
    }
    let since = selection.and_then(|selection| Some((selection, state.since(known)?)));
    since.is_some_and(|(selection, mut since)| {
        since.all(|entry| !entry.content || !entry.matches(selection))
    })
}

/// The headers that say how current a state is, and by which tag this caller may name what it sees of it.
pub(super) fn currency(state: &State, view: &View) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(ETAG, etag(view.tag(state.revision())));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // The watcher is a cache of the API server, so this is what the header was made for.
    headers.extend(state.age().map(|age| (AGE, HeaderValue::from(age.as_secs()))));
    headers
}

/// "You have it already", which also says how old it is.
pub(super) fn not_modified(state: &State, view: &View) -> Response {
    (StatusCode::NOT_MODIFIED, currency(state, view)).into_response()
}

/// An answer with a state in it.
pub(super) fn body(state: &State, view: &View, coding: Coding, made: Made) -> Response {
    let mut headers = currency(state, view);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if coding == Coding::Gzip {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    headers.extend(made.length.map(|length| (CONTENT_LENGTH, HeaderValue::from(length))));
    (headers, made.into_body()).into_response()
}
