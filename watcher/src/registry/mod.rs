//! The registry as other programs read it: the JSON of a snapshot and of each event. These shapes
//! are a contract; the catalog behind them is the codec's.

mod event;
mod snapshot;

pub use event::Event;
pub use snapshot::Snapshot;
