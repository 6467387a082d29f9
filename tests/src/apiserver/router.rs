//! From a request to its answer, in the order of a real server: who, may they, what.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::Response;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::{Value, json};

use super::access::ANONYMOUS;
use super::answer::{self, Body, Cut};
use super::connection::{Order, Peer};
use super::list::object;
use super::object::Encoding;
use super::request::{Request, Resource, Verb};
use super::shared::Shared;
use super::status::Status;
use super::{accept, clock, health, json, list, patch, review, tamper, watch};

/// The longest body that the server reads.
const MAX_BODY: usize = 3 * 1024 * 1024;

/// A client that sends more than this is cut off.
const MAX_DRAINED: usize = 16 * 1024 * 1024;

/// Answers one request; an error ends the connection.
pub(crate) async fn respond(
    shared: &Arc<Shared>,
    peer: &Peer,
    request: hyper::Request<Incoming>,
) -> Result<Response<Body>, Cut> {
    let (head, body) = request.into_parts();
    let body = read(body).await?;
    let too_large = body.is_none();
    let body = body.unwrap_or_default();
    let request = Request::new(&head, peer.certificate.clone(), body);
    let number = shared.requests.arrived(&request, peer.connection.number);
    let act = shared.faults.take(&request);
    let response = match &act {
        Some(act) => tamper::instead(act, &request.accept, &shared.options).await,
        None => None,
    };
    let response = match (response, act) {
        (Some(response), _) => response,
        (None, act) => {
            let response = match answer(shared, peer, &request, too_large).await {
                Ok(response) => response,
                Err(refusal) => refuse(shared, &refusal, &request, peer),
            };
            match act {
                Some(act) => tamper::apply(act, response, &peer.connection),
                None => response,
            }
        }
    };
    shared.requests.answered(number, response.status().as_u16());
    Ok(response)
}

/// The body; `None` when it is too long. Then its rest is read all the same, so that the client
/// gets to see the answer.
async fn read(mut body: Incoming) -> Result<Option<Bytes>, Cut> {
    let mut bytes = BytesMut::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Cut)?.into_data() else { continue };
        length += data.len();
        if length <= MAX_BODY {
            bytes.extend_from_slice(&data);
        } else if length > MAX_DRAINED {
            return Err(Cut);
        }
    }
    Ok((length <= MAX_BODY).then(|| bytes.freeze()))
}

struct Refusal {
    status: Status,
    /// Whether the client is unknown: then an HTTP/2 connection goes away with the answer.
    unknown_client: bool,
}

impl From<Status> for Refusal {
    fn from(status: Status) -> Self {
        let unknown_client = status.code == 401;
        Self { status, unknown_client }
    }
}

fn refuse(shared: &Shared, refusal: &Refusal, request: &Request, peer: &Peer) -> Response<Body> {
    if refusal.unknown_client && request.http2 {
        peer.connection.order(Order::GoAway);
    }
    answer::status(&refusal.status, &request.accept, &shared.options)
}

async fn answer(
    shared: &Arc<Shared>,
    peer: &Peer,
    request: &Request,
    too_large: bool,
) -> Result<Response<Body>, Refusal> {
    let user = shared.access.user(request)?;
    shared
        .access
        .authorize(&user, request)
        .map_err(|status| Refusal { status, unknown_client: user == ANONYMOUS })?;
    match &request.resource {
        Resource::AccessReviews => Ok(review::review(&shared.access, &user, request)?),
        Resource::Reviews => Ok(review::review_others(&shared.access, request)?),
        Resource::Version => Ok(health::version()),
        Resource::Health { probe } => {
            Ok(health::probe(probe, request.query.find("verbose").is_some()))
        }
        Resource::Path(_) => Ok(answer::text(404, "404 page not found\n")),
        Resource::Unknown { .. } => Err(Status::unknown_resource().into()),
        Resource::Namespaces { name } => Ok(namespace(request, name.as_deref())?),
        Resource::Pods { namespace, name } => {
            if too_large {
                let message = format!("Request entity too large: limit is {MAX_BODY}");
                return Err(Status::new(413, "RequestEntityTooLarge", message).into());
            }
            Ok(pods(shared, peer, request, namespace.as_deref(), name.as_deref()).await?)
        }
    }
}

