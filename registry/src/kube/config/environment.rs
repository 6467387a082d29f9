//! What the process was started with, as a value: so that every rule about environment variables
//! and well-known files can be tried without changing the process.

use std::{
    collections::HashMap,
    fmt,
    io::IsTerminal as _,
    path::{Path, PathBuf},
};

/// Where Kubernetes mounts a Pod's own credentials.
pub const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// Environment variables, the home folder, and the folder of the service account.
#[derive(Clone)]
pub struct Environment {
    variables: HashMap<String, String>,
    home: Option<PathBuf>,
    service_account: PathBuf,
    interactive: bool,
}

/// Only how many variables there are: a proxy's URL has a password, and there are worse.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("variables", &self.variables.len())
            .field("home", &self.home)
            .field("service_account", &self.service_account)
            .field("interactive", &self.interactive)
            .finish()
    }
}

impl Environment {
    /// That of this process. Variables that are not UTF-8 count as not set.
    pub fn of_process() -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self {
            variables,
            home: std::env::home_dir(),
            service_account: SERVICE_ACCOUNT.into(),
            interactive: std::io::stdin().is_terminal(),
        }
    }

    /// An environment with nothing in it but `variables`, for tests and embedders.
    pub fn empty<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let variables =
            variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self {
            variables: variables.collect(),
            home: None,
            service_account: PathBuf::from("/nonexistent"),
            interactive: false,
        }
    }

    /// The same with another home folder.
    #[must_use]
    pub fn with_home(self, home: impl Into<PathBuf>) -> Self {
        Self { home: Some(home.into()), ..self }
    }

    /// The same with another folder for the service account's token, CA and namespace.
    #[must_use]
    pub fn with_service_account(self, folder: impl Into<PathBuf>) -> Self {
        Self { service_account: folder.into(), ..self }
    }

    /// The same with a person at a terminal, or without.
    #[must_use]
    pub fn with_terminal(self, interactive: bool) -> Self {
        Self { interactive, ..self }
    }

    /// Whether the standard input is a terminal, so that a credential plugin may ask there.
    pub fn is_interactive(&self) -> bool {
        self.interactive
    }

    /// A variable, if it is set to something other than white space.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// The home folder.
    pub fn home(&self) -> Option<&Path> {
        self.home.as_deref()
    }

    /// The folder of the service account.
    pub fn service_account(&self) -> &Path {
        &self.service_account
    }
}
