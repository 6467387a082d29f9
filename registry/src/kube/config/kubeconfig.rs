//! Kubeconfig files: reading, bounded; and merging as client-go does it: the first file wins for
//! each name, an entry is taken whole, paths are relative to the file they stand in.
//!
//! Never follows anything: what an entry points to is read when it is used.

use std::{
    collections::BTreeMap,
    io::{self, Read},
    path::{Path, PathBuf},
};

use dubbo_k8s_codec::{text, yaml};
use serde::de::{DeserializeOwned, MapAccess};

use super::{
    ConfigError, Environment, Secret,
    exec::ExecEntry,
    object::{Member, Object, Written},
};

/// No kubeconfig of any company is larger.
const LARGEST: u64 = 8 * 1024 * 1024;

/// One or several kubeconfig files, merged.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Kubeconfig {
    /// The files that were there, in order.
    pub files: Vec<PathBuf>,
    /// The context to use unless another one is named.
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
#[non_exhaustive]
pub struct Context {
    /// Name of a cluster.
    pub cluster: String,
    /// Name of a user; empty for none.
    pub user: String,
    /// The namespace of this context.
    pub namespace: Option<String>,
}

impl Object for Context {
    fn set<'de, A: MapAccess<'de>>(&mut self, member: Member<'_, A>) -> Result<(), A::Error> {
        match member.name {
            "cluster" => self.cluster = member.text()?,
            "user" => self.user = member.text()?,
            "namespace" => self.namespace = member.text()?,
            _ => member.pass_over()?,
        }
        Ok(())
    }
}

/// How to reach a server and know it.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Cluster {
    /// Its URL.
    pub server: String,
    /// The name in its certificate, when it is not that of the URL.
    pub tls_server_name: Option<String>,
    /// Do not verify its certificate.
    pub insecure_skip_tls_verify: bool,
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

impl Object for Cluster {
    fn set<'de, A: MapAccess<'de>>(&mut self, member: Member<'_, A>) -> Result<(), A::Error> {
        match member.name {
            "server" => self.server = member.typed()?,
            "tls-server-name" => self.tls_server_name = member.typed()?,
            "insecure-skip-tls-verify" => self.insecure_skip_tls_verify = member.truth()?,
            "certificate-authority" => self.certificate_authority = member.typed()?,
            "certificate-authority-data" => self.certificate_authority_data = member.typed()?,
            "proxy-url" => self.proxy_url = member.typed()?,
            "disable-compression" => self.disable_compression = member.truth()?,
            "extensions" => self.extensions = member.objects()?,
            _ => member.pass_over()?,
        }
        Ok(())
    }
}

/// Something that another program keeps in a cluster entry, as JSON: it may hold anything.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Extension {
    /// Its name.
    pub name: String,
    /// What it holds, as JSON.
    pub json: Option<Secret>,
}

impl Object for Extension {
    fn set<'de, A: MapAccess<'de>>(&mut self, member: Member<'_, A>) -> Result<(), A::Error> {
        match member.name {
            "name" => self.name = member.typed()?,
            "extension" => {
                let json: Option<serde_json::Value> = member.typed()?;
                self.json = json.map(|json| Secret::new(json.to_string()));
            }
            _ => member.pass_over()?,
        }
        Ok(())
    }
}

/// Who we are.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
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
    /// A provider of credentials that is built into kubectl, or was.
    pub auth_provider: Option<AuthProvider>,
}

impl Object for User {
    fn set<'de, A: MapAccess<'de>>(&mut self, member: Member<'_, A>) -> Result<(), A::Error> {
        match member.name {
            "client-certificate" => self.client_certificate = member.typed()?,
            "client-certificate-data" => self.client_certificate_data = member.typed()?,
            "client-key" => self.client_key = member.typed()?,
            "client-key-data" => self.client_key_data = member.typed()?,
            "token" => self.token = member.typed()?,
            "tokenFile" => self.token_file = member.typed()?,
            "username" => self.username = member.text()?,
            "password" => self.password = member.typed()?,
            "as" => self.impersonate = member.text()?,
            "as-uid" => self.impersonate_uid = member.text()?,
            "as-groups" => self.impersonate_groups = member.text()?,
            "as-user-extra" => self.impersonate_extra = member.text()?,
            "exec" => self.exec = member.object()?,
            "auth-provider" => self.auth_provider = member.object()?,
            _ => member.pass_over()?,
        }
        Ok(())
    }
}

