//! When each event of a watch was written to its socket, for programs that measure. What the server
//! itself takes before that must not count as the client's time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::clock;

/// When an event of a watch was written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Stamp {
    /// The resourceVersion of the change.
    pub version: u64,
    /// Nanoseconds since 1970, right before the socket was written to. Never too late: where other
    /// bytes of the same connection come first, it is their moment.
    pub nanos: u64,
}

/// What all connections have written.
#[derive(Debug, Default)]
pub(crate) struct Stamps(Mutex<Vec<Stamp>>);

impl Stamps {
    /// All since this was asked last.
    pub(crate) fn take(&self) -> Vec<Stamp> {
        std::mem::take(&mut locked(&self.0))
    }
}

/// The events that one connection was handed and has not begun to write.
#[derive(Clone, Debug)]
pub(crate) struct Unwritten {
    waiting: Arc<Mutex<Vec<u64>>>,
    /// `None` when no measurement runs.
    stamps: Option<Arc<Stamps>>,
}

impl Unwritten {
    pub(crate) fn new(stamps: Option<Arc<Stamps>>) -> Self {
        Self { waiting: Arc::default(), stamps }
    }

    /// The connection was handed the event of this version.
    pub(crate) fn push(&self, version: u64) {
        if self.stamps.is_some() {
            locked(&self.waiting).push(version);
        }
    }

    /// What is waiting is about to be written.
    pub(crate) fn write(&self) {
        let Some(stamps) = &self.stamps else { return };
        let mut waiting = locked(&self.waiting);
        if waiting.is_empty() {
            return;
        }
        let nanos = clock::nanos();
        locked(&stamps.0).extend(waiting.drain(..).map(|version| Stamp { version, nanos }));
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::{Stamps, Unwritten};

    #[test]
    fn an_event_is_stamped_once_and_when_it_is_written() {
        let stamps = std::sync::Arc::new(Stamps::default());
        let unwritten = Unwritten::new(Some(stamps.clone()));
        unwritten.write();
        unwritten.push(7);
        unwritten.push(8);
        assert!(stamps.take().is_empty(), "nothing was written yet");
        unwritten.write();
        unwritten.write();
        let versions: Vec<_> = stamps.take().iter().map(|stamp| stamp.version).collect();
        assert_eq!(versions, [7, 8]);
        assert!(stamps.take().is_empty());
    }

    #[test]
    fn nothing_is_kept_when_no_measurement_runs() {
        let unwritten = Unwritten::new(None);
        unwritten.push(7);
        assert!(unwritten.waiting.lock().unwrap().is_empty());
    }
}
