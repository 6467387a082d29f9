//! A configuration before it is checked: entries of a kubeconfig, flags laid over them, and the
//! rules that turn them into a [`Config`] or refuse them.
//!
//! An error names the entry and the field, never a value that could be a credential.

use std::{collections::BTreeMap, path::Path};

use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{GeneralPurpose, GeneralPurposeConfig},
};

use super::{
    Cluster, Config, ConfigError, Context, Credential, Environment, Kubeconfig, Material,
    Overrides, Proxy, Secret, Trust, Url, User, namespaces, oidc::IdToken,
};

/// As Go reads it: bits that are left over do not matter.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// A context, a cluster and a user before they are checked, from whichever source.
pub(super) struct Candidate {
    pub(super) origin: String,
    pub(super) namespace: Option<String>,
    pub(super) cluster_entry: String,
    pub(super) cluster: Cluster,
    pub(super) user_entry: String,
    pub(super) user: User,
    /// Where the user entry stands.
    pub(super) user_source: Option<IdToken>,
}

impl Candidate {
    /// Nothing but what the flags will say.
    pub(super) fn bare() -> Self {
        Self {
            origin: "--server".to_owned(),
            namespace: None,
            cluster_entry: "--server".to_owned(),
            cluster: Cluster::default(),
            user_entry: "--token-file".to_owned(),
            user: User::default(),
            user_source: None,
        }
    }

    /// The entries of the context, or those that flags name instead.
    pub(super) fn of_kubeconfig(
        kubeconfig: &Kubeconfig,
        overrides: &Overrides,
    ) -> Result<Self, ConfigError> {
        let name = overrides.context.as_deref().or(kubeconfig.current_context.as_deref());
        let context = match name {
            Some(name) => find("context", &kubeconfig.contexts, name)?.clone(),
            None if overrides.cluster.is_some() || overrides.server.is_some() => Context::default(),
            None => {
                let known = kubeconfig.contexts.keys().cloned().collect();
                return Err(ConfigError::NoCurrentContext { known });
            }
        };
        let cluster_name = overrides.cluster.as_deref().unwrap_or(&context.cluster);
        let cluster = match kubeconfig.clusters.get(cluster_name) {
            Some(cluster) => cluster.clone(),
            // What the context names is not needed where a flag gives the server.
            None if overrides.server.is_some() && overrides.cluster.is_none() => Cluster::default(),
            None => find("cluster", &kubeconfig.clusters, cluster_name)?.clone(),
        };
        let user_name = overrides.user.as_deref().unwrap_or(&context.user);
        let user = match kubeconfig.users.get(user_name) {
            Some(user) => user.clone(),
            None if user_name.is_empty() => User::default(),
            None => find("user", &kubeconfig.users, user_name)?.clone(),
        };
        let files: Vec<_> =
            kubeconfig.files.iter().map(|path| path.display().to_string()).collect();
        let entry = match name {
            Some(name) => format!("context `{name}`"),
            None if cluster_name.is_empty() => "--server and what belongs to it".to_owned(),
            None => format!("cluster `{cluster_name}`"),
        };
        Ok(Self {
            origin: format!("{entry} of {}", files.join(", ")),
            namespace: context.namespace,
            cluster_entry: format!("the cluster `{cluster_name}` of the kubeconfig"),
            cluster,
            user_entry: format!("the user `{user_name}` of the kubeconfig"),
            user,
            user_source: Some(IdToken {
                files: kubeconfig.files.clone(),
                user: user_name.to_owned(),
            }),
        })
    }

    /// Flags win over entries, as in kubectl; a flag that replaces one half of a contradiction
    /// removes the other half.
    pub(super) fn apply(&mut self, overrides: &Overrides) {
        if let Some(server) = &overrides.server {
            self.cluster.server.clone_from(server);
            self.cluster.tls_server_name = None;
        }
        if overrides.tls_server_name.is_some() {
            self.cluster.tls_server_name.clone_from(&overrides.tls_server_name);
        }
        if overrides.insecure_skip_tls_verify || overrides.certificate_authority.is_some() {
            self.cluster.insecure_skip_tls_verify = overrides.insecure_skip_tls_verify;
            self.cluster.certificate_authority.clone_from(&overrides.certificate_authority);
            self.cluster.certificate_authority_data = None;
        }
        if let Some(path) = &overrides.token_file {
            "--token-file".clone_into(&mut self.user_entry);
            self.user = User { token_file: Some(path.clone()), ..User::default() };
        }
        self.apply_user(overrides);
    }

    fn apply_user(&mut self, overrides: &Overrides) {
        let user = &mut self.user;
        if overrides.client_certificate.is_some() {
            user.client_certificate.clone_from(&overrides.client_certificate);
            user.client_certificate_data = None;
        }
        if overrides.client_key.is_some() {
            user.client_key.clone_from(&overrides.client_key);
            user.client_key_data = None;
        }
        if overrides.impersonate.is_some() {
            user.impersonate.clone_from(&overrides.impersonate);
        }
        if overrides.impersonate_uid.is_some() {
            user.impersonate_uid.clone_from(&overrides.impersonate_uid);
        }
        if !overrides.impersonate_groups.is_empty() {
            user.impersonate_groups = Some(overrides.impersonate_groups.clone());
        }
    }

