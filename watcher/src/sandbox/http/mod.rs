//! Requests of a guest on their way out: counted, judged, and sent by a client of this side. A guest
//! has no connection of its own, and no answer carries what was added to its request.

mod gate;
mod hosts;
mod kubernetes;
mod outgoing;
mod requests;

pub use self::gate::{SERVER, WriteVerb};
pub(crate) use self::hosts::Hosts;
pub use self::hosts::{AllowedHost, NotAHost};
pub use self::kubernetes::Kubernetes;
pub(crate) use self::outgoing::{Nowhere, Outgoing};
pub(crate) use self::requests::Requests;
