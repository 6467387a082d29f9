//! Who may read what: every caller, or those that the kube-apiserver lets list Pods. It must never keep a token, nor
//! let a caller see a namespace for which the kube-apiserver has not said yes.

mod answers;
mod review;

use std::sync::Arc;
use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use tokio::time::Instant;

use super::peers::Peer;
use super::refusal::Refusal;
use super::view::View;
use review::Attributes;
pub use review::Reviewer;

/// How long an event stream may go on before its caller has to come again, and is reviewed again.
const REVIEWED: Duration = Duration::from_mins(5);

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
    pub(super) async fn may_get(
        &self,
        peer: &Peer,
        headers: &HeaderMap,
        path: &str,
    ) -> Result<(), Refusal> {
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

#[cfg(test)]
mod tests {
    use super::*;

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
