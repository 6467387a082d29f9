//! What a host says when an exchange breaks, in the core's words: a kind, the reason, and the way
//! out where there is one. A host says less than a native TLS library: what it leaves out is not
//! guessed.

use dubbo_k8s_engine::{TransportError, TransportErrorKind as Kind};

/// The errors of `wasi:http`, as far as they differ to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The name has no address.
    Unknown,
    /// No server listens there.
    Refused,
    /// The host has no way to it.
    Unreachable,
    /// The host took too long to connect.
    NotAnswered,
    /// The host does not allow it.
    Forbidden,
    /// The certificate is not one that the host trusts.
    Certificate,
    /// Any other failure of TLS.
    Tls,
    /// The host gave up waiting for bytes.
    Late,
    /// The connection ended in the middle.
    Cut,
    /// Something else, in the host's words.
    Other(String),
}

impl Fault {
    /// The same for the core; `server` is host and port, for the text.
    pub(super) fn in_words(self, server: &str) -> TransportError {
        let (kind, text) = match self {
            Self::Unknown => (Kind::Resolve, format!("{server}: the host finds no address for it")),
            Self::Refused => (Kind::Connect, format!("{server} refused the connection")),
            Self::Unreachable => (Kind::Connect, format!("{server}: no way leads to it")),
            Self::NotAnswered => (Kind::Connect, format!("{server} did not answer")),
            Self::Forbidden => {
                (Kind::Connect, format!("the host of this component does not let it ask {server}"))
            }
            Self::Certificate => (
                Kind::Tls,
                "the host of this component does not trust the server's certificate; a component \
                 cannot bring an authority of its own: run `kubectl proxy` and give --server \
                 http://127.0.0.1:8001"
                    .to_owned(),
            ),
            Self::Tls => {
                (Kind::Tls, format!("{server} and the host of this component do not agree on TLS"))
            }
            Self::Late => (Kind::Deadline, "the host of this component gave up waiting".to_owned()),
            Self::Cut => (Kind::Interrupted, format!("{server} closed it")),
            Self::Other(text) => (Kind::Protocol, text),
        };
        TransportError::new(kind, text)
    }
}
