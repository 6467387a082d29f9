//! A program that gives credentials (`user.exec`, `client.authentication.k8s.io/v1` and `v1beta1`):
//! the entry as it is written, and the checked one. It starts nothing.
//!
//! Arguments and variables may hold secrets, so a Debug output shows only how many there are.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use serde::de::MapAccess;

use super::{
    ConfigError, Secret,
    object::{Member, Object},
};

/// The group of the protocol; a kubeconfig names it with its version.
const GROUP: &str = "client.authentication.k8s.io/";

/// `user.exec` of a kubeconfig, as it is written.
#[derive(Clone, Debug, Default)]
pub struct ExecEntry {
    /// Which version of the protocol the program speaks.
    pub api_version: Option<String>,
    /// The program: a path when there is a separator in it, else a name in `$PATH`.
    pub command: Option<PathBuf>,
    /// Its arguments.
    pub args: Option<Vec<Secret>>,
    /// Variables on top of ours.
    pub env: Option<Vec<Variable>>,
    /// How to install it.
    pub install_hint: Option<String>,
    /// Whether it gets the description of the cluster.
    pub provide_cluster_info: bool,
    /// `Never`, `IfAvailable` or `Always`.
    pub interactive_mode: Option<String>,
}

impl Object for ExecEntry {
    fn set<'de, A: MapAccess<'de>>(&mut self, member: Member<'_, A>) -> Result<(), A::Error> {
        match member.name {
            "apiVersion" => self.api_version = member.typed()?,
            "command" => self.command = member.typed()?,
            "args" => self.args = member.typed()?,
            "env" => self.env = member.objects()?,
            "installHint" => self.install_hint = member.typed()?,
            "provideClusterInfo" => self.provide_cluster_info = member.truth()?,
            "interactiveMode" => self.interactive_mode = member.typed()?,
            _ => member.pass_over()?,
        }
        Ok(())
    }
}

/// One variable of the environment.
#[derive(Clone, Debug, Default)]
pub struct Variable {
    /// Name.
    pub name: String,
    /// Value.
    pub value: Secret,
}

impl Object for Variable {
    fn set<'de, A: MapAccess<'de>>(&mut self, member: Member<'_, A>) -> Result<(), A::Error> {
        match member.name {
            "name" => self.name = member.typed()?,
            "value" => self.value = member.typed()?,
            _ => member.pass_over()?,
        }
        Ok(())
    }
}

/// A version of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExecVersion {
    /// `client.authentication.k8s.io/v1`
    V1,
    /// `client.authentication.k8s.io/v1beta1`
    V1Beta1,
}

impl ExecVersion {
    /// The `apiVersion`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "client.authentication.k8s.io/v1",
            Self::V1Beta1 => "client.authentication.k8s.io/v1beta1",
        }
    }
}

/// A program that gives credentials, ready to be started.
#[derive(Clone)]
#[non_exhaustive]
pub struct ExecPlugin {
    /// The entry it comes from, for messages.
    pub entry: String,
    /// The version of the protocol.
    pub version: ExecVersion,
    /// The program; relative to nothing but `$PATH`.
    pub command: PathBuf,
    /// Its arguments.
    pub arguments: Vec<Secret>,
    /// Variables on top of ours.
    pub variables: Vec<(String, Secret)>,
    /// How to install it.
    pub install_hint: Option<String>,
    /// Whether it may ask the user, on our terminal.
    pub interactive: bool,
    /// The description of the cluster that it gets, if any; JSON.
    pub cluster: Option<ClusterInfo>,
}

/// What a plugin learns of the cluster besides its address and authorities.
#[derive(Clone, Default)]
pub struct ClusterInfo {
    /// The extension `client.authentication.k8s.io/exec` of the cluster entry, as JSON.
    pub config: Option<Secret>,
}

impl fmt::Debug for ExecPlugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecPlugin")
            .field("version", &self.version)
            .field("command", &self.command)
            .field("arguments", &self.arguments.len())
            .field("variables", &self.variables.len())
            .field("interactive", &self.interactive)
            .field("cluster", &self.cluster.is_some())
            .finish_non_exhaustive()
    }
}

impl ExecEntry {
    /// A relative path is relative to the kubeconfig; a bare name stays one.
    pub(super) fn resolve(&mut self, folder: &Path) {
        let command = self.command.take().filter(|command| !command.as_os_str().is_empty());
        self.command = command.map(|command| {
            if has_separator(&command) {
                std::path::absolute(folder.join(&command)).unwrap_or(command)
            } else {
                command
            }
        });
    }

    /// Checks the entry. `terminal`: a person could answer a question.
    pub(super) fn check(
        self,
        entry: &str,
        terminal: bool,
        config: Option<&Secret>,
    ) -> Result<ExecPlugin, ConfigError> {
        let bad = |field, reason: String| ConfigError::BadField {
            entry: entry.to_owned(),
            field,
            reason,
        };
        let version = match self.api_version.as_deref().and_then(|text| text.strip_prefix(GROUP)) {
            Some("v1") => ExecVersion::V1,
            Some("v1beta1") => ExecVersion::V1Beta1,
            _ => {
                let reason = format!("must be {GROUP}v1 or {GROUP}v1beta1 (v1alpha1 is gone)");
                return Err(bad("exec.apiVersion", reason));
            }
        };
        let command = self.command.ok_or_else(|| bad("exec.command", "is missing".to_owned()))?;
        let interactive = match (self.interactive_mode.as_deref(), version) {
            (Some("Never"), _) => false,
            (Some("IfAvailable"), _) | (None | Some(""), ExecVersion::V1Beta1) => terminal,
            (Some("Always"), _) if terminal => true,
            (Some("Always"), _) => {
                let reason = "is Always, but there is no terminal to ask on";
                return Err(bad("exec.interactiveMode", reason.to_owned()));
            }
            _ => {
                let reason = "must be Never, IfAvailable or Always";
                return Err(bad("exec.interactiveMode", reason.to_owned()));
            }
        };
        let variables = self.env.unwrap_or_default();
        let usable = |name: &str| !name.is_empty() && !name.contains(['=', '\0']);
        if !variables.iter().all(|variable| usable(&variable.name)) {
            return Err(bad("exec.env", "has an entry without a usable name".to_owned()));
        }
        Ok(ExecPlugin {
            entry: entry.to_owned(),
            version,
            command,
            arguments: self.args.unwrap_or_default(),
            variables: variables.into_iter().map(|one| (one.name, one.value)).collect(),
            install_hint: self.install_hint.filter(|hint| !hint.trim().is_empty()),
            interactive,
            cluster: self.provide_cluster_info.then(|| ClusterInfo { config: config.cloned() }),
        })
    }
}

fn has_separator(path: &Path) -> bool {
    path.as_os_str().to_string_lossy().contains(std::path::is_separator)
}
