//! The JSON that programs read, which is a contract: the state of a registry, and one thing that
//! happened to it. It follows from the core alone, so every host prints the same.

mod event;
mod view;

pub use self::event::Event;
pub use self::view::View;
