//! What a registry URL says: `kubernetes://in-cluster?namespace=shop&ready-only=false`. It reads text and the environment
//! it is given; it opens nothing.

use std::fmt::Display;
use std::str::FromStr;

use dubbo::Url;
use dubbo_k8s_engine::{Scopes, Settings};
use dubbo_k8s_registry::Config;
use dubbo_k8s_registry::kube::config::{self, Environment, Namespaces, Overrides, SERVICE_ACCOUNT};
use dubbo_k8s_registry::trust::Trust;

use crate::error::Error;

/// The protocol of the URLs of this registry.
pub const PROTOCOL: &str = "kubernetes";

/// The host that stands for the service account of the Pod, whatever kubeconfig there is.
const IN_CLUSTER: &str = "in-cluster";

/// The names there are, in the order in which an error shows them.
const KNOWN: [&str; 15] = [
    "kubeconfig",
    "context",
    "certificate-authority",
    "token-file",
    "namespace",
    "selector",
    "ready-only",
    "address",
    "max-weight",
    "own",
    "pod",
    "label-value",
    "host",
    "service-group",
    "service-version",
];

/// What a registry URL says. Names and meanings are those of `dubbo-watcher`'s flags.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Parameters {
    /// Where the server is. Host `in-cluster`: the service account of this Pod. Another host and port: that server. No
    /// host: as kubectl finds it, by `kubeconfig` and `context`, else the environment, else the service account.
    pub connection: Overrides,
    /// Whether the service account is meant, whatever kubeconfig there is.
    pub in_cluster: bool,
    /// `namespace`: which namespaces to read, a comma list, `*` for all; none: those of the environment.
    pub namespaces: Vec<String>,
    /// `selector`: which Pods count, as kubectl's `-l`.
    pub selector: Option<String>,
    /// `ready-only`: only Pods that are ready. True by default: dubbo 0.4 panics in the caller's task when a
    /// connection is refused.
    pub ready_only: bool,
    /// `address`, `max-weight`, `own` (rules separated by `;`): what is believed.
    pub trust: Trust,
    /// `pod`: the Pod to register in, `[namespace/]name`; none: that of this process.
    pub pod: Option<String>,
    /// `label-value`: the value of the registry's label on that Pod.
    pub label_value: Option<String>,
    /// `host`: the address of a provider that listens on every address.
    pub host: Option<String>,
    /// `service-group`: the group of what is registered and subscribed to without one, which dubbo-rust always does.
    pub service_group: Option<String>,
    /// `service-version`: the same for the version.
    pub service_version: Option<String>,
}

impl Parameters {
    /// Reads a registry URL.
    ///
    /// # Errors
    ///
    /// The first parameter that is unknown or has a wrong value.
    pub fn read(url: &Url) -> Result<Self, Error> {
        if url.protocol() != PROTOCOL {
            return Err(Error::Protocol { protocol: url.protocol().to_owned() });
        }
        let given = url.all_query_params();
        if let Some(name) = given.keys().find(|name| !KNOWN.contains(&name.as_str())) {
            return Err(Error::UnknownParameter { name: name.clone(), known: &KNOWN });
        }
        let text = |name: &str| given.get(name).filter(|value| !value.is_empty()).cloned();
        let list = |name: &str, separator: char| -> Vec<String> {
            let all = text(name).unwrap_or_default();
            let parts = all.split(separator).map(str::trim).filter(|part| !part.is_empty());
            parts.map(str::to_owned).collect()
        };
        let mut trust = Trust::default();
        for network in list("address", ',') {
            trust.admitted.push(value("address", &network)?);
        }
        for rule in list("own", ';') {
            trust.owners.push(value("own", &rule)?);
        }
        if let Some(weight) = text("max-weight") {
            trust.max_weight = value("max-weight", &weight)?;
        }
        let ready_only = text("ready-only").map(|it| value("ready-only", &it)).transpose()?;
        let host = url.host().filter(|host| !host.is_empty());
        let connection = Overrides {
            kubeconfig: text("kubeconfig").map(Into::into),
            context: text("context"),
            server: host.filter(|host| *host != IN_CLUSTER).map(|_| server(url)),
            certificate_authority: text("certificate-authority").map(Into::into),
            token_file: text("token-file").map(Into::into),
            ..Overrides::default()
        };
        Ok(Self {
            connection,
            in_cluster: host == Some(IN_CLUSTER),
            namespaces: list("namespace", ','),
            selector: text("selector"),
            ready_only: ready_only.unwrap_or(true),
            trust,
            pod: text("pod"),
            label_value: text("label-value"),
            host: text("host"),
            service_group: text("service-group"),
            service_version: text("service-version"),
        })
    }

