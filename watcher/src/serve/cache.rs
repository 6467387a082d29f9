//! Large bodies: made once for all who ask for the same one and shared, or, where they are too large to be kept,
//! made piece by piece while they are sent. It must never hold more than its bound, nor make a body on a thread
//! of the runtime.

use std::io;
use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};

use super::body_name::{Kind, Name};
use super::coding::{Coding, Gzip};
use super::peers::{Peer, Permit, Reading};
use super::refusal::Refusal;
use super::workers::{Broken, Workers};

/// The largest body that is kept.
const LARGEST: usize = 16 << 20;

/// Bytes of all kept bodies together, those included that only slow readers still hold.
const BUDGET: usize = 64 << 20;

/// Pieces of a body, made on demand. It owns the state that it shows.
pub(super) type Pieces = Box<dyn Iterator<Item = Bytes> + Send>;

/// Begins a body, on a worker's thread.
pub(super) type Make = Box<dyn FnOnce() -> Pieces + Send>;

/// The newest body of each kind and coding.
#[derive(Debug)]
pub(super) struct Cache {
    slots: [Mutex<Option<Newest>>; 4],
    budget: Arc<Semaphore>,
    workers: Workers,
}

#[derive(Debug)]
enum Newest {
    Kept(Arc<Kept>),
    /// Each client gets its own.
    TooLarge(Name),
}

#[derive(Debug)]
struct Kept {
    name: Name,
    pieces: Vec<Bytes>,
    length: usize,
    #[expect(dead_code, reason = "held until the last reader is done")]
    budget: OwnedSemaphorePermit,
}

impl Cache {
    pub(super) fn new(workers: Workers) -> Self {
        Self { slots: Default::default(), budget: Arc::new(Semaphore::new(BUDGET)), workers }
    }

    /// The body of this name, of which `make` gives the plain pieces: kept if it is small enough, and then made
    /// only once however many ask. Otherwise it takes one of the peer's places.
    pub(super) async fn body(
        &self,
        peer: &Peer,
        name: Name,
        make: impl Fn() -> Make,
    ) -> Result<Made, Refusal> {
        if let Some(kept) = self.kept(name, make()).await?
            && let Some(reading) = peer.reading(name)
        {
            return Ok(Made::kept(kept, reading));
        }
        self.stream(peer, name.coding, make()).await
    }

    /// A body that is made while it is sent, for one client.
    pub(super) async fn stream(
        &self,
        peer: &Peer,
        coding: Coding,
        make: Make,
    ) -> Result<Made, Refusal> {
        let permit = peer.body().await?;
        let pieces = self.workers.run(move || encoded(coding, make())).await?;
        Ok(Made { length: None, pieces: one_by_one(self.workers.clone(), pieces, permit) })
    }

    async fn kept(&self, name: Name, make: Make) -> Result<Option<Arc<Kept>>, Refusal> {
        let mut slot = self.slot(name).lock().await;
        match slot.as_ref() {
            Some(Newest::Kept(kept)) if kept.name == name => return Ok(Some(Arc::clone(kept))),
            Some(Newest::TooLarge(large)) if *large == name => return Ok(None),
            // Whatever it is, it is not asked for any more.
            _ => *slot = None,
        }
        let budget = Arc::clone(&self.budget);
        let kept = self.workers.run(move || collect(name, make, &budget)).await?.map(Arc::new);
        *slot = Some(
            kept.as_ref().map_or(Newest::TooLarge(name), |kept| Newest::Kept(Arc::clone(kept))),
        );
        Ok(kept)
    }

    fn slot(&self, name: Name) -> &Mutex<Option<Newest>> {
        let [a, b, c, d] = &self.slots;
        match (name.kind, name.coding) {
            (Kind::Snapshot, Coding::Identity) => a,
            (Kind::Snapshot, Coding::Gzip) => b,
            (Kind::Annotations, Coding::Identity) => c,
            (Kind::Annotations, Coding::Gzip) => d,
        }
    }
}

