//! A new state of the registry being read, a slice at a time, beside the one in service. Only a whole one
//! takes its place; an annotation that has not changed is not read again.

use std::rc::Rc;

use crate::feed::{Feed, FeedError, Pod};
use crate::pod::{Bad, Reading};
use crate::provider::Registration;
use crate::random::{Random, rehash};
use crate::registry::{Draft, Registry};
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
    known: Known,
    endpoints: usize,
    full: bool,
}

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
            known: Known::default(),
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
        if self.full {
            return;
        }
        let digest = digest(pod.annotation.as_bytes());
        let registrations = match known.get(digest) {
            Some(registrations) => Rc::clone(registrations),
            None => self.read(pod, settings, found),
        };
        for registration in &*registrations {
            self.full |= self.endpoints >= settings.bounds.providers as usize;
            if self.full {
                break;
            }
            self.endpoints += 1;
            self.draft.add(registration);
        }
        self.known.0.push((digest, registrations));
    }

    fn read(
        &mut self,
        pod: &Pod<'_>,
        settings: &Settings,
        found: &mut Found,
    ) -> Rc<[Registration]> {
        let mut reading = Reading::of(&pod.annotation, settings.allow_loopback);
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
    pub(crate) fn finish(mut self) -> Loaded {
        self.known.0.sort_unstable_by_key(|(digest, _)| *digest);
        self.known.0.dedup_by_key(|(digest, _)| *digest);
        Loaded { registry: self.draft.finish(), known: self.known, full: self.full }
    }
}

/// A digest of an annotation. Whoever makes up two with the same one gains nothing by it: he could have
/// registered the same endpoints twice.
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
