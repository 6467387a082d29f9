//! `GET /v1/annotations`: what each Pod carries, as an annotation: what the Envoy filter reads.
//!
//! Nothing raw is kept of a Pod that could be read: its annotation is written again from its
//! records, byte for byte what dubbo-go writes for them. Of a Pod with problems the annotation is
//! kept as it is, up to 256 KiB, which is no more than a readable one of that size takes.

use std::io;
use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query as Parameters, State as Shared};
use axum::response::Response;
use bytes::Bytes;
use http::HeaderMap;
use serde::{Deserialize, Serialize};

use super::App;
use super::cache::{Kind, Name, Pieces, Sized};
use super::coding::Coding;
use super::conditional::{Known, parse_wait};
use super::poll::{Outcome, body, not_modified, poll};
use super::refusal::Refusal;
use dubbo_k8s_engine::catalog::{Holder, PodEntry};
use dubbo_k8s_registry::feed::State;

/// A piece is sent when it has grown to this.
const PIECE: usize = 32 << 10;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    wait: Option<String>,
    since: Option<String>,
}

pub(super) async fn annotations(
    Shared(app): Shared<Arc<App>>,
    asked_for: Result<Parameters<Asked>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let Asked { wait, since } = asked_for?.0;
    let wait = wait.as_deref().map(parse_wait).transpose()?.unwrap_or_default();
    // What is no revision of ours is one that is not remembered.
    if let Some(since) = since.and_then(|since| since.parse().ok()) {
        let known = Known::Revisions(vec![since]);
        let (Outcome::Unchanged(state) | Outcome::Fresh(state)) =
            poll(&app, known, wait, None).await?;
        if let Some(changes) = app.changes.body(since, &state) {
            let coding = coding_of(&changes, &headers);
            return Ok(body(&state, coding, Sized::made(coding, Box::new([changes].into_iter()))));
        }
        return Ok(everything(&app, &state, &headers).await);
    }
    let state = match poll(&app, Known::of(&headers), wait, None).await? {
        Outcome::Unchanged(state) => return Ok(not_modified(&state)),
        Outcome::Fresh(state) => state,
    };
    Ok(everything(&app, &state, &headers).await)
}

async fn everything(app: &App, state: &Arc<State>, headers: &HeaderMap) -> Response {
    let coding = Coding::negotiate(headers);
    let name = Name::of(Kind::Annotations, coding, state);
    let shown = state.without_log();
    let made = app.cache.body(name, || Box::new(pieces(shown)) as Pieces).await;
    body(state, coding, made)
}

/// What fits into one piece is sent as it is: to pack a few Pods takes longer than to send them.
fn coding_of(changes: &Bytes, headers: &HeaderMap) -> Coding {
    if changes.len() < PIECE { Coding::Identity } else { Coding::negotiate(headers) }
}

/// Writes a Pod, behind a comma unless it is the first; false if it carries no annotation.
pub(super) fn write_pod(out: &mut Vec<u8>, pod: &PodEntry, is_first: bool) -> io::Result<bool> {
    let Some(annotation) = pod.annotation() else { return Ok(false) };
    if !is_first {
        out.push(b',');
    }
    let holder = pod.holder();
    let carried = Carried {
        namespace: &holder.namespace,
        name: &holder.pod,
        uid: &holder.uid,
        annotation: &annotation,
    };
    serde_json::to_writer(out, &carried)?;
    Ok(true)
}

/// The JSON in pieces: the Pods in the order of namespace and name, without those that carry no
/// annotation.
fn pieces(state: Arc<State>) -> impl Iterator<Item = Bytes> + Send {
    let mut writer = Writer { state, last: None, stage: Stage::Head };
    std::iter::from_fn(move || writer.piece())
}

struct Writer {
    state: Arc<State>,
    last: Option<Arc<Holder>>,
    stage: Stage,
}

#[derive(PartialEq)]
enum Stage {
    Head,
    First,
    Rest,
    End,
}

#[derive(Serialize)]
struct Carried<'a> {
    namespace: &'a str,
    name: &'a str,
    uid: &'a str,
    annotation: &'a str,
}

impl Writer {
    fn piece(&mut self) -> Option<Bytes> {
        let mut piece = Vec::new();
        while piece.len() < PIECE && self.stage != Stage::End {
            // Writing to a Vec does not fail.
            self.step(&mut piece).ok()?;
        }
        (!piece.is_empty()).then(|| piece.into())
    }

    fn step(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        if self.stage == Stage::Head {
            let revision = self.state.revision();
            out.extend_from_slice(format!("{{\"revision\":\"{revision}\",\"pods\":[").as_bytes());
            self.stage = Stage::First;
            return Ok(());
        }
        let Some(pod) = self.state.content().pod_after(self.last.as_deref()) else {
            out.extend_from_slice(b"]}");
            self.stage = Stage::End;
            return Ok(());
        };
        self.last = Some(Arc::clone(pod.holder()));
        if write_pod(out, pod, self.stage == Stage::First)? {
            self.stage = Stage::Rest;
        }
        Ok(())
    }
}
