//! The recent past of the registry, shared by all subscribers: each of them is a place in it. It
//! must never grow beyond its bounds, however slow a reader is.

use std::sync::Arc;

use imbl::Vector;

use super::entry::Entry;
use super::revision::Revision;

/// How much of the past is kept. What a subscriber has not taken when it falls out of the log is
/// replaced by one fresh snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogLimits {
    /// Events.
    pub entries: usize,
    /// Bytes that all of them may take together: keys, values, and the JSON that a server keeps of
    /// each event for its subscribers.
    pub bytes: usize,
}

impl Default for LogLimits {
    /// 8,192 events, 32 MiB: which of the two is reached first depends on how long the URLs are.
    fn default() -> Self {
        Self { entries: 8192, bytes: 32 << 20 }
    }
}

/// A persistent list: a copy is cheap and keeps what it shows.
#[derive(Debug, Clone)]
pub(super) struct Log {
    limits: LogLimits,
    entries: Vector<Arc<Entry>>,
    bytes: usize,
    /// The place of the first entry. Places count all entries that there ever were.
    first: u64,
    /// The number of the revision before the first entry.
    floor: u64,
}

impl Log {
    pub(super) fn new(limits: LogLimits) -> Self {
        Self { limits, entries: Vector::new(), bytes: 0, first: 0, floor: 0 }
    }

    pub(super) fn push(&mut self, entry: Entry) {
        self.bytes += entry.weight();
        self.entries.push_back(Arc::new(entry));
        while self.entries.len() > self.limits.entries || self.bytes > self.limits.bytes {
            let Some(oldest) = self.entries.pop_front() else { break };
            self.bytes -= oldest.weight();
            self.first += 1;
            self.floor = oldest.revision.number;
        }
    }

    /// Forgets everything, as if more had happened than is kept; this was the last of it.
    pub(super) fn skip(&mut self, revision: Revision) {
        self.first = self.end() + 1;
        self.floor = revision.number;
        self.entries.clear();
        self.bytes = 0;
    }

    /// The same place with nothing before it; this was the last of it.
    pub(super) fn emptied(&self, revision: Revision) -> Self {
        let (first, floor) = (self.end(), revision.number);
        Self { limits: self.limits, entries: Vector::new(), bytes: 0, first, floor }
    }

    /// How many entries are kept.
    pub(super) fn room(&self) -> usize {
        self.limits.entries
    }

    /// The entry at a place; `None` if it is not there yet, or no longer ([`Self::has_lost`]).
    pub(super) fn get(&self, place: u64) -> Option<&Arc<Entry>> {
        self.entries.get(usize::try_from(place.checked_sub(self.first)?).ok()?)
    }

    /// Something at or after that place has fallen out of the log.
    pub(super) fn has_lost(&self, place: u64) -> bool {
        place < self.first
    }

    /// The place of the next entry to come.
    pub(super) fn end(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    /// The place after the entry that made this revision number; `None` if what came after it is
    /// no longer known.
    pub(super) fn after(&self, number: u64) -> Option<u64> {
        if number < self.floor {
            return None;
        }
        let mut place = self.first;
        let mut end = self.end();
        // The first entry of the number is the change that made it, unless it is the floor's:
        // what follows under the same number are events without content.
        while place < end {
            let middle = place + (end - place) / 2;
            match self.get(middle) {
                Some(entry) if entry.revision.number < number => place = middle + 1,
                _ => end = middle,
            }
        }
        let made_here = self.get(place).is_some_and(|e| e.content && e.revision.number == number);
        Some(if made_here { place + 1 } else { place })
    }

    /// The entries from a place on.
    pub(super) fn from(&self, place: u64) -> impl Iterator<Item = &Arc<Entry>> {
        (place..self.end()).filter_map(|place| self.get(place))
    }
}
