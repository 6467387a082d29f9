//! Requests as data. Nothing here is sent, and nothing here holds a credential.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

/// What a request does, in the words of Kubernetes' authorization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verb {
    /// `GET` of a collection.
    List,
    /// `GET` of a collection with `watch=true`.
    Watch,
    /// `GET` of one object.
    Get,
    /// `PATCH` of one object.
    Patch,
    /// `POST` of a new object.
    Create,
}

impl Verb {
    /// The HTTP method.
    pub const fn method(self) -> &'static str {
        match self {
            Self::List | Self::Watch | Self::Get => "GET",
            Self::Patch => "PATCH",
            Self::Create => "POST",
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::List => "list",
            Self::Watch => "watch",
            Self::Get => "get",
            Self::Patch => "patch",
            Self::Create => "create",
        })
    }
}

/// Names one exchange: one request and the response to it. Never used twice by an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub(super) u64);

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// One HTTP request, without the server's address and without a credential: the driver adds both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What it does; [`Verb::method`] is the HTTP method.
    pub verb: Verb,
    /// Path and query, starting with `/api`, percent-encoded. It goes behind the path of the
    /// server's URL, if that has one.
    pub target: String,
    /// The `Accept` header.
    pub accept: &'static str,
    /// Ask for `gzip` (exactly that token; kube-apiserver knows no other). Otherwise the request
    /// says `Accept-Encoding: identity`. A watch that is compressed has one member for its initial
    /// events and one for each later event; each is to be reported as soon as it is there.
    pub gzip: bool,
    /// The `Content-Type` header, where there is a body.
    pub content_type: Option<&'static str>,
    /// The body; empty for none.
    pub body: Vec<u8>,
    /// How long the whole exchange may take from sending. The engine enforces it by
    /// [`Output::Cancel`](super::Output::Cancel); a driver may enforce it too, as
    /// [`TransportErrorKind::Deadline`](super::TransportErrorKind::Deadline).
    pub deadline: Duration,
}
