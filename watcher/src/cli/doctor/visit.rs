//! One visit of a doctor: whom it asks, what it has found, and how it says it. It decides nothing about what to ask.

use dubbo_k8s_engine::catalog::Scope;
use dubbo_k8s_engine::{Cause, Failure, TransportError, Verb, Wire};
use dubbo_k8s_registry::kube::{Client, Rights, config::Config};

use super::ask::{self, ask};
use super::report::Report;
use crate::cli::ended::Ended;
use crate::cli::explain::{Situation, explain};

/// One visit.
pub(super) struct Visit<'a> {
    pub(super) client: Client,
    pub(super) config: &'a Config,
    pub(super) report: Report,
    /// Who the server takes us for, if it says.
    pub(super) user: Option<String>,
    /// The form to ask for Pods in.
    pub(super) wire: Wire,
}

impl Visit<'_> {
    /// Says whether all of some rights are there, and brings the role if not.
    pub(super) fn say_rights(
        &mut self,
        denied: &[Verb],
        rights: Rights,
        scope: &Scope,
        needed: bool,
        well: &str,
    ) -> Result<(), Ended> {
        let role = rights.role(scope, self.user.as_deref());
        let otherwise = format!(
            "may not {} pods {}\nAn administrator can allow it with `kubectl apply -f -` of:\n\n  {}\n",
            verbs(denied),
            place(scope),
            role.replace('\n', "\n  ")
        );
        Ok(self.report.check(denied.is_empty(), needed, well, &otherwise)?)
    }

    pub(super) async fn may(
        &mut self,
        verb: Verb,
        scope: &Scope,
        pod: Option<&str>,
    ) -> Result<bool, Ended> {
        match ask(&mut self.client, ask::access(verb, scope, pod)).await {
            Ok(answer) if answer.is_ok() => {
                Ok(answer.json().pointer("/status/allowed").and_then(serde_json::Value::as_bool)
                    == Some(true))
            }
            Ok(answer) => {
                let failure = answer.failure(verb, scope.clone());
                self.report.failure(&self.explain(&failure))?;
                Ok(false)
            }
            Err(error) => {
                self.report.failure(&self.explain(&transport(error)))?;
                Ok(false)
            }
        }
    }

    pub(super) fn explain(&self, failure: &Failure) -> String {
        let situation = Situation { config: self.config };
        explain(failure, &situation)
    }
}

pub(super) fn transport(error: TransportError) -> Failure {
    Failure { verb: Verb::Get, scope: Scope::All, cause: Cause::Transport(error) }
}

pub(super) fn verbs(verbs: &[Verb]) -> String {
    verbs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

pub(super) fn place(scope: &Scope) -> String {
    match scope {
        Scope::All => "in all namespaces".to_owned(),
        Scope::Namespace(name) => format!("in namespace {name}"),
    }
}
