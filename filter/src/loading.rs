//! An answer of the watcher being read, a slice at a time, beside the registry in service. Nothing of it counts
//! before all of it was read; an annotation that has not changed is not read again.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::book::{Book, Made};
use crate::feed::{Feed, FeedError, Item, Pod, Progress};
use crate::pod::{Bad, Reading};
use crate::provider::Registration;
use crate::random::{Random, rehash};
use crate::registry::Registry;
use crate::settings::{Policy, Settings};

type Digest = (u64, u64);

/// What one Pod registers.
#[derive(Debug)]
struct Carried {
    digest: Digest,
    registrations: Rc<[Registration]>,
}

/// What is registered: by Pod, and by service.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pods: BTreeMap<Rc<str>, Carried>,
    book: Book,
    /// Whether more was registered than may be kept.
    full: bool,
}

impl Known {
    /// Whether more was registered than may be kept: then changes alone do not tell what there is.
    pub(crate) const fn is_full(&self) -> bool {
        self.full
    }
}

/// An answer being read.
#[derive(Debug, Default)]
pub(crate) struct Loading {
    stage: Stage,
    /// What becomes of each Pod that is not as it was.
    changes: Vec<(Rc<str>, Option<Carried>)>,
    /// The Pods that were named, as long as this may be everything.
    named: Vec<Rc<str>>,
    made: Vec<Made>,
    has_changed: bool,
}

#[derive(Debug, Default)]
enum Stage {
    Reading(Box<Feed>),
    #[default]
    Applying,
}

/// What a slice has found out.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// How much is bad in annotations that were not known.
    pub(crate) faults: u64,
    /// Whose annotation is bad, and how.
    pub(crate) bad: Vec<(String, Bad)>,
}

/// Of so many bad Pods in one slice the log may speak.
const MAX_BAD: usize = 8;

impl Loading {
    /// Begins to read a body, which may be of changes alone if they were asked for.
    pub(crate) fn new(body: Vec<u8>, is_gzip: bool, of_changes: bool) -> Result<Self, FeedError> {
        let stage = Stage::Reading(Box::new(Feed::new(body, is_gzip, of_changes)?));
        Ok(Self { stage, ..Self::default() })
    }

    /// Does a small part of the work; true when all is done. After an error nothing has changed.
    pub(crate) fn step(
        &mut self,
        registry: &Registry,
        known: &mut Known,
        (settings, policy): (&Settings, &Policy),
        now_ms: u64,
        random: &mut Random,
        found: &mut Found,
    ) -> Result<bool, FeedError> {
        if let Stage::Reading(mut feed) = core::mem::take(&mut self.stage) {
            let progress = feed.step(|item| match item {
                Item::Pod(pod) => self.pod(&pod, known, settings, found),
                Item::Gone(uid) => self.gone(&uid, known),
            })?;
            match progress {
                Progress::More => self.stage = Stage::Reading(feed),
                Progress::Everything => self.forget_others(known),
                Progress::Changes => {}
            }
            return Ok(false);
        }
        if let Some((id, carried)) = self.changes.pop() {
            known.apply(id, carried, settings.bounds.providers as usize);
            self.has_changed = true;
            return Ok(false);
        }
        let made = known.book.make_one(registry, policy, now_ms, random);
        let is_done = made.is_none();
        self.made.extend(made);
        Ok(is_done)
    }

    /// Takes in a Pod.
    pub(crate) fn pod(
        &mut self,
        pod: &Pod<'_>,
        known: &Known,
        settings: &Settings,
        found: &mut Found,
    ) {
        let id = pod.id();
        let digest = digest(pod.annotation.as_bytes());
        let before = known.pods.get_key_value(&*id);
        let id = before.map_or_else(|| Rc::from(&*id), |(id, _)| Rc::clone(id));
        self.named.push(Rc::clone(&id));
        let before = before.map(|(_, carried)| carried);
        if before.is_some_and(|before| before.digest == digest) && !known.full {
            return;
        }
        let before = before.map_or(&[][..], |before| &before.registrations);
        let registrations = read(pod, before, &known.book, settings, found);
        self.changes.push((id, Some(Carried { digest, registrations })));
    }