/// A provider of credentials that is built into kubectl (`oidc`), or was once.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct AuthProvider {
    /// `oidc`, `gcp`, `azure` or another.
    pub name: String,
    /// What it is configured with; tokens are among it.
    pub config: BTreeMap<String, Secret>,
}

impl Object for AuthProvider {
    fn set<'de, A: MapAccess<'de>>(&mut self, member: Member<'_, A>) -> Result<(), A::Error> {
        match member.name {
            "name" => self.name = member.text()?,
            "config" => self.config = member.typed()?,
            _ => member.pass_over()?,
        }
        Ok(())
    }
}

impl Kubeconfig {
    /// The files that apply: `explicit` alone, which must exist; else those of `$KUBECONFIG` that
    /// exist; else `~/.kube/config` if it exists. No file at all gives an empty kubeconfig.
    ///
    /// # Errors
    /// [`ConfigError`] for a file that cannot be read, or is no kubeconfig.
    pub fn load(explicit: Option<&Path>, environment: &Environment) -> Result<Self, ConfigError> {
        if let Some(path) = explicit {
            let mut merged = Self::default();
            let file = read(path)?.ok_or_else(|| ConfigError::Missing { path: path.to_owned() })?;
            merged.merge(path, file)?;
            return Ok(merged);
        }
        Self::of_files(&candidates(environment))
    }

    /// The same files again; one that is no longer there defines nothing.
    pub(super) fn of_files(files: &[PathBuf]) -> Result<Self, ConfigError> {
        let mut merged = Self::default();
        for path in files {
            if let Some(file) = read(path)? {
                merged.merge(path, file)?;
            }
        }
        Ok(merged)
    }

    /// Whether nothing was configured, so that the service account may be tried.
    pub fn is_empty(&self) -> bool {
        self.contexts.is_empty() && self.clusters.is_empty() && self.current_context.is_none()
    }

    /// Adds what `file`, read from `path`, defines and earlier files do not.
    fn merge(&mut self, path: &Path, file: File) -> Result<(), ConfigError> {
        let folder = path.parent().unwrap_or(Path::new(""));
        self.files.push(path.to_owned());
        if self.current_context.is_none() {
            self.current_context = Some(file.current_context).filter(|name| !name.is_empty());
        }
        let mut contexts = BTreeMap::new();
        for NamedContext { name, context } in file.contexts {
            once(path, "context", contexts.insert(name.clone(), context).is_none(), name)?;
        }
        let mut clusters = BTreeMap::new();
        for NamedCluster { name, mut cluster } in file.clusters {
            resolve(folder, &mut cluster.certificate_authority);
            once(path, "cluster", clusters.insert(name.clone(), cluster).is_none(), name)?;
        }
        let mut users = BTreeMap::new();
        for NamedUser { name, mut user } in file.users {
            resolve(folder, &mut user.client_certificate);
            resolve(folder, &mut user.client_key);
            resolve(folder, &mut user.token_file);
            if let Some(exec) = &mut user.exec {
                exec.resolve(folder);
            }
            once(path, "user", users.insert(name.clone(), user).is_none(), name)?;
        }
        add(&mut self.contexts, contexts);
        add(&mut self.clusters, clusters);
        add(&mut self.users, users);
        Ok(())
    }
}

/// An error if a file defines this name for the second time.
fn once(path: &Path, kind: &'static str, is_new: bool, name: String) -> Result<(), ConfigError> {
    if is_new { Ok(()) } else { Err(ConfigError::Duplicate { path: path.to_owned(), kind, name }) }
}

