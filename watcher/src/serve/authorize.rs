//! Around each path: what its caller may see. It must never let a request through for which [`Access`] has not answered.

use std::sync::Arc;

use axum::extract::{Request, State as Shared};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use dubbo_k8s_codec::kubernetes;
use http::{StatusCode, Uri};
use percent_encoding::percent_decode_str;

use super::app::App;
use super::peers::Peer;
use super::refusal::{Quoted, Refusal};

/// The most namespaces that one request may name.
const MOST_NAMESPACES: usize = 16;

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
}
