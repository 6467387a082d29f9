//! `GET /v1/annotations`: what each Pod carries, as an annotation: what the Envoy filter and the live page read.
//!
//! Nothing raw is kept of a Pod that could be read: its annotation is written again from its
//! records, byte for byte what dubbo-go writes for them. Of a Pod with problems the annotation is
//! kept as it is, up to 256 KiB, which is no more than a readable one of that size takes.

use std::sync::Arc;

use axum::extract::{Query as Parameters, State as Shared};
use axum::response::Response;
use axum::{Extension, extract::rejection::QueryRejection};
use http::HeaderMap;
use serde::Deserialize;

use super::annotation_pieces::{changes, everything};
use super::app::App;
use super::body_name::{Kind, Name};
use super::cache::{Made, Make, Pieces};
use super::coding::Coding;
use super::conditional::{Known, parse_wait};
use super::peers::Peer;
use super::poll::{Outcome, body, not_modified, poll};
use super::refusal::Refusal;
use super::view::View;
use dubbo_k8s_registry::Revision;
use dubbo_k8s_registry::feed::State;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AnnotationsParameters {
    wait: Option<String>,
    since: Option<String>,
}

pub(super) async fn annotations(
    Shared(app): Shared<Arc<App>>,
    Extension(peer): Extension<Arc<Peer>>,
    Extension(view): Extension<View>,
    parameters: Result<Parameters<AnnotationsParameters>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let AnnotationsParameters { wait, since } = parameters?.0;
    let wait = wait.as_deref().map(parse_wait).transpose()?.unwrap_or_default();
    let request = Request { app, peer, view, coding: Coding::negotiate(&headers) };
    // What is no revision of this view is one that is not remembered.
    if let Some(since) = since.and_then(|since| request.view.revision(&since)) {
        let known = Known::Revisions(vec![since]);
        let outcome = poll(&request.app, &request.peer, known, wait, None).await?;
        let (Outcome::Unchanged(state) | Outcome::Fresh(state)) = outcome;
        return match request.changes(since, &state).await? {
            Some(changes) => Ok(changes),
            None => request.everything(&state).await,
        };
    }
    let known = Known::of(&headers, &request.view);
    match poll(&request.app, &request.peer, known, wait, None).await? {
        Outcome::Unchanged(state) => Ok(not_modified(&state, &request.view)),
        Outcome::Fresh(state) => request.everything(&state).await,
    }
}

/// Who asks, and for what.
struct Request {
    app: Arc<App>,
    peer: Arc<Peer>,
    view: View,
    coding: Coding,
}

impl Request {
    async fn everything(&self, state: &Arc<State>) -> Result<Response, Refusal> {
        let Self { app, peer, view, coding } = self;
        let shown = state.without_log();
        let make = || -> Make {
            let (view, shown) = (view.clone(), Arc::clone(&shown));
            Box::new(move || Box::new(everything(view, shown)) as Pieces)
        };
        let packed = if view.is_whole() {
            let name = Name::of(Kind::Annotations, *coding, state);
            app.cache.body(peer, name, make).await?
        } else {
            app.cache.stream(peer, *coding, make()).await?
        };
        Ok(body(state, view, *coding, packed))
    }

    /// The Pods that have changed since a revision; `None` if that is not known any more.
    async fn changes(
        &self,
        since: Revision,
        state: &Arc<State>,
    ) -> Result<Option<Response>, Refusal> {
        let (app, view, state) = (Arc::clone(&self.app), self.view.clone(), Arc::clone(state));
        let answering = Arc::clone(&state);
        let begun = self.app.workers.run(move || {
            let changed = app.changes.since(since, &state)?;
            let mut pieces = changes(view, since, state.without_log(), changed);
            let first = [pieces.next(), pieces.next()];
            Some((first, pieces))
        });
        let Some((first, rest)) = begun.await? else { return Ok(None) };
        let (coding, made) = match first {
            // What fits into one piece is sent as it is: to pack a few Pods takes longer than to send them.
            [Some(only), None] => (Coding::Identity, Made::whole(only)),
            first => {
                let pieces = first.into_iter().flatten().chain(rest);
                let make: Make = Box::new(move || Box::new(pieces) as Pieces);
                (self.coding, self.app.cache.stream(&self.peer, self.coding, make).await?)
            }
        };
        Ok(Some(body(&answering, &self.view, coding, made)))
    }
}
