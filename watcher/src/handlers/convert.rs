//! From what the registry knows to what a handler gets. Every text is copied: it goes into the memory
//! of the handler.

use std::borrow::Cow;

use dubbo_k8s_codec::Service;
use dubbo_k8s_engine::catalog::{Change, ChangeKind, Endpoint, Holder, ServiceEntry};
use dubbo_k8s_registry::Snapshot;

use super::wit::dubbo::registry::types;

/// Everything that is registered, as `snapshot` takes it.
pub(super) fn services(snapshot: &Snapshot) -> Vec<types::Service> {
    snapshot.services().map(|entry| service(&entry)).collect()
}

fn service(entry: &ServiceEntry) -> types::Service {
    types::Service {
        name: entry.service.to_string(),
        interface: entry.service.interface.to_string(),
        group: entry.service.group().map(str::to_owned),
        version: entry.service.version().map(str::to_owned),
        providers: entry.providers.iter().map(endpoint).collect(),
        consumers: entry.consumers.iter().map(endpoint).collect(),
    }
}

fn endpoint(endpoint: &Endpoint) -> types::Endpoint {
    let url = endpoint.url();
    types::Endpoint {
        key: endpoint.key().to_text(),
        url: url.as_str().to_owned(),
        protocol: url.scheme().to_owned(),
        host: url.host().trim_start_matches('[').trim_end_matches(']').to_owned(),
        port: url.port(),
        parameters: url
            .params()
            .map(|param| (param.name().into_owned(), param.value().into_owned()))
            .collect(),
        pods: endpoint.holders().map(pod).collect(),
    }
}

fn pod(holder: &Holder) -> types::Pod {
    types::Pod {
        namespace: holder.namespace.to_string(),
        name: holder.pod.to_string(),
        uid: holder.uid.to_string(),
    }
}

/// One change, as `changed` takes it.
pub(super) fn change(change: &Change) -> types::Change {
    types::Change {
        kind: match change.kind {
            ChangeKind::Added => types::ChangeKind::Added,
            ChangeKind::Updated => types::ChangeKind::Updated,
            ChangeKind::Removed => types::ChangeKind::Removed,
        },
        key: change.key.to_string(),
        value: change.value.to_string(),
        category: change.facts.category().map(|category| category.as_str().to_owned()),
        service: change.facts.service().map(Service::to_string),
        url: change.url().map(Cow::into_owned),
        pod: pod(&change.holder),
        resource_version: change.resource_version.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use dubbo_k8s_codec::{Category, Key};
    use dubbo_k8s_engine::catalog::StoredKey;

    use super::*;

    fn converted(key: &str) -> types::Change {
        let holder = Holder { namespace: "shop".into(), pod: "web".into(), uid: "u".into() };
        let (key, holder) = (StoredKey::from(key), Arc::new(holder));
        change(&Change::new(ChangeKind::Added, &key, &"".into(), &holder, &"7".into()))
    }

    #[test]
    fn a_change_of_an_endpoint_has_its_service_and_its_url() {
        let url = "dubbo://10.0.0.1:20880/a.B?group=g&version=1.0.0&interface=a.B";
        let change = converted(&Key::leaf("a.B", Category::Providers, url).to_string());
        assert_eq!(change.category.as_deref(), Some("providers"));
        assert_eq!(change.service.as_deref(), Some("g/a.B:1.0.0"));
        assert_eq!(change.url.as_deref(), Some(url));
        assert_eq!(change.pod.name, "web");
    }

    #[test]
    fn a_change_of_a_directory_has_what_there_is() {
        let change = converted("/dubbo/a.B");
        assert_eq!((change.category, change.url), (None, None));
        assert_eq!(change.service.as_deref(), Some("a.B"));
        assert_eq!(converted("nonsense").service, None);
    }
}
