//! A request as the API machinery understands it: verb, resource, options. Reads, never answers.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, Method};
use percent_encoding::percent_decode_str;

use super::query::Query;
use super::selector::Selector;
use super::status::Status;

/// The path that takes reviews.
pub(crate) const ACCESS_PATH: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

/// The path that answers a user who they are.
pub(crate) const IDENTITY_PATH: &str = "/apis/authentication.k8s.io/v1/selfsubjectreviews";

/// The path that says whose a token is.
pub(crate) const TOKEN_PATH: &str = "/apis/authentication.k8s.io/v1/tokenreviews";

/// The path that says what another user may do.
pub(crate) const OTHERS_PATH: &str = "/apis/authorization.k8s.io/v1/subjectaccessreviews";

/// What is asked for, in the words of RBAC.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Verb {
    /// One object.
    Get,
    /// A collection.
    List,
    /// The changes of a collection.
    Watch,
    /// A change of a part.
    Patch,
    /// A new object.
    Create,
    /// A change of the whole.
    Update,
    /// A deletion.
    Delete,
}

impl Verb {
    const ALL: [Self; 7] =
        [Self::Get, Self::List, Self::Watch, Self::Patch, Self::Create, Self::Update, Self::Delete];

    /// The verb of this name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| verb.to_string() == name)
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Patch => "patch",
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        })
    }
}

/// What the path names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Resource {
    Pods {
        namespace: Option<String>,
        name: Option<String>,
    },
    Namespaces {
        name: Option<String>,
    },
    /// A path below an API group version that names no known resource.
    Unknown {
        namespace: Option<String>,
        kind: String,
    },
    /// What the user itself may do.
    AccessReviews,
    /// Who others are, and what they may do.
    Reviews,
    Version,
    Health {
        probe: &'static str,
    },
    /// Nothing that the server knows.
    Path(String),
}

/// How the client says who it is. Has no Debug output: it holds a token.
#[derive(Default)]
pub(crate) struct Credentials {
    pub(crate) token: Option<String>,
    pub(crate) certificate: Option<Vec<u8>>,
    pub(crate) impersonate: Option<String>,
}

pub(crate) struct Request {
    pub(crate) verb: Verb,
    pub(crate) resource: Resource,
    pub(crate) target: String,
    pub(crate) query: Query,
    pub(crate) credentials: Credentials,
    pub(crate) accept: String,
    pub(crate) accept_encoding: String,
    pub(crate) content_type: String,
    pub(crate) user_agent: String,
    pub(crate) body: Bytes,
    pub(crate) http2: bool,
}

impl Request {
    /// Puts a request together from its parts; `certificate` is the client's, if it has one.
    pub(crate) fn new(
        head: &http::request::Parts,
        certificate: Option<Vec<u8>>,
        body: Bytes,
    ) -> Self {
        let header = |name: &str| header(&head.headers, name);
        let target = head.uri.path_and_query().map_or("/", |target| target.as_str()).to_owned();
        let query = Query::parse(head.uri.query().unwrap_or_default());
        let resource = Resource::parse(head.uri.path());
        let token = head
            .headers
            .get("authorization")
            .and_then(|value| value.to_str().ok())
            .map(|value| value.strip_prefix("Bearer").unwrap_or_default().trim().to_owned());
        let impersonate = header("impersonate-user");
        Self {
            verb: verb(&head.method, &resource, &query),
            resource,
            target,
            query,
            credentials: Credentials {
                token,
                certificate,
                impersonate: (!impersonate.is_empty()).then_some(impersonate),
            },
            accept: header("accept"),
            accept_encoding: header("accept-encoding"),
            content_type: header("content-type"),
            user_agent: header("user-agent"),
            body,
            http2: head.version == http::Version::HTTP_2,
        }
    }
}

