//! What went wrong with the server, and the way out, as text for a person. One message for each
//! situation; nothing here may show a credential, and what the server says is made harmless.

use dubbo_k8s_engine::catalog::Scope;
use dubbo_k8s_engine::{Cause, Failure, TransportErrorKind};
use dubbo_k8s_registry::kube::{
    Rights,
    config::{Config, Credential, Trust},
};

use super::plain::{plain, plain_lines};

/// Who is asking: what a message may need to know besides the failure.
pub(super) struct Situation<'a> {
    pub(super) config: &'a Config,
}

/// Whether trying again cannot help before the user does something.
pub(super) fn is_final(failure: &Failure) -> bool {
    match &failure.cause {
        Cause::Refused { status, .. } => (300..500).contains(status) && *status != 429,
        Cause::Transport(error) => {
            matches!(error.kind, TransportErrorKind::Tls | TransportErrorKind::Credential)
        }
        Cause::NotAList(_) => true,
        _ => false,
    }
}

/// The whole message, without a leading `error:`.
pub(super) fn explain(failure: &Failure, situation: &Situation<'_>) -> String {
    let said = match &failure.cause {
        Cause::Refused { status: 401, .. } => unauthorized(situation.config),
        Cause::Refused { status: 403, message, .. } => forbidden(failure, message),
        Cause::Refused { status: 404, message, .. } => not_found(message),
        Cause::Refused { status, message, reason } => refused(*status, message, reason, situation),
        Cause::Transport(error) => transport(error.kind, &error.text, situation),
        Cause::NotAList(what) => format!(
            "the answer is not a list of Pods: {}\n  Is this the address of a kube-apiserver?",
            plain(what)
        ),
        _ => plain(&failure.to_string()).into_owned(),
    };
    format!("{said}\n{}", server_line(situation.config))
}

/// One line, for `watch`, after the first time.
pub(super) fn in_short(failure: &Failure) -> String {
    plain(&failure.to_string()).into_owned()
}

fn server_line(config: &Config) -> String {
    let way = config.proxy.as_ref().map_or(String::new(), |proxy| {
        format!(", through {} (from {})", plain(&proxy.to_string()), proxy.origin())
    });
    format!("  server: {} (from {}){way}", config.server, plain(&config.origin))
}

fn unauthorized(config: &Config) -> String {
    let credential = match &config.credential {
        Credential::None if config.identity.is_some() => "a client certificate".to_owned(),
        Credential::None => {
            return "the server wants to know who is asking, and there are no credentials (401)\n  \
                    Log in to the cluster (kubectl get pods must work), or give a --token-file."
                .to_owned();
        }
        Credential::Token(_) => "the token of the kubeconfig".to_owned(),
        Credential::TokenFile(path) => format!("the token in {}", path.display()),
        Credential::Basic { .. } => "the username and password of the kubeconfig".to_owned(),
        Credential::Exec(plugin) => {
            format!("what the plugin `{}` gave", plain(&plugin.command.display().to_string()))
        }
    };
    format!(
        "the server does not accept our credentials (401)\n  \
         It was shown {credential}, which may have expired or belong to another cluster.\n  \
         Log in again (kubectl get pods must work), or give another --token-file."
    )
}

fn forbidden(failure: &Failure, message: &str) -> String {
    let place = match &failure.scope {
        Scope::All => "in all namespaces".to_owned(),
        Scope::Namespace(name) => format!("in namespace {name}"),
    };
    let mut said = format!("not allowed to {} pods {place} (403)", failure.verb);
    if !message.is_empty() {
        said += "\n  the server says: ";
        said += &plain(message);
    }
    if let Some(ruled) = other_rule(message) {
        said += "\n  ";
        said += &ruled;
        return said;
    }
    let user = user_in(message);
    if user == Some("system:anonymous") {
        said.push_str(
            "\n  The server took us for an anonymous user: there are no credentials. Log in to the cluster, \
             or give a --token-file.",
        );
        return said;
    }
    if matches!(failure.scope, Scope::All) {
        said.push_str("\n  Without -A, only the namespaces that you name with -n are asked for.");
    }
    said.push_str(
        "\n  An administrator of the cluster can allow it with `kubectl apply -f -` of:\n",
    );
    for line in Rights::allowing(failure.verb).role(&failure.scope, user).lines() {
        said += "\n    ";
        said += line;
    }
    said.push('\n');
    said
}

