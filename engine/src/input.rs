//! What a driver tells the engine. No variant may carry a credential.

use alloc::string::String;
use core::fmt;
use core::time::Duration;

use super::StreamId;

/// One thing that happened outside.
#[derive(Debug)]
pub enum Input<'a> {
    /// Time has passed: the start, or [`Engine::next_wake`](super::Engine::next_wake) is due.
    Wake,
    /// The response head of an exchange.
    Head {
        /// The exchange.
        stream: StreamId,
        /// The HTTP status; 1xx are the driver's business.
        status: u16,
        /// The `Retry-After` header, where it is a number of seconds.
        retry_after: Option<Duration>,
        /// The `Content-Type` header, by which the body is read; empty if there is none.
        content_type: &'a str,
    },
    /// A piece of the response body, decoded (no chunk sizes, no gzip), cut anywhere.
    Chunk {
        /// The exchange.
        stream: StreamId,
        /// The bytes; they may be empty.
        bytes: &'a [u8],
    },
    /// The response body has ended as HTTP says that it should.
    End {
        /// The exchange.
        stream: StreamId,
    },
    /// The exchange broke, at any point. Nothing follows for this stream.
    Failed {
        /// The exchange.
        stream: StreamId,
        /// Why.
        error: TransportError,
    },
}

/// Where an exchange broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TransportErrorKind {
    /// The server's name has no address.
    Resolve,
    /// No connection: refused, unreachable, timed out.
    Connect,
    /// The TLS handshake failed: unknown authority, wrong name, expired, a client certificate refused.
    Tls,
    /// No credential could be had: a token file, a client certificate or a plugin failed.
    Credential,
    /// The hard deadline passed, or pings were not answered.
    Deadline,
    /// The connection broke in the middle: reset, closed early, GOAWAY, stream reset.
    Interrupted,
    /// What came was not HTTP as expected.
    Protocol,
}

/// A broken exchange. The text is for people and must not hold a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransportError {
    /// Where it broke.
    pub kind: TransportErrorKind,
    /// The reason, as the transport words it; may be empty.
    pub text: String,
}

impl TransportError {
    /// An error of a kind with its reason in words.
    pub fn new(kind: TransportErrorKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }
}

impl fmt::Display for TransportErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolve => "the server's name could not be resolved",
            Self::Connect => "the server could not be reached",
            Self::Tls => "the TLS handshake failed",
            Self::Credential => "no credential could be had",
            Self::Deadline => "the server did not answer in time",
            Self::Interrupted => "the connection was lost",
            Self::Protocol => "the answer was not understood",
        })
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)?;
        if self.text.is_empty() { Ok(()) } else { write!(f, ": {}", self.text) }
    }
}

impl core::error::Error for TransportError {}