    /// The configuration of the registry in this environment. Reads files.
    ///
    /// # Errors
    ///
    /// What is wrong with a file or a name.
    pub fn config(&self, environment: &Environment) -> Result<Config, Error> {
        let connection = config::Config::load(&self.connection, environment)?;
        let all = self.namespaces.iter().any(|name| name == "*");
        let configured = &connection.namespace;
        let scopes = match Namespaces::choose(all, &self.namespaces, environment, configured)? {
            Namespaces::All => Scopes::all(),
            Namespaces::These(names) => Scopes::namespaces(names).unwrap_or_else(Scopes::all),
        };
        let mut settings = Settings::new(scopes);
        settings.ready_only = self.ready_only;
        settings.trust = self.trust.clone();
        if let Some(selector) = &self.selector {
            settings.selector.clone_from(selector);
        }
        Ok(Config::new(connection, settings))
    }

    /// The environment of this process, without a kubeconfig where the service account is meant.
    pub(crate) fn environment(&self) -> Environment {
        if !self.in_cluster {
            return Environment::of_process();
        }
        let kept = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| name != "KUBECONFIG")
            .collect::<Vec<_>>();
        Environment::empty(kept.iter().map(|(name, value)| (name.as_str(), value.as_str())))
            .with_service_account(SERVICE_ACCOUNT)
    }
}

fn server(url: &Url) -> String {
    format!("https://{}", url.authority())
}

fn value<T: FromStr<Err: Display>>(name: &'static str, text: &str) -> Result<T, Error> {
    text.parse().map_err(|error: T::Err| Error::Parameter {
        name,
        found: text.to_owned(),
        expected: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<Parameters, Error> {
        Parameters::read(&url.parse().unwrap())
    }

    #[test]
    fn host_decides_where_the_server_is() {
        let own = read("kubernetes://in-cluster").unwrap();
        assert!(own.in_cluster && own.connection.server.is_none());
        let named = read("kubernetes://10.96.0.1:6443?token-file=/t").unwrap();
        assert_eq!(named.connection.server.as_deref(), Some("https://10.96.0.1:6443"));
        assert!(!named.in_cluster);
        let v6 = read("kubernetes://[fd00::1]:6443").unwrap();
        assert_eq!(v6.connection.server.as_deref(), Some("https://[fd00::1]:6443"));
        let found = read("kubernetes://?kubeconfig=/k&context=c").unwrap();
        assert_eq!(found.connection.kubeconfig.as_deref(), Some("/k".as_ref()));
        assert_eq!(found.connection.context.as_deref(), Some("c"));
        assert!(found.connection.server.is_none());
    }

    #[test]
    fn only_ready_pods_are_called_by_default() {
        assert!(read("kubernetes://in-cluster").unwrap().ready_only);
        assert!(!read("kubernetes://in-cluster?ready-only=false").unwrap().ready_only);
    }

    #[test]
    fn lists_are_taken_apart() {
        let url = "kubernetes://in-cluster?namespace=shop,%20core,&address=10.0.0.0/8,any\
                   &own=com.bank.*%3Dpayments,core;a.B%3Dshop&max-weight=500";
        let parameters = read(url).unwrap();
        assert_eq!(parameters.namespaces, ["shop", "core"]);
        assert_eq!((parameters.trust.admitted.len(), parameters.trust.owners.len()), (2, 2));
        assert_eq!(parameters.trust.max_weight, 500);
    }

    #[test]
    fn what_is_misspelt_or_wrong_is_an_error_that_names_it() {
        for (url, named) in [
            ("kubernetes://in-cluster?ready_only=true", "\"ready_only\""),
            ("kubernetes://in-cluster?ready-only=yes", "ready-only=\"yes\""),
            ("kubernetes://in-cluster?address=10.0.0.0/99", "address=\"10.0.0.0/99\""),
            ("kubernetes://in-cluster?own=nothing", "own=\"nothing\""),
            ("nacos://127.0.0.1:8848", "nacos://"),
        ] {
            let error = read(url).unwrap_err().to_string();
            assert!(error.contains(named), "{url}: {error}");
        }
    }

    #[test]
    fn namespaces_are_those_of_the_url_else_of_the_environment() {
        let scopes = |url: &str, variables: &[(&str, &str)]| {
            let environment = Environment::empty(variables.iter().copied());
            let config = read(url).unwrap().config(&environment).unwrap();
            config.settings.scopes
        };
        let server = "kubernetes://10.96.0.1:6443";
        let these = |names: &[&str]| Scopes::namespaces(names).unwrap();
        assert_eq!(scopes(&format!("{server}?namespace=a,b"), &[]), these(&["a", "b"]));
        assert_eq!(scopes(&format!("{server}?namespace=*"), &[]), Scopes::all());
        let environment = [("DUBBO_NAMESPACE", "c,d"), ("NAMESPACE", "e")];
        assert_eq!(scopes(server, &environment), these(&["c", "d", "e"]));
    }

    #[test]
    fn a_name_that_is_no_namespace_is_refused() {
        let parameters = read("kubernetes://10.96.0.1:6443?namespace=../x").unwrap();
        let error = parameters.config(&Environment::empty([])).unwrap_err();
        assert!(matches!(error, Error::Config(_)), "{error}");
    }
}