/// What a refusal that has nothing to do with RBAC comes from, and who can change it.
fn other_rule(message: &str) -> Option<String> {
    let between = |before: &str, after: char| {
        let (_, rest) = message.split_once(before)?;
        rest.split_once(after).map(|(name, _)| plain(name).into_owned())
    };
    if let Some(name) = between("admission webhook \"", '"') {
        return Some(format!(
            "The admission webhook {name} refuses it, not RBAC: no Role helps. Ask the people who run that \
             webhook, or change what it minds."
        ));
    }
    if let Some(name) = between("ValidatingAdmissionPolicy '", '\'') {
        return Some(format!(
            "The ValidatingAdmissionPolicy {name} refuses it, not RBAC: no Role helps. See `kubectl \
             get validatingadmissionpolicy {name} -o yaml`."
        ));
    }
    if message.contains(" cannot impersonate ") {
        return Some(
            "We may not act as another user (--as, or `as` in the kubeconfig): an administrator \
             can allow the verb `impersonate`, or leave it out."
                .to_owned(),
        );
    }
    // What RBAC and every other authorizer says begins with the user.
    let by_admission = message.contains(" is forbidden: ") && user_in(message).is_none();
    by_admission
        .then(|| "An admission rule of the cluster refuses it, not RBAC: no Role helps.".to_owned())
}

/// The user in kube-apiserver's `pods is forbidden: User "…" cannot list …`.
fn user_in(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("User \"")?;
    rest.split_once('"').map(|(user, _)| user)
}

fn not_found(message: &str) -> String {
    format!(
        "the server does not know what Pods are (404): {}\n  \
         Is this the address of a kube-apiserver, with the path that it needs?",
        plain(message)
    )
}

fn refused(status: u16, message: &str, reason: &str, situation: &Situation<'_>) -> String {
    let words = if message.is_empty() { reason } else { message };
    let mut said = match status {
        429 => "the server is too busy (429)".to_owned(),
        500.. => format!("the server cannot answer now ({status})"),
        300..=399 => format!(
            "the server sends us elsewhere ({status}), which we do not follow: it would get our \
             credentials"
        ),
        _ => format!("the server does not take the request ({status})"),
    };
    if !words.is_empty() {
        said += ": ";
        said += &plain(words);
    }
    if message.contains("Too large resource version") {
        said.push_str(
            "\n  The server's state is older than what was seen before: this replica of it lags \
             behind the others, or it was restored from a backup. The list is read anew.",
        );
    }
    if status == 400 && situation.config.server.scheme() == "http" {
        said.push_str("\n  Try https:// instead of http://.");
    }
    said
}

