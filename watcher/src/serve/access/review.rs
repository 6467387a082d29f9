//! Asks the kube-apiserver who a caller is (`TokenReview`) and what they may do (`SubjectAccessReview`). A token
//! goes into the body of one request and nowhere else.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dubbo_k8s_engine::{Request, Verb};
use dubbo_k8s_registry::kube::{Client, Event};
use http::StatusCode;
use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use super::super::peers::Peer;
use super::super::refusal::Refusal;
use super::answers::{Answer, Answers, Digest};

/// How long one answer may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// No answer is larger.
const ANSWER_LIMIT: usize = 1 << 20;

/// How many reviews are under way at the same time, whatever clients do.
const AT_ONCE: usize = 8;

/// Reviews callers, and remembers the answers for a short time.
pub struct Reviewer {
    client: Mutex<Client>,
    started: Instant,
    audiences: Vec<String>,
    followed: Option<Vec<String>>,
    users: Answers<Arc<User>>,
    rights: Answers<()>,
    asking: Semaphore,
}

impl fmt::Debug for Reviewer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reviewer").field("followed", &self.followed).finish_non_exhaustive()
    }
}

/// A caller as the kube-apiserver knows them: the members of a `UserInfo`.
#[derive(Debug)]
pub(super) struct User(Map<String, Value>);

impl User {
    pub(super) fn name(&self) -> &str {
        self.0.get("username").and_then(Value::as_str).unwrap_or_default()
    }
}

