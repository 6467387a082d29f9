//! The service account that Kubernetes mounts into every Pod unless that is switched off.

use super::candidate::Candidate;
use super::{Cluster, ConfigError, Environment, User};

/// The configuration of the Pod this process runs in. Both service variables, the token and the
/// CA must be there: half of them is a misconfiguration, not a reason to trust the whole Internet.
pub(super) fn candidate(environment: &Environment) -> Result<Candidate, ConfigError> {
    let folder = environment.service_account();
    let (Some(host), Some(port)) =
        (environment.get("KUBERNETES_SERVICE_HOST"), environment.get("KUBERNETES_SERVICE_PORT"))
    else {
        let files = match environment.get("KUBECONFIG") {
            Some(list) => format!("none of $KUBECONFIG ({list}) exists"),
            None => "no ~/.kube/config".to_owned(),
        };
        return Err(ConfigError::Nowhere {
            looked: format!("{files}, and KUBERNETES_SERVICE_HOST is not set as it is in a Pod"),
        });
    };
    let (token, authority) = (folder.join("token"), folder.join("ca.crt"));
    if let Some(missing) = [&token, &authority].into_iter().find(|path| !path.exists()) {
        return Err(ConfigError::Nowhere {
            looked: format!("this looks like a Pod, but {} is missing", missing.display()),
        });
    }
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    Ok(Candidate {
        origin: "the service account of this Pod".to_owned(),
        namespace: Some(namespace(environment)),
        cluster_entry: "the service account of this Pod".to_owned(),
        cluster: Cluster {
            server: format!("https://{host}:{port}"),
            certificate_authority: Some(authority),
            ..Cluster::default()
        },
        user_entry: "the service account of this Pod".to_owned(),
        user: User { token_file: Some(token), ..User::default() },
        user_source: None,
    })
}

fn namespace(environment: &Environment) -> String {
    let mounted = || {
        let text = std::fs::read_to_string(environment.service_account().join("namespace")).ok()?;
        Some(text.trim().to_owned()).filter(|name| !name.is_empty())
    };
    environment
        .get("POD_NAMESPACE")
        .or_else(|| environment.get("NAMESPACE"))
        .map(str::to_owned)
        .or_else(mounted)
        .unwrap_or_else(|| "default".to_owned())
}
