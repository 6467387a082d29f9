//! A new state of the registry being read, a slice at a time, beside the one in service. Only a whole one
//! takes its place; an annotation that has not changed is not read again.

use core::net::IpAddr;
use std::rc::Rc;

use dubbo_k8s_codec::trust::Registrant;

use crate::feed::{Feed, FeedError, Pod};
use crate::pod::{Bad, Reading};
use crate::provider::Registration;
use crate::random::{Random, rehash};
use crate::registry::{Draft, Registry};
use crate::room::shares;
use crate::settings::Settings;

/// What was read of each annotation, in the order of their digests.
#[derive(Debug, Default)]
pub(crate) struct Known(Vec<(Digest, Rc<[Registration]>)>);

type Digest = (u64, u64);

impl Known {
    fn get(&self, digest: Digest) -> Option<&Rc<[Registration]>> {
        let at = self.0.binary_search_by_key(&digest, |(digest, _)| *digest).ok()?;
        self.0.get(at).map(|(_, registrations)| registrations)
    }
}

/// A state of the registry in the making.
#[derive(Debug)]
pub(crate) struct Loading {
    feed: Option<Feed>,
    draft: Draft,
    pods: Vec<Registered>,
    /// Pods whose endpoints are in the draft.
    added: usize,
    endpoints: usize,
    full: bool,
}

/// What was read of a Pod.
#[derive(Debug)]
struct Registered {
    namespace: Rc<str>,
    digest: Digest,
    registrations: Rc<[Registration]>,
    /// There was no room for all of them.
    is_cut: bool,
}

/// Pods that are put into the draft in one step.
const STEP: usize = 256;

/// What a slice has found out.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// How much is bad in annotations that were not known.
    pub(crate) faults: u64,
    /// Whose annotation is bad, and how.
    pub(crate) bad: Vec<(String, Bad)>,
}

/// A state that is whole.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) registry: Registry,
    pub(crate) known: Known,
    /// Whether more was registered than may be kept.
    pub(crate) full: bool,
}

/// Of so many bad Pods in one slice the log may speak.
const MAX_BAD: usize = 8;

impl Loading {
    /// Begins to read a body.
    pub(crate) fn new(body: Vec<u8>, is_gzip: bool) -> Result<Self, FeedError> {
        Ok(Self { feed: Some(Feed::new(body, is_gzip)?), ..Self::empty() })
    }

    /// Begins without a body: Pods are only [put](Self::pod) in.
    pub(crate) fn empty() -> Self {
        Self {
            feed: None,
            draft: Draft::default(),
            pods: Vec::new(),
            added: 0,
            endpoints: 0,
            full: false,
        }
    }

    /// Does a small part of the work; true when all is done.
    pub(crate) fn step(
        &mut self,
        earlier: (&Registry, &Known),
        settings: &Settings,
        now_ms: u64,
        random: &mut Random,
        found: &mut Found,
    ) -> Result<bool, FeedError> {
        let (registry, known) = earlier;
        let Some(mut feed) = self.feed.take() else {
            if self.added < self.pods.len() {
                self.add(settings);
                return Ok(false);
            }
            return Ok(!self.draft.make_one(registry, &settings.balance, now_ms, random));
        };
        if !feed.step(|pod| self.pod(&pod, known, settings, found))? {
            self.feed = Some(feed);
        }
        Ok(false)
    }

    /// Takes in a Pod.
    pub(crate) fn pod(
        &mut self,
        pod: &Pod<'_>,
        known: &Known,
        settings: &Settings,
        found: &mut Found,
    ) {
        let digest = digest_of(pod);
        let registrations = match known.get(digest) {
            Some(registrations) => Rc::clone(registrations),
            None => self.read(pod, settings, found),
        };
        let room = settings.bounds.providers as usize;
        self.endpoints += registrations.len();
        self.full |= self.endpoints > room;
        let namespace = self.pods.last().filter(|last| *last.namespace == *pod.namespace);
        let namespace =
            namespace.map_or_else(|| Rc::from(&*pod.namespace), |it| Rc::clone(&it.namespace));
        self.pods.push(Registered { namespace, digest, registrations, is_cut: false });
        if !self.full {
            self.add(settings);
        } else if self.endpoints > room + room / 4 {
            self.share(room);
        }
    }

