//! Which source a configuration is taken from, with the precedence of kubectl.

use super::candidate::Candidate;
use super::{Config, ConfigError, Environment, Kubeconfig, Overrides, in_cluster};

impl Config {
    /// Finds the configuration: a kubeconfig if there is one (`--kubeconfig`, `$KUBECONFIG`,
    /// `~/.kube/config`), else `--server` alone, else the service account of the Pod.
    ///
    /// # Errors
    /// [`ConfigError`] if nothing is configured, or what is cannot be read or contradicts itself.
    pub fn load(overrides: &Overrides, environment: &Environment) -> Result<Self, ConfigError> {
        let kubeconfig = Kubeconfig::load(overrides.kubeconfig.as_deref(), environment)?;
        let Overrides { kubeconfig: file, context, cluster, user, .. } = overrides;
        let named = [context, cluster, user].into_iter().any(Option::is_some);
        let no_context = kubeconfig.current_context.is_none() && !named;
        let mut candidate = if overrides.server.is_some() && no_context {
            Candidate::bare()
        } else if file.is_some() || named || !kubeconfig.is_empty() {
            Candidate::of_kubeconfig(&kubeconfig, overrides)?
        } else {
            in_cluster::candidate(environment)?
        };
        candidate.apply(overrides);
        candidate.check(overrides, environment)
    }
}
