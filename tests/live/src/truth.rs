//! What is registered: as a server's list says, and as a snapshot of `serve` says. An endpoint is a
//! category and a URL; whole registries are compared by digests of those.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use dubbo_k8s_codec::{Annotation, Category, Key};
use dubbo_k8s_tests::pods::{ANNOTATION, LABEL};
use dubbo_k8s_tests::raw::Endpoint;
use serde::Deserialize;

use crate::report::Outcome;

/// Digests of endpoints.
pub(crate) type Endpoints = HashSet<u64>;

/// The digest of one.
pub(crate) fn digest(category: &str, url: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (category, url).hash(&mut hasher);
    hasher.finish()
}

const LIST: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

#[derive(Deserialize)]
struct List {
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    metadata: Metadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    deletion_timestamp: Option<String>,
}

/// What the server's Pods say, read without anything that is measured.
pub(crate) async fn of_server(server: &Endpoint) -> Outcome<Endpoints> {
    let body = server.get("/api/v1/pods", LIST).await?.body().await?;
    let list: List = serde_json::from_slice(&body)?;
    let live = list.items.iter().map(|item| &item.metadata).filter(|metadata| {
        metadata.labels.contains_key(LABEL) && metadata.deletion_timestamp.is_none()
    });
    let mut endpoints = Endpoints::new();
    for annotation in live.filter_map(|metadata| metadata.annotations.get(ANNOTATION)) {
        let Ok(annotation) = Annotation::decode(annotation) else { continue };
        for record in annotation.records() {
            let Ok(key) = Key::parse(record.key) else { continue };
            if let (Some(category), Some(url)) = (key.category, &key.url)
                && matches!(category, Category::Providers | Category::Consumers)
            {
                endpoints.insert(digest(category.as_str(), url));
            }
        }
    }
    Ok(endpoints)
}

#[derive(Deserialize)]
struct Snapshot<'a> {
    #[serde(borrow)]
    services: Vec<Service<'a>>,
}

#[derive(Deserialize)]
struct Service<'a> {
    #[serde(borrow)]
    providers: Vec<Listed<'a>>,
    #[serde(borrow)]
    consumers: Vec<Listed<'a>>,
}

#[derive(Deserialize)]
struct Listed<'a> {
    #[serde(borrow)]
    url: Cow<'a, str>,
}

/// What a snapshot says.
pub(crate) fn of_snapshot(json: &str) -> Outcome<Endpoints> {
    let snapshot: Snapshot<'_> = serde_json::from_str(json)?;
    let mut endpoints = Endpoints::new();
    for service in &snapshot.services {
        endpoints.extend(service.providers.iter().map(|it| digest("providers", &it.url)));
        endpoints.extend(service.consumers.iter().map(|it| digest("consumers", &it.url)));
    }
    Ok(endpoints)
}
