//! What has happened and is not yet printed. The driver puts things in and never waits; the printer that
//! prints takes them out and may wait for a slow reader as long as it likes.
//!
//! The queue is bounded by what is shown: when it grows, what happened to one key is folded into
//! its net effect, so a slow reader skips steps but never misses where a key ended up.

use std::{
    collections::BTreeMap,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use dubbo_k8s_engine::Notice;
use dubbo_k8s_engine::catalog::{Change, ChangeKind};

/// Below this nothing is folded.
const ROOM: usize = 1 << 16;
/// How many things that are not about a key survive a folding.
const OTHERS: usize = 256;

/// Something to print, and when it happened.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) at: SystemTime,
    pub(super) what: What,
}

/// What there is to print.
#[derive(Clone, Debug)]
pub(super) enum What {
    /// An event.
    Notice(Notice),
    /// A message to the person at the terminal.
    Say(String),
}

/// Shared between the driver and the thread that prints.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue(Arc<(Mutex<Waiting>, Condvar)>);

#[derive(Debug, Default)]
struct Waiting {
    items: Vec<Item>,
    /// Where the next folding is due; doubles with what is left after one.
    fold_at: usize,
    closed: bool,
    #[cfg(target_os = "wasi")]
    waker: Option<std::task::Waker>,
}

impl Queue {
    /// Adds things; never waits.
    pub(super) fn push(&self, items: impl IntoIterator<Item = What>) {
        let at = SystemTime::now();
        let mut waiting = self.lock();
        waiting.items.extend(items.into_iter().map(|what| Item { at, what }));
        if waiting.items.len() > waiting.fold_at.max(ROOM) {
            let items = std::mem::take(&mut waiting.items);
            waiting.items = fold(items);
            waiting.fold_at = waiting.items.len() * 2;
        }
        Self::wake(waiting, &self.0.1);
    }

    /// Nothing will be added any more.
    pub(super) fn close(&self) {
        let mut waiting = self.lock();
        waiting.closed = true;
        Self::wake(waiting, &self.0.1);
    }

    #[cfg(not(target_os = "wasi"))]
    fn wake(waiting: MutexGuard<'_, Waiting>, reader: &Condvar) {
        drop(waiting);
        reader.notify_one();
    }

    #[cfg(target_os = "wasi")]
    fn wake(mut waiting: MutexGuard<'_, Waiting>, _: &Condvar) {
        if let Some(waker) = waiting.waker.take() {
            waker.wake();
        }
    }

    /// Waits for something, and takes all there is; `None` after the end.
    #[cfg(target_os = "wasi")]
    pub(super) async fn next(&self) -> Option<Vec<Item>> {
        std::future::poll_fn(|context| {
            let mut waiting = self.lock();
            if waiting.items.is_empty() && !waiting.closed {
                waiting.waker = Some(context.waker().clone());
                return std::task::Poll::Pending;
            }
            waiting.fold_at = 0;
            let items = std::mem::take(&mut waiting.items);
            std::task::Poll::Ready((!items.is_empty()).then_some(items))
        })
        .await
    }

