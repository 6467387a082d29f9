//! Which namespaces to read. A name that cannot be one never becomes part of a request's path.

use dubbo_k8s_codec::kubernetes::is_label;
use dubbo_k8s_engine::Scopes;

use super::{ConfigError, Environment};

/// The namespaces to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Namespaces {
    /// All of them, in one watch.
    All,
    /// These, each once, in the order they were named; never empty.
    These(Vec<String>),
}

impl Namespaces {
    /// `all` (`-A`), else `named` (`-n`), else `$DUBBO_NAMESPACE` (a comma list) plus `$NAMESPACE`
    /// as dubbo-go reads them, else `configured`, that of the kubeconfig or the service account.
    ///
    /// An empty element of the comma list means nothing; in dubbo-go 1.5 a trailing comma meant
    /// every namespace.
    ///
    /// # Errors
    /// [`ConfigError::BadNamespace`] for the first name that is no DNS label.
    pub fn choose(
        all: bool,
        named: &[String],
        environment: &Environment,
        configured: &str,
    ) -> Result<Self, ConfigError> {
        if all {
            return Ok(Self::All);
        }
        let mut chosen = Vec::new();
        let listed = environment.get("DUBBO_NAMESPACE").into_iter().flat_map(|it| it.split(','));
        let from_environment = listed.chain(environment.get("NAMESPACE")).map(str::trim);
        let candidates: Vec<&str> = if named.is_empty() {
            from_environment.filter(|name| !name.is_empty()).collect()
        } else {
            named.iter().map(String::as_str).collect()
        };
        for name in candidates {
            let name = checked(name)?;
            if !chosen.contains(&name) {
                chosen.push(name);
            }
        }
        if chosen.is_empty() {
            chosen.push(checked(configured)?);
        }
        Ok(Self::These(chosen))
    }

    /// What an engine follows for them: the whole cluster for [`Namespaces::All`] and for nothing else.
    ///
    /// # Errors
    /// [`ConfigError::NoNamespace`] if [`Namespaces::These`] names none.
    pub fn scopes(&self) -> Result<Scopes, ConfigError> {
        match self {
            Self::All => Ok(Scopes::all()),
            Self::These(names) => Scopes::namespaces(names).ok_or(ConfigError::NoNamespace),
        }
    }
}

/// A DNS label (RFC 1123), as the names of namespaces are.
pub(super) fn checked(name: &str) -> Result<String, ConfigError> {
    if is_label(name) {
        Ok(name.to_owned())
    } else {
        Err(ConfigError::BadNamespace { name: name.to_owned() })
    }
}
