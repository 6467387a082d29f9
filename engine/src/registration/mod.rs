//! Registering in a Pod: read it, merge, PATCH with the uid and the resourceVersion that were
//! read, and from the start again when another writer was quicker.
//!
//! As all of the core it awaits nothing and reads no clock. [`Registrar`] is the machine;
//! everything else here is what it decides by.

mod error;
mod leases;
mod notice;
mod own_pod;
mod plan;
mod registrar;
mod registry_url;
mod size;
mod watch;

pub use error::RegistrationError;
pub use leases::Lease;
pub use notice::{RegistrarNotice, RegistrarOutput, RegistrarSettings};
pub use own_pod::{BadName, NotAPod, OwnPod, PodName};
pub use plan::{Edit, Outcome, Ticket};
pub use registrar::Registrar;
pub use registry_url::{RegistryUrl, RegistryUrlError, RegistryUrlWarning};
pub use size::AnnotationSizes;

#[cfg(test)]
mod tests;
