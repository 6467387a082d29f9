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
        (0..self.pods).map(move |number| self.pod(number, 0))
    }

    /// One of the Pods, after it has registered one of its services anew this many times.
    pub fn pod(self, number: usize, generation: u64) -> Value {
        let annotation = annotation_of(number, generation);
        let names = Names::of(number);
        names.draft(&self.namespace(number), Some(&annotation)).pod()
    }

    /// Namespace and name of one of the Pods.
    pub fn place(self, number: usize) -> (String, String) {
        let namespace = self.namespace(number);
        let name = Names::of(number).draft(&namespace, None).name();
        (namespace, name)
    }

    fn namespace(self, number: usize) -> String {
        match self.namespaces {
            0 | 1 => "fleet".to_owned(),
            several => format!("fleet-{}", number % several),
        }
    }
}

/// The annotation of one of the Pods. Each generation, one service after the other registers anew.
pub fn annotation_of(number: usize, generation: u64) -> String {
    annotation(keys(number, &ip(number), generation))
}

fn ip(number: usize) -> String {
    format!("10.{}.{}.{}", 64 + number / 65_536, number / 256 % 256, number % 256)
}

/// What one of the Pods is called.
struct Names {
    deployment: String,
    suffix: String,
    ip: String,
}

impl Names {
    fn of(number: usize) -> Self {
        let first = number * SERVICES % INTERFACES;
        Self {
            deployment: format!("catalog-{first:03}"),
            suffix: format!("{number:05x}"),
            ip: ip(number),
        }
    }

    fn draft<'a>(&'a self, namespace: &'a str, annotation: Option<&'a str>) -> Draft<'a> {
        Draft {
            namespace,
            deployment: &self.deployment,
            template_hash: "7c9d5b8f6d",
            suffix: &self.suffix,
            label: Some("dubbo.io.provider"),
            annotation,
            phase: "Running",
            ready: true,
            ip: &self.ip,
            created: CREATED,
        }
    }
}

/// The services of a Pod, and the directories above them as dubbo-go 1.4 writes them too.
fn keys(number: usize, ip: &str, generation: u64) -> Vec<String> {
    let mut keys = vec!["/dubbo".to_owned()];
    for (service, turn) in (0..SERVICES).zip(0_u64..) {
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
            timestamp: REGISTERED + (generation + SERVICES as u64 - 1 - turn) / SERVICES as u64,
            parameters: &[],
        };
        let [_, interface_key, category_key] = registration.directories();
        keys.extend([interface_key, category_key, registration.key()]);
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::{Fleet, ip, keys};
    use std::collections::BTreeSet;

    #[test]
    fn ten_thousand_pods_have_30401_distinct_records() {
        let mut distinct = BTreeSet::new();
        for number in 0..10_000 {
            let keys = keys(number, &ip(number), 0);
            assert_eq!(keys.len(), 10);
            distinct.extend(keys);
        }
        assert_eq!(distinct.len(), 30_401);
    }

    #[test]
    fn each_generation_registers_one_service_anew() {
        let of = |generation| keys(7, "10.64.0.7", generation).into_iter().collect::<BTreeSet<_>>();
        for generation in 0..7 {
            assert_eq!(of(generation).difference(&of(generation + 1)).count(), 1);
        }
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