/// Adds the entries of a later file: of each name the first one counts.
fn add<T>(merged: &mut BTreeMap<String, T>, later: BTreeMap<String, T>) {
    for (name, entry) in later {
        merged.entry(name).or_insert(entry);
    }
}

/// The file as it is written.
#[derive(Default)]
struct File {
    api_version: String,
    kind: String,
    current_context: String,
    contexts: Vec<NamedContext>,
    clusters: Vec<NamedCluster>,
    users: Vec<NamedUser>,
}

impl Object for File {
    fn set<'de, A: MapAccess<'de>>(&mut self, member: Member<'_, A>) -> Result<(), A::Error> {
        match member.name {
            "apiVersion" => self.api_version = member.text()?,
            "kind" => self.kind = member.text()?,
            "current-context" => self.current_context = member.text()?,
            "contexts" => self.contexts = member.objects()?.unwrap_or_default(),
            "clusters" => self.clusters = member.objects()?.unwrap_or_default(),
            "users" => self.users = member.objects()?.unwrap_or_default(),
            _ => member.pass_over()?,
        }
        Ok(())
    }
}

#[derive(Default)]
struct NamedContext {
    name: String,
    context: Context,
}

impl Object for NamedContext {
    fn set<'de, A: MapAccess<'de>>(&mut self, member: Member<'_, A>) -> Result<(), A::Error> {
        match member.name {
            "name" => self.name = member.text()?,
            "context" => self.context = member.object()?.unwrap_or_default(),
            _ => member.pass_over()?,
        }
        Ok(())
    }
}

#[derive(Default)]
struct NamedCluster {
    name: String,
    cluster: Cluster,
}

impl Object for NamedCluster {
    fn set<'de, A: MapAccess<'de>>(&mut self, member: Member<'_, A>) -> Result<(), A::Error> {
        match member.name {
            "name" => self.name = member.text()?,
            "cluster" => self.cluster = member.object()?.unwrap_or_default(),
            _ => member.pass_over()?,
        }
        Ok(())
    }
}

#[derive(Default)]
struct NamedUser {
    name: String,
    user: User,
}

impl Object for NamedUser {
    fn set<'de, A: MapAccess<'de>>(&mut self, member: Member<'_, A>) -> Result<(), A::Error> {
        match member.name {
            "name" => self.name = member.text()?,
            "user" => self.user = member.object()?.unwrap_or_default(),
            _ => member.pass_over()?,
        }
        Ok(())
    }
}

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
    let Written(file) = parse::<Written<File>>(&text)
        .map_err(|(line, column)| ConfigError::Malformed { path: path.to_owned(), line, column })?;
    if !matches!(&*file.api_version, "" | "v1") || !matches!(&*file.kind, "" | "Config") {
        let (path, kind) = (path.to_owned(), [file.api_version, file.kind].join(" "));
        return Err(ConfigError::AnotherKind { path, kind: kind.trim().to_owned() });
    }
    Ok(Some(file))
}

/// Reads YAML (or JSON, which is YAML), in any encoding of text, the first document as kubectl does. An error is
/// only a place, because the parser's words quote what stands there.
pub(in crate::kube) fn parse<T: DeserializeOwned + Default>(bytes: &[u8]) -> Result<T, (u64, u64)> {
    let text = text::decode(bytes).map_err(|offset| place(bytes, offset))?;
    let at = |offset| place(text.as_bytes(), offset);
    let Some(document) = yaml::documents(&text).next() else { return Ok(T::default()) };
    let json = document.map_err(|error| at(error.offset))?;
    // The JSON is one line, and its column counts the bytes that have been read.
    serde_json::from_slice(&json)
        .map_err(|error| at(yaml::source(&text, 0, error.column().saturating_sub(1))))
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
    let length = file.metadata().map_or(0, |it| it.len()).min(limit);
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default() + 1);
    file.take(limit + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > limit {
        return Err(ConfigError::TooLarge { what, path: path.to_owned(), limit });
    }
    Ok(bytes)
}