/// Makes a whole body; `None` if it is too large, or if too much is held already.
fn collect(name: Name, make: Make, budget: &Arc<Semaphore>) -> Option<Kept> {
    let mut taken = Arc::clone(budget).try_acquire_many_owned(0).ok()?;
    let (mut pieces, mut length) = (Vec::new(), 0);
    for piece in encoded(name.coding, make()) {
        length += piece.len();
        let bytes = u32::try_from(piece.len()).ok().filter(|_| length <= LARGEST)?;
        taken.merge(Arc::clone(budget).try_acquire_many_owned(bytes).ok()?);
        pieces.push(piece);
    }
    Some(Kept { name, pieces, length, budget: taken })
}

fn encoded(coding: Coding, pieces: Pieces) -> Pieces {
    match coding {
        Coding::Identity => pieces,
        Coding::Gzip => Box::new(Gzip::new(pieces)),
    }
}

type Sending = stream::BoxStream<'static, io::Result<Bytes>>;

/// Makes the next piece when the client has taken the one before.
fn one_by_one(workers: Workers, pieces: Pieces, permit: Permit) -> Sending {
    let sending = (workers, pieces, permit);
    let next = |(workers, mut pieces, permit): (Workers, Pieces, Permit)| async move {
        let made = workers.run(move || (pieces.next(), pieces)).await;
        // A body that breaks off must not look complete.
        let (piece, pieces) = made.map_err(|Broken| io::Error::other("the answer broke off"))?;
        Ok(piece.map(|piece| (piece, (workers, pieces, permit))))
    };
    stream::try_unfold(sending, next).boxed()
}

impl From<Broken> for Refusal {
    fn from(Broken: Broken) -> Self {
        Self::new(http::StatusCode::INTERNAL_SERVER_ERROR, "The answer could not be made.")
    }
}

/// A body, and its length where that is known before.
pub(super) struct Made {
    pub(super) length: Option<usize>,
    pieces: Sending,
}

/// One client at a place in a kept body.
struct Reader {
    kept: Arc<Kept>,
    next: usize,
    #[expect(dead_code, reason = "held, so that the peer is known to read it")]
    reading: Arc<Reading>,
}

impl Iterator for Reader {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        self.next += 1;
        self.kept.pieces.get(self.next - 1).cloned()
    }
}

impl Made {
    fn kept(kept: Arc<Kept>, reading: Arc<Reading>) -> Self {
        let length = Some(kept.length);
        let pieces = Reader { kept, next: 0, reading }.map(Ok);
        Self { length, pieces: stream::iter(pieces).boxed() }
    }

    /// A small body that is made already.
    pub(super) fn whole(body: Bytes) -> Self {
        Self { length: Some(body.len()), pieces: stream::iter([Ok(body)]).boxed() }
    }

