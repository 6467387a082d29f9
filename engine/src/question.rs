//! The questions of a reflector, and the requests that ask them.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::String;
use alloc::string::ToString as _;
use alloc::vec::Vec;
use core::time::Duration;

use crate::catalog::Scope;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Request, Settings, Verb};

/// What one request of a reflector asks for, apart from the settings.
#[derive(Debug, Clone, Copy)]
pub(super) enum Question<'a> {
    /// One page of a list (or all of it, without a limit).
    Page { limit: Option<u32>, not_older_than: &'a str, token: &'a str },
    /// The Pods that exist as events, a bookmark, and then their changes.
    StreamingList { not_older_than: &'a str, timeout: u64 },
    /// The changes since a version.
    Watch { since: &'a str, timeout: u64 },
}

/// Beyond `timeoutSeconds` nothing is owed by a server; what still seems open is a dead connection
/// or a proxy in front of a dead server.
const GRACE: Duration = Duration::from_secs(5);
/// kube-apiserver gives up on any list after 60 s itself.
const LIST_DEADLINE: Duration = Duration::from_secs(65);

/// Pods that have ended count for nobody: the server leaves them out.
const NOT_ENDED: &str = "status.phase!=Succeeded,status.phase!=Failed";

impl Question<'_> {
    /// The request that asks it of the Pods of `scope`.
    pub(super) fn request(self, scope: &Scope, settings: &Settings) -> Request {
        let mut query = Query::pods(scope);
        let verb = match self {
            Self::Page { .. } => Verb::List,
            Self::StreamingList { .. } | Self::Watch { .. } => Verb::Watch,
        };
        self.parameters(&mut query);
        if !settings.selector.is_empty() {
            query.push("labelSelector", &settings.selector);
        }
        query.push("fieldSelector", NOT_ENDED);
        Request {
            verb,
            target: query.target,
            accept: settings.wire.accept(),
            gzip: verb == Verb::Watch || settings.gzip_lists,
            content_type: None,
            body: Vec::new(),
            deadline: self.deadline(),
        }
    }

    fn parameters(self, query: &mut Query) {
        match self {
            Self::Page { limit, not_older_than, token } => {
                if let Some(limit) = limit {
                    query.push("limit", &limit.to_string());
                }
                if !token.is_empty() {
                    // The token holds the version; both together are refused.
                    query.push("continue", token);
                } else if !not_older_than.is_empty() {
                    query.push("resourceVersion", not_older_than);
                    query.push("resourceVersionMatch", "NotOlderThan");
                }
            }
            Self::StreamingList { not_older_than, timeout } => {
                query.push("watch", "true");
                query.push("allowWatchBookmarks", "true");
                query.push("sendInitialEvents", "true");
                if !not_older_than.is_empty() {
                    query.push("resourceVersion", not_older_than);
                }
                query.push("resourceVersionMatch", "NotOlderThan");
                query.push("timeoutSeconds", &timeout.to_string());
            }
            Self::Watch { since, timeout } => {
                query.push("watch", "true");
                query.push("allowWatchBookmarks", "true");
                query.push("resourceVersion", since);
                query.push("timeoutSeconds", &timeout.to_string());
            }
        }
    }

    fn deadline(self) -> Duration {
        match self {
            Self::Page { .. } => LIST_DEADLINE,
            Self::StreamingList { timeout, .. } | Self::Watch { timeout, .. } => {
                Duration::from_secs(timeout) + GRACE
            }
        }
    }
}

/// A path and a query under construction.
struct Query {
    target: String,
}

/// What RFC 3986 calls unreserved stays as it is.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl Query {
    fn pods(scope: &Scope) -> Self {
        Self {
            target: match scope {
                Scope::All => "/api/v1/pods".to_owned(),
                Scope::Namespace(name) => {
                    format!("/api/v1/namespaces/{}/pods", utf8_percent_encode(name, RESERVED))
                }
            },
        }
    }

    fn push(&mut self, name: &str, value: &str) {
        self.target.push(if self.target.contains('?') { '&' } else { '?' });
        self.target.push_str(name);
        self.target.push('=');
        self.target.extend(utf8_percent_encode(value, RESERVED));
    }
}
