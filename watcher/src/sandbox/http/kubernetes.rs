//! The one kube-apiserver that a guest of the sandbox reaches, through the client that knows its address
//! and who we are. The credential is added by that client, behind the gate: it must never be in
//! anything that goes back.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderName, Request, header};

use super::gate::{WriteVerb, admit};
use super::outgoing::{Answer, Outgoing, Refusal, Report, place};
use dubbo_k8s_registry::kube::Client;

/// A kube-apiserver, for a guest that may only read from it unless it was allowed more.
pub struct Kubernetes {
    client: Arc<Mutex<Client>>,
    started: Instant,
    allowed: Vec<WriteVerb>,
    report: Report,
}

impl Kubernetes {
    /// The server of this client. `report` is called, a few times at most, with the reason for which a
    /// request came to nothing; it is plain text but for what the guest has put into it.
    pub fn new(
        client: Client,
        allowed: Vec<WriteVerb>,
        report: impl Fn(&str) + Send + Sync + 'static,
    ) -> Self {
        let report: Report = Arc::new(move |refusal: &Refusal| report(&refusal.to_string()));
        Self { client: Arc::new(Mutex::new(client)), started: Instant::now(), allowed, report }
    }

    pub(in crate::sandbox) fn report(&self) -> Report {
        Arc::clone(&self.report)
    }
}

impl fmt::Debug for Kubernetes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kubernetes").field("allowed", &self.allowed).finish_non_exhaustive()
    }
}

/// Fields of a request that reach the server. No other does: not who the guest says it is, nor a
/// cookie, nor an upgrade.
const PASSED: [HeaderName; 3] = [header::ACCEPT, header::ACCEPT_ENCODING, header::CONTENT_TYPE];

impl Outgoing for Kubernetes {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'static, Result<Answer, Refusal>> {
        let (head, body) = request.into_parts();
        let target = match admit(&head.method, &head.uri, &self.allowed) {
            Ok(target) => target,
            Err(denied) => {
                let asked = format!("{} {}", head.method, place(&head.uri));
                let why = format!("a request was refused ({asked}): {denied}");
                return Box::pin(std::future::ready(Err(Refusal::Denied(why))));
            }
        };
        let passed = PASSED.iter().filter_map(|name| Some((name, head.headers.get(name)?)));
        let headers: HeaderMap =
            passed.map(|(name, value)| (name.clone(), value.clone())).collect();
        let now = self.started.elapsed();
        let sending = self.client.lock().unwrap_or_else(PoisonError::into_inner).relay(
            now,
            head.method,
            &target,
            headers,
            body,
        );
        Box::pin(async move { Ok(sending.await.map_err(Refusal::Failed)?.into()) })
    }
}
