//! Which records a query means. One rule for snapshots and for changes, so that they add up.

use std::borrow::Cow;

use dubbo_k8s_codec::{Key, Query, Service, Url};

/// A query, made ready for many keys.
#[derive(Debug, Clone)]
pub struct Selection {
    query: Query<'static>,
}

impl Selection {
    /// Makes a query ready.
    pub fn new(query: Query<'static>) -> Self {
        Self { query }
    }

    /// The only interface that is asked for, if it is one.
    pub(super) fn interface(&self) -> Option<&str> {
        let interface = &*self.query.service().interface;
        (interface != "*").then_some(interface)
    }

    /// Whether a record of this path and service is asked for. The path counts as well as the
    /// URL, because it is the path under which consumers look.
    fn selects(&self, interface: &str, service: &Service<'_>) -> bool {
        self.interface().is_none_or(|asked| asked == interface) && self.query.matches(service)
    }

    /// Whether this key is asked for. Directories never are: they say nothing about a service.
    pub(super) fn selects_key(&self, key: &str) -> bool {
        named(key).is_some_and(|(interface, service)| self.selects(&interface, &service))
    }

    /// The same, when the service is known already.
    pub(super) fn selects_named(&self, named: &(String, Service<'_>)) -> bool {
        self.selects(&named.0, &named.1)
    }
}

/// The interface in the path of a key and the service of its URL, owned; `None` for a directory.
pub(super) fn named(key: &str) -> Option<(String, Service<'static>)> {
    let key = Key::parse(key).ok()?;
    let service = Url::parse(key.url?).ok()?.service().into_owned();
    Some((key.interface.map(Cow::into_owned)?, service))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str =
        "/dubbo/a.B/providers/dubbo%3A%2F%2F10.0.0.1%3A20880%2Fa.B%3Fgroup%3Dg%26version%3D1";

    #[test]
    fn a_key_is_selected_by_its_path_and_its_service() {
        let selects =
            |query: &'static str, key| Selection::new(Query::parse(query)).selects_key(key);
        assert!(selects("g/a.B:1", KEY) && selects("*/*:*", KEY) && selects("*/a.B:*", KEY));
        assert!(!selects("a.B", KEY) && !selects("*/a.C:*", KEY));
        assert!(!selects("*/*:*", "/dubbo/a.B/providers"));
        let elsewhere = KEY.replacen("a.B", "a.C", 1);
        assert!(!selects("*/a.B:*", &elsewhere) && !selects("*/a.C:*", &elsewhere));
    }
}
