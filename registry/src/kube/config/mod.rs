//! Where the server is, how it is known, and who we are: from flags, kubeconfig files or the
//! service account of the Pod, with the precedence of kubectl.
//!
//! Reads files and the environment it is given, once; asks no server. What may rotate (token,
//! CA, client certificate) stays a path here and is read again by the client.

mod candidate;
mod credentials;
mod environment;
mod error;
mod exec;
mod in_cluster;
mod kubeconfig;
mod load;
mod namespaces;
mod object;
mod oidc;
mod own_pod;
mod proxy;
mod secret;
mod text;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

pub use self::{
    environment::{Environment, SERVICE_ACCOUNT},
    error::ConfigError,
    exec::{ClusterInfo, ExecEntry, ExecPlugin, ExecVersion, Variable},
    kubeconfig::{AuthProvider, Cluster, Context, Extension, Kubeconfig, User},
    namespaces::Namespaces,
    own_pod::{ThisPod, ThisPodError},
    proxy::Proxy,
    secret::Secret,
};

#[cfg(not(target_os = "wasi"))]
pub(in crate::kube) use self::kubeconfig::parse;

#[cfg(target_os = "wasi")]
pub use crate::wasi::{ParseError, Url};
#[cfg(not(target_os = "wasi"))]
pub use url::Url;

/// Larger than any chain of certificates or token.
pub(crate) const LARGEST_CREDENTIAL: u64 = 1024 * 1024;

/// Everything that is needed to talk to one kube-apiserver.
#[derive(Clone, Debug)]
pub struct Config {
    /// Base URL, possibly with a path; never with user information, a query or a fragment.
    pub server: Url,
    /// Where this configuration came from, for messages.
    pub origin: String,
    /// The namespace to read unless another one is named.
    pub namespace: String,
    /// How the server's certificate is checked.
    pub trust: Trust,
    /// The name in the server's certificate (and SNI), when it is not the host of `server`.
    pub server_name: Option<String>,
    /// The proxy between us and the server.
    pub proxy: Option<Proxy>,
    /// Our own certificate.
    pub identity: Option<Identity>,
    /// What goes into the `Authorization` header.
    pub credential: Credential,
    /// Act as another user.
    pub impersonation: Option<Impersonation>,
    /// The longest time that one request may take.
    pub request_timeout: Option<Duration>,
    /// Where the credential stands, if it is a token that other programs replace.
    id_token: Option<oidc::IdToken>,
}

/// How the server's certificate is checked.
#[derive(Clone, Debug)]
pub enum Trust {
    /// Against the system's authorities.
    System,
    /// Against these authorities and no others.
    Authorities(Material),
    /// Not at all (`insecure-skip-tls-verify`).
    Anyone,
}

/// A certificate and its private key, both PEM.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The chain, our own certificate first.
    pub certificate: Material,
    /// Its private key.
    pub key: Material,
}

/// PEM text, or the file that holds it. A file is read again from time to time.
#[derive(Clone, Debug)]
pub enum Material {
    /// The text itself.
    Inline(Secret),
    /// A file.
    File(PathBuf),
}

/// What proves who we are, besides a client certificate.
#[derive(Clone, Debug)]
pub enum Credential {
    /// Nothing.
    None,
    /// A bearer token that does not change.
    Token(Secret),
    /// A file with a bearer token that may change.
    TokenFile(PathBuf),
    /// Basic authentication.
    Basic {
        /// User name.
        username: String,
        /// Password.
        password: Secret,
    },
    /// A program that gives a token, a client certificate, or both.
    Exec(Box<ExecPlugin>),
}

/// The user to act as, sent in the `Impersonate-*` headers.
#[derive(Clone, Debug, Default)]
pub struct Impersonation {
    /// Name.
    pub user: String,
    /// Uid.
    pub uid: Option<String>,
    /// Groups.
    pub groups: Vec<String>,
    /// Further attributes.
    pub extra: Vec<(String, String)>,
}

/// What the command line says about the connection; it wins over every file.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--kubeconfig`
    pub kubeconfig: Option<PathBuf>,
    /// `--context`
    pub context: Option<String>,
    /// `--server`
    pub server: Option<String>,
    /// `--cluster`: another cluster than the context's.
    pub cluster: Option<String>,
    /// `--user`: another user than the context's.
    pub user: Option<String>,
    /// `--tls-server-name`
    pub tls_server_name: Option<String>,
    /// `--certificate-authority`
    pub certificate_authority: Option<PathBuf>,
    /// `--token-file`
    pub token_file: Option<PathBuf>,
    /// `--insecure-skip-tls-verify`
    pub insecure_skip_tls_verify: bool,
    /// `--client-certificate`
    pub client_certificate: Option<PathBuf>,
    /// `--client-key`
    pub client_key: Option<PathBuf>,
    /// `--as`
    pub impersonate: Option<String>,
    /// `--as-uid`
    pub impersonate_uid: Option<String>,
    /// `--as-group`, repeated
    pub impersonate_groups: Vec<String>,
    /// `--request-timeout`; none is no bound of its own.
    pub request_timeout: Option<Duration>,
}

impl Config {
    /// The token as it is now: another program may have replaced one that it wrote into the kubeconfig. What cannot
    /// be read or has expired leaves the one that is known.
    pub(in crate::kube) fn current(&self, known: &Secret) -> Secret {
        let read = self.id_token.as_ref().and_then(oidc::IdToken::read);
        read.unwrap_or_else(|| known.clone())
    }
}

impl Material {
    /// The PEM text, from memory or from its file.
    ///
    /// # Errors
    /// [`ConfigError`] if the file cannot be read.
    pub fn read(&self, what: &'static str) -> Result<Vec<u8>, ConfigError> {
        match self {
            Self::Inline(text) => Ok(text.reveal().as_bytes().to_vec()),
            Self::File(path) => kubeconfig::read_bounded(what, path, LARGEST_CREDENTIAL),
        }
    }
}

/// Reads a token file: trimmed, and never empty.
pub(crate) fn read_token(path: &Path) -> Result<Secret, ConfigError> {
    let bytes = kubeconfig::read_bounded("the token file", path, LARGEST_CREDENTIAL)?;
    let text = String::from_utf8_lossy(&bytes);
    let token = Secret::new(text.trim());
    if token.is_empty() {
        return Err(ConfigError::EmptyToken { path: path.to_owned() });
    }
    Ok(token)
}

#[cfg(test)]
mod tests;
