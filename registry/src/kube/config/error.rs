//! Why no connection could be configured, each with its way out. Never holds a credential: files
//! and entries are named, their contents are not.

use std::{io, path::PathBuf};

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// An explicitly named kubeconfig is not there.
    #[error("the kubeconfig {} does not exist", .path.display())]
    Missing {
        /// The path as it was given.
        path: PathBuf,
    },
    /// A file of the configuration is there and cannot be read.
    #[error("cannot read {what} {}: {source}", .path.display())]
    Unreadable {
        /// What the file is for.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file that is larger than any sensible one.
    #[error("{what} {} is larger than {limit} bytes, which no sensible one is", .path.display())]
    TooLarge {
        /// What the file is for.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// The bound.
        limit: u64,
    },
    /// Not YAML, or not shaped like a kubeconfig. The parser's own words might quote a secret.
    #[error(
        "{} is not a kubeconfig: its YAML or the type of a field is wrong at line {line}, column \
         {column}",
        .path.display()
    )]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// Line, from 1; 0 when the parser does not know.
        line: u64,
        /// Column, from 1; 0 when the parser does not know.
        column: u64,
    },
    /// One file defines two entries of a kind under one name.
    #[error("the kubeconfig {} has the {kind} `{name}` twice; remove or rename one of them", .path.display())]
    Duplicate {
        /// Which file.
        path: PathBuf,
        /// context, cluster or user.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// An object of another kind.
    #[error("{} is not a kubeconfig (`v1 Config`): it says that it is `{kind}`", .path.display())]
    AnotherKind {
        /// Which file.
        path: PathBuf,
        /// Its apiVersion and kind.
        kind: String,
    },
    /// An id-token that the server would not accept any more.
    #[error(
        "{entry}: the id-token expired {expired} ago\n  {}log in again with the program that wrote \
         it, use an exec plugin (`kubectl oidc-login`), or give a --token-file",
        if *.refreshable { "run `kubectl get pods`, which renews it by its refresh-token; or " } else { "" }
    )]
    ExpiredIdToken {
        /// Which entry.
        entry: String,
        /// How long ago, in words.
        expired: String,
        /// Whether there is a refresh-token, by which kubectl gets a new one.
        refreshable: bool,
    },
    /// Neither a kubeconfig nor a service account.
    #[error(
        "found no Kubernetes cluster to talk to: {looked}\n  \
         outside of a cluster: give --kubeconfig FILE, set $KUBECONFIG, or run `kubectl proxy` and \
         give --server http://127.0.0.1:8001\n  \
         in a Pod: leave automountServiceAccountToken on{}",
        if cfg!(target_os = "wasi") {
            "\n  as a component: files and variables are there when the host gives them, as in \
             `wasmtime run --dir DIR --env NAME=VALUE`"
        } else {
            ""
        }
    )]
    Nowhere {
        /// The places that were looked at, and what was missing there.
        looked: String,
    },
    /// Several contexts and none chosen.
    #[error("the kubeconfig has no current-context; choose one with --context: {}", listed(.known))]
    NoCurrentContext {
        /// The contexts there are.
        known: Vec<String>,
    },
    /// A name that the kubeconfig does not define.
    #[error("the kubeconfig has no {kind} `{name}`; it has: {}", listed(.known))]
    Unknown {
        /// context, cluster or user.
        kind: &'static str,
        /// The name that was asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A cluster without a server.
    #[error("{cluster} names no server")]
    NoServer {
        /// Which cluster.
        cluster: String,
    },
    /// A server that is not a URL this program can use.
    #[error("cannot use the server `{server}`: {reason}")]
    BadServer {
        /// As it was given.
        server: String,
        /// Why not.
        reason: String,
    },
    /// Two settings that contradict each other.
    #[error("{entry} has both {first} and {second}; keep one of them")]
    Contradiction {
        /// Which entry.
        entry: String,
        /// One of them.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// Something that this program does not do.
    #[error("{entry} needs {feature}, which dubbo-watcher does not support; {instead}")]
    Unsupported {
        /// Which entry.
        entry: String,
        /// What it asks for.
        feature: String,
        /// What to do instead.
        instead: &'static str,
    },
    /// Something that only the host, which makes the connections, can do.
    #[error(
        "{entry} has {feature}, which a WASI component cannot use: its host makes the connections\n  \
         run `kubectl proxy` and give --server http://127.0.0.1:8001, or use the native dubbo-watcher"
    )]
    NotInAComponent {
        /// Which configuration.
        entry: String,
        /// What it has.
        feature: &'static str,
    },
    /// A field that cannot be used as it is.
    #[error("{entry}: {field} {reason}")]
    BadField {
        /// Which entry.
        entry: String,
        /// Which field.
        field: &'static str,
        /// What is wrong with it; never its value.
        reason: String,
    },
    /// A token file with nothing in it: an empty token would make the caller anonymous.
    #[error("the token file {} is empty", .path.display())]
    EmptyToken {
        /// Which file.
        path: PathBuf,
    },
    /// A namespace that cannot exist.
    #[error(
        "`{name}` cannot be a namespace: at most 63 of a-z, 0-9 and `-`, beginning and ending with \
         a letter or digit{}", if .name.contains(',') { "; repeat -n for several" } else { "" }
    )]
    BadNamespace {
        /// As it was given.
        name: String,
    },
    /// The namespaces to read are an empty list: that never means all of them.
    #[error("no namespace is named; all of them must be asked for explicitly")]
    NoNamespace,
    /// The TLS library refused the material.
    #[error("cannot set up TLS: {reason}")]
    Tls {
        /// Why, without any key.
        reason: String,
    },
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
