//! Kubeconfig files: reading, bounded; and merging as client-go does it: the first file wins for
//! each name, an entry is taken whole, paths are relative to the file they stand in.
//!
//! Never follows anything: what an entry points to is read when it is used.

use std::{
    collections::BTreeMap,
    io::{self, Read},
    path::{Path, PathBuf},
};

use dubbo_k8s_codec::yaml;
use serde::Deserialize;

use super::{ConfigError, Environment, Secret, exec::ExecEntry, members::members};

/// No kubeconfig of any company is larger.
const LARGEST: u64 = 8 * 1024 * 1024;

/// One or several kubeconfig files, merged.
#[derive(Clone, Debug, Default)]
pub struct Kubeconfig {
    /// The files that were there, in order.
    pub files: Vec<PathBuf>,
    /// The context to use unless told otherwise.
    pub current_context: Option<String>,
    /// Contexts by name.
    pub contexts: BTreeMap<String, Context>,
    /// Clusters by name.
    pub clusters: BTreeMap<String, Cluster>,
    /// Users by name.
    pub users: BTreeMap<String, User>,
}

/// Which cluster, as which user, in which namespace.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// Name of a cluster.
    pub cluster: String,
    /// Name of a user; empty for none.
    pub user: String,
    /// The namespace of this context.
    pub namespace: Option<String>,
}

members!(Context {
    "cluster" => text(cluster),
    "user" => text(user),
    "namespace" => text(namespace),
});

/// How to reach a server and know it.
#[derive(Clone, Debug, Default)]
pub struct Cluster {
    /// Its URL.
    pub server: String,
    /// The name in its certificate, when it is not that of the URL.
    pub tls_server_name: Option<String>,
    /// Do not verify its certificate.
    pub insecure_skip_tls_verify: Option<bool>,
    /// PEM file of the authorities to trust.
    pub certificate_authority: Option<PathBuf>,
    /// The same inline, base64.
    pub certificate_authority_data: Option<Secret>,
    /// A proxy to go through; its URL may hold a password.
    pub proxy_url: Option<Secret>,
    /// Whether answers must not be compressed. What is never asked for here needs no turning off.
    pub disable_compression: bool,
    /// What other programs keep here.
    pub extensions: Option<Vec<Extension>>,
}

members!(Cluster {
    "server" => (server),
    "tls-server-name" => (tls_server_name),
    "insecure-skip-tls-verify" => (insecure_skip_tls_verify),
    "certificate-authority" => (certificate_authority),
    "certificate-authority-data" => (certificate_authority_data),
    "proxy-url" => (proxy_url),
    "disable-compression" => (disable_compression),
    "extensions" => (extensions),
});

/// Something that another program keeps in a cluster entry, as JSON: it may hold anything.
#[derive(Clone, Debug)]
pub struct Extension {
    /// Its name.
    pub name: String,
    /// What it holds, as JSON.
    pub json: Secret,
}

impl<'de> Deserialize<'de> for Extension {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Default)]
        struct Written {
            name: String,
            extension: Option<serde_json::Value>,
        }
        members!(Written { "name" => (name), "extension" => (extension); "name" });
        let Written { name, extension } = Written::deserialize(deserializer)?;
        Ok(Self { name, json: Secret::new(extension.unwrap_or_default().to_string()) })
    }
}

/// Who we are.
#[derive(Clone, Debug, Default)]
pub struct User {
    /// PEM file of our certificate.
    pub client_certificate: Option<PathBuf>,
    /// The same inline, base64.
    pub client_certificate_data: Option<Secret>,
    /// PEM file of its private key.
    pub client_key: Option<PathBuf>,
    /// The same inline, base64.
    pub client_key_data: Option<Secret>,
    /// Bearer token.
    pub token: Option<Secret>,
    /// A file that holds the bearer token; wins over `token` when it can be read.
    pub token_file: Option<PathBuf>,
    /// Basic authentication.
    pub username: Option<String>,
    /// Basic authentication.
    pub password: Option<Secret>,
    /// Act as this user.
    pub impersonate: Option<String>,
    /// Act as the user with this uid.
    pub impersonate_uid: Option<String>,
    /// Act as a member of these groups.
    pub impersonate_groups: Option<Vec<String>>,
    /// Further attributes of the user we act as.
    pub impersonate_extra: Option<BTreeMap<String, Vec<String>>>,
    /// A program that gives credentials.
    pub exec: Option<ExecEntry>,
    /// A built-in provider of credentials, removed from Kubernetes in 1.26: only which.
    pub auth_provider: Option<AuthProvider>,
}

members!(User {
    "client-certificate" => (client_certificate),
    "client-certificate-data" => (client_certificate_data),
    "client-key" => (client_key),
    "client-key-data" => (client_key_data),
    "token" => (token),
    "tokenFile" => (token_file),
    "username" => text(username),
    "password" => (password),
    "as" => text(impersonate),
    "as-uid" => text(impersonate_uid),
    "as-groups" => text(impersonate_groups),
    "as-user-extra" => text(impersonate_extra),
    "exec" => (exec),
    "auth-provider" => (auth_provider),
});

/// A provider of credentials that was built into kubectl once.
#[derive(Clone, Debug, Default)]
pub struct AuthProvider {
    /// `gcp`, `azure`, `oidc` or another.
    pub name: String,
}

members!(AuthProvider { "name" => (name) });

