//! A large registry, the same each time: by default 10,000 Pods that carry 30,401 distinct
//! records, ten each, in annotations of 5 KB; 109 MB as metadata-only JSON.

use serde_json::Value;

use crate::pods::Draft;
use crate::registration::{Registration, Side, annotation};

/// How many interfaces there are.
const INTERFACES: usize = 200;

/// How many services one Pod provides: with the directories above them ten records.
const SERVICES: usize = 3;

/// The moment at which everything was created and registered.
const CREATED: &str = "2026-11-22T11:33:27Z";
const REGISTERED: u64 = 1_795_347_207;

const METHODS: [&str; 12] = [
    "GetById",
    "ListByOwner",
    "Create",
    "Update",
    "Delete",
    "Search",
    "BatchGet",
    "Count",
    "Export",
    "Archive",
    "Restore",
    "Approve",
];

/// How large the registry is.
#[derive(Clone, Copy, Debug)]
pub struct Fleet {
    /// How many Pods.
    pub pods: usize,
    /// Over how many namespaces they are spread.
    pub namespaces: usize,
}

impl Fleet {
    /// The namespaces: `fleet`, or `fleet-0` and so on when there are several.
    pub fn namespaces(&self) -> Vec<String> {
        match self.namespaces {
            0 | 1 => vec!["fleet".to_owned()],
            several => (0..several).map(|number| format!("fleet-{number}")).collect(),
        }
    }

    /// The Pods, in no particular order of names, without uids.
    pub fn pods(self) -> impl Iterator<Item = Value> {
        let namespaces = self.namespaces();
        (0..self.pods).map(move |number| {
            let namespace =
                namespaces.get(number % namespaces.len()).map_or("fleet", String::as_str);
            pod(namespace, number)
        })
    }
}

/// One Pod of the fleet.
fn pod(namespace: &str, number: usize) -> Value {
    let ip = format!("10.{}.{}.{}", 64 + number / 65_536, number / 256 % 256, number % 256);
    let keys = keys(number, &ip);
    let first = number * SERVICES % INTERFACES;
    Draft {
        namespace,
        deployment: &format!("catalog-{first:03}"),
        template_hash: "7c9d5b8f6d",
        suffix: &format!("{number:05x}"),
        label: Some("dubbo.io.provider"),
        annotation: Some(&annotation(keys)),
        phase: "Running",
        ready: true,
        ip: &ip,
        created: CREATED,
    }
    .pod()
}

/// The services of a Pod, and the directories above them as dubbo-go 1.4 writes them too.
fn keys(number: usize, ip: &str) -> Vec<String> {
    let mut keys = vec!["/dubbo".to_owned()];
    for service in 0..SERVICES {
        let interface = (number * SERVICES + service) % INTERFACES;
        let interface = format!("com.example.catalog.v{}.Service{interface:03}", interface % 10);
        let registration = Registration {
            side: Side::Provider,
            protocol: "dubbo",
            interface: &interface,
            group: "",
            version: "1.0.0",
            ip,
            port: 20000,
            application: "catalog",
            methods: &METHODS,
            timestamp: REGISTERED,
            parameters: &[],
        };
        let [_, interface_key, category_key] = registration.directories();
        keys.extend([interface_key, category_key, registration.key()]);
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::{Fleet, keys};
    use std::collections::BTreeSet;

    #[test]
    fn ten_thousand_pods_have_30401_distinct_records() {
        let mut distinct = BTreeSet::new();
        for number in 0..10_000 {
            let ip = format!("10.64.{}.{}", number / 256, number % 256);
            let keys = keys(number, &ip);
            assert_eq!(keys.len(), 10);
            distinct.extend(keys);
        }
        assert_eq!(distinct.len(), 30_401);
    }

    #[test]
    fn the_same_each_time_and_as_large_as_promised() {
        let fleet = Fleet { pods: 20, namespaces: 1 };
        let pods: Vec<_> = fleet.pods().collect();
        assert_eq!(pods, fleet.pods().collect::<Vec<_>>());
        let names: BTreeSet<_> =
            pods.iter().map(|pod| pod["metadata"]["name"].clone().to_string()).collect();
        assert_eq!(names.len(), 20);
        let annotation =
            pods[0]["metadata"]["annotations"]["dubbo.io/annotation"].as_str().unwrap();
        assert!((4_900..5_200).contains(&annotation.len()), "{}", annotation.len());
        let metadata = pods[0]["metadata"].to_string();
        assert!((10_700..10_900).contains(&metadata.len()), "{}", metadata.len());
    }
}