    fn gone(&mut self, uid: &str, known: &Known) {
        let id = known.pods.get_key_value(uid).map(|(id, _)| Rc::clone(id));
        self.changes.extend(id.map(|id| (id, None)));
    }

    /// The body was everything: what it did not name is gone.
    fn forget_others(&mut self, known: &mut Known) {
        known.full = false;
        self.named.sort_unstable();
        let others = known.pods.keys().filter(|id| self.named.binary_search(id).is_err());
        // They are the first to be applied: what goes makes room for what comes.
        self.changes.extend(others.map(|id| (Rc::clone(id), None)));
    }

    /// Puts it into service, once all is done; says whether anything is different.
    pub(crate) fn install(self, registry: &mut Registry) -> bool {
        for made in self.made {
            registry.put(made);
        }
        self.has_changed
    }
}

impl Known {
    fn apply(&mut self, id: Rc<str>, carried: Option<Carried>, most: usize) {
        let before = self.pods.remove(&id);
        let before = before.as_ref().map_or(&[][..], |carried| &carried.registrations);
        let Some(mut carried) = carried else {
            for one in before {
                self.book.remove(one);
            }
            return;
        };
        let after = Rc::clone(&carried.registrations);
        let (first, last) =
            alike(before, &after, |one, other| Rc::ptr_eq(&one.provider, &other.provider));
        let replaced = before.get(first..before.len() - last).unwrap_or_default();
        for one in replaced {
            self.book.remove(one);
        }
        let new = after.get(first..after.len() - last).unwrap_or_default();
        let room = most.saturating_sub(self.book.len());
        for one in new.iter().take(room) {
            self.book.add(one);
        }
        if new.len() > room {
            self.full = true;
            let kept = after.iter().take(first + room);
            carried.registrations =
                kept.chain(after.iter().skip(after.len() - last)).cloned().collect();
        }
        self.pods.insert(id, carried);
    }
}

/// How many at the beginning and at the end of two lists are alike.
fn alike<T>(before: &[T], after: &[T], is: impl Fn(&T, &T) -> bool) -> (usize, usize) {
    let shorter = before.len().min(after.len());
    let first = before.iter().zip(after).take_while(|(one, other)| is(one, other)).count();
    let ends = before.iter().rev().zip(after.iter().rev());
    let last = ends.take(shorter - first).take_while(|(one, other)| is(one, other)).count();
    (first, last)
}

/// Reads an annotation. What was registered before at the beginning and at the end of it stays the same in memory,
/// so that a Pod that registers one service more touches no other.
fn read(
    pod: &Pod<'_>,
    before: &[Registration],
    book: &Book,
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
        one.service = book.shared(Rc::clone(&one.service));
    }
    let mut after = reading.registrations;
    let (first, last) = alike(before, &after, |one, other| one == other);
    let end = after.len() - last;
    let same = before.iter().take(first).enumerate();
    let same = same.chain((end..).zip(before.iter().skip(before.len() - last)));
    for (at, one) in same {
        if let Some(place) = after.get_mut(at) {
            place.clone_from(one);
        }
    }
    after.into()
}

/// A digest of an annotation. Whoever makes up two with the same one gains nothing by it: he could have
/// registered the same endpoints twice.
fn digest(bytes: &[u8]) -> Digest {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_lists_share_at_their_ends_is_counted_once() {
        let alike = |before: &str, after: &str| {
            let bytes = |text: &str| text.bytes().collect::<Vec<u8>>();
            alike(&bytes(before), &bytes(after), |one, other| one == other)
        };
        assert_eq!(alike("", ""), (0, 0));
        assert_eq!(alike("abc", "abc"), (3, 0));
        assert_eq!(alike("abc", "abxc"), (2, 1));
        assert_eq!(alike("aaa", "aa"), (2, 0));
        assert_eq!(alike("abc", "xyz"), (0, 0));
        assert_eq!(alike("abc", ""), (0, 0));
    }
}
