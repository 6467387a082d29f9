//! Who may read what: every caller, or those that the kube-apiserver lets list Pods. It must never keep a token, nor
//! let a caller see a namespace for which the kube-apiserver has not said yes.

mod answers;
mod review;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State as Shared};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use dubbo_k8s_codec::kubernetes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode, Uri};
use percent_encoding::percent_decode_str;
use tokio::time::Instant;

use super::App;
use super::peers::Peer;
use super::refusal::{Quoted, Refusal};
use super::view::View;
use review::Attributes;
pub use review::Reviewer;

/// How long an event stream may go on before its caller has to come again, and is reviewed again.
const REVIEWED: Duration = Duration::from_mins(5);

/// The most namespaces that one request may name.
const MOST_NAMESPACES: usize = 16;

/// Who may read.
#[derive(Debug, Clone, Default)]
pub enum Access {
    /// Every client, without the secrets in URLs.
    #[default]
    Everyone,
    /// Every client, with the secrets in URLs: only those reach it that may have them, as the file mode of a socket says.
    Trusted,
    /// Callers with a token of the cluster, who see the namespaces in which they may list Pods.
    Kubernetes(Arc<Reviewer>),
}

impl Access {
    /// What a caller may see of these namespaces, or of all that it may see without any.
    pub(super) async fn view(
        &self,
        peer: &Peer,
        headers: &HeaderMap,
        asked: Vec<String>,
    ) -> Result<View, Refusal> {
        let Self::Kubernetes(reviewer) = self else {
            let secrets = matches!(self, Self::Trusted);
            return Ok(View::new((!asked.is_empty()).then_some(asked), secrets));
        };
        let user = reviewer.user(peer, token(headers)?).await?;
        let namespaces = if asked.is_empty() {
            self::all(reviewer, peer, &user).await?
        } else {
            for name in &asked {
                if !reviewer.may(peer, &user, Attributes::ListPods(name)).await? {
                    return Err(forbidden(format!("{} may not list pods in {name}.", user.name())));
                }
            }
            Some(asked)
        };
        Ok(View::new(namespaces, true).until(Instant::now() + REVIEWED))
    }

    /// Whether a caller may get a path that is about no namespace, as `/metrics` of Kubernetes' own programs.
    async fn may_get(&self, peer: &Peer, headers: &HeaderMap, path: &str) -> Result<(), Refusal> {
        let Self::Kubernetes(reviewer) = self else { return Ok(()) };
        let user = reviewer.user(peer, token(headers)?).await?;
        if reviewer.may(peer, &user, Attributes::Get(path)).await? {
            return Ok(());
        }
        Err(forbidden(format!(
            "{} may not get {path}: that is the verb `get` on the nonResourceURL {path}.",
            user.name()
        )))
    }
}

/// Everything that a caller may see: `None` if that is all there is.
async fn all(
    reviewer: &Reviewer,
    peer: &Peer,
    user: &review::User,
) -> Result<Option<Vec<String>>, Refusal> {
    let Some(followed) = reviewer.followed() else {
        if reviewer.may(peer, user, Attributes::ListPods("")).await? {
            return Ok(None);
        }
        return Err(forbidden(format!(
            "{} may not list pods in all namespaces; ?namespace= asks for one.",
            user.name()
        )));
    };
    let mut seen = Vec::new();
    for name in followed {
        if reviewer.may(peer, user, Attributes::ListPods(name)).await? {
            seen.push(name.clone());
        }
    }
    if seen.is_empty() {
        let names = followed.join(", ");
        return Err(forbidden(format!("{} may not list pods in {names}.", user.name())));
    }
    Ok((seen.len() < followed.len()).then_some(seen))
}

fn forbidden(detail: String) -> Refusal {
    Refusal::new(StatusCode::FORBIDDEN, detail)
}

fn token(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut given = headers.get_all(AUTHORIZATION).into_iter();
    let (Some(value), None) = (given.next(), given.next()) else {
        return Err(Refusal::unauthenticated());
    };
    let (scheme, token) = value
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .ok_or_else(Refusal::unauthenticated)?;
    let token = token.trim();
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(Refusal::unauthenticated());
    }
    Ok(token)
}

