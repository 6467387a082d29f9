//! The catalog: which records are registered now, who carries them, and what changes.
//!
//! It is fed whole Pods and answers with the exact list of changes. It keeps nothing of a Pod but
//! its identity, its version and its records, and each distinct key once. The result depends only
//! on the Pods, never on the order in which they were seen.

mod carriers;
mod change;
mod content;
mod difference;
mod digest;
mod entry;
mod holder;
mod key_facts;
mod keys;
mod known;
mod liveness;
mod log;
mod pod_problem;
mod pods;
mod quota;
mod relist;
mod services;
mod stored_key;
mod writer;

pub use self::change::{Change, ChangeKind, Changes, PodChange, ProblemChange, ProblemKind};
pub use self::content::{Content, PodDifference};
pub(crate) use self::digest::digest;
pub use self::entry::{PodEntry, StoredRecord};
pub use self::holder::Holder;
pub use self::key_facts::KeyFacts;
pub(crate) use self::key_facts::unbelieved;
pub use self::liveness::Liveness;
pub use self::pod_problem::PodProblem;
pub use self::relist::{Relist, Scope};
pub use self::services::{Endpoint, ServiceEntry, Services};
pub use self::stored_key::StoredKey;
pub use self::writer::Catalog;
