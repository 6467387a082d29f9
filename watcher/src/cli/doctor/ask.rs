//! The few questions of a doctor to the server, each one request with one answer. It changes
//! nothing: reviews are answered and forgotten.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use dubbo_k8s_codec::Status;
use dubbo_k8s_engine::catalog::Scope;
use dubbo_k8s_engine::{
    Cause, Failure, Request, SELECTOR, TransportError, TransportErrorKind, Verb, Wire,
    registration::PodName,
};
use dubbo_k8s_registry::kube::{Client, Event};
use http::header;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

/// How long one answer may take.
const TIMEOUT: Duration = Duration::from_secs(15);
/// No answer to these questions is larger.
const ANSWER_LIMIT: usize = 4 << 20;

/// One answer.
pub(in crate::cli) struct Answer {
    pub(in crate::cli) status: u16,
    pub(in crate::cli) body: Vec<u8>,
    /// The `Date` header.
    pub(in crate::cli) date: Option<SystemTime>,
    /// The `Content-Type` header.
    pub(in crate::cli) form: String,
}

impl Answer {
    pub(in crate::cli) fn is_ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub(in crate::cli) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The refusal that it is, of this verb in this scope.
    pub(in crate::cli) fn failure(&self, verb: Verb, scope: Scope) -> Failure {
        let status = Status::parse(&self.body).ok();
        let (reason, message) =
            status.map(|status| (status.reason, status.message)).unwrap_or_default();
        Failure { verb, scope, cause: Cause::Refused { status: self.status, reason, message } }
    }
}

/// Sends a request and reads its answer.
pub(in crate::cli) async fn ask(
    client: &mut Client,
    request: Request,
) -> Result<Answer, TransportError> {
    let mut exchange = client.send(Duration::ZERO, request);
    let answer = async {
        let mut answer = Answer { status: 0, body: Vec::new(), date: None, form: String::new() };
        loop {
            match exchange.next().await {
                Some(Event::Head { status, .. }) => {
                    answer.status = status;
                    let date = exchange.header(header::DATE).and_then(|date| date.to_str().ok());
                    let form = exchange.header(header::CONTENT_TYPE);
                    answer.form =
                        form.and_then(|form| form.to_str().ok()).unwrap_or_default().into();
                    answer.date = date.and_then(|date| httpdate::parse_http_date(date).ok());
                }
                Some(Event::Chunk(bytes)) if answer.body.len() + bytes.len() <= ANSWER_LIMIT => {
                    answer.body.extend_from_slice(&bytes);
                }
                Some(Event::Failed(error)) => return Err(error),
                Some(Event::Chunk(_)) => {
                    return Err(TransportError::new(
                        TransportErrorKind::Protocol,
                        "it is too large",
                    ));
                }
                Some(Event::End) | None => return Ok(answer),
            }
        }
    };
    let late = |_| Err(TransportError::new(TransportErrorKind::Deadline, ""));
    tokio::time::timeout(TIMEOUT, answer).await.unwrap_or_else(late)
}

fn request(verb: Verb, target: &str, body: Option<&Value>) -> Request {
    Request {
        verb,
        target: target.to_owned(),
        accept: "application/json",
        gzip: false,
        content_type: body.map(|_| "application/json"),
        body: body.map(Value::to_string).unwrap_or_default().into_bytes(),
        deadline: TIMEOUT,
    }
}

pub(in crate::cli) fn version() -> Request {
    request(Verb::Get, "/version", None)
}

pub(in crate::cli) fn namespace(name: &str) -> Request {
    request(Verb::Get, &format!("/api/v1/namespaces/{name}"), None)
}

pub(in crate::cli) fn pod(pod: &PodName) -> Request {
    let target = format!("/api/v1/namespaces/{}/pods/{}", pod.namespace(), pod.name());
    let accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
    Request { accept, ..request(Verb::Get, &target, None) }
}

/// The names of the objects in a list of the server, the first thousand of them.
pub(in crate::cli) fn list_of_names(path: &str) -> Request {
    let accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
    Request { accept, ..request(Verb::List, &format!("{path}?limit=1000"), None) }
}

