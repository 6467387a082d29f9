//! Both ends of Dubbo Triple as far as a proxy between them sees it: `POST /{interface}/{method}` over
//! HTTP/2, gRPC framing, a status in the trailers. It must never look into a message: what it carries is
//! anything.

mod client;
mod load;
mod provider;

pub use client::{Answer, Call, Connection, Error};
pub use load::{Load, Share, Tally};
pub use provider::{Provider, Seen};

/// The header by which an answer says who gave it.
pub const PROVIDER: &str = "x-provider";
