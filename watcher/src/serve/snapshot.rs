//! `GET /v1/snapshot`: what is registered, whole or narrowed to a service. The body is made piece
//! by piece from a state that never changes.

use std::io::{self, Write as _};
use std::sync::Arc;

use axum::extract::{Query as Parameters, State as Shared};
use axum::response::Response;
use axum::{Extension, extract::rejection::QueryRejection};
use bytes::Bytes;
use dubbo_k8s_codec::{Query, Service};
use dubbo_k8s_engine::catalog::PodProblem;
use http::HeaderMap;
use serde::{Deserialize, Serialize};

use super::app::App;
use super::body_name::{Kind, Name};
use super::cache::{Made, Make, Pieces};
use super::coding::Coding;
use super::conditional::{Known, parse_wait};
use super::peers::Peer;
use super::pieces::Steps;
use super::poll::{Outcome, body, not_modified, poll};
use super::refusal::Refusal;
use super::view::View;
use dubbo_k8s_engine::catalog::{Endpoint, ServiceEntry, Services};
use dubbo_k8s_registry::Snapshot;
use dubbo_k8s_registry::feed::{Selection, State};

/// The longest name of a service that is looked for.
const LONGEST_SERVICE: usize = 1024;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SnapshotParameters {
    service: Option<String>,
    wait: Option<String>,
}

pub(super) async fn snapshot(
    Shared(app): Shared<Arc<App>>,
    Extension(peer): Extension<Arc<Peer>>,
    Extension(view): Extension<View>,
    parameters: Result<Parameters<SnapshotParameters>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let SnapshotParameters { service, wait } = parameters?.0;
    let selection = asked(service)?;
    let wait = wait.as_deref().map(parse_wait).transpose()?.unwrap_or_default();
    let known = Known::of(&headers, &view);
    let state = match poll(&app, &peer, known, wait, selection.as_deref()).await? {
        Outcome::Unchanged(state) => return Ok(not_modified(&state, &view)),
        Outcome::Fresh(state) => state,
    };
    let coding = Coding::negotiate(&headers);
    let made = make(&app, &peer, &view, &state, selection, coding).await?;
    Ok(body(&state, &view, coding, made))
}

/// The JSON of a snapshot: shared where it is that of everything.
pub(super) async fn make(
    app: &App,
    peer: &Peer,
    view: &View,
    state: &State,
    selection: Option<Arc<Selection>>,
    coding: Coding,
) -> Result<Made, Refusal> {
    let is_whole = selection.is_none() && view.is_whole();
    let snapshot = Snapshot::new(state, selection);
    let make = || -> Make {
        let (view, snapshot) = (view.clone(), snapshot.clone());
        Box::new(move || Box::new(pieces(view, snapshot)) as Pieces)
    };
    if is_whole {
        let name = Name::of(Kind::Snapshot, coding, state);
        return app.cache.body(peer, name, make).await;
    }
    app.cache.stream(peer, coding, make()).await
}

/// What `?service=` asks for: `[group/]interface[:version]`, with the wildcards of Dubbo.
pub(super) fn asked(service: Option<String>) -> Result<Option<Arc<Selection>>, Refusal> {
    let Some(service) = service else { return Ok(None) };
    let parsed = Service::parse(&service);
    if parsed.interface.is_empty() || service.len() > LONGEST_SERVICE {
        return Err(Refusal::bad_request(
            "service must be [group/]interface[:version]; * stands for any interface, group or \
             version.",
        ));
    }
    let query = Query::from(parsed.into_owned());
    Ok(Some(Arc::new(Selection::new(query))))
}

/// The JSON of a snapshot in pieces, without a line break.
fn pieces(view: View, snapshot: Snapshot) -> impl Iterator<Item = Bytes> + Send {
    let mut writer = Writer::new(view, snapshot);
    std::iter::from_fn(move || writer.piece())
}

/// Writes a snapshot, and knows how far it has come.
struct Writer {
    view: View,
    snapshot: Snapshot,
    stage: Stage,
    services: Services,
    problems: Box<dyn Iterator<Item = PodProblem> + Send>,
    /// Something was written into the array that is open.
    comma: bool,
}

