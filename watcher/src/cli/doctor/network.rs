//! `NetworkPolicies` of a namespace: who is registered can be found, and still not be reached. An account that may not list them is
//! shown nothing: reading the registry does not need it.

use std::fmt::Write as _;

use dubbo_k8s_engine::catalog::Scope;
use serde_json::Value;

use super::ask::{self, ask};
use super::report::Report;
use super::visit::{Visit, place};
use crate::cli::{ended::Ended, plain::plain};

/// More of them are counted and not shown.
const SHOWN: usize = 5;

impl Visit<'_> {
    /// Says which policies limit the traffic of which Pods.
    pub(super) async fn look_at_network(&mut self, scope: &Scope) -> Result<(), Ended> {
        let answer = match ask(&mut self.client, ask::network_policies(scope)).await {
            Ok(answer) if answer.is_ok() => answer.json(),
            _ => return Ok(()),
        };
        let policies = answer.get("items").and_then(Value::as_array).into_iter().flatten();
        let limits: Vec<String> = policies.filter_map(limit).collect();
        if limits.is_empty() {
            return Ok(Report::well(&format!("no NetworkPolicy {}", place(scope)))?);
        }
        let policies = match limits.len() {
            1 => "1 NetworkPolicy".to_owned(),
            count => format!("{count} NetworkPolicies"),
        };
        let place = place(scope);
        let mut text =
            format!("{policies} {place}: a consumer may find a provider and not reach it");
        for limit in limits.iter().take(SHOWN) {
            // Writing to a String does not fail.
            let _ = write!(text, "\n{limit}");
        }
        if limits.len() > SHOWN {
            let _ =
                write!(text, "\n… and {} more: kubectl get networkpolicy", limits.len() - SHOWN);
        }
        Ok(Report::notice(&text)?)
    }
}

/// `shop/deny limits what Pods with app=a receive and send`.
fn limit(policy: &Value) -> Option<String> {
    let text = |pointer: &str| policy.pointer(pointer).and_then(Value::as_str);
    let types = policy.pointer("/spec/policyTypes").and_then(Value::as_array);
    let has = |name: &str| types.is_some_and(|types| types.iter().any(|it| it == name));
    let what = match (has("Ingress"), has("Egress")) {
        (true, true) => "receive and send",
        (false, true) => "send",
        // The server sets the types; without them it is what Pods receive.
        _ => "receive",
    };
    let (namespace, name) = (text("/metadata/namespace")?, text("/metadata/name")?);
    let pods = policy.pointer("/spec/podSelector").map(selected).unwrap_or_default();
    Some(plain(&format!("{namespace}/{name} limits what {pods} {what}")).into_owned())
}

fn selected(selector: &Value) -> String {
    if selector.get("matchExpressions").is_some() {
        return "the Pods of its expressions".to_owned();
    }
    let labels = selector.get("matchLabels").and_then(Value::as_object).into_iter().flatten();
    let labels: Vec<String> = labels
        .map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default()))
        .collect();
    if labels.is_empty() {
        "all Pods".to_owned()
    } else {
        format!("Pods with {}", labels.join(","))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_policy_is_said_with_its_pods_and_the_directions_that_it_limits() {
        let policy = |spec: Value| {
            limit(&json!({"metadata": {"namespace": "shop", "name": "p"}, "spec": spec}))
        };
        let said = |text: &str| Some(format!("shop/p limits what {text}"));
        let all = json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]});
        assert_eq!(policy(all), said("all Pods receive and send"));
        let labels =
            json!({"podSelector": {"matchLabels": {"app": "a"}}, "policyTypes": ["Egress"]});
        assert_eq!(policy(labels), said("Pods with app=a send"));
        let expressions =
            json!({"podSelector": {"matchExpressions": [{"key": "a", "operator": "Exists"}]}});
        assert_eq!(policy(expressions), said("the Pods of its expressions receive"));
        assert_eq!(limit(&json!({"spec": {}})), None);
    }
}
