//! A request that has one answer, and what came of it so far. Data only: `answers` says what it means.

use alloc::vec::Vec;
use core::time::Duration;

use super::super::plan::Plan;
use crate::patch::Patch;
use crate::wire::Form;
use crate::{StreamId, Verb};

/// A request with one answer.
#[derive(Debug)]
pub(super) struct Unary {
    pub(super) stream: StreamId,
    /// The patch, and what is done with it; none when reading.
    pub(super) write: Option<(Patch, Plan)>,
    /// The credential was read again for it.
    pub(super) refreshed: bool,
    pub(super) due: Duration,
    pub(super) status: Option<u16>,
    pub(super) retry_after: Option<Duration>,
    pub(super) form: Form,
    pub(super) body: Vec<u8>,
}

impl Unary {
    pub(super) fn verb(&self) -> Verb {
        if self.write.is_some() { Verb::Patch } else { Verb::Get }
    }
}
