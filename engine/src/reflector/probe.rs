//! The list of one Pod that is under way beside a watch. Data only: `probing` asks for it and reads its answer.

use core::time::Duration;

use super::super::StreamId;
use super::super::exchange::Refused;
use super::super::wire::Items;

/// The list of one Pod, under way beside the watch.
#[derive(Debug)]
pub(super) struct Probe {
    pub(super) stream: StreamId,
    pub(super) due: Duration,
    pub(super) answer: Answer,
}

#[derive(Debug)]
pub(super) enum Answer {
    Awaited,
    /// The server has the version. Its list says how far it has come since.
    List(Items),
    Refused(Refused),
}