impl Resource {
    fn parse(path: &str) -> Self {
        let parts: Vec<String> = path
            .split('/')
            .filter(|part| !part.is_empty())
            .map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned())
            .collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let owned = |text: &str| Some(text.to_owned());
        match parts.as_slice() {
            ["version"] => Self::Version,
            ["healthz"] => Self::Health { probe: "healthz" },
            ["livez"] => Self::Health { probe: "livez" },
            ["readyz"] => Self::Health { probe: "readyz" },
            ["api", "v1", "pods"] => Self::Pods { namespace: None, name: None },
            ["api", "v1", "namespaces"] => Self::Namespaces { name: None },
            ["api", "v1", "namespaces", name] => Self::Namespaces { name: owned(name) },
            ["api", "v1", "namespaces", namespace, "pods"] => {
                Self::Pods { namespace: owned(namespace), name: None }
            }
            ["api", "v1", "namespaces", namespace, "pods", name] => {
                Self::Pods { namespace: owned(namespace), name: owned(name) }
            }
            ["api", "v1", "namespaces", namespace, kind, ..] => {
                Self::Unknown { namespace: owned(namespace), kind: (*kind).to_owned() }
            }
            ["api", "v1", kind, ..] => Self::Unknown { namespace: None, kind: (*kind).to_owned() },
            _ if [ACCESS_PATH, IDENTITY_PATH].contains(&path) => Self::AccessReviews,
            _ if [TOKEN_PATH, OTHERS_PATH].contains(&path) => Self::Reviews,
            _ => Self::Path(path.to_owned()),
        }
    }

    pub(crate) fn namespace(&self) -> Option<&str> {
        match self {
            Self::Pods { namespace, .. } | Self::Unknown { namespace, .. } => namespace.as_deref(),
            Self::Namespaces { name } => name.as_deref(),
            _ => None,
        }
    }

    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Self::Pods { name, .. } | Self::Namespaces { name } => name.as_deref(),
            _ => None,
        }
    }

    /// The resource's name in the API, `None` for what is no resource.
    pub(crate) fn kind(&self) -> Option<&str> {
        match self {
            Self::Pods { .. } => Some("pods"),
            Self::Namespaces { .. } => Some("namespaces"),
            Self::Reviews => Some("reviews"),
            Self::Unknown { kind, .. } => Some(kind),
            _ => None,
        }
    }

    pub(crate) fn path(&self) -> &str {
        match self {
            Self::Path(path) => path,
            _ => "",
        }
    }
}

fn verb(method: &Method, resource: &Resource, query: &Query) -> Verb {
    match *method {
        Method::POST => Verb::Create,
        Method::PUT => Verb::Update,
        Method::PATCH => Verb::Patch,
        Method::DELETE => Verb::Delete,
        _ if query.is_true("watch") => Verb::Watch,
        _ => match resource {
            Resource::Pods { name: None, .. }
            | Resource::Namespaces { name: None }
            | Resource::Unknown { .. } => Verb::List,
            _ => Verb::Get,
        },
    }
}

fn header(headers: &HeaderMap, name: &str) -> String {
    let values: Vec<&str> =
        headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
    values.join(", ")
}

/// The options of a LIST or WATCH, checked as far as they need no store.
#[derive(Debug)]
pub(crate) struct ListOptions {
    pub(crate) selector: Selector,
    pub(crate) resource_version: String,
    pub(crate) version_match: Match,
    pub(crate) limit: usize,
    pub(crate) continue_token: String,
    pub(crate) timeout_seconds: Option<u32>,
    pub(crate) bookmarks: bool,
    pub(crate) send_initial_events: Option<bool>,
}

/// `resourceVersionMatch`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Match {
    Unset,
    Exact,
    NotOlderThan,
}

impl ListOptions {
    /// `watch_list` is whether the server knows streaming lists.
    pub(crate) fn parse(query: &Query, watch: bool, watch_list: bool) -> Result<Self, Status> {
        let limit = query.integer("limit")?.unwrap_or(0);
        let timeout_seconds =
            query.integer("timeoutSeconds")?.and_then(|seconds| u32::try_from(seconds).ok());
        let selector = Selector::parse(query.get("labelSelector"), query.get("fieldSelector"))?;
        super::validation::list_options(query, watch, watch_list)?;
        Ok(Self {
            selector,
            resource_version: query.get("resourceVersion").to_owned(),
            version_match: match query.get("resourceVersionMatch") {
                "Exact" => Match::Exact,
                "NotOlderThan" => Match::NotOlderThan,
                _ => Match::Unset,
            },
            limit: usize::try_from(limit).unwrap_or(0),
            continue_token: query.get("continue").to_owned(),
            timeout_seconds,
            bookmarks: query.is_true("allowWatchBookmarks"),
            send_initial_events: query
                .find("sendInitialEvents")
                .map(|_| query.is_true("sendInitialEvents")),
        })
    }
}

/// A resourceVersion as a number; the message is that of the server.
pub(crate) fn parse_version(text: &str) -> Result<u64, String> {
    if text.is_empty() {
        return Ok(0);
    }
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits).ok_or_else(|| {
        format!("resourceVersion: Invalid value: \"{text}\": strconv.ParseUint: parsing \"{text}\": invalid syntax")
    })
}
