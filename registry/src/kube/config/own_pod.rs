//! Which Pod this process runs in. It is never guessed: a wrong one would be written to.

use std::fs;

use super::Environment;
use dubbo_k8s_engine::registration::{BadName, PodName};

/// The Pod to register in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ThisPod {
    /// Its names.
    pub name: PodName,
    /// `$POD_UID`, where it is this process's own Pod: one that took its name is then noticed
    /// from the start.
    pub uid: Option<String>,
}

/// Why it is not known which Pod.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ThisPodError {
    /// No name.
    #[error(
        "which Pod? neither POD_NAME nor HOSTNAME is set, and there is no --pod\n  \
         Inside of a Pod, Kubernetes sets HOSTNAME, unless the image or the shell takes it away. \
         Set it in the container:\n\n    \
         env:\n    - name: POD_NAME\n      valueFrom: {{fieldRef: {{fieldPath: metadata.name}}}}\n\n  \
         Elsewhere, name the Pod: --pod NAME -n NAMESPACE"
    )]
    NoName,
    /// No namespace.
    #[error(
        "which namespace is Pod {0} in? NAMESPACE is not set, and there is no -n\n  \
         Set it in the container:\n\n    \
         env:\n    - name: NAMESPACE\n      valueFrom: {{fieldRef: {{fieldPath: metadata.namespace}}}}\n\n  \
         Elsewhere, name it: -n NAMESPACE"
    )]
    NoNamespace(String),
    /// Not a name.
    #[error("{0}\n  It comes from {1}.")]
    Bad(BadName, &'static str),
}

impl ThisPod {
    /// The Pod by its name, `named` (`--pod`) or else `$POD_NAME`, `$HOSTNAME`; in the namespace `namespace`
    /// (`-n`), or else `$NAMESPACE`, `$POD_NAMESPACE`, that of the service account; and for a Pod
    /// that was named, as for kubectl, `configured` (that of the kubeconfig's context).
    ///
    /// # Errors
    /// [`ThisPodError`] if no name is known, or one that Kubernetes would refuse.
    pub fn find(
        named: Option<&str>,
        namespace: Option<&str>,
        environment: &Environment,
        configured: &str,
    ) -> Result<Self, ThisPodError> {
        let own = named.is_none();
        let own_name = environment.get("POD_NAME").or_else(|| environment.get("HOSTNAME"));
        let name = named.or(own_name).ok_or(ThisPodError::NoName)?;
        let variable = environment.get("NAMESPACE").or_else(|| environment.get("POD_NAMESPACE"));
        let mounted = fs::read_to_string(environment.service_account().join("namespace")).ok();
        let mounted = mounted.as_deref().map(str::trim).filter(|name| !name.is_empty());
        let configured = Some(configured).filter(|_| !own);
        let found = namespace.or(variable).or(mounted).or(configured);
        let namespace = found.ok_or_else(|| ThisPodError::NoNamespace(name.to_owned()))?;
        let source = if own { "POD_NAME or HOSTNAME, and NAMESPACE or -n" } else { "--pod and -n" };
        let name =
            PodName::new(namespace, name).map_err(|error| ThisPodError::Bad(error, source))?;
        let uid = environment.get("POD_UID").filter(|_| own).map(str::to_owned);
        Ok(Self { name, uid })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(
        named: Option<&str>,
        namespace: Option<&str>,
        variables: &[(&str, &str)],
    ) -> Result<String, ThisPodError> {
        let environment = Environment::empty(variables.iter().copied());
        let pod = ThisPod::find(named, namespace, &environment, "configured")?;
        let uid = pod.uid.map_or(String::new(), |uid| format!(" {uid}"));
        Ok(format!("{}{uid}", pod.name))
    }

    #[test]
    fn flags_win_over_variables_and_kubectl_s_namespace_is_only_for_named_pods() {
        let inside = [("HOSTNAME", "user-0"), ("NAMESPACE", "shop"), ("POD_UID", "u-1")];
        assert_eq!(find(None, None, &inside).unwrap(), "shop/user-0 u-1");
        assert_eq!(find(None, Some("other"), &inside).unwrap(), "other/user-0 u-1");
        assert_eq!(find(Some("x"), None, &inside).unwrap(), "shop/x");
        assert_eq!(find(Some("x"), None, &[]).unwrap(), "configured/x");
        assert_eq!(find(None, None, &[("HOSTNAME", "a"), ("POD_NAMESPACE", "b")]).unwrap(), "b/a");
    }

    #[test]
    fn what_is_missing_is_said_with_the_lines_that_set_it() {
        let error = find(None, Some("shop"), &[]).unwrap_err().to_string();
        assert!(error.contains("fieldPath: metadata.name}}"), "{error}");
        let error = find(None, None, &[("HOSTNAME", "user-0")]).unwrap_err().to_string();
        assert!(
            error.contains("Pod user-0") && error.contains("fieldPath: metadata.namespace}}"),
            "{error}"
        );
        let error = find(None, None, &[("HOSTNAME", "My.Laptop"), ("NAMESPACE", "x")]).unwrap_err();
        assert!(error.to_string().contains("\"My.Laptop\" cannot be the name of a Pod"), "{error}");
    }

    #[test]
    fn the_pod_s_own_name_wins_over_the_host_s_which_may_be_cut() {
        let (cut, whole) = ("p".repeat(63), "p".repeat(80));
        let host = [("HOSTNAME", cut.as_str()), ("NAMESPACE", "shop")];
        // Many a Deployment's Pods have names of 63 characters: it may be the whole one.
        assert_eq!(find(None, None, &host).unwrap(), format!("shop/{cut}"));
        let both = [host[0], host[1], ("POD_NAME", &whole)];
        assert_eq!(find(None, None, &both).unwrap(), format!("shop/{whole}"));
        assert_eq!(find(Some("x"), None, &both).unwrap(), "shop/x");
    }

    #[test]
    fn the_service_account_knows_the_namespace() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("namespace"), "mounted\n").unwrap();
        let environment =
            Environment::empty([("HOSTNAME", "a")]).with_service_account(folder.path());
        let pod = ThisPod::find(None, None, &environment, "configured").unwrap();
        assert_eq!(pod.name.to_string(), "mounted/a");
    }
}