enum Stage {
    Head,
    Services,
    Service(Box<Open>),
    Problems,
    End,
}

/// A service that is half written.
struct Open {
    providers: std::vec::IntoIter<Endpoint>,
    consumers: std::vec::IntoIter<Endpoint>,
    at_consumers: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    revision: String,
    synced: bool,
    age_ms: Option<u64>,
    pods: usize,
    records: usize,
}

#[derive(Serialize)]
struct ServiceHead<'a> {
    service: String,
    interface: &'a str,
    group: &'a str,
    version: &'a str,
}

impl Steps for Writer {
    fn is_over(&self) -> bool {
        matches!(self.stage, Stage::End)
    }

    fn step(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        match &mut self.stage {
            Stage::Head => {
                write_open(out, &head(&self.view, &self.snapshot))?;
                out.write_all(b",\"services\":[")?;
                self.go(Stage::Services);
            }
            Stage::Services => self.service(out)?,
            Stage::Service(open) => {
                if open.write(&self.view, out, &mut self.comma)? {
                    self.stage = Stage::Services;
                    self.comma = true;
                }
            }
            Stage::Problems => self.problem(out)?,
            Stage::End => {}
        }
        Ok(())
    }
}

impl Writer {
    fn new(view: View, snapshot: Snapshot) -> Self {
        let services = snapshot.listed_services();
        let problems = Box::new(snapshot.problems());
        Self { view, snapshot, stage: Stage::Head, services, problems, comma: false }
    }

    /// Begins the next service, or ends the list of them.
    fn service(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        let next = self.services.by_ref().find_map(|service| self.view.service(service));
        let Some(service) = next else {
            self.go(Stage::Problems);
            return out.write_all(b"],\"problems\":[");
        };
        write_comma(out, &mut self.comma);
        write_open(out, &service_head(&service))?;
        out.write_all(b",\"providers\":[")?;
        self.go(Stage::Service(Box::new(Open {
            providers: service.providers.into_iter(),
            consumers: service.consumers.into_iter(),
            at_consumers: false,
        })));
        Ok(())
    }

    /// Writes the next problem, or ends the list of them.
    fn problem(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        let next = self.problems.by_ref().find(|problem| self.view.sees(&problem.holder));
        let Some(problem) = next else {
            self.go(Stage::End);
            return out.write_all(b"]}");
        };
        write_comma(out, &mut self.comma);
        self.view.write(out, &problem)
    }

    /// On to another stage, which begins with an empty array.
    fn go(&mut self, stage: Stage) {
        self.stage = stage;
        self.comma = false;
    }
}

impl Open {
    /// Writes one endpoint; true when the service is complete.
    fn write(&mut self, view: &View, out: &mut Vec<u8>, comma: &mut bool) -> io::Result<bool> {
        let endpoints = if self.at_consumers { &mut self.consumers } else { &mut self.providers };
        if let Some(endpoint) = endpoints.next() {
            write_comma(out, comma);
            view.write(out, &endpoint)?;
            return Ok(false);
        }
        if self.at_consumers {
            out.write_all(b"]}")?;
            return Ok(true);
        }
        out.write_all(b"],\"consumers\":[")?;
        (self.at_consumers, *comma) = (true, false);
        Ok(false)
    }
}

fn head(view: &View, snapshot: &Snapshot) -> Head {
    let (pods, records) = view.counts(snapshot.content());
    let age = snapshot.age().map(|age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
    Head {
        revision: view.tag(snapshot.revision()),
        synced: snapshot.is_synced(),
        age_ms: age,
        pods,
        records,
    }
}

fn service_head(service: &ServiceEntry) -> ServiceHead<'_> {
    ServiceHead {
        service: service.service.to_string(),
        interface: &service.service.interface,
        group: service.service.group().unwrap_or_default(),
        version: service.service.version().unwrap_or_default(),
    }
}

/// Writes an object without its closing brace, so that members can follow.
fn write_open(out: &mut Vec<u8>, object: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, object)?;
    out.pop();
    Ok(())
}

fn write_comma(out: &mut Vec<u8>, comma: &mut bool) {
    if *comma {
        out.push(b',');
    }
    *comma = true;
}
