//! What comes of an exchange, the same from every transport.

use std::time::Duration;

use bytes::Bytes;

use dubbo_k8s_engine::{Input, StreamId, TransportError};

/// What an [`Exchange`](super::Exchange) has to tell.
#[derive(Debug)]
pub enum Event {
    /// The response head.
    Head {
        /// HTTP status.
        status: u16,
        /// `Retry-After`, where it is a number of seconds.
        retry_after: Option<Duration>,
        /// `Content-Type`; empty if there is none.
        content_type: Box<str>,
    },
    /// A piece of the body, decoded.
    Chunk(Bytes),
    /// The body has ended as it should.
    End,
    /// It broke. Nothing follows.
    Failed(TransportError),
}

impl Event {
    /// The same for the core.
    pub(super) fn input(&self, stream: StreamId) -> Input<'_> {
        match self {
            Self::Head { status, retry_after, content_type } => {
                Input::Head { stream, status: *status, retry_after: *retry_after, content_type }
            }
            Self::Chunk(bytes) => Input::Chunk { stream, bytes },
            Self::End => Input::End { stream },
            Self::Failed(error) => Input::Failed { stream, error: error.clone() },
        }
    }
}
