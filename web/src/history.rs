//! The last minutes of a live registry, event by event, to go back through.
//!
//! Bounded in number and age. It changes nothing: it only says what happened, in either direction.

use std::collections::VecDeque;

use dubbo_k8s_codec::problem::Problem;

/// Events that can be gone back through.
pub const HISTORY: usize = 20_000;

/// Milliseconds that can be gone back through.
pub const AGE: u64 = 5 * 60 * 1000;

/// One change of one Pod.
#[derive(Clone, Debug)]
pub struct Event {
    /// When, in milliseconds.
    pub time: u64,
    /// The Pod, by its place.
    pub holder: usize,
    /// What changed.
    pub what: What,
}

/// What changed; absent is none.
#[derive(Clone, Debug)]
pub enum What {
    /// A key: its value before and after.
    Key {
        /// Which one.
        key: String,
        /// Its value before.
        before: Option<String>,
        /// Its value after.
        after: Option<String>,
    },
    /// A problem of the Pod.
    Problem {
        /// Which one.
        problem: Problem,
        /// Whether it came; it went otherwise.
        raised: bool,
    },
}

/// What happened, and how much of it is taken back.
#[derive(Debug, Default)]
pub struct History {
    events: VecDeque<Event>,
    back: usize,
}

impl History {
    /// Adds what happened now.
    pub fn push(&mut self, event: Event) {
        self.events.push_back(event);
    }

    /// Forgets what is too old or too much.
    pub fn trim(&mut self, now: u64) {
        let old = |event: &Event| event.time + AGE < now;
        while self.events.len() > HISTORY || self.events.front().is_some_and(old) {
            self.events.pop_front();
        }
    }

    /// Whether the past is shown.
    pub const fn is_back(&self) -> bool {
        self.back > 0
    }

    /// How many events are taken back.
    pub const fn back(&self) -> usize {
        self.back
    }

    /// How many events happened after a time; none is now.
    pub fn since(&self, to: Option<u64>) -> usize {
        to.map_or(0, |to| self.events.iter().rev().take_while(|event| event.time > to).count())
    }

    /// The event to take back next.
    pub fn step_back(&mut self) -> Option<Event> {
        let event = self.nth(self.back)?.clone();
        self.back += 1;
        Some(event)
    }

    /// The event to bring back next.
    pub fn step_forward(&mut self) -> Option<Event> {
        self.back = self.back.checked_sub(1)?;
        self.nth(self.back).cloned()
    }

    /// The time of the last event that is taken back.
    pub fn at(&self) -> Option<u64> {
        Some(self.nth(self.back.checked_sub(1)?)?.time)
    }

    /// The Pods that it may bring back, some more than once.
    pub fn holders(&self) -> impl Iterator<Item = usize> {
        self.events.iter().map(|event| event.holder)
    }

    fn nth(&self, back: usize) -> Option<&Event> {
        self.events.iter().rev().nth(back)
    }
}
