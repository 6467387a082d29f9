//! The live registry: a catalog that follows the Pods of a cluster, behind a read side that takes
//! no locks, with subscriptions. It must never let a reader hold up the writer.
//!
//! One writer, the task that drives the engine, publishes each batch of changes in one swap.
//! Readers take what is published and never wait for it or for each other.

mod entry;
mod log;
mod meters;
mod own_pod;
mod publisher;
mod reader;
mod register;
mod registry;
mod revision;
mod selection;
mod snapshot;
mod state;
mod subscription;

pub use self::entry::{Entry, Touched, What};
pub use self::log::LogLimits;
pub use self::meters::{Family, Meters, Subscriber};
pub use self::reader::{Cursor, Reader, Step};
pub use self::register::{HoldState, RegisterError, Registration, Registrations};
pub use self::registry::{Config, Feed, Registry};
pub use self::revision::{NotARevision, Revision};
pub use self::selection::Selection;
pub use self::snapshot::Snapshot;
pub use self::state::{Freshness, State};
pub use self::subscription::{Subscription, Update};

#[cfg(test)]
mod tests;