    /// Puts some Pods that were read into the draft.
    fn add(&mut self, settings: &Settings) {
        let room = settings.bounds.providers as usize;
        if self.endpoints > room {
            self.share(room);
        }
        let pods = self.pods.get(self.added..).unwrap_or_default();
        for pod in pods.iter().take(STEP) {
            for registration in &*pod.registrations {
                self.draft.add(registration);
            }
            self.added += 1;
        }
    }

    /// Cuts every Pod to its share of the room. The draft is made again of what each of them keeps.
    fn share(&mut self, room: usize) {
        (self.draft, self.added) = (Draft::default(), 0);
        let wanted = self.pods.iter().map(|pod| (&*pod.namespace, pod.registrations.len()));
        let shares = shares(&wanted.collect::<Vec<_>>(), room);
        for (pod, share) in self.pods.iter_mut().zip(shares) {
            if let Some(kept) =
                pod.registrations.get(..share).filter(|_| share < pod.registrations.len())
            {
                (pod.registrations, pod.is_cut) = (kept.into(), true);
            }
        }
        self.endpoints = self.pods.iter().map(|pod| pod.registrations.len()).sum();
    }

    fn read(
        &mut self,
        pod: &Pod<'_>,
        settings: &Settings,
        found: &mut Found,
    ) -> Rc<[Registration]> {
        let registrant = Registrant { namespace: &pod.namespace, ips: pod.ips.as_deref() };
        let mut reading = Reading::of(&pod.annotation, &settings.trust, &registrant);
        found.faults += u64::from(reading.faults);
        if let Some(bad) = reading.first.filter(|_| found.bad.len() < MAX_BAD) {
            found.bad.push((format!("{}/{}", pod.namespace, pod.name), bad));
        }
        // A service has many providers: its name is kept once.
        for one in &mut reading.registrations {
            one.service = self.draft.shared(Rc::clone(&one.service));
        }
        reading.registrations.into()
    }

    /// The new state, once all is done.
    pub(crate) fn finish(self) -> Loaded {
        // What was cut is read again: there may be room then.
        let whole = self.pods.into_iter().filter(|pod| !pod.is_cut);
        let mut known: Vec<_> = whole.map(|pod| (pod.digest, pod.registrations)).collect();
        known.sort_unstable_by_key(|(digest, _)| *digest);
        known.dedup_by_key(|(digest, _)| *digest);
        Loaded { registry: self.draft.finish(), known: Known(known), full: self.full }
    }
}

/// A digest of all that decides what is read of a Pod. Two Pods with the same digest, made up by one of them, register
/// the same endpoints, of which each is believed of one of them.
fn digest_of(pod: &Pod<'_>) -> Digest {
    let namespace = digest(pod.namespace.as_bytes());
    let ips = pod.ips.iter().flatten().map(|ip| match ip {
        IpAddr::V4(v4) => digest(&v4.octets()),
        IpAddr::V6(v6) => digest(&v6.octets()),
    });
    // Unknown addresses are not the same as none.
    let known = (u64::from(pod.ips.is_some()), 0);
    let more = ips.chain([namespace, known]);
    more.fold(digest(pod.annotation.as_bytes()), |(one, other), (also, too)| {
        (rehash(one, also), rehash(other, too))
    })
}

/// A digest of bytes.
fn digest(bytes: &[u8]) -> (u64, u64) {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut last = [0; 8];
    if let Some(last) = last.get_mut(..rest.len()) {
        last.copy_from_slice(rest);
    }
    let start = (bytes.len() as u64, !(bytes.len() as u64));
    let (one, other) = words.iter().chain([&last]).fold(start, |(one, other), word| {
        let word = u64::from_le_bytes(*word);
        let one = (one ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
        (one, (other.rotate_left(23) ^ word).wrapping_mul(0xc2b2_ae3d_27d4_eb4f))
    });
    (rehash(one, 1), rehash(other, 2))
}
