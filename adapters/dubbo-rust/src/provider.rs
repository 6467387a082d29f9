//! A provider's URL as dubbo-rust writes it, and as it stands in the registry. It never decides whether it may stand
//! there.
//!
//! dubbo-rust 0.4 writes `tri://<ip>:<port>/<interface>?interface=<interface>`: the address that it binds, often
//! `0.0.0.0`, and neither the group nor the version of its configuration.

use std::net::IpAddr;

use dubbo::Url;
use dubbo_k8s_codec as codec;

use crate::Parameters;

/// Whether a provider's URL names no address in particular.
pub(crate) fn listens_everywhere(url: &Url) -> bool {
    let host = url.host().unwrap_or_default();
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    bare.parse::<IpAddr>().is_ok_and(|address| address.is_unspecified())
}

/// The URL to register: at this address in the place of an unspecified one, and with the group and the version of the
/// registry's parameters where it names none.
pub(crate) fn record(url: &Url, address: Option<&str>, parameters: &Parameters) -> String {
    let mut url = url.clone();
    if let Some(address) = address {
        url.set_host(address);
    }
    let Ok(mut record) = codec::Url::parse(url.as_str()) else { return url.into() };
    let defaults = [("group", &parameters.service_group), ("version", &parameters.service_version)];
    for (name, value) in defaults {
        if let (None, Some(value)) = (record.param(name), value) {
            record.set(name, value);
        }
    }
    // By it dubbo-go and Dubbo Java recognise a provider of their protocols.
    if record.param("side").is_none() {
        record.set("side", "provider");
    }
    record.to_string()
}

#[cfg(test)]
mod tests {
    use dubbo_k8s_engine::registration::RegistryUrl;

    use super::*;

    const WRITTEN: &str = "tri://0.0.0.0:20000/greet.GreetService?interface=greet.GreetService";

    fn written(text: &str, registry: &str, address: Option<&str>) -> String {
        let parameters = Parameters::read(&registry.parse().unwrap()).unwrap();
        record(&text.parse().unwrap(), address, &parameters)
    }

    #[test]
    fn an_unspecified_address_becomes_the_pods() {
        assert!(listens_everywhere(&WRITTEN.parse().unwrap()));
        assert!(listens_everywhere(&"tri://[::]:1/a.B".parse().unwrap()));
        assert!(!listens_everywhere(&"tri://10.1.2.3:1/a.B".parse().unwrap()));
        assert!(!listens_everywhere(&"tri://provider:1/a.B".parse().unwrap()));
        let record = written(WRITTEN, "kubernetes://in-cluster", Some("10.1.2.3"));
        assert_eq!(
            record,
            "tri://10.1.2.3:20000/greet.GreetService?interface=greet.GreetService&side=provider"
        );
        let v6 = written(WRITTEN, "kubernetes://in-cluster", Some("[fd00::7]"));
        assert!(v6.starts_with("tri://[fd00::7]:20000/"), "{v6}");
    }

    #[test]
    fn what_is_written_can_be_registered_and_names_the_service() {
        let record = written(WRITTEN, "kubernetes://in-cluster", Some("10.1.2.3"));
        let url = RegistryUrl::parse(&record).unwrap();
        assert_eq!(url.interface(), "greet.GreetService");
        assert!(url.key().starts_with("/dubbo/greet.GreetService/providers/tri%3A%2F%2F10.1.2.3"));
    }

    #[test]
    fn group_and_version_are_the_urls_own_else_the_registrys() {
        let registry = "kubernetes://in-cluster?service-group=blue&service-version=1.0.0";
        let record = written(WRITTEN, registry, None);
        assert!(record.ends_with("&group=blue&version=1.0.0&side=provider"), "{record}");
        let own = format!("{WRITTEN}&group=green&version=2.0.0");
        let record = written(&own, registry, None);
        assert!(record.ends_with("&group=green&version=2.0.0&side=provider"), "{record}");
    }
}