async fn pods(
    shared: &Arc<Shared>,
    peer: &Peer,
    request: &Request,
    namespace: Option<&str>,
    name: Option<&str>,
) -> Result<Response<Body>, Status> {
    match (request.verb, namespace, name) {
        (Verb::List, namespace, None) => list::list(shared, request, namespace).await,
        (Verb::Watch, namespace, None) => {
            watch::watch(shared, &peer.connection.unwritten, request, namespace)
        }
        (Verb::Get, Some(namespace), Some(name)) => {
            list::get(shared, request, namespace, name).await
        }
        (Verb::Patch, Some(namespace), Some(name)) => {
            patch::patch(shared, request, namespace, name)
        }
        (Verb::Create, Some(namespace), None) => create(shared, request, namespace),
        (Verb::Delete, Some(namespace), Some(name)) => delete(shared, request, namespace, name),
        _ => Err(Status::new(
            405,
            "MethodNotAllowed",
            "the server does not allow this method on the requested resource",
        )),
    }
}

fn create(shared: &Shared, request: &Request, namespace: &str) -> Result<Response<Body>, Status> {
    let shape = accept::negotiate(&request.accept, &shared.options)?.of_object()?;
    let mut pod = body(request)?;
    let metadata = json::object_at(&mut pod, &["metadata"]);
    metadata.insert("namespace".to_owned(), json!(namespace));
    metadata.entry("generation").or_insert_with(|| json!(1));
    let pod = shared.store.create_object(pod)?;
    let mut response = object(&pod, shape);
    *response.status_mut() = http::StatusCode::CREATED;
    Ok(response)
}

/// Deletes at once with `gracePeriodSeconds=0` (in the query or the body), else gracefully: the
/// Pod stays until it is deleted again, as without a kubelet.
fn delete(
    shared: &Shared,
    request: &Request,
    namespace: &str,
    name: &str,
) -> Result<Response<Body>, Status> {
    let shape = accept::negotiate(&request.accept, &shared.options)?.of_object()?;
    let options = if request.body.is_empty() { Value::Null } else { body(request)? };
    let now = request.query.get("gracePeriodSeconds") == "0"
        || *json::at(&options, "/gracePeriodSeconds") == 0;
    let pod = shared.store.get(namespace, name).ok_or_else(|| Status::not_found(name))?;
    let uid = json::at(&options, "/preconditions/uid").as_str();
    if uid.is_some_and(|uid| *uid != *pod.uid) {
        return Err(Status::conflict(
            name,
            &format!(
                "Precondition failed: UID in precondition: {}, UID in object meta: {}",
                uid.unwrap_or_default(),
                pod.uid
            ),
        ));
    }
    if now {
        // A real server writes first that no time is left, which watches see.
        shared.store.update(namespace, name, |pod| {
            let metadata = json::object_at(pod, &["metadata"]);
            metadata.entry("deletionTimestamp").or_insert_with(|| json!(clock::timestamp()));
            metadata.insert("deletionGracePeriodSeconds".to_owned(), json!(0));
        })?;
        let pod = shared.store.get(namespace, name).ok_or_else(|| Status::not_found(name))?;
        shared.store.delete(namespace, name)?;
        return Ok(object(&pod, shape));
    }
    shared.store.terminate(namespace, name)?;
    let pod = shared.store.get(namespace, name).ok_or_else(|| Status::not_found(name))?;
    Ok(object(&pod, shape))
}

fn body(request: &Request) -> Result<Value, Status> {
    match serde_json::from_slice(&request.body) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err(Status::bad_request("the body of the request is not an object")),
        Err(error) => Err(Status::bad_request(error.to_string())),
    }
}

/// Namespaces are not kept: every name exists, so that a set-up for a real server works here too.
fn namespace(request: &Request, name: Option<&str>) -> Result<Response<Body>, Status> {
    let (code, name) = match (request.verb, name) {
        (Verb::Create, None) => (201, json::at(&body(request)?, "/metadata/name").clone()),
        (Verb::Get | Verb::Delete, Some(name)) => (200, json!(name)),
        _ => return Err(Status::unknown_resource()),
    };
    let namespace = json!({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": name},
        "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}});
    let body = answer::json(json::line(&namespace));
    let mut response = answer::ok(Encoding::Json, body);
    *response.status_mut() = http::StatusCode::from_u16(code).unwrap_or_default();
    Ok(response)
}
