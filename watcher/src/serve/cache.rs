//! Large bodies, made piece by piece, and kept while many ask for the same one. It must never hold
//! more than its bound, and never make the writer of the registry wait.

use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};

use super::coding::{Coding, Gzip};
use dubbo_k8s_registry::Revision;
use dubbo_k8s_registry::feed::State;

/// The largest body that is kept; a larger one is made anew for each client, piece by piece.
const LARGEST: usize = 8 << 20;

/// How many bodies may be kept at the same time, those included that only slow readers still hold.
const MOST: usize = 8;

/// Pieces of a body, made on demand. It owns the state that it shows.
pub(super) type Pieces = Box<dyn Iterator<Item = Bytes> + Send>;

/// Which body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Snapshot,
    Annotations,
}

/// Everything that a body depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) kind: Kind,
    pub(super) coding: Coding,
    pub(super) revision: Revision,
    /// As the body tells it; whole seconds, so that a lost server does not make every body new.
    pub(super) age: Option<u64>,
}

impl Name {
    pub(super) fn of(kind: Kind, coding: Coding, state: &State) -> Self {
        let age = state.age().map(|age| age.as_secs());
        Self { kind, coding, revision: state.revision(), age }
    }
}

/// The newest body of each kind and coding.
#[derive(Debug)]
pub(super) struct Cache {
    slots: [Mutex<Option<Arc<Kept>>>; 4],
    places: Arc<Semaphore>,
}

impl Default for Cache {
    fn default() -> Self {
        Self { slots: Default::default(), places: Arc::new(Semaphore::new(MOST)) }
    }
}

#[derive(Debug)]
struct Kept {
    name: Name,
    pieces: Vec<Bytes>,
    length: usize,
    /// Counts the body until its last reader is done.
    #[expect(dead_code, reason = "held, so that the place is taken")]
    place: OwnedSemaphorePermit,
}

impl Cache {
    /// The body of this name, of which `make` gives the plain pieces: kept if it is small enough,
    /// and made only once however many ask.
    pub(super) async fn body(&self, name: Name, make: impl FnOnce() -> Pieces) -> Sized {
        let mut slot = self.slot(name).lock().await;
        if let Some(kept) = slot.as_ref().filter(|kept| kept.name == name) {
            return Sized::kept(kept);
        }
        // Whatever it is, it is not asked for any more.
        *slot = None;
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            return Sized::made(name.coding, make());
        };
        let mut pieces = encoded(name.coding, make());
        let (mut first, mut length) = (Vec::new(), 0);
        while length <= LARGEST {
            let Some(piece) = pieces.next() else {
                let kept = Arc::new(Kept { name, pieces: first, length, place });
                *slot = Some(Arc::clone(&kept));
                return Sized::kept(&kept);
            };
            length += piece.len();
            first.push(piece);
            tokio::task::yield_now().await;
        }
        drop(slot);
        Sized { length: None, pieces: Box::new(first.into_iter().chain(pieces)) }
    }

    fn slot(&self, name: Name) -> &Mutex<Option<Arc<Kept>>> {
        let [a, b, c, d] = &self.slots;
        match (name.kind, name.coding) {
            (Kind::Snapshot, Coding::Identity) => a,
            (Kind::Snapshot, Coding::Gzip) => b,
            (Kind::Annotations, Coding::Identity) => c,
            (Kind::Annotations, Coding::Gzip) => d,
        }
    }
}

fn encoded(coding: Coding, pieces: Pieces) -> Pieces {
    match coding {
        Coding::Identity => pieces,
        Coding::Gzip => Box::new(Gzip::new(pieces)),
    }
}

/// A body, and its length where that is known before.
pub(super) struct Sized {
    pub(super) length: Option<usize>,
    pieces: Pieces,
}

impl Sized {
    /// A body that is made while it is sent.
    pub(super) fn made(coding: Coding, pieces: Pieces) -> Self {
        Self { length: None, pieces: encoded(coding, pieces) }
    }

    fn kept(kept: &Arc<Kept>) -> Self {
        let (kept, mut next) = (Arc::clone(kept), 0);
        let length = Some(kept.length);
        let pieces = std::iter::from_fn(move || {
            next += 1;
            kept.pieces.get(next - 1).cloned()
        });
        Self { length, pieces: Box::new(pieces) }
    }

    /// The pieces as they are made.
    pub(super) fn into_stream(self) -> impl Stream<Item = Bytes> + Send + 'static {
        stream::iter(self.pieces)
    }

    pub(super) fn into_body(self) -> Body {
        Body::from_stream(self.into_stream().map(Ok::<_, std::convert::Infallible>))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn name(number: u64) -> Name {
        let revision = format!("00000001-{number}").parse().unwrap();
        Name { kind: Kind::Snapshot, coding: Coding::Identity, revision, age: Some(0) }
    }

    fn piece(bytes: usize) -> Bytes {
        vec![b'x'; bytes].into()
    }

    async fn read(body: Sized) -> usize {
        body.into_stream()
            .map(|piece| piece.len())
            .fold(0, |sum, len| async move { sum + len })
            .await
    }

    #[tokio::test]
    async fn a_body_is_made_once_for_all_who_ask() {
        let (cache, times) = (Cache::default(), AtomicUsize::new(0));
        let ask = || async {
            let make = || -> Pieces {
                times.fetch_add(1, Ordering::Relaxed);
                Box::new(std::iter::repeat_n(piece(10), 3))
            };
            let body = cache.body(name(1), make).await;
            assert_eq!(body.length, Some(30));
            read(body).await
        };
        let (one, two, three) = tokio::join!(ask(), ask(), ask());
        assert_eq!((one, two, three), (30, 30, 30));
        assert_eq!(times.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_body_that_is_too_large_is_whole_but_not_kept() {
        let cache = Cache::default();
        for _ in 0..2 {
            let body =
                cache.body(name(1), || Box::new(std::iter::repeat_n(piece(1 << 20), 12))).await;
            assert_eq!(body.length, None);
            assert_eq!(read(body).await, 12 << 20);
        }
        assert_eq!(cache.places.available_permits(), MOST);
    }

    #[tokio::test]
    async fn slow_readers_hold_a_bounded_number_of_bodies() {
        let cache = Cache::default();
        let mut slow = Vec::new();
        for number in 0..20 {
            slow.push(cache.body(name(number), || Box::new(std::iter::once(piece(1)))).await);
        }
        let kept = slow.iter().filter(|body| body.length.is_some()).count();
        assert_eq!((kept, cache.places.available_permits()), (MOST, 0));
        slow.clear();
        let body = cache.body(name(99), || Box::new(std::iter::once(piece(1)))).await;
        assert_eq!(body.length, Some(1));
    }
}