impl Kubeconfig {
    /// The files that apply: `explicit` alone, which must exist; else those of `$KUBECONFIG` that
    /// exist; else `~/.kube/config` if it exists. No file at all gives an empty kubeconfig.
    pub fn load(explicit: Option<&Path>, environment: &Environment) -> Result<Self, ConfigError> {
        let mut merged = Self::default();
        if let Some(path) = explicit {
            let file = read(path)?.ok_or_else(|| ConfigError::Missing { path: path.to_owned() })?;
            merged.merge(path, file);
            return Ok(merged);
        }
        for path in candidates(environment) {
            if let Some(file) = read(&path)? {
                merged.merge(&path, file);
            }
        }
        Ok(merged)
    }

    /// Whether nothing was configured, so that the service account may be tried.
    pub fn is_empty(&self) -> bool {
        self.contexts.is_empty() && self.clusters.is_empty() && self.current_context.is_none()
    }

    /// Adds what `file`, read from `path`, defines and earlier files do not.
    fn merge(&mut self, path: &Path, file: File) {
        let folder = path.parent().unwrap_or(Path::new(""));
        self.files.push(path.to_owned());
        if self.current_context.is_none() {
            self.current_context = file.current_context.filter(|name| !name.is_empty());
        }
        for NamedContext { name, context } in file.contexts.unwrap_or_default() {
            self.contexts.entry(name).or_insert(context.unwrap_or_default());
        }
        for NamedCluster { name, cluster } in file.clusters.unwrap_or_default() {
            let mut cluster = cluster.unwrap_or_default();
            resolve(folder, &mut cluster.certificate_authority);
            self.clusters.entry(name).or_insert(cluster);
        }
        for NamedUser { name, user } in file.users.unwrap_or_default() {
            let mut user = user.unwrap_or_default();
            resolve(folder, &mut user.client_certificate);
            resolve(folder, &mut user.client_key);
            resolve(folder, &mut user.token_file);
            if let Some(exec) = &mut user.exec {
                exec.resolve(folder);
            }
            self.users.entry(name).or_insert(user);
        }
    }
}

/// The file as it is written.
#[derive(Default)]
struct File {
    current_context: Option<String>,
    contexts: Option<Vec<NamedContext>>,
    clusters: Option<Vec<NamedCluster>>,
    users: Option<Vec<NamedUser>>,
}

members!(File {
    "current-context" => text(current_context),
    "contexts" => (contexts),
    "clusters" => (clusters),
    "users" => (users),
});

#[derive(Default)]
struct NamedContext {
    name: String,
    context: Option<Context>,
}

members!(NamedContext { "name" => text(name), "context" => (context); "name" });

#[derive(Default)]
struct NamedCluster {
    name: String,
    cluster: Option<Cluster>,
}

members!(NamedCluster { "name" => text(name), "cluster" => (cluster); "name" });

#[derive(Default)]
struct NamedUser {
    name: String,
    user: Option<User>,
}

members!(NamedUser { "name" => text(name), "user" => (user); "name" });

fn candidates(environment: &Environment) -> Vec<PathBuf> {
    match environment.get("KUBECONFIG") {
        Some(list) => split(list).filter(|path| !path.as_os_str().is_empty()).collect(),
        None => environment.home().map(|home| home.join(".kube/config")).into_iter().collect(),
    }
}

#[cfg(not(target_os = "wasi"))]
use std::env::split_paths as split;

/// The standard library does not know how a WASI host parts paths; its folders are named as on Unix.
#[cfg(target_os = "wasi")]
fn split(list: &str) -> impl Iterator<Item = PathBuf> {
    list.split(':').map(PathBuf::from)
}

fn resolve(folder: &Path, path: &mut Option<PathBuf>) {
    // `join` leaves an absolute path as it is; client-go treats an empty one as absent.
    *path = path.take().filter(|path| !path.as_os_str().is_empty()).map(|path| folder.join(path));
}

/// Reads and parses one file; `None` when it does not exist.
fn read(path: &Path) -> Result<Option<File>, ConfigError> {
    let text = match read_bounded("the kubeconfig", path, LARGEST) {
        Ok(text) => text,
        Err(ConfigError::Unreadable { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    parse(&text).map(Some).map_err(|(line, column)| ConfigError::Malformed {
        path: path.to_owned(),
        line,
        column,
    })
}

/// Parses YAML (or JSON, which is YAML), the first document as kubectl does; an error is only a place,
/// because the parser's words quote what stands there.
fn parse(text: &[u8]) -> Result<File, (u64, u64)> {
    let text = std::str::from_utf8(text).map_err(|error| place(text, error.valid_up_to()))?;
    let at = |offset| place(text.as_bytes(), offset);
    let Some(document) = yaml::documents(text).next() else { return Ok(File::default()) };
    let json = document.map_err(|error| at(error.offset))?;
    match serde_json::from_slice::<Option<File>>(&json) {
        Ok(file) => Ok(file.unwrap_or_default()),
        // The JSON is one line, and its column counts the bytes that have been read.
        Err(error) => Err(at(yaml::source(text, 0, error.column().saturating_sub(1)))),
    }
}

/// Line and column, from 1 and in characters, of a byte.
fn place(text: &[u8], offset: usize) -> (u64, u64) {
    let mut lines = text.get(..offset).unwrap_or(text).split(|&byte| byte == b'\n');
    let line = lines.next_back().unwrap_or_default();
    let characters = line.iter().filter(|&&byte| byte & 0xc0 != 0x80).count();
    (lines.count() as u64 + 1, characters as u64 + 1)
}

/// Reads a whole file of at most `limit` bytes.
pub(crate) fn read_bounded(
    what: &'static str,
    path: &Path,
    limit: u64,
) -> Result<Vec<u8>, ConfigError> {
    let unreadable = |source| ConfigError::Unreadable { what, path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > limit {
        return Err(ConfigError::TooLarge { what, path: path.to_owned(), limit });
    }
    Ok(bytes)
}