/// Around each path that shows what is registered: no answer without a view.
pub(super) async fn seen(
    Shared(app): Shared<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Response {
    let view = async {
        let asked = take_namespaces(request.uri_mut())?;
        let peer = Arc::clone(peer(&request)?);
        app.access.view(&peer, request.headers(), asked).await
    };
    match view.await {
        Ok(view) => {
            request.extensions_mut().insert(view);
            next.run(request).await
        }
        Err(refusal) => refusal.into_response(),
    }
}

/// Around each path that shows figures.
pub(super) async fn figures(
    Shared(app): Shared<Arc<App>>,
    request: Request,
    next: Next,
) -> Response {
    // A request cannot be looked at by two threads, which waiting with it in hand would need.
    let (peer, headers) = (peer(&request).cloned(), request.headers().clone());
    let path = request.uri().path().to_owned();
    let may = async { app.access.may_get(&*peer?, &headers, &path).await };
    match may.await {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

fn peer(request: &Request) -> Result<&Arc<Peer>, Refusal> {
    let lost = || Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "The client has no address.");
    request.extensions().get().ok_or_else(lost)
}

/// The values of `?namespace=`, taken out of the address: what is left is for the path itself.
fn take_namespaces(uri: &mut Uri) -> Result<Vec<String>, Refusal> {
    let query = uri.query().unwrap_or_default();
    let (named, rest): (Vec<_>, Vec<_>) = query
        .split('&')
        .partition(|pair| pair.split('=').next().is_some_and(|name| name == "namespace"));
    if named.is_empty() {
        return Ok(Vec::new());
    }
    let mut namespaces = Vec::new();
    for pair in named {
        let value = pair.split_once('=').map_or("", |(_, value)| value);
        let name = percent_decode_str(value).decode_utf8_lossy().into_owned();
        if !kubernetes::is_label(&name) || namespaces.len() == MOST_NAMESPACES {
            let quoted = Quoted(&name);
            return Err(Refusal::bad_request(format!(
                "namespace={quoted} must be the name of a namespace; at most {MOST_NAMESPACES} are taken."
            )));
        }
        namespaces.push(name);
    }
    let query = rest.join("&");
    let question = if query.is_empty() { "" } else { "?" };
    let target = format!("{}{question}{query}", uri.path());
    *uri = target.parse().map_err(|_| Refusal::bad_request("The address is not one."))?;
    Ok(namespaces)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespaces_are_taken_out_of_the_address() {
        let take = |text: &str| {
            let mut uri: Uri = text.parse().unwrap();
            let taken = take_namespaces(&mut uri).map_err(|refusal| refusal.status.as_u16());
            (taken, uri.to_string())
        };
        let two = Ok(vec!["a".to_owned(), "b-1".to_owned()]);
        let target = "/v1/snapshot?namespace=a&wait=30s&namespace=b%2D1&service=x%26y";
        assert_eq!(take(target), (two, "/v1/snapshot?wait=30s&service=x%26y".to_owned()));
        let one = Ok(vec!["a".to_owned()]);
        assert_eq!(take("/v1/events?namespace=a"), (one, "/v1/events".to_owned()));
        let same = "/v1/snapshot?namespaces=a&x";
        assert_eq!(take(same), (Ok(Vec::new()), same.to_owned()));
        for bad in ["/?namespace", "/?namespace=", "/?namespace=A", "/?namespace=a%2Fb"] {
            assert_eq!(take(bad).0, Err(400), "{bad}");
        }
        let many = format!("/?{}", ["namespace=a"; MOST_NAMESPACES + 1].join("&"));
        assert_eq!(take(&many).0, Err(400));
    }

    #[test]
    fn a_token_is_one_bearer_token() {
        let read = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, http::HeaderValue::from_static(value));
            }
            token(&headers).ok().map(str::to_owned)
        };
        assert_eq!(read(&["Bearer a.b"]).as_deref(), Some("a.b"));
        assert_eq!(read(&["bearer  a"]).as_deref(), Some("a"));
        for none in [&[][..], &["Bearer"], &["Bearer "], &["Basic YTpi"], &["Bearer a", "Bearer b"]]
        {
            assert_eq!(read(none), None, "{none:?}");
        }
    }
}
