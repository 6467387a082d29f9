//! Clients by their address, and what each address takes of what all share: connections, streams, bodies that
//! are made for it alone, old bodies that it still reads. It must never let one address use up what others
//! need.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::body_name::Name;
use super::limits::Limits;
use super::refusal::Refusal;

/// How many different kept bodies the requests of one peer may read at the same time: the newest one, and the
/// one before for those that are still reading it.
const KEPT_BODIES: usize = 2;

/// How many callers of one peer are reviewed at the same time; more of them wait.
const REVIEWS: usize = 2;

/// How long a request waits until others of its peer have been answered.
const TURN: Duration = Duration::from_secs(5);

/// All clients by address, and the places that they share.
#[derive(Debug)]
pub(super) struct Peers {
    limits: Limits,
    connections: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    bodies: Arc<Semaphore>,
    known: Mutex<HashMap<IpAddr, Weak<Peer>>>,
}

/// The clients at one address. It is forgotten with its last connection.
#[derive(Debug)]
pub(super) struct Peer {
    address: IpAddr,
    all: Arc<Peers>,
    connections: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    bodies: Arc<Semaphore>,
    reviews: Semaphore,
    reading: Mutex<Vec<Weak<Reading>>>,
}

/// The requests of one peer that read the same kept body, each of which has a share of this.
#[derive(Debug)]
pub(super) struct Reading(Name);

/// A place that is taken, of the peer's and of all places; given back when dropped.
#[derive(Debug)]
pub(super) struct Permit {
    #[expect(dead_code, reason = "held, so that the places are taken")]
    places: [OwnedSemaphorePermit; 2],
}

/// Which bound has been reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// That of one peer.
    Peer,
    /// That of all together.
    All,
}

impl Peers {
    pub(super) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self {
            limits,
            connections: Arc::new(Semaphore::new(limits.clients)),
            streams: Arc::new(Semaphore::new(limits.streams)),
            bodies: Arc::new(Semaphore::new(limits.bodies)),
            known: Mutex::default(),
        })
    }

    /// The peer at an address.
    pub(super) fn peer(self: &Arc<Self>, address: IpAddr) -> Arc<Peer> {
        let address = network(address);
        let mut known = self.known();
        if let Some(peer) = known.get(&address).and_then(Weak::upgrade) {
            return peer;
        }
        let peer = Arc::new(Peer {
            address,
            all: Arc::clone(self),
            connections: Arc::new(Semaphore::new(self.limits.clients_of_peer)),
            streams: Arc::new(Semaphore::new(self.limits.streams_of_peer)),
            bodies: Arc::new(Semaphore::new(self.limits.bodies_of_peer)),
            reviews: Semaphore::new(REVIEWS),
            reading: Mutex::default(),
        });
        known.insert(address, Arc::downgrade(&peer));
        peer
    }

    fn known(&self) -> MutexGuard<'_, HashMap<IpAddr, Weak<Peer>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One host has a whole /64 of IPv6 to choose its addresses from.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let mut known = self.all.known();
        // A new one may be there already.
        if known.get(&self.address).is_some_and(|peer| peer.strong_count() == 0) {
            known.remove(&self.address);
        }
    }
}

impl Peer {
    /// A place for a connection.
    pub(super) fn connection(&self) -> Result<Permit, Full> {
        take(&self.connections, &self.all.connections)
    }

    /// A place for an event stream or a long poll.
    pub(super) fn stream(&self) -> Result<Permit, Refusal> {
        take(&self.streams, &self.all.streams).map_err(|full| {
            full.refusal("event streams and long polls are open", "event streams and long polls")
        })
    }

    /// A place for a body that is made for this client alone. It waits its turn among the requests of its peer.
    pub(super) async fn body(&self) -> Result<Permit, Refusal> {
        let waiting = async {
            let own = Arc::clone(&self.bodies).acquire_owned().await.ok()?;
            let shared = Arc::clone(&self.all.bodies).acquire_owned().await.ok()?;
            Some(Permit { places: [own, shared] })
        };
        let permit = timeout(TURN, waiting).await.ok().flatten();
        permit.ok_or_else(|| {
            Full::Peer.refusal("large answers are under way", "large answers at the same time")
        })
    }

    /// A turn to have a caller reviewed.
    pub(super) async fn review(&self) -> Option<SemaphorePermit<'_>> {
        self.reviews.acquire().await.ok()
    }

    /// A place among the readers of a kept body, if one more body may be read by this peer.
    pub(super) fn reading(&self, body: Name) -> Option<Arc<Reading>> {
        let mut all = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|reading| reading.strong_count() > 0);
        if let Some(same) = all.iter().filter_map(Weak::upgrade).find(|one| one.0 == body) {
            return Some(same);
        }
        (all.len() < KEPT_BODIES).then(|| {
            let reading = Arc::new(Reading(body));
            all.push(Arc::downgrade(&reading));
            reading
        })
    }
}

fn take(own: &Arc<Semaphore>, shared: &Arc<Semaphore>) -> Result<Permit, Full> {
    let own = Arc::clone(own).try_acquire_owned().map_err(|_| Full::Peer)?;
    let shared = Arc::clone(shared).try_acquire_owned().map_err(|_| Full::All)?;
    Ok(Permit { places: [own, shared] })
}

impl Full {
    /// "Too many", with whose they are: 429 for those of one address, 503 for those of all.
    pub(super) fn refusal(self, state: &str, what: &str) -> Refusal {
        match self {
            Self::Peer => Refusal::too_many(format!(
                "Too many {what} for one client address; close some, or try again later."
            )),
            Self::All => Refusal::busy(format!("Too many {state} already; try again later.")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peers() -> Arc<Peers> {
        let limits = Limits { clients: 3, clients_of_peer: 2, ..Limits::default() };
        Peers::new(limits)
    }

    fn at(peers: &Arc<Peers>, address: &str) -> Arc<Peer> {
        peers.peer(address.parse().unwrap())
    }

    #[test]
    fn a_peer_reaches_its_own_bound_before_that_of_all() {
        let peers = peers();
        let (one, two) = (at(&peers, "10.0.0.1"), at(&peers, "10.0.0.2"));
        let first = one.connection().unwrap();
        let _second = one.connection().unwrap();
        assert_eq!(one.connection().unwrap_err(), Full::Peer);
        let _third = two.connection().unwrap();
        assert_eq!(two.connection().unwrap_err(), Full::All);
        drop(first);
        assert!(two.connection().is_ok(), "what one gives back another may take");
    }

    #[test]
    fn addresses_of_one_host_are_one_peer() {
        let peers = peers();
        let same = |one: &str, two: &str| Arc::ptr_eq(&at(&peers, one), &at(&peers, two));
        let _held = [at(&peers, "::ffff:10.0.0.1"), at(&peers, "2001:db8::1")];
        assert!(same("::ffff:10.0.0.1", "10.0.0.1") && same("2001:db8::1", "2001:db8::ffff:2"));
        assert!(!same("2001:db8::1", "2001:db8:0:1::1") && !same("10.0.0.1", "10.0.0.2"));
    }

    #[test]
    fn a_peer_without_connections_is_forgotten() {
        let peers = peers();
        for number in 0..1000_u32 {
            drop(peers.peer(IpAddr::V4(number.into())));
        }
        assert!(peers.known().is_empty());
    }
}
