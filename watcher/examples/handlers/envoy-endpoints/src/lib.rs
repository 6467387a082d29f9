//! Keeps the endpoints of each service in a file that Envoy reads and watches (EDS from the filesystem): a
//! handler of `dubbo-watcher`.
//!
//! ```text
//! dubbo-watcher watch --handler envoy_endpoints.wasm=com.example.Greeter:1.0.0 --handler-dir /var/lib/envoy
//! ```
//!
//! The configuration is a comma list of services; without one, all of them. The file of a service is its
//! name with every character but letters, digits, `.` and `-` as `_`, and `.json`; the cluster in it has
//! the service's own name. A service that has gone keeps its file, without endpoints: a cluster whose
//! file disappears would keep its last ones.
//!
//! It must never write what Envoy would refuse, for Envoy then goes on with what it had.

mod assignment;
mod table;
mod wit;

use std::cell::RefCell;

use self::table::Table;
use self::wit::dubbo::registry::files;
use self::wit::dubbo::registry::types::ChangeKind;
use self::wit::exports::dubbo::registry::handler::{Change, Guest, Service};

thread_local! {
    static TABLE: RefCell<Table> = RefCell::default();
}

struct EnvoyEndpoints;

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
                    table.add(&service.name, &provider.key, &provider.url);
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
                    ChangeKind::Added | ChangeKind::Updated => table.add(service, &change.key, url),
                }
            }
            save(table)
        })
    }

    fn health() -> Result<(), String> {
        Ok(())
    }
}

/// Writes the files of all services that are not as they were written last.
fn save(table: &mut Table) -> Result<(), String> {
    while let Some((service, endpoints)) = table.unsaved() {
        let content = assignment::render(&service, &endpoints);
        files::write(&assignment::file_name(&service), content.as_bytes())?;
        table.saved(&service);
    }
    Ok(())
}