fn transport(kind: TransportErrorKind, text: &str, situation: &Situation<'_>) -> String {
    // An install hint has lines of its own.
    let text = plain_lines(text).replace('\n', "\n  ");
    let mut said = match kind {
        TransportErrorKind::Resolve => format!(
            "cannot find the server: {text}\n  \
             Is its name right? A cluster's own names are only known inside of it, or over its VPN."
        ),
        TransportErrorKind::Connect => format!(
            "cannot reach the server: {text}\n  \
             Is the cluster running, is the address right, is a VPN needed?"
        ),
        TransportErrorKind::Tls => format!("cannot make a secure connection: {text}"),
        TransportErrorKind::Credential => format!("cannot get the credentials: {text}"),
        TransportErrorKind::Deadline => format!("the server did not answer in time: {text}"),
        TransportErrorKind::Interrupted => format!("the connection was lost: {text}"),
        TransportErrorKind::Protocol => format!("the answer is not what it should be: {text}"),
    };
    let config = situation.config;
    if matches!(kind, TransportErrorKind::Interrupted | TransportErrorKind::Protocol)
        && config.server.scheme() == "http"
    {
        said.push_str("\n  Try https:// instead of http://.");
    }
    if kind == TransportErrorKind::Tls && matches!(config.trust, Trust::System) {
        said.push_str("\n  The kubeconfig names no authority, so those of this system are used.");
    }
    said
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use dubbo_k8s_engine::catalog::Scope;
    use dubbo_k8s_engine::{Cause, Failure, TransportError, TransportErrorKind, Verb};
    use dubbo_k8s_registry::kube::config::{Config, Environment, Overrides};

    use super::{Situation, explain, is_final};

    fn failure(cause: Cause) -> Failure {
        Failure { verb: Verb::List, scope: Scope::Namespace(Arc::from("shop")), cause }
    }

    fn refused(status: u16, message: &str) -> Failure {
        let (reason, message) = (String::new(), message.to_owned());
        failure(Cause::Refused { status, reason, message })
    }

    fn broken(kind: TransportErrorKind, text: &str) -> Failure {
        failure(Cause::Transport(TransportError::new(kind, text)))
    }

    fn said(server: &str, failure: &Failure) -> String {
        let overrides = Overrides { server: Some(server.to_owned()), ..Overrides::default() };
        let config = Config::load(&overrides, &Environment::empty([])).unwrap();
        explain(failure, &Situation { config: &config })
    }

    const SERVER: &str = "https://10.0.0.1:6443";

    #[test]
    fn forbidden_says_what_and_brings_the_role() {
        let message = "pods is forbidden: User \"system:serviceaccount:shop:default\" cannot list \
                       resource \"pods\" in API group \"\" in the namespace \"shop\"";
        assert_eq!(
            said(SERVER, &refused(403, message)),
            format!(
                "not allowed to list pods in namespace shop (403)
  the server says: {message}
  An administrator of the cluster can allow it with `kubectl apply -f -` of:

    apiVersion: rbac.authorization.k8s.io/v1
    kind: Role
    metadata: {{name: dubbo-reader, namespace: shop}}
    rules:
    - {{apiGroups: [\"\"], resources: [pods], verbs: [list, watch]}}
    ---
    apiVersion: rbac.authorization.k8s.io/v1
    kind: RoleBinding
    metadata: {{name: dubbo-reader, namespace: shop}}
    roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: dubbo-reader}}
    subjects:
    - {{kind: ServiceAccount, namespace: shop, name: default}}

  server: https://10.0.0.1:6443/ (from --server)"
            )
        );
    }

    #[test]
    fn forbidden_everywhere_needs_a_cluster_role_for_the_caller() {
        let mut failure = refused(403, "pods is forbidden: User \"o'neil@x\" cannot list …");
        failure.scope = Scope::All;
        let said = said(SERVER, &failure);
        assert!(said.starts_with("not allowed to list pods in all namespaces (403)"), "{said}");
        for line in [
            "    kind: ClusterRole\n    metadata: {name: dubbo-reader}\n",
            "    kind: ClusterRoleBinding\n",
            "    - {kind: User, apiGroup: rbac.authorization.k8s.io, name: \"o'neil@x\"}\n",
            "  Without -A, only the namespaces that you name with -n are asked for.\n",
        ] {
            assert!(said.contains(line), "{line}{said}");
        }
    }

    #[test]
    fn what_is_not_refused_by_rbac_names_the_rule_and_brings_no_role() {
        for (message, words) in [
            (
                "admission webhook \"pods.bank.example\" denied the request: no",
                "The admission webhook pods.bank.example refuses it, not RBAC",
            ),
            (
                "admission webhook \"a\" denied the request without explanation",
                "The admission webhook a refuses it",
            ),
            (
                "pods \"a\" is forbidden: ValidatingAdmissionPolicy 'no-dubbo' with binding 'b' \
                 denied request: failed expression: User \"x\"",
                "The ValidatingAdmissionPolicy no-dubbo refuses it, not RBAC",
            ),
            (
                "pods \"a\" is forbidden: violates PodSecurity \"restricted:latest\": runAsNonRoot",
                "An admission rule of the cluster refuses it, not RBAC",
            ),
            (
                "users \"eve\" is forbidden: User \"ada\" cannot impersonate resource \"users\" in \
                 API group \"\" at the cluster scope",
                "We may not act as another user",
            ),
        ] {
            let mut failure = refused(403, message);
            failure.verb = Verb::Patch;
            let said = said(SERVER, &failure);
            assert!(said.contains(message) && said.contains(words), "{said}");
            assert!(!said.contains("kind: Role"), "{said}");
        }
    }

    #[test]
    fn an_anonymous_caller_is_asked_to_log_in_instead() {
        let said = said(SERVER, &refused(403, "User \"system:anonymous\" cannot list"));
        assert!(
            said.contains("took us for an anonymous user") && !said.contains("kind: Role"),
            "{said}"
        );
    }

    #[test]
    fn each_situation_has_its_own_message() {
        let server = "  server: https://10.0.0.1:6443/ (from --server)";
        for (failure, expected) in [
            (
                refused(401, "Unauthorized"),
                "the server wants to know who is asking, and there are no credentials (401)\n  \
                 Log in to the cluster (kubectl get pods must work), or give a --token-file.",
            ),
            (refused(503, "etcd is away"), "the server cannot answer now (503): etcd is away"),
            (refused(429, ""), "the server is too busy (429)"),
            (
                refused(504, "Timeout: Too large resource version: 9, current: 7"),
                "the server cannot answer now (504): Timeout: Too large resource version: 9, \
                 current: 7\n  \
                 The server's state is older than what was seen before: this replica of it lags \
                 behind the others, or it was restored from a backup. The list is read anew.",
            ),
            (
                refused(404, "page not found"),
                "the server does not know what Pods are (404): page not found\n  \
                 Is this the address of a kube-apiserver, with the path that it needs?",
            ),
            (
                broken(TransportErrorKind::Connect, "10.0.0.1:6443 refused the connection"),
                "cannot reach the server: 10.0.0.1:6443 refused the connection\n  \
                 Is the cluster running, is the address right, is a VPN needed?",
            ),
            (
                broken(TransportErrorKind::Tls, "who\u{1b}[0m"),
                "cannot make a secure connection: who\\u{1b}[0m\n  \
                 The kubeconfig names no authority, so those of this system are used.",
            ),
        ] {
            assert_eq!(said(SERVER, &failure), format!("{expected}\n{server}"));
        }
    }

    #[test]
    fn http_where_https_is_spoken_is_recognised() {
        for failure in [
            refused(400, "Client sent an HTTP request to an HTTPS server."),
            broken(TransportErrorKind::Interrupted, "connection closed"),
        ] {
            let said = said("http://127.0.0.1:6443", &failure);
            assert!(said.contains("Try https:// instead of http://."), "{said}");
        }
    }

    #[test]
    fn only_what_time_may_heal_is_tried_again() {
        for (failure, expected) in [
            (refused(401, ""), true),
            (refused(403, ""), true),
            (refused(302, ""), true),
            (refused(429, ""), false),
            (refused(500, ""), false),
            (broken(TransportErrorKind::Tls, ""), true),
            (broken(TransportErrorKind::Connect, ""), false),
            (failure(Cause::CutShort), false),
        ] {
            assert_eq!(is_final(&failure), expected, "{failure:?}");
        }
    }
}
