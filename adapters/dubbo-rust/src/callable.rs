//! Which providers dubbo-rust can call, and by which URL. It sees only providers that are live and believed; it must
//! never hand on a URL that dubbo-rust reads as another address than the one that was believed, or panics at.

use dubbo_k8s_codec::lint::Entry;
use dubbo_k8s_codec::relation::{Consumer, Obstacle, PodState, Provider, Rules, mismatch};
use dubbo_k8s_codec::{Category, Url};

/// The one protocol that dubbo-rust speaks.
const TRIPLE: &str = "tri";

/// Why a provider is not given to dubbo-rust.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotCallable {
    /// What keeps a consumer that speaks Triple alone, and has no tag, from calling it.
    #[error("{0}")]
    Obstacle(Obstacle),
    /// No port, several hosts, or an IPv6 address.
    #[error("dubbo-rust calls one IPv4 address or name, with a port")]
    Address,
    /// dubbo-rust reads another address in it, or cannot read it.
    #[error("dubbo-rust does not read this URL as it is meant")]
    Unreadable,
}

/// The URL by which dubbo-rust calls a provider.
pub(crate) fn callable(url: &Url<'_>) -> Result<String, NotCallable> {
    let service = url.service();
    let interface = service.interface.clone();
    let entry = Entry::new(interface, Category::Providers, url.clone());
    let mut consumer = Consumer::default();
    (consumer.service, consumer.protocol) = (service, Some(TRIPLE.into()));
    let provider = Provider::of(&entry, PodState::default());
    if let Some(mismatch) = mismatch(&consumer, &provider, Rules::default()) {
        return Err(NotCallable::Obstacle(mismatch.obstacle));
    }
    let mut hosts = url.hosts();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return Err(NotCallable::Address) };
    let port = host.port.filter(|_| !host.name.contains(':')).ok_or(NotCallable::Address)?;
    let read = dubbo_reads(url.as_str()).ok_or(NotCallable::Unreadable)?;
    (read == (host.name.to_owned(), port)).then(|| url.to_string()).ok_or(NotCallable::Unreadable)
}

/// The host and port that dubbo-rust connects to, if it can read the URL at all: it parses what it was given with one
/// library, and the outcome with another.
fn dubbo_reads(text: &str) -> Option<(String, u16)> {
    let url: dubbo::Url = text.parse().ok()?;
    let uri: http::Uri = url.as_str().parse().ok()?;
    let authority: http::uri::Authority = url.authority().parse().ok()?;
    let (host, port) = (uri.host()?, uri.port_u16()?);
    let same = authority.host() == host && authority.port_u16() == Some(port);
    let plain = same && uri.authority()? == &authority && !authority.as_str().contains('@');
    plain.then(|| (host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(text: &str) -> Result<String, NotCallable> {
        callable(&Url::parse(text).unwrap())
    }

    #[test]
    fn what_dubbo_rust_and_dubbo_go_register_is_callable() {
        for text in [
            "tri://10.1.2.3:20000/greet.GreetService?interface=greet.GreetService&side=provider",
            "tri://10.1.2.3:20000/greet.GreetService?anyhost=true&app.version=&application=greet&bean.name=\
             GreetServer&cluster=failover&interface=greet.GreetService&loadbalance=&methods=Greet%2CGreetStream\
             &registry.role=3&release=dubbo-golang-3.3.2&serialization=protobuf&service.filter=echo%2Ctoken\
             &side=provider&timestamp=1760000000&warmup=&weight=",
            "tri://provider.shop.svc:20000/a.B",
        ] {
            assert_eq!(judged(text).as_deref(), Ok(text));
        }
    }

    #[test]
    fn a_provider_that_no_consumer_calls_is_not_given() {
        for (parameter, obstacle) in [
            ("disabled=true", Obstacle::Disabled),
            ("enabled=false", Obstacle::Disabled),
            ("weight=0", Obstacle::NoWeight),
            ("category=configurators", Obstacle::Category),
            ("dubbo.tag=gray", Obstacle::Tag),
        ] {
            let judged = judged(&format!("tri://10.1.2.3:1/a.B?{parameter}"));
            assert_eq!(judged, Err(NotCallable::Obstacle(obstacle)), "{parameter}");
        }
    }

    #[test]
    fn a_provider_that_dubbo_rust_cannot_call_is_not_given() {
        for (text, why) in [
            ("dubbo://10.1.2.3:20880/a.B", NotCallable::Obstacle(Obstacle::Protocol)),
            ("tri://10.1.2.3/a.B", NotCallable::Address),
            ("tri://10.1.2.3:1,10.1.2.4:1/a.B", NotCallable::Address),
            ("tri://[fd00::1]:1/a.B", NotCallable::Address),
            ("tri://user:secret@10.1.2.3:1/a.B", NotCallable::Unreadable),
        ] {
            assert_eq!(judged(text), Err(why), "{text}");
        }
        let long = format!("tri://10.1.2.3:1/a.B?x={}", "y".repeat(70_000));
        assert_eq!(judged(&long), Err(NotCallable::Unreadable));
    }

    proptest::proptest! {
        /// dubbo-rust connects to what the registry believed, whatever the URL is.
        #[test]
        fn whatever_is_given_is_read_as_the_believed_address(text in "tri://[a-z0-9.@:\\[\\]%\\\\/?#,]{1,40}") {
            if let Ok(url) = Url::parse(&text) && let Ok(given) = callable(&url) {
                let uri: http::Uri = given.parse::<dubbo::Url>().unwrap().as_str().parse().unwrap();
                proptest::prop_assert_eq!((uri.host().unwrap(), uri.port_u16()), (url.host(), url.port()));
            }
        }
    }
}