    /// Waits for something, and takes all there is; `None` after the end.
    #[cfg(not(target_os = "wasi"))]
    pub(super) fn take(&self) -> Option<Vec<Item>> {
        let mut waiting = self.lock();
        while waiting.items.is_empty() {
            if waiting.closed {
                return None;
            }
            waiting = self.0.1.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        waiting.fold_at = 0;
        Some(std::mem::take(&mut waiting.items))
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The net effect for each key, in the place of its last change; the latest of everything else.
fn fold(items: Vec<Item>) -> Vec<Item> {
    let mut first: BTreeMap<Arc<str>, ChangeKind> = BTreeMap::new();
    let mut last: BTreeMap<Arc<str>, usize> = BTreeMap::new();
    let mut others = 0;
    for (place, item) in items.iter().enumerate() {
        if let Some(change) = change_of(item) {
            first.entry(Arc::clone(&change.key)).or_insert(change.kind);
            last.insert(Arc::clone(&change.key), place);
        } else {
            others += 1;
        }
    }
    let mut surplus = usize::saturating_sub(others, OTHERS);
    let mut folded = Vec::with_capacity(last.len() + OTHERS);
    for (place, mut item) in items.into_iter().enumerate() {
        let keep = match &mut item.what {
            What::Notice(Notice::Change(change)) => {
                last.get(&change.key) == Some(&place)
                    && first.get(&change.key).is_some_and(|first| net(*first, change))
            }
            // The one event that a reader may be waiting for.
            What::Notice(Notice::Synced { .. }) => true,
            _ if surplus > 0 => {
                surplus -= 1;
                false
            }
            _ => true,
        };
        if keep {
            folded.push(item);
        }
    }
    folded
}

/// Turns the last change of a key into the net effect since its first one; false if there is none.
fn net(first: ChangeKind, last: &mut Change) -> bool {
    let (was_there, is_there) = (first != ChangeKind::Added, last.kind != ChangeKind::Removed);
    last.kind = match (was_there, is_there) {
        (false, false) => return false,
        (false, true) => ChangeKind::Added,
        (true, false) => ChangeKind::Removed,
        (true, true) => ChangeKind::Updated,
    };
    true
}

fn change_of(item: &Item) -> Option<&Change> {
    match &item.what {
        What::Notice(Notice::Change(change)) => Some(change),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use dubbo_k8s_engine::Notice;
    use dubbo_k8s_engine::catalog::{Change, ChangeKind, Holder, StoredKey};

    use super::{OTHERS, Queue, ROOM, What};

    fn change(kind: ChangeKind, key: &str) -> What {
        let text = |text: &str| Arc::<str>::from(text);
        let holder = Holder { namespace: text("n"), pod: text("p"), uid: text("u") };
        let (key, holder) = (StoredKey::from(key), Arc::new(holder));
        What::Notice(Notice::Change(Change::new(kind, &key, &text(""), &holder, &text("1"))))
    }

    fn taken(queue: &Queue) -> Vec<(ChangeKind, String)> {
        let items = queue.take().unwrap();
        let changes = items.iter().filter_map(super::change_of);
        changes.map(|change| (change.kind, change.key.to_string())).collect()
    }

    #[test]
    fn a_reader_that_keeps_up_sees_every_step() {
        let queue = Queue::default();
        for kind in [ChangeKind::Added, ChangeKind::Removed, ChangeKind::Added] {
            queue.push([change(kind, "a")]);
        }
        assert_eq!(taken(&queue).len(), 3);
    }

    #[test]
    fn a_reader_that_does_not_keep_up_sees_where_every_key_ended() {
        use ChangeKind::{Added, Removed, Updated};
        let queue = Queue::default();
        let steps = [
            (Added, "came and went"),
            (Removed, "came and went"),
            (Removed, "went and came"),
            (Added, "went and came"),
            (Added, "new"),
            (Updated, "new"),
            (Updated, "old"),
            (Removed, "old"),
        ];
        queue.push(steps.map(|(kind, key)| change(kind, key)));
        for _ in 0..ROOM / 2 {
            queue.push([change(Updated, "busy"), change(Updated, "busy")]);
        }
        let expected =
            [(Updated, "went and came"), (Added, "new"), (Removed, "old"), (Updated, "busy")];
        let mut seen = taken(&queue);
        seen.dedup();
        assert_eq!(seen, expected.map(|(kind, key)| (kind, key.to_owned())));
    }

    #[test]
    fn whatever_happens_it_stays_bounded() {
        let queue = Queue::default();
        for number in 0..4 * ROOM {
            queue.push([change(ChangeKind::Updated, &(number % 10).to_string())]);
            queue.push([What::Say("again".to_owned())]);
        }
        assert!(queue.take().unwrap().len() <= ROOM + OTHERS);
    }

    #[test]
    fn after_the_end_what_is_left_is_still_there() {
        let queue = Queue::default();
        queue.push([What::Say("last words".to_owned())]);
        queue.close();
        assert!(queue.take().is_some());
        assert!(queue.take().is_none());
    }
}
