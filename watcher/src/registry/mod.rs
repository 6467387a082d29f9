//! The live registry: a catalog that follows the Pods of a cluster, behind a read side that takes
//! no locks, with subscriptions; and the JSON that programs read of it, which is a contract.
//!
//! One writer, the task that drives the engine, publishes each batch of changes in one swap.
//! Readers take what is published and never wait for it or for each other.
//!
//! ```no_run
//! use dubbo_k8s_watcher::registry::{Config, Query, Registry, Update};
//! use futures_util::StreamExt as _;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let registry = Registry::connect(Config::find()?)?;
//! let mut updates = registry.subscribe(Query::interface("com.example.Greeter"));
//! while let Some(update) = updates.next().await {
//!     match update {
//!         Update::Snapshot(snapshot) => {
//!             for provider in snapshot.providers() {
//!                 println!("{}", provider.url());
//!             }
//!         }
//!         Update::Change(change) => println!("{} {}", change.kind.as_str(), change.key),
//!         _ => {}
//!     }
//! }
//! # Ok(())
//! # }
//! ```

mod entry;
mod live;
mod log;
mod meters;
mod publisher;
mod reader;
mod record;
mod records;
mod register;
mod revision;
mod selection;
mod snapshot;
mod state;
mod subscription;

pub use dubbo_k8s_codec::{Query, Service};

pub use self::live::{Config, Feed, Registry};
pub use self::log::LogLimits;
pub use self::register::{HoldState, RegisterError, Registration, Registrations};
pub use self::revision::{NotARevision, Revision};
pub use self::snapshot::{Endpoint, ServiceEntry, Services, Snapshot};
pub use self::subscription::{Subscription, Update};
pub use crate::contract::{Event, View};

pub(crate) use self::entry::{Entry, What};
pub(crate) use self::meters::{Meters, Subscriber};
pub(crate) use self::reader::{Cursor, Reader, Step};
pub(crate) use self::selection::Selection;
pub(crate) use self::state::{Placed, State};

#[cfg(test)]
mod tests;
