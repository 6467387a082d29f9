//! How much a guest may take. Each bound is enforced by the host; a guest can only run into it.

use std::time::Duration;

use wasmtime::ResourceLimiter;

/// What one guest may take. Start from [`Confines::default`].
#[derive(Debug, Clone, Copy)]
pub struct Confines {
    /// Bytes of its linear memories, together.
    pub memory: usize,
    /// How long it may compute at a stretch. What it has used comes back at half the rate of the
    /// clock, so that one that never waits is stopped after twice this time.
    pub compute: Duration,
    /// How long the whole run may take; `None` for no end.
    pub timeout: Option<Duration>,
    /// Requests under way at the same time; an answer counts until all of it was read.
    pub requests: usize,
    /// Handles of the host that it may hold: streams, requests, headers, timers.
    pub handles: usize,
}

impl Default for Confines {
    /// 256 MiB, 10 s at a stretch, no end, 16 requests, 1,024 handles.
    fn default() -> Self {
        Self {
            memory: 256 << 20,
            compute: Duration::from_secs(10),
            timeout: None,
            requests: 16,
            handles: 1024,
        }
    }
}

/// Elements of all tables together: a large program has some ten thousand functions.
const TABLE_ELEMENTS: usize = 200_000;
/// A component is many core instances: adapters, shims, libraries.
const INSTANCES: usize = 100;

/// Counts what a guest's memories and tables take.
#[derive(Debug)]
pub(super) struct Limiter {
    most: usize,
    memory: usize,
    elements: usize,
    refused: bool,
}

impl Limiter {
    pub(super) fn new(confines: &Confines) -> Self {
        Self { most: confines.memory, memory: 0, elements: 0, refused: false }
    }

    /// The bound, if the guest has run into it.
    pub(super) fn refused(&self) -> Option<usize> {
        self.refused.then_some(self.most)
    }

    fn grow(&mut self, current: usize, desired: usize) -> bool {
        let memory = self.memory.saturating_add(desired.saturating_sub(current));
        if memory > self.most {
            self.refused = true;
            return false;
        }
        self.memory = memory;
        true
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.grow(current, desired))
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let elements = self.elements.saturating_add(desired.saturating_sub(current));
        if elements > TABLE_ELEMENTS {
            return Ok(false);
        }
        self.elements = elements;
        Ok(true)
    }

    fn instances(&self) -> usize {
        INSTANCES
    }

    fn tables(&self) -> usize {
        INSTANCES
    }

    fn memories(&self) -> usize {
        INSTANCES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_count_together_and_a_refusal_is_remembered() {
        let mut limiter = Limiter::new(&Confines { memory: 100, ..Confines::default() });
        assert!(limiter.grow(0, 60));
        assert!(!limiter.grow(0, 41));
        assert_eq!(limiter.refused(), Some(100));
        assert!(limiter.grow(60, 100), "what was refused takes nothing");
    }
}
