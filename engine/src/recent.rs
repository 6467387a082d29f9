//! The last events of a scope, so that a server which repeats some of them after a re-connect
//! cannot turn the catalog back. Versions are compared for equality only.

use alloc::collections::VecDeque;

use crate::catalog::digest;

/// Enough for any replay that was seen; eight bytes each.
const KEPT: usize = 512;

#[derive(Debug, Default)]
pub(super) struct Recent {
    events: VecDeque<u64>,
    /// Every event of this stream so far was known. Only such a start is left out: behind an event
    /// that was not known, known ones are needed again, because that one may have been older.
    repeating: bool,
}

impl Recent {
    /// Another stream begins.
    pub(super) fn begin(&mut self) {
        self.repeating = true;
    }

    /// Notes an event by its object and version: false if it repeats what was applied. No two
    /// changes of one Pod have the same version.
    pub(super) fn is_news(&mut self, deleted: bool, uid: &str, version: &str) -> bool {
        let event = digest(uid) ^ digest(version).rotate_left(32) ^ u64::from(deleted);
        self.repeating = self.repeating && self.events.contains(&event);
        if !self.repeating {
            if self.events.len() == KEPT {
                self.events.pop_front();
            }
            self.events.push_back(event);
        }
        !self.repeating
    }

    /// After a relist versions may begin again.
    pub(super) fn clear(&mut self) {
        self.events.clear();
    }
}
