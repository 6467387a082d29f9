//! `GET /v1/annotations`: what each Pod carries, as an annotation: what the Envoy filter and the live page read.
//!
//! Nothing raw is kept of a Pod that could be read: its annotation is written again from its
//! records, byte for byte what dubbo-go writes for them. Of a Pod with problems the annotation is
//! kept as it is, up to 256 KiB, which is no more than a readable one of that size takes.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Query as Parameters, State as Shared};
use axum::response::Response;
use axum::{Extension, extract::rejection::QueryRejection};
use bytes::Bytes;
use http::HeaderMap;
use serde::{Deserialize, Serialize};

use super::App;
use super::cache::{Kind, Made, Make, Name, Pieces};
use super::changes;
use super::coding::Coding;
use super::conditional::{Known, parse_wait};
use super::peers::Peer;
use super::pieces::Steps;
use super::poll::{Outcome, body, not_modified, poll};
use super::refusal::Refusal;
use super::view::View;
use dubbo_k8s_engine::catalog::{Holder, PodEntry};
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
            Box::new(move || Box::new(pieces(view, shown)) as Pieces)
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
            let mut pieces = changes::pieces(view, since, state.without_log(), changed);
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

/// Writes a Pod as its caller may see it, behind a comma unless it is the first; false if it carries no annotation.
pub(super) fn write_pod(
    out: &mut Vec<u8>,
    view: &View,
    pod: &PodEntry,
    is_first: bool,
) -> io::Result<bool> {
    if !view.sees(pod.holder()) {
        return Ok(false);
    }
    let Some(annotation) = view.annotation(pod) else { return Ok(false) };
    if !is_first {
        out.push(b',');
    }
    let holder = pod.holder();
    let carried = Carried {
        namespace: &holder.namespace,
        name: &holder.pod,
        uid: &holder.uid,
        annotation: &annotation,
        label: pod.label(),
        ips: pod.ips(),
        ready: pod.ready(),
    };
    serde_json::to_writer(out, &carried)?;
    Ok(true)
}

/// Writes the problems of a Pod that its caller may see, behind a comma unless they are the first; whether there were
/// some.
pub(super) fn write_problems(
    out: &mut Vec<u8>,
    view: &View,
    pod: &PodEntry,
    mut is_first: bool,
) -> io::Result<bool> {
    if !view.sees(pod.holder()) {
        return Ok(false);
    }
    for problem in pod.pod_problems() {
        if !std::mem::take(&mut is_first) {
            out.push(b',');
        }
        view.write(out, &problem)?;
    }
    Ok(!pod.problems().is_empty())
}

/// Opens the list of problems behind the one of Pods.
pub(super) const PROBLEMS: &[u8] = b"],\"problems\":[";

/// The JSON in pieces: the Pods in the order of namespace and name, without those that carry no
/// annotation, and then the problems of all of them.
fn pieces(view: View, state: Arc<State>) -> impl Iterator<Item = Bytes> + Send {
    let mut writer = Writer { view, state, last: None, stage: Stage::Head };
    std::iter::from_fn(move || writer.piece())
}

struct Writer {
    view: View,
    state: Arc<State>,
    last: Option<Arc<Holder>>,
    stage: Stage,
}

/// How far an answer is written.
#[derive(PartialEq)]
pub(super) enum Stage {
    Head,
    First,
    Rest,
    FirstProblem,
    RestProblems,
    End,
}

impl Stage {
    /// Whether it is the turn of the problems.
    pub(super) fn is_of_problems(&self) -> bool {
        matches!(self, Self::FirstProblem | Self::RestProblems)
    }
}

#[derive(Serialize)]
struct Carried<'a> {
    namespace: &'a str,
    name: &'a str,
    uid: &'a str,
    annotation: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
    /// Its own addresses.
    ips: &'a [IpAddr],
    #[serde(skip_serializing_if = "Option::is_none")]
    ready: Option<bool>,
}

impl Steps for Writer {
    fn is_over(&self) -> bool {
        self.stage == Stage::End
    }

    fn step(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        if self.stage == Stage::Head {
            let revision = self.view.tag(self.state.revision());
            out.extend_from_slice(format!("{{\"revision\":\"{revision}\",\"pods\":[").as_bytes());
            self.stage = Stage::First;
            return Ok(());
        }
        let Some(pod) = self.state.content().pod_after(self.last.as_deref()) else {
            if self.stage.is_of_problems() {
                out.extend_from_slice(b"]}");
                self.stage = Stage::End;
            } else {
                // All of them once more, for what is wrong with them.
                out.extend_from_slice(PROBLEMS);
                (self.last, self.stage) = (None, Stage::FirstProblem);
            }
            return Ok(());
        };
        self.last = Some(Arc::clone(pod.holder()));
        if self.stage.is_of_problems() {
            if write_problems(out, &self.view, pod, self.stage == Stage::FirstProblem)? {
                self.stage = Stage::RestProblems;
            }
        } else if write_pod(out, &self.view, pod, self.stage == Stage::First)? {
            self.stage = Stage::Rest;
        }
        Ok(())
    }
}