/// The annotations of the Pods that take part, the first five hundred of them.
pub(in crate::cli) fn annotations(scope: &Scope) -> Request {
    let accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
    Request { accept, ..request(Verb::List, &format!("{}&limit=500", pods(scope)), None) }
}

/// A list of the first Pods that take part, as `list` asks for them.
pub(super) fn first_pods(scope: &Scope, limit: usize, wire: Wire) -> Request {
    let target = format!("{}&limit={limit}", pods(scope));
    Request { accept: wire.accept(), ..request(Verb::List, &target, None) }
}

/// A watch that begins with the list. It ends after a second, whether it is read or not.
pub(super) fn streaming_list(scope: &Scope, wire: Wire) -> Request {
    let target = format!(
        "{}&watch=true&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&timeoutSeconds=1",
        pods(scope)
    );
    Request { accept: wire.accept(), ..request(Verb::Watch, &target, None) }
}

/// The Services of `serve`, by the label that our manifests and the chart give them.
pub(super) fn services(scope: &Scope) -> Request {
    let path = match scope {
        Scope::All => "/api/v1/services".to_owned(),
        Scope::Namespace(name) => format!("/api/v1/namespaces/{name}/services"),
    };
    let target = format!("{path}?labelSelector=app.kubernetes.io%2Fname%3Ddubbo-watcher&limit=10");
    request(Verb::List, &target, None)
}

/// The first `NetworkPolicies`.
pub(super) fn network_policies(scope: &Scope) -> Request {
    let namespace = match scope {
        Scope::All => String::new(),
        Scope::Namespace(name) => format!("/namespaces/{name}"),
    };
    let target = format!("/apis/networking.k8s.io/v1{namespace}/networkpolicies?limit=100");
    request(Verb::List, &target, None)
}

/// The readiness of one of them, by way of the API server, at this port.
pub(super) fn readiness(namespace: &str, name: &str, port: &str) -> Request {
    let target = format!("/api/v1/namespaces/{namespace}/services/{name}:{port}/proxy/readyz");
    request(Verb::Get, &target, None)
}

/// The Pods that take part, as far as the selector.
fn pods(scope: &Scope) -> String {
    let selector = utf8_percent_encode(SELECTOR, NON_ALPHANUMERIC);
    match scope {
        Scope::All => format!("/api/v1/pods?labelSelector={selector}"),
        Scope::Namespace(name) => {
            format!("/api/v1/namespaces/{name}/pods?labelSelector={selector}")
        }
    }
}

/// Who the server takes us for (Kubernetes 1.28 and later).
pub(in crate::cli) fn identity() -> Request {
    let body = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
    request(Verb::Create, "/apis/authentication.k8s.io/v1/selfsubjectreviews", Some(&body))
}

/// Whether we may do this to Pods, or to this one.
pub(in crate::cli) fn access(verb: Verb, scope: &Scope, name: Option<&str>) -> Request {
    // An empty name stands for all, of namespaces and of Pods.
    let namespace = match scope {
        Scope::All => "",
        Scope::Namespace(namespace) => namespace,
    };
    let attributes = json!({
        "verb": verb.to_string(),
        "version": "v1",
        "resource": "pods",
        "namespace": namespace,
        "name": name.unwrap_or_default(),
    });
    let body = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    });
    request(Verb::Create, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", Some(&body))
}

/// Whether we may create this kind of review, which has no namespace.
pub(super) fn review(group: &str, resource: &str) -> Request {
    let attributes =
        json!({"verb": "create", "group": group, "version": "v1", "resource": resource});
    let body = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    });
    request(Verb::Create, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", Some(&body))
}

/// A change of something else than the records of the Pod, as the server would judge it: it is not carried out.
pub(super) fn trial(pod: &PodName) -> Request {
    let (namespace, name) = (pod.namespace(), pod.name());
    let target = format!("/api/v1/namespaces/{namespace}/pods/{name}?dryRun=All");
    let body = json!({"metadata": {"annotations": {"dubbo-watcher-doctor": "trial"}}});
    Request {
        content_type: Some("application/merge-patch+json"),
        ..request(Verb::Patch, &target, Some(&body))
    }
}

/// The scope of one namespace.
pub(in crate::cli) fn scope_of(namespace: &str) -> Scope {
    Scope::Namespace(Arc::from(namespace))
}
