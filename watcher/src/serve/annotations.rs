//! `GET /v1/annotations`: what each Pod carries, as an annotation: what the Envoy filter reads.
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
use super::cache::{Kind, Make, Name, Pieces};
use super::coding::Coding;
use super::conditional::{Known, parse_wait};
use super::peers::Peer;
use super::poll::{Outcome, body, not_modified, poll};
use super::refusal::Refusal;
use super::view::View;
use dubbo_k8s_engine::catalog::Holder;
use dubbo_k8s_registry::feed::State;

/// A piece is sent when it has grown to this.
const PIECE: usize = 32 << 10;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    wait: Option<String>,
}

pub(super) async fn annotations(
    Shared(app): Shared<Arc<App>>,
    Extension(peer): Extension<Arc<Peer>>,
    Extension(view): Extension<View>,
    asked_for: Result<Parameters<Asked>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let wait = asked_for?.0.wait.as_deref().map(parse_wait).transpose()?.unwrap_or_default();
    let state = match poll(&app, &peer, Known::of(&headers), wait, None).await? {
        Outcome::Unchanged(state) => return Ok(not_modified(&state)),
        Outcome::Fresh(state) => state,
    };
    let coding = Coding::negotiate(&headers);
    let shown = state.without_log();
    let make = || -> Make {
        let (view, shown) = (view.clone(), Arc::clone(&shown));
        Box::new(move || Box::new(pieces(view, shown)) as Pieces)
    };
    let answer = if view.is_whole() {
        let name = Name::of(Kind::Annotations, coding, &state);
        app.cache.body(&peer, name, make).await?
    } else {
        app.cache.stream(&peer, coding, make()).await?
    };
    Ok(body(&state, coding, answer))
}

/// The JSON in pieces: the Pods in the order of namespace and name, without those that carry no
/// annotation.
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
    /// Its own addresses, as far as they are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    ips: Option<&'a [IpAddr]>,
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
        if !self.view.sees(pod.holder()) {
            return Ok(());
        }
        if let Some(annotation) = self.view.annotation(pod) {
            if self.stage == Stage::Rest {
                out.push(b',');
            }
            self.stage = Stage::Rest;
            let holder = pod.holder();
            let carried = Carried {
                namespace: &holder.namespace,
                name: &holder.pod,
                uid: &holder.uid,
                annotation: &annotation,
                ips: pod.ips(),
            };
            serde_json::to_writer(out, &carried)?;
        }
        Ok(())
    }
}