    pub(super) fn check(
        self,
        overrides: &Overrides,
        environment: &Environment,
    ) -> Result<Config, ConfigError> {
        let server = self.server()?;
        let (mut identity, mut credential) = (self.identity()?, self.credential(environment)?);
        if server.scheme() == "http" {
            // As kubectl: what is on the other side (`kubectl proxy`) has credentials of its own, and ours never
            // travel in the clear.
            (identity, credential) = (None, Credential::None);
        }
        Ok(Config {
            trust: self.trust()?,
            server_name: self.cluster.tls_server_name.clone().filter(|name| !name.is_empty()),
            proxy: self.proxy(&server, environment)?,
            identity,
            id_token: self.id_token().filter(|_| !matches!(credential, Credential::None)),
            credential,
            impersonation: self.impersonation()?,
            request_timeout: overrides.request_timeout,
            namespace: match self.namespace.as_deref() {
                None | Some("") => "default".to_owned(),
                Some(name) => namespaces::checked(name)?,
            },
            origin: self.origin,
            server,
        })
    }

    fn server(&self) -> Result<Url, ConfigError> {
        let text = self.cluster.server.trim();
        if text.is_empty() {
            return Err(ConfigError::NoServer { cluster: self.cluster_entry.clone() });
        }
        parse_server(text)
    }

    /// As client-go: the entry's own proxy is for every server, the environment's for those that
    /// `$NO_PROXY` does not except.
    fn proxy(&self, server: &Url, environment: &Environment) -> Result<Option<Proxy>, ConfigError> {
        let text = self.cluster.proxy_url.as_ref().map(Secret::reveal).unwrap_or_default();
        match Proxy::of_cluster(&self.cluster_entry, text)? {
            Some(proxy) => Ok(Some(proxy)),
            None => Proxy::of_environment(server, environment),
        }
    }

    fn trust(&self) -> Result<Trust, ConfigError> {
        let authorities = material(
            &self.cluster_entry,
            "certificate-authority-data",
            self.cluster.certificate_authority_data.as_ref(),
            self.cluster.certificate_authority.as_deref(),
        )?;
        match (authorities, self.cluster.insecure_skip_tls_verify) {
            (Some(_), true) => Err(ConfigError::Contradiction {
                entry: self.cluster_entry.clone(),
                first: "a certificate authority",
                second: "insecure-skip-tls-verify",
            }),
            (Some(material), false) => Ok(Trust::Authorities(material)),
            (None, true) => Ok(Trust::Anyone),
            (None, false) => Ok(Trust::System),
        }
    }
}

/// The entry of this name.
fn find<'a, T>(
    kind: &'static str,
    entries: &'a BTreeMap<String, T>,
    name: &str,
) -> Result<&'a T, ConfigError> {
    entries.get(name).ok_or_else(|| ConfigError::Unknown {
        kind,
        name: name.to_owned(),
        known: entries.keys().cloned().collect(),
    })
}

/// Inline data beats a file.
pub(super) fn material(
    entry: &str,
    field: &'static str,
    data: Option<&Secret>,
    file: Option<&Path>,
) -> Result<Option<Material>, ConfigError> {
    let Some(data) = data.filter(|data| !data.is_empty()) else {
        return Ok(file.map(|path| Material::File(path.to_owned())));
    };
    let compact: String = data.reveal().split_ascii_whitespace().collect();
    BASE64
        .decode(compact)
        .ok()
        // What is not UTF-8 can only be a comment beside the certificates.
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .map(|text| Some(Material::Inline(Secret::new(text))))
        .ok_or_else(|| ConfigError::BadField {
            entry: entry.to_owned(),
            field,
            reason: "is not base64 of PEM text".to_owned(),
        })
}

/// Parses a server. Without a scheme kubectl takes every server for http and leaves the credentials out; here that
/// is so for this machine's own (`kubectl proxy`), and all others are https.
fn parse_server(text: &str) -> Result<Url, ConfigError> {
    let has_scheme = text.contains("://");
    let with = |scheme| format!("{scheme}://{text}");
    let here = |url: &str| Url::parse(url).is_ok_and(|url| is_loopback(&url));
    let full = if has_scheme {
        text.to_owned()
    } else if here(&with("http")) {
        with("http")
    } else {
        with("https")
    };
    // Only the text before an `@` could be a credential, and it is never repeated.
    let shown = || match full.split_once('@') {
        Some((_, rest)) => format!("…@{rest}"),
        None => text.to_owned(),
    };
    let bad = |reason: &str| ConfigError::BadServer { server: shown(), reason: reason.to_owned() };
    let server = Url::parse(&full).map_err(|error| bad(&error.to_string()))?;
    if !matches!(server.scheme(), "http" | "https") {
        return Err(bad("only http and https are known"));
    }
    if full.contains(":///") {
        return Err(bad("it names no host"));
    }
    if !has_scheme && server.path() != "/" {
        return Err(bad("it has a path and does not begin with https://"));
    }
    if !server.username().is_empty() || server.password().is_some() {
        return Err(bad("user information does not belong into it"));
    }
    if server.query().is_some() || server.fragment().is_some() {
        return Err(bad("a query or fragment does not belong into it"));
    }
    // A component reaches only what its host lets it, which may be a name for the kube-apiserver.
    if server.scheme() == "http" && !is_loopback(&server) && !cfg!(target_os = "wasi") {
        return Err(bad("plain http is for `kubectl proxy` on this machine only; use https"));
    }
    Ok(server)
}

fn is_loopback(server: &Url) -> bool {
    let host = server.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
