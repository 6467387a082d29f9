//! Where the requests of guests may go, and why one gets no answer. It sends nothing itself.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response, Uri};

use dubbo_k8s_engine::TransportError;

/// Where requests go, and which of them.
pub(crate) trait Outgoing: Send + Sync + 'static {
    /// Sends a request whose body is whole, or says why not. It is called for every request, and
    /// decides by itself: nothing was judged before but the number of requests under way.
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'static, Result<Answer, Refusal>>;
}

/// An answer as it comes.
pub(crate) type Answer = Response<reqwest::Body>;

/// Why a guest gets no answer.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// It may not ask that; the text says what was asked and why not.
    Denied(String),
    /// It may, but it did not work.
    Failed(TransportError),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(why) => f.write_str(why),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

/// Gets why a guest's request came to nothing.
pub(crate) type Report = Arc<dyn Fn(&Refusal) + Send + Sync>;

/// Leads nowhere: for a guest that may ask no host.
#[derive(Debug)]
pub(crate) struct Nowhere;

impl Outgoing for Nowhere {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'static, Result<Answer, Refusal>> {
        let why = format!("{} may not be reached: no host may", place(request.uri()));
        Box::pin(std::future::ready(Err(Refusal::Denied(why))))
    }
}

/// Where a request was to go, for messages: without its path, which may be anything.
pub(super) fn place(uri: &Uri) -> String {
    let scheme = uri.scheme_str().unwrap_or("http");
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let authority: String = authority.chars().filter(char::is_ascii_graphic).take(100).collect();
    // A password may stand before an `@`.
    let authority = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{authority}")
}