/// What a caller wants to do.
#[derive(Debug, Clone, Copy)]
pub(super) enum Attributes<'a> {
    /// List the Pods of a namespace; of all with an empty name.
    ListPods(&'a str),
    /// Get a path that is no resource.
    Get(&'a str),
}

impl Reviewer {
    /// Asks by this client. Tokens must be for one of the audiences, or for the kube-apiserver without any;
    /// `followed` are the namespaces that there are to see, `None` if it is all of them.
    pub fn new(client: Client, audiences: Vec<String>, followed: Option<Vec<String>>) -> Self {
        Self {
            client: Mutex::new(client),
            started: Instant::now(),
            audiences,
            followed,
            users: Answers::default(),
            rights: Answers::default(),
            asking: Semaphore::new(AT_ONCE),
        }
    }

    pub(super) fn followed(&self) -> Option<&[String]> {
        self.followed.as_deref()
    }

    /// Whose token this is.
    pub(super) async fn user(&self, peer: &Peer, token: &str) -> Result<Arc<User>, Refusal> {
        let asked = Digest::of(&[token.as_bytes()]);
        let spec = json!({"token": token, "audiences": self.audiences});
        let path = "/apis/authentication.k8s.io/v1/tokenreviews";
        let answer = self.answer(peer, &self.users, asked, path, "TokenReview", spec, |status| {
            self.authenticated(status)
        });
        match answer.await? {
            Answer::Yes(user) => Ok(user),
            Answer::No => Err(Refusal::unauthenticated()),
        }
    }

    fn authenticated(&self, status: &Value) -> Option<Arc<User>> {
        let says = |name: &str| status.get(name);
        let audiences = says("audiences").and_then(Value::as_array).into_iter().flatten();
        let is_ours = |audience: &Value| self.audiences.iter().any(|ours| audience == ours);
        let is_meant = self.audiences.is_empty() || audiences.into_iter().any(is_ours);
        let user = says("user").and_then(Value::as_object)?;
        let is_known = says("authenticated") == Some(&Value::Bool(true)) && is_meant;
        is_known.then(|| Arc::new(User(user.clone()))).filter(|user| !user.name().is_empty())
    }

    /// Whether a user may do this.
    pub(super) async fn may(
        &self,
        peer: &Peer,
        user: &User,
        what: Attributes<'_>,
    ) -> Result<bool, Refusal> {
        // Another token of the same user may have other groups.
        let info = serde_json::to_vec(&user.0).unwrap_or_default();
        let (asked, member, attributes) = match what {
            Attributes::ListPods(namespace) => (
                Digest::of(&[&info, b"pods", namespace.as_bytes()]),
                "resourceAttributes",
                json!({"verb": "list", "version": "v1", "resource": "pods", "namespace": namespace}),
            ),
            Attributes::Get(path) => (
                Digest::of(&[&info, b"path", path.as_bytes()]),
                "nonResourceAttributes",
                json!({"verb": "get", "path": path}),
            ),
        };
        let mut spec = Map::new();
        for (theirs, ours) in
            [("username", "user"), ("uid", "uid"), ("groups", "groups"), ("extra", "extra")]
        {
            spec.extend(user.0.get(theirs).map(|value| (ours.to_owned(), value.clone())));
        }
        spec.insert(member.to_owned(), attributes);
        let path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
        let (kind, spec) = ("SubjectAccessReview", Value::Object(spec));
        let answer = self.answer(peer, &self.rights, asked, path, kind, spec, |status| {
            let is = |name: &str| status.get(name) == Some(&Value::Bool(true));
            (is("allowed") && !is("denied")).then_some(())
        });
        Ok(answer.await? == Answer::Yes(()))
    }

    /// The answer that is remembered, or else that of the kube-apiserver.
    #[expect(clippy::too_many_arguments, reason = "one review is that many things")]
    async fn answer<T: Clone>(
        &self,
        peer: &Peer,
        answers: &Answers<T>,
        asked: Digest,
        path: &str,
        kind: &str,
        spec: Value,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<Answer<T>, Refusal> {
        if let Some(answer) = answers.get(asked) {
            return Ok(answer);
        }
        let _turns = (peer.review().await, self.asking.acquire().await);
        // Another request may have asked meanwhile.
        if let Some(answer) = answers.get(asked) {
            return Ok(answer);
        }
        let status = self.post(path, kind, spec).await?;
        let answer = read(&status).map_or(Answer::No, Answer::Yes);
        answers.put(asked, answer.clone());
        Ok(answer)
    }

    /// The `status` of a review.
    async fn post(&self, path: &str, kind: &str, spec: Value) -> Result<Value, Refusal> {
        let group = path.split('/').nth(2).unwrap_or_default();
        let review = json!({"apiVersion": format!("{group}/v1"), "kind": kind, "spec": spec});
        let request = Request {
            verb: Verb::Create,
            target: path.to_owned(),
            accept: "application/json",
            gzip: false,
            content_type: Some("application/json"),
            body: review.to_string().into_bytes(),
            deadline: DEADLINE,
        };
        let mut exchange = {
            let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
            client.send(self.started.elapsed(), request)
        };
        let reading = async {
            let (mut status, mut body) = (0, Vec::new());
            loop {
                match exchange.next().await {
                    Some(Event::Head { status: head, .. }) => status = head,
                    Some(Event::Chunk(bytes)) if body.len() + bytes.len() <= ANSWER_LIMIT => {
                        body.extend_from_slice(&bytes);
                    }
                    Some(Event::End) | None => return Ok((status, body)),
                    Some(Event::Chunk(_)) => return Err("its answer is too large".to_owned()),
                    Some(Event::Failed(error)) => return Err(error.to_string()),
                }
            }
        };
        let late = |_| Err("it did not answer in time".to_owned());
        let (status, body) =
            timeout(DEADLINE, reading).await.unwrap_or_else(late).map_err(|why| unknown(&why))?;
        if status == 403 {
            return Err(unknown(&format!(
                "this server may not create a {kind}: it needs the ClusterRole system:auth-delegator"
            )));
        }
        if !(200..300).contains(&status) {
            return Err(unknown(&format!("it answered {status} to a {kind}")));
        }
        let review: Value = serde_json::from_slice(&body).unwrap_or_default();
        review.get("status").cloned().ok_or_else(|| unknown("its answer is no review"))
    }
}

/// Who the caller is cannot be known now: nothing is shown.
fn unknown(why: &str) -> Refusal {
    let detail = format!("The kube-apiserver could not be asked about the caller: {why}.");
    Refusal { retry_after: Some(5), ..Refusal::new(StatusCode::SERVICE_UNAVAILABLE, detail) }
}
