//! The last minutes of a live registry, change by change, to go back through.
//!
//! Bounded in number, age and bytes. It changes nothing: it only says what happened, in either direction.

use std::collections::VecDeque;

use crate::live::moment::Moment;

/// Changes that can be gone back through.
pub const HISTORY: usize = 20_000;

/// Milliseconds that can be gone back through.
pub const AGE: u64 = 5 * 60 * 1000;

/// Bytes of texts that are kept for it.
const ROOM: usize = 24 << 20;

/// What happened, and how much of it is taken back.
#[derive(Debug, Default)]
pub struct History {
    moments: VecDeque<Moment>,
    back: usize,
    bytes: usize,
    /// When the last one happened that is forgotten.
    forgotten: u64,
}

impl History {
    /// Adds what happened now.
    pub fn push(&mut self, moment: Moment) {
        self.bytes += moment.size();
        self.moments.push_back(moment);
    }

    /// Forgets what is too old or too much.
    pub fn trim(&mut self, now: u64) {
        let old = |moment: &Moment| moment.time() + AGE < now;
        while self.moments.len() > HISTORY
            || self.bytes > ROOM
            || self.moments.front().is_some_and(old)
        {
            let Some(moment) = self.moments.pop_front() else { break };
            self.bytes -= moment.size();
            self.forgotten = moment.time();
        }
        self.back = self.back.min(self.moments.len());
    }

    /// When the last change happened that cannot be taken back any more.
    pub const fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// Whether the past is shown.
    pub const fn is_back(&self) -> bool {
        self.back > 0
    }

    /// How many changes are taken back.
    pub const fn back(&self) -> usize {
        self.back
    }

    /// How many changes happened after a time; none is now.
    pub fn since(&self, to: Option<u64>) -> usize {
        to.map_or(0, |to| self.moments.iter().rev().take_while(|it| it.time() > to).count())
    }

    /// The change to take back next.
    pub fn step_back(&mut self) -> Option<Moment> {
        let moment = self.nth(self.back)?.clone();
        self.back += 1;
        Some(moment)
    }

    /// The change to bring back next.
    pub fn step_forward(&mut self) -> Option<Moment> {
        self.back = self.back.checked_sub(1)?;
        self.nth(self.back).cloned()
    }

    /// The time of the last change that is taken back.
    pub fn at(&self) -> Option<u64> {
        Some(self.nth(self.back.checked_sub(1)?)?.time())
    }

    /// What led to what is shown, the newest first.
    pub fn latest(&self) -> impl Iterator<Item = &Moment> {
        self.moments.iter().rev().skip(self.back)
    }

    /// The Pods that it may bring back, some more than once.
    pub fn pods(&self) -> impl Iterator<Item = usize> {
        self.moments.iter().map(Moment::pod)
    }

    fn nth(&self, back: usize) -> Option<&Moment> {
        self.moments.iter().rev().nth(back)
    }
}