    /// The pieces as they are made.
    pub(super) fn into_stream(self) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
        self.pieces
    }

    pub(super) fn into_body(self) -> Body {
        Body::from_stream(self.pieces)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::super::limits::Limits;
    use super::super::peers::Peers;
    use super::*;

    fn name(number: u64) -> Name {
        let revision = format!("00000001-{number}").parse().unwrap();
        Name { kind: Kind::Snapshot, coding: Coding::Identity, revision, age: Some(0) }
    }

    fn cache() -> Cache {
        Cache::new(Workers::default())
    }

    fn peer(peers: &Arc<Peers>, host: u32) -> Arc<Peer> {
        peers.peer(std::net::IpAddr::V4(host.into()))
    }

    fn pieces(bytes: usize, count: usize) -> Make {
        let piece = Bytes::from(vec![b'x'; bytes]);
        Box::new(move || Box::new(std::iter::repeat_n(piece, count)))
    }

    async fn read(body: Made) -> usize {
        let sum = |sum, piece: io::Result<Bytes>| async move { sum + piece.unwrap().len() };
        body.into_stream().fold(0, sum).await
    }

    #[tokio::test]
    async fn a_body_is_made_once_for_all_who_ask() {
        let (cache, times) = (cache(), Arc::new(AtomicUsize::new(0)));
        let peer = peer(&Peers::new(Limits::default()), 1);
        let ask = || async {
            let make = || -> Make {
                let times = Arc::clone(&times);
                Box::new(move || {
                    times.fetch_add(1, Ordering::Relaxed);
                    pieces(10, 3)()
                })
            };
            let body = cache.body(&peer, name(1), make).await.unwrap();
            assert_eq!(body.length, Some(30));
            read(body).await
        };
        let (one, two, three) = tokio::join!(ask(), ask(), ask());
        assert_eq!((one, two, three), (30, 30, 30));
        assert_eq!(times.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_body_that_is_too_large_is_whole_and_nothing_of_it_is_kept() {
        let (cache, peers) = (cache(), Peers::new(Limits::default()));
        for _ in 0..2 {
            let make = || pieces(1 << 20, 20);
            let body = cache.body(&peer(&peers, 1), name(1), make).await.unwrap();
            assert_eq!(body.length, None);
            assert_eq!(cache.budget.available_permits(), BUDGET);
            assert_eq!(read(body).await, 20 << 20);
        }
    }

    /// The attack that once took 8 MiB for each client that does not read.
    #[tokio::test]
    async fn bodies_without_a_reader_stay_within_the_budget() {
        let (cache, peers) = (cache(), Peers::new(Limits::default()));
        let mut held = Vec::new();
        for number in 0..100_u32 {
            let make = || pieces(1 << 20, 12);
            // Each of them of another peer, and of another revision.
            let peer = peer(&peers, number);
            if let Ok(body) = cache.body(&peer, name(number.into()), make).await {
                held.push(body);
            }
            if held.len() == 32 {
                break;
            }
        }
        let kept = held.iter().filter(|body| body.length.is_some()).count();
        assert_eq!(kept, BUDGET / (12 << 20));
        held.clear();
        let body = cache.body(&peer(&peers, 1), name(1000), || pieces(1, 1)).await.unwrap();
        assert_eq!(body.length, Some(1));
    }

    #[tokio::test]
    async fn a_slow_peer_does_not_take_the_budget_of_others() {
        let (cache, peers) = (cache(), Peers::new(Limits::default()));
        let (slow, other) = (peer(&peers, 1), peer(&peers, 2));
        let mut held = Vec::new();
        for number in 0..8 {
            let body = cache.body(&slow, name(number), || pieces(1 << 20, 12)).await.unwrap();
            held.push(body);
        }
        let kept = held.iter().filter(|body| body.length.is_some()).count();
        assert_eq!(kept, 2, "the rest is made while it is sent");
        let body = cache.body(&other, name(9), || pieces(1 << 20, 12)).await.unwrap();
        assert_eq!(body.length, Some(12 << 20));
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_waits_for_itself_and_for_no_other() {
        let limits = Limits { bodies_of_peer: 1, ..Limits::default() };
        let (cache, peers) = (cache(), Peers::new(limits));
        let (one, two) = (peer(&peers, 1), peer(&peers, 2));
        let held = cache.stream(&one, Coding::Identity, pieces(1, 1)).await.unwrap();
        let refused = cache.stream(&one, Coding::Identity, pieces(1, 1)).await.err().unwrap();
        assert_eq!(refused.status, 429);
        assert!(cache.stream(&two, Coding::Identity, pieces(1, 1)).await.is_ok());
        drop(held);
        assert!(cache.stream(&one, Coding::Identity, pieces(1, 1)).await.is_ok());
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_does_not_look_complete() {
        let peers = Peers::new(Limits::default());
        let make: Make = Box::new(|| {
            let mut left = 1;
            Box::new(std::iter::from_fn(move || {
                assert!(left > 0, "broken");
                left -= 1;
                Some(Bytes::from_static(b"{"))
            }))
        });
        let body = cache().stream(&peer(&peers, 1), Coding::Identity, make).await.unwrap();
        let read: Vec<_> = body.into_stream().collect().await;
        assert!(read[0].is_ok() && read[1].is_err(), "{read:?}");
    }
}
