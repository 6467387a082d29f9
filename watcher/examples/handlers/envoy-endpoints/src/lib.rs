//! Keeps the endpoints of each service in a file that Envoy reads and watches (EDS from the filesystem): a
//! handler of `dubbo-watcher`.
//!
//! ```text
//! dubbo-watcher watch --handler envoy_endpoints.wasm=com.example.Greeter:1.0.0 --handler-dir /var/lib/envoy
//! ```
//!
//! The configuration is a comma list of services; without one, all of them, as far as there is room for their files.
//! The file of a service is its name with every byte but letters, digits, `.` and `-` as `_` and two hexadecimal digits,
//! and `.json`, so that no two services share one; the cluster in it has the service's own name. A service that has gone
//! keeps its file, without endpoints, until the room is needed: a cluster whose file disappears would keep its last ones.
//!
//! It must never write what Envoy would refuse, for Envoy then goes on with what it had.

mod assignment;
mod table;
mod wit;

use std::cell::RefCell;

use self::table::{Step, Table};
use self::wit::EnvoyEndpoints;
use self::wit::dubbo::registry::files;
use self::wit::dubbo::registry::types::{ChangeKind, Pod};
use self::wit::exports::dubbo::registry::handler::{Change, Guest, Service};

thread_local! {
    static TABLE: RefCell<Table> = RefCell::default();
}

impl Guest for EnvoyEndpoints {
    fn init(config: String) -> Result<(), String> {
        TABLE.set(Table::wanting(&config));
        Ok(())
    }

    fn snapshot(services: Vec<Service>) -> Result<(), String> {
        TABLE.with_borrow_mut(|table| {
            table.clear();
            for service in &services {
                for provider in &service.providers {
                    let Some(pod) = provider.pods.first() else { continue };
                    table.add(&service.name, &provider.key, &provider.url, name(pod));
                }
            }
            save(table)
        })
    }

    fn changed(changes: Vec<Change>) -> Result<(), String> {
        TABLE.with_borrow_mut(|table| {
            for change in &changes {
                let (Some("providers"), Some(service), Some(url)) =
                    (change.category.as_deref(), &change.service, &change.url)
                else {
                    continue;
                };
                match change.kind {
                    ChangeKind::Removed => table.remove(service, &change.key),
                    ChangeKind::Added | ChangeKind::Updated => {
                        table.add(service, &change.key, url, name(&change.pod));
                    }
                }
            }
            save(table)
        })
    }

    fn health() -> Result<(), String> {
        Ok(())
    }
}

fn name(pod: &Pod) -> table::Pod {
    (pod.namespace.clone(), pod.name.clone())
}

/// Writes the files of all services that are not as they were written last. One that fails stops no other.
fn save(table: &mut Table) -> Result<(), String> {
    let mut outcome = Ok(());
    for step in table.steps() {
        let (Step::Write(service, _) | Step::Remove(service)) = &step;
        let Some(file) = assignment::file_name(service) else { continue };
        let done = match &step {
            Step::Write(service, endpoints) => {
                let content = assignment::render(service, endpoints);
                files::write(&file, content.as_bytes()).map(|()| table.saved(service))
            }
            Step::Remove(service) => files::remove(&file).map(|()| table.removed(service)),
        };
        outcome = outcome.and(done);
    }
    outcome
}
