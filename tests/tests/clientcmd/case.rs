//! One kubeconfig or several with the flags beside them, and what we make of them.

use std::fmt;
use std::fs;
use std::path::Path;

use dubbo_k8s_registry::kube::{
    Client,
    config::{Config, Credential, Environment, Material, Overrides, Trust},
};

use crate::oracle::{Answer, normal};

/// A kubeconfig, or several, and the flags.
#[derive(Clone, Default)]
pub(crate) struct Case {
    /// The file `config`, named by `--kubeconfig` unless there is a list.
    pub(crate) kubeconfig: Vec<u8>,
    /// `$KUBECONFIG` instead, with `DIR` for the folder.
    pub(crate) list: Option<&'static str>,
    pub(crate) context: Option<String>,
    pub(crate) cluster: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) server: Option<String>,
    pub(crate) tls_server_name: Option<String>,
    pub(crate) impersonate: Option<String>,
    pub(crate) insecure: bool,
}

/// What a person needs to see of one that fails.
impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = [&self.context, &self.cluster, &self.user, &self.server];
        let more = [&self.tls_server_name, &self.impersonate];
        writeln!(f, "{flags:?} {more:?} {:?} {}", self.list, self.insecure)?;
        f.write_str(&String::from_utf8_lossy(&self.kubeconfig))
    }
}

impl Case {
    /// A file without flags.
    pub(crate) fn of(text: impl Into<Vec<u8>>) -> Self {
        Self { kubeconfig: text.into(), ..Self::default() }
    }

    pub(crate) fn explicit(&self, folder: &Path) -> String {
        match self.list {
            None => folder.join("config").display().to_string(),
            Some(_) => String::new(),
        }
    }

    pub(crate) fn list(&self, folder: &Path) -> String {
        self.list.unwrap_or_default().replace("DIR", &folder.display().to_string())
    }

    /// Our side, of the files in `folder`.
    pub(crate) fn read(&self, folder: &Path) -> Result<Answer, String> {
        fs::write(folder.join("config"), &self.kubeconfig).unwrap();
        let overrides = Overrides {
            kubeconfig: Some(self.explicit(folder).into()).filter(|_| self.list.is_none()),
            context: self.context.clone(),
            cluster: self.cluster.clone(),
            user: self.user.clone(),
            server: self.server.clone(),
            tls_server_name: self.tls_server_name.clone(),
            impersonate: self.impersonate.clone(),
            insecure_skip_tls_verify: self.insecure,
            ..Overrides::default()
        };
        let list = self.list(folder);
        let environment = Environment::empty([("KUBECONFIG", list.as_str())]);
        let config = Config::load(&overrides, &environment).map_err(|error| error.to_string())?;
        // The system's authorities are read anew each time.
        if config.identity.is_some() || matches!(config.trust, Trust::Authorities(_)) {
            Client::new(config.clone()).map_err(|error| error.to_string())?;
        }
        let proxy = config.proxy.as_ref().map_or(String::new(), |proxy| {
            // What Go calls socks5 is socks5h to our client.
            normal(&proxy.reveal().as_str().replace("socks5h:", "socks5:"))
        });
        let authority = match &config.trust {
            Trust::Authorities(material) => text(Some(material)),
            _ => String::new(),
        };
        let identity = config.identity.as_ref();
        // Over plain http kubectl looks at nothing of TLS.
        let is_tls = config.server.scheme() == "https";
        Ok(Answer {
            server: normal(config.server.as_str()),
            server_name: config.server_name.clone().unwrap_or_default(),
            authority: Some(authority).filter(|_| is_tls).unwrap_or_default(),
            insecure: is_tls && matches!(config.trust, Trust::Anyone),
            proxy,
            credential: credential(&config.credential),
            certificate: text(identity.map(|identity| &identity.certificate)),
            key: text(identity.map(|identity| &identity.key)),
            impersonate: impersonate(&config),
            namespace: config.namespace,
        })
    }
}

fn text(material: Option<&Material>) -> String {
    let bytes = material.map(|material| material.read("it").unwrap());
    String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
}

fn credential(credential: &Credential) -> String {
    match credential {
        Credential::None => String::new(),
        Credential::Token(token) => format!("token {}", token.reveal()),
        Credential::TokenFile(path) => {
            format!("token {}", fs::read_to_string(path).unwrap().trim())
        }
        Credential::Basic { username, password } => {
            format!("basic {username}:{}", password.reveal())
        }
        Credential::Exec(plugin) => {
            let mut words =
                format!("exec {} {}", plugin.version.as_str(), plugin.command.display());
            for argument in &plugin.arguments {
                words += " ";
                words += argument.reveal();
            }
            for (name, value) in &plugin.variables {
                words += " ";
                words += name;
                words += "=";
                words += value.reveal();
            }
            words
        }
    }
}

fn impersonate(config: &Config) -> Vec<String> {
    let who = config.impersonation.clone().unwrap_or_default();
    let extra = who.extra.into_iter().map(|(name, value)| format!("{name}={value}"));
    let mut words: Vec<_> = [who.user, who.uid.unwrap_or_default()]
        .into_iter()
        .chain(who.groups)
        .chain(extra)
        .collect();
    words.sort_unstable();
    words
}
