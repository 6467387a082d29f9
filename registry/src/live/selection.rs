//! Which records a query means. One rule for snapshots and for changes, so that they add up.

use dubbo_k8s_codec::Query;
use dubbo_k8s_engine::catalog::KeyFacts;

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

    /// Whether a key of these facts is asked for: a leaf whose path and whose URL name the service.
    pub fn selects(&self, facts: &KeyFacts) -> bool {
        let asked = &*self.query.service().interface;
        facts.leaf_category().is_some()
            && (asked == "*" || facts.interface() == Some(asked))
            && facts.service().is_some_and(|service| self.query.matches(service))
    }
}

#[cfg(test)]
mod tests {
    use dubbo_k8s_engine::catalog::StoredKey;

    use super::*;

    const KEY: &str =
        "/dubbo/a.B/providers/dubbo%3A%2F%2F10.0.0.1%3A20880%2Fa.B%3Fgroup%3Dg%26version%3D1";

    #[test]
    fn a_key_is_selected_by_its_path_and_its_service() {
        let selects = |query: &'static str, key: &str| {
            Selection::new(Query::parse(query)).selects(StoredKey::from(key).facts())
        };
        assert!(selects("g/a.B:1", KEY) && selects("*/*:*", KEY) && selects("*/a.B:*", KEY));
        assert!(!selects("a.B", KEY) && !selects("*/a.C:*", KEY));
        assert!(!selects("*/*:*", "/dubbo/a.B/providers"));
        let elsewhere = KEY.replacen("a.B", "a.C", 1);
        assert!(!selects("*/a.B:*", &elsewhere) && !selects("*/a.C:*", &elsewhere));
    }
}
