//! How kube-apiserver is started: with RBAC, tokens and certificates, and without what needs a controller.

use super::{ControlPlane, TOKEN};

impl ControlPlane {
    pub(super) fn apiserver_flags(&self) -> Vec<String> {
        // A key pair for the tokens of service accounts, made once.
        if !self.folder.path().join("accounts.key").exists() {
            let accounts = self.authority.client("service-accounts").unwrap();
            self.write("accounts.pub", &accounts.public_key_pem);
            self.write("accounts.key", &accounts.key_pem);
        }
        let path = |name: &str| self.folder.path().join(name).to_str().unwrap().to_owned();
        let flags = [
            ("etcd-servers", self.etcd_url.clone()),
            ("bind-address", "127.0.0.1".to_owned()),
            ("secure-port", self.port.to_string()),
            ("cert-dir", path("certificates")),
            ("tls-cert-file", path("server.pem")),
            ("tls-private-key-file", path("server.key")),
            ("client-ca-file", self.write("ca.pem", &self.authority.pem())),
            (
                "token-auth-file",
                self.write("tokens.csv", &format!("{TOKEN},suite,suite,system:masters\n")),
            ),
            ("authorization-mode", "RBAC".to_owned()),
            ("service-account-issuer", "https://kubernetes.default.svc".to_owned()),
            ("service-account-key-file", path("accounts.pub")),
            ("service-account-signing-key-file", path("accounts.key")),
            ("service-cluster-ip-range", "10.0.0.0/24".to_owned()),
            // There is no controller that would make the service accounts of a new namespace.
            ("disable-admission-plugins", "ServiceAccount".to_owned()),
            ("endpoint-reconciler-type", "none".to_owned()),
        ];
        let is_replaced = |name: &str| {
            let start = format!("--{name}=");
            self.flags.iter().any(|flag| flag.starts_with(&start))
        };
        let usual = flags.into_iter().filter(|(name, _)| !is_replaced(name));
        let usual = usual.map(|(name, value)| format!("--{name}={value}"));
        usual.chain(self.flags.iter().cloned()).collect()
    }
}
