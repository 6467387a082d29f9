//! Kubernetes' protobuf, as far as the registry reads it: lists as their bytes arrive
//! ([`ListReader`]), watches frame by frame ([`FrameReader`], [`parse_event`]), and the bodies of
//! single answers ([`parse_pod`], [`parse_status`]).
//!
//! It gives the same [`Pod`](crate::Pod), [`WatchEvent`](crate::WatchEvent) and
//! [`Status`](crate::Status) as the readers of JSON. It must never believe a length that reaches
//! beyond what is there, never hold more than one object, and never recurse by what it reads.
//!
//! Unknown fields are passed over whatever their wire type, submessages that come twice are merged,
//! and of a scalar that comes twice the last counts, as protobuf asks. A list holds its objects in
//! one `raw` field, which is read as it arrives; a second one there is an error.

mod event;
mod fields;
mod frames;
mod list;
mod message;
mod object;
mod pod;
mod status;

pub use event::{Event, parse_event};
pub use frames::{FrameError, FrameReader, MAX_FRAME_BYTES};
pub use list::ListReader;
pub use message::Message;
pub use object::Object;
pub use pod::{Annotations, parse_item, parse_pod};
pub use status::parse_status;

/// What a body begins with, and the object of a watch event.
const MAGIC: [u8; 4] = *b"k8s\0";
