//! The JSON of `/v1/annotations` in pieces: all Pods, or those that have changed. It must never write what a caller may
//! not see.

use std::io::{self, Write as _};
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use dubbo_k8s_engine::catalog::{Holder, PodEntry};
use dubbo_k8s_registry::Revision;
use dubbo_k8s_registry::feed::State;
use serde::Serialize;

use super::pieces::Steps;
use super::view::View;

/// The JSON in pieces: the Pods in the order of namespace and name, without those that carry no
/// annotation, and then the problems of all of them.
pub(super) fn everything(view: View, state: Arc<State>) -> impl Iterator<Item = Bytes> + Send {
    let mut writer = Everything { view, state, last: None, stage: Stage::Head };
    std::iter::from_fn(move || writer.piece())
}

/// The JSON in pieces: the changed Pods that a caller may see, what is wrong with them, and then the uids of those that
/// carry nothing any more.
pub(super) fn changes(
    view: View,
    since: Revision,
    state: Arc<State>,
    mut changed: Vec<Arc<Holder>>,
) -> impl Iterator<Item = Bytes> + Send {
    // Not even that it is gone is shown of a Pod in another namespace.
    changed.retain(|holder| view.sees(holder));
    let mut writer =
        Changes { view, since, state, changed, at: 0, gone: Vec::new(), stage: Stage::Head };
    std::iter::from_fn(move || writer.piece())
}

/// How far an answer is written.
#[derive(PartialEq)]
enum Stage {
    Head,
    First,
    Rest,
    FirstProblem,
    RestProblems,
    End,
}

impl Stage {
    /// Whether it is the turn of the problems.
    fn is_of_problems(&self) -> bool {
        matches!(self, Self::FirstProblem | Self::RestProblems)
    }
}

struct Everything {
    view: View,
    state: Arc<State>,
    last: Option<Arc<Holder>>,
    stage: Stage,
}

impl Steps for Everything {
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

struct Changes {
    view: View,
    since: Revision,
    state: Arc<State>,
    changed: Vec<Arc<Holder>>,
    /// The place of the next of them.
    at: usize,
    gone: Vec<String>,
    stage: Stage,
}

impl Steps for Changes {
    fn is_over(&self) -> bool {
        self.stage == Stage::End
    }

    fn step(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        if self.stage == Stage::Head {
            let [revision, since] =
                [self.state.revision(), self.since].map(|revision| self.view.tag(revision));
            write!(out, r#"{{"revision":"{revision}","since":"{since}","pods":["#)?;
            self.stage = Stage::First;
            return Ok(());
        }
        let Some(holder) = self.changed.get(self.at) else {
            if !self.stage.is_of_problems() {
                out.extend_from_slice(PROBLEMS);
                (self.at, self.stage) = (0, Stage::FirstProblem);
                return Ok(());
            }
            out.extend_from_slice(b"],\"gone\":");
            serde_json::to_writer(&mut *out, &self.gone)?;
            out.push(b'}');
            self.stage = Stage::End;
            return Ok(());
        };
        self.at += 1;
        let pod = self.state.content().pod(holder);
        if self.stage.is_of_problems() {
            let is_first = self.stage == Stage::FirstProblem;
            if let Some(pod) = pod
                && write_problems(out, &self.view, pod, is_first)?
            {
                self.stage = Stage::RestProblems;
            }
            return Ok(());
        }
        let is_first = self.stage == Stage::First;
        if let Some(pod) = pod
            && write_pod(out, &self.view, pod, is_first)?
        {
            self.stage = Stage::Rest;
        } else {
            self.gone.push(id(holder));
        }
        Ok(())
    }
}

/// Opens the list of problems behind the one of Pods.
const PROBLEMS: &[u8] = b"],\"problems\":[";

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

/// Writes a Pod as its caller may see it, behind a comma unless it is the first; false if it carries no annotation.
fn write_pod(out: &mut Vec<u8>, view: &View, pod: &PodEntry, is_first: bool) -> io::Result<bool> {
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
fn write_problems(
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

/// What a Pod is known by: its uid, or its name where it has none.
fn id(holder: &Holder) -> String {
    let Holder { namespace, pod, uid } = holder;
    if uid.is_empty() { format!("{namespace}/{pod}") } else { uid.to_string() }
}
