//! The routes of the agent: registrations of its own Pod. A request is read within the limits, handed to the agent, and
//! what comes back is shown. Nothing here decides what the Pod carries.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query as Parameters, State as Shared};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::timeout;

use super::app::App;
use super::conditional::parse_wait;
use super::refusal::Refusal;
use super::view::View;
use crate::agent::{self, Agent, Changed, Problem, Registration, Terms};

/// The version of the API that a client wants, and that the agent has.
const API_HEADER: HeaderName = HeaderName::from_static("dubbo-agent-api");

/// The description of what an agent adds to the API.
const DESCRIPTION: &str = include_str!("agent.json");

/// Below this a request may change something.
const CHANGEABLE: &str = "/v1/registrations/";

/// How long a change is waited for, unless the request says so.
const WAIT: Duration = Duration::from_secs(10);

/// How long the body of a request may take.
const BODY_TIME: Duration = Duration::from_secs(10);

/// Whose registrations are shown, and how.
#[derive(Clone)]
struct Desk {
    agent: Agent,
    view: View,
}

/// The routes of an agent, to clients that may see the secrets in URLs or not.
pub(super) fn routes(agent: Agent, secrets: bool) -> Router<Arc<App>> {
    Router::new()
        .route("/v1/agent", get(about))
        .route("/v1/registrations", get(list))
        .route("/v1/registrations/{id}", get(one).put(put).delete(delete))
        .with_state(Desk { agent, view: View::new(None, secrets) })
}

/// Whether a request for this path may change something, and have a body.
pub(super) fn is_changeable(path: &str) -> bool {
    path.starts_with(CHANGEABLE)
}

/// Refuses a client that wants another version of the API.
pub(super) fn check_api(headers: &HeaderMap) -> Result<(), Refusal> {
    let supported = |value: &HeaderValue| {
        value.to_str().is_ok_and(|value| value.trim().parse() == Ok(agent::API))
    };
    match headers.get_all(API_HEADER).iter().find(|value| !supported(value)) {
        Some(asked) => {
            let asked = String::from_utf8_lossy(asked.as_bytes());
            Err(Problem::unsupported_api(&asked).into())
        }
        None => Ok(()),
    }
}

/// The description of the whole API of an agent: that of `serve`, and what is added.
pub(super) fn described(serve: &str) -> String {
    let read = |text: &str| serde_json::from_str(text).unwrap_or_default();
    let (mut all, agent): (Value, Value) = (read(serve), read(DESCRIPTION));
    add(&mut all, &agent);
    all.to_string()
}

/// Adds members that are not there yet, or replaces them by those of an agent.
fn add(all: &mut Value, more: &Value) {
    match (all, more) {
        (Value::Object(all), Value::Object(more)) => {
            more.iter().for_each(|(name, more)| add(all.entry(name).or_insert(Value::Null), more));
        }
        (all, more) => all.clone_from(more),
    }
}

/// Says which version of the API answers.
pub(super) fn name_api(headers: &mut HeaderMap) {
    headers.insert(API_HEADER, HeaderValue::from(agent::API));
}

#[derive(Serialize)]
struct About {
    api: u32,
    version: &'static str,
    pod: agent::Pod,
    limits: Limits,
}

/// What a client may ask for.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Limits {
    registrations: usize,
    urls: usize,
    body_bytes: usize,
    id_characters: usize,
    min_lease_seconds: u32,
    max_lease_seconds: u32,
    default_lease_seconds: u32,
}

