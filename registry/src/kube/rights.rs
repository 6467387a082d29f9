//! Which rights on Pods are needed for what. The one place that says so: messages, `doctor` and
//! the manifests of `deploy/` agree with it (a test compares them).

use dubbo_k8s_engine::catalog::Scope;

use dubbo_k8s_engine::Verb;

/// The verbs on `pods` that a task needs, and the name of the role that grants them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rights {
    /// The name of the Role or `ClusterRole`, and of its binding.
    pub name: &'static str,
    /// The verbs, and no more.
    pub verbs: &'static [Verb],
}

impl Rights {
    /// To read a registry: `list`, `watch`, `serve`.
    pub const READER: Self = Self { name: "dubbo-reader", verbs: &[Verb::List, Verb::Watch] };

    /// To register in one's own Pod. Watching it serves to notice at once what another writer
    /// overwrites; `register` without `--hold` does not need it.
    pub const REGISTRAR: Self =
        Self { name: "dubbo-registrar", verbs: &[Verb::Get, Verb::Patch, Verb::Watch] };

    /// The rights that this verb needs.
    pub const fn allowing(verb: Verb) -> Self {
        match verb {
            Verb::Get | Verb::Patch => Self::REGISTRAR,
            Verb::List | Verb::Watch | Verb::Create => Self::READER,
        }
    }

    /// The role that grants them in a scope, and its binding to a user, as YAML. Without a user
    /// there is a gap to fill in.
    pub fn role(&self, scope: &Scope, user: Option<&str>) -> String {
        let (prefix, namespace) = match scope {
            Scope::All => ("Cluster", String::new()),
            Scope::Namespace(name) => ("", format!(", namespace: {}", quoted(name))),
        };
        let (name, subject) = (self.name, subject(user));
        let verbs: Vec<String> = self.verbs.iter().map(ToString::to_string).collect();
        let verbs = verbs.join(", ");
        format!(
            "apiVersion: rbac.authorization.k8s.io/v1\n\
             kind: {prefix}Role\n\
             metadata: {{name: {name}{namespace}}}\n\
             rules:\n\
             - {{apiGroups: [\"\"], resources: [pods], verbs: [{verbs}]}}\n\
             ---\n\
             apiVersion: rbac.authorization.k8s.io/v1\n\
             kind: {prefix}RoleBinding\n\
             metadata: {{name: {name}{namespace}}}\n\
             roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: {prefix}Role, name: {name}}}\n\
             subjects:\n\
             - {subject}"
        )
    }
}

fn subject(user: Option<&str>) -> String {
    let account =
        user.and_then(|user| user.strip_prefix("system:serviceaccount:")?.split_once(':'));
    if let Some((namespace, name)) = account {
        let (namespace, name) = (quoted(namespace), quoted(name));
        return format!("{{kind: ServiceAccount, namespace: {namespace}, name: {name}}}");
    }
    let user = quoted(user.unwrap_or("YOUR USER"));
    format!("{{kind: User, apiGroup: rbac.authorization.k8s.io, name: {user}}}")
}

/// As YAML: plain where that is safe, else as a JSON string, which is YAML too. Nothing in it acts
/// on a terminal.
fn quoted(name: &str) -> String {
    let safe = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
    if safe {
        name.to_owned()
    } else {
        format!("\"{}\"", name.escape_debug().to_string().replace("\\'", "'"))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_role_is_yaml_with_what_it_is_for() {
        let scope = Scope::Namespace(Arc::from("shop"));
        let yaml = Rights::REGISTRAR.role(&scope, Some("system:serviceaccount:shop:greeter"));
        let documents = dubbo_k8s_codec::yaml::documents(&yaml);
        let mut documents = documents.map(|json| serde_json::from_slice(&json.unwrap()).unwrap());
        let role: serde_json::Value = documents.next().unwrap();
        assert_eq!(role["rules"][0]["verbs"], serde_json::json!(["get", "patch", "watch"]));
        let binding = documents.next().unwrap();
        assert_eq!(binding["roleRef"]["name"], role["metadata"]["name"]);
        assert_eq!(binding["subjects"][0]["name"], "greeter");
        assert_eq!(binding["subjects"][0]["namespace"], "shop");
    }

    #[test]
    fn a_strange_user_stays_one_string() {
        let yaml = Rights::READER.role(&Scope::All, Some("a\"}\n- x: {\u{1b}[2J o'neil"));
        let binding = yaml.split("\n---\n").nth(1).unwrap();
        assert!(binding.ends_with(r#"name: "a\"}\n- x: {\u{1b}[2J o'neil"}"#), "{binding}");
    }
}
