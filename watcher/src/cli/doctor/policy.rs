//! What keeps others out: the right to ask about callers, and the policy that keeps an account to its own Pod.

use dubbo_k8s_engine::Verb;
use dubbo_k8s_registry::kube::config::ThisPod;
use serde_json::Value;

use super::ask::{self, ask, scope_of};
use super::visit::{Visit, transport};
use crate::cli::{ended::Ended, plain::plain};

/// The name of the policy, in the manifests and in the server's refusals.
const POLICY: &str = "dubbo-registrar";

impl Visit<'_> {
    /// Whether `serve --auth kubernetes` would learn who a caller is, and what they may do.
    pub(super) async fn may_review(&mut self) -> Result<(), Ended> {
        let reviews = [
            ("authentication.k8s.io", "tokenreviews"),
            ("authorization.k8s.io", "subjectaccessreviews"),
        ];
        let mut denied = Vec::new();
        for (group, resource) in reviews {
            match ask(&mut self.client, ask::review(group, resource)).await {
                Ok(answer) => {
                    let answer = answer.json();
                    let allowed = answer.pointer("/status/allowed");
                    if allowed != Some(&Value::Bool(true)) {
                        denied.push(format!("{resource}.{group}"));
                    }
                }
                Err(error) => return Ok(self.report.failure(&self.explain(&transport(error)))?),
            }
        }
        let well = "may review callers (tokenreviews, subjectaccessreviews)";
        let otherwise = format!(
            "may not create {}: serve --auth kubernetes would show no caller anything\n\
             An administrator can allow it by a ClusterRoleBinding to system:auth-delegator \
             (watcher/deploy/base/reviews.yaml).",
            denied.join(", ")
        );
        Ok(self.report.check(denied.is_empty(), true, well, &otherwise)?)
    }

    /// Whether a policy refuses what RBAC alone would allow.
    pub(super) async fn policy(&mut self, own: &ThisPod) -> Result<(), Ended> {
        let name = &own.name;
        let answer = match ask(&mut self.client, ask::trial(name)).await {
            Ok(answer) => answer,
            Err(error) => return Ok(self.report.failure(&self.explain(&transport(error)))?),
        };
        let body = answer.json();
        let message = body.get("message").and_then(Value::as_str).unwrap_or_default();
        if answer.status == 403 && message.contains(POLICY) {
            let well = format!("a policy keeps this account to the records of Pod {name}");
            return Ok(self.report.check(true, true, &well, "")?);
        }
        if answer.is_ok() {
            return Ok(self.report.failure(&format!(
                "this account may change all of Pod {name}, and of every other Pod that it may patch: there is no \
                 policy {POLICY}, or it does not hold for this account\n\
                 An administrator can add it with `kubectl apply -k watcher/deploy/policy`."
            ))?);
        }
        let failure = answer.failure(Verb::Patch, scope_of(name.namespace()));
        Ok(self.report.failure(&plain(&self.explain(&failure)))?)
    }
}