#[derive(Serialize)]
struct All {
    registrations: Vec<Registration>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WaitParameters {
    wait: Option<String>,
}

async fn about(Shared(desk): Shared<Desk>) -> Result<Response, Refusal> {
    let limits = Limits {
        registrations: agent::MOST_REGISTRATIONS,
        urls: agent::MOST_URLS,
        body_bytes: agent::LARGEST_BODY,
        id_characters: agent::LONGEST_ID,
        min_lease_seconds: agent::SHORTEST_LEASE,
        max_lease_seconds: agent::LONGEST_LEASE,
        default_lease_seconds: agent::DEFAULT_LEASE,
    };
    let (api, version) = (agent::API, env!("CARGO_PKG_VERSION"));
    desk.json(StatusCode::OK, &About { api, version, pod: desk.agent.pod().await?, limits })
}

async fn list(Shared(desk): Shared<Desk>) -> Result<Response, Refusal> {
    desk.json(StatusCode::OK, &All { registrations: desk.agent.list().await? })
}

async fn one(Shared(desk): Shared<Desk>, Path(id): Path<String>) -> Result<Response, Refusal> {
    agent::check_id(&id)?;
    match desk.agent.get(&id).await? {
        Some(registration) => desk.json(StatusCode::OK, &registration),
        None => Err(Problem::unknown(&id).into()),
    }
}

async fn put(
    Shared(desk): Shared<Desk>,
    Path(id): Path<String>,
    asked: Result<Parameters<WaitParameters>, QueryRejection>,
    body: Body,
) -> Result<Response, Refusal> {
    agent::check_id(&id)?;
    let wait = wait(asked)?;
    let terms = Terms::read(&read(body).await?)?;
    match desk.agent.put(&id, terms, wait).await? {
        Changed::Done(Some(registration)) => desk.json(StatusCode::OK, &registration),
        Changed::Pending(registration) => desk.json(StatusCode::ACCEPTED, &registration),
        // Another client has ended it meanwhile.
        Changed::Done(None) => Err(Problem::unknown(&id).into()),
    }
}

async fn delete(
    Shared(desk): Shared<Desk>,
    Path(id): Path<String>,
    asked: Result<Parameters<WaitParameters>, QueryRejection>,
) -> Result<Response, Refusal> {
    agent::check_id(&id)?;
    let wait = wait(asked)?;
    match desk.agent.delete(&id, wait).await? {
        Changed::Done(_) => Ok(StatusCode::NO_CONTENT.into_response()),
        Changed::Pending(registration) => desk.json(StatusCode::ACCEPTED, &registration),
    }
}

fn wait(asked: Result<Parameters<WaitParameters>, QueryRejection>) -> Result<Duration, Refusal> {
    let wait = asked?.0.wait;
    wait.as_deref().map_or(Ok(WAIT), parse_wait)
}

/// The body of a request, which does not get larger or slower than the limits.
async fn read(body: Body) -> Result<bytes::Bytes, Problem> {
    match timeout(BODY_TIME, to_bytes(body, agent::LARGEST_BODY)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(error)) if is_too_large(&error) => Err(Problem::body_too_large()),
        Ok(Err(_)) | Err(_) => Err(Problem::body_missing()),
    }
}

fn is_too_large(error: &axum::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if error.is::<http_body_util::LengthLimitError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

impl Desk {
    fn json(&self, status: StatusCode, value: &impl Serialize) -> Result<Response, Refusal> {
        let mut body = Vec::new();
        self.view.write(&mut body, value).map_err(|error| {
            Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, format!("The answer failed: {error}."))
        })?;
        let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")];
        Ok((status, headers, body).into_response())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_description_has_the_paths_of_serve_and_of_the_agent() {
        let all: Value = serde_json::from_str(&described(super::super::routes::OPENAPI)).unwrap();
        for path in ["/v1/snapshot", "/v1/events", "/v1/agent", "/v1/registrations/{id}"] {
            assert!(all["paths"][path].is_object(), "{path}");
        }
        assert_eq!(all["info"]["title"], "dubbo-watcher agent");
        assert!(all["components"]["parameters"]["wait"].is_object(), "those of serve are left");
    }

    #[test]
    fn only_the_version_that_is_there_is_answered() {
        let asked = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(API_HEADER, HeaderValue::from_static(value));
            }
            check_api(&headers).err().and_then(|refusal| refusal.code)
        };
        assert_eq!((asked(&[]), asked(&["1"]), asked(&[" 1 "])), (None, None, None));
        for other in [&["2"][..], &[""], &["1", "2"], &["1.0"]] {
            assert_eq!(asked(other), Some("unsupported-api"), "{other:?}");
        }
    }
}
