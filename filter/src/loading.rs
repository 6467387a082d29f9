//! An answer of the watcher being read, a slice at a time, beside the registry in service. Nothing of it counts
//! before all of it was read; an annotation that has not changed is not read again. It must never let a namespace or
//! a Pod push out the providers of another one.

use core::net::IpAddr;
use std::collections::BTreeMap;
use std::rc::Rc;

use dubbo_k8s_codec::trust::Registrant;

use crate::book::{Book, Made};
use crate::feed::{Feed, FeedError, Item, Pod, Progress};
use crate::pod::{Bad, Reading};
use crate::provider::Registration;
use crate::random::{Random, rehash};
use crate::registry::Registry;
use crate::room::shares;
use crate::settings::{Policy, Settings};

type Digest = (u64, u64);

/// What one Pod registers.
#[derive(Debug)]
struct Carried {
    namespace: Rc<str>,
    digest: Digest,
    registrations: Rc<[Registration]>,
    /// How many it has: more than those where there was no room for all.
    wants: usize,
}

impl Carried {
    /// What is left of it in a smaller share of the room; `None` if all of it fits.
    fn cut(&self, share: usize) -> Option<Self> {
        let kept = self.registrations.get(..share)?;
        (share < self.registrations.len()).then(|| Self {
            namespace: Rc::clone(&self.namespace),
            digest: self.digest,
            registrations: kept.into(),
            wants: self.wants,
        })
    }

    fn is_cut(&self) -> bool {
        self.registrations.len() < self.wants
    }

    fn wanted(&self) -> (&str, usize) {
        (&self.namespace, self.wants)
    }
}

/// What is registered: by Pod, and by service.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pods: BTreeMap<Rc<str>, Carried>,
    book: Book,
    /// Whether more was registered than may be kept.
    full: bool,
    /// Whether there is room now for some of what was cut.
    lacks: bool,
}

/// An answer being read.
#[derive(Debug, Default)]
pub(crate) struct Loading {
    stage: Stage,
    /// What becomes of each Pod that is not as it was.
    changes: BTreeMap<Rc<str>, Option<Carried>>,
    /// How many endpoints they have.
    endpoints: usize,
    /// The Pods that were named, as long as this may be everything.
    named: Vec<Rc<str>>,
    /// That of the last Pod: Pods mostly come by namespace, whose name is kept once.
    namespace: Rc<str>,
    made: Vec<Made>,
    has_changed: bool,
}

#[derive(Debug, Default)]
enum Stage {
    Reading(Box<Feed>),
    #[default]
    Sharing,
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
    ///
    /// # Errors
    ///
    /// When the body is not what its head says.
    pub(crate) fn new(body: Vec<u8>, is_gzip: bool, of_changes: bool) -> Result<Self, FeedError> {
        let stage = Stage::Reading(Box::new(Feed::new(body, is_gzip, of_changes)?));
        Ok(Self { stage, ..Self::default() })
    }

    /// Does a small part of the work; true when all is done.
    ///
    /// # Errors
    ///
    /// When the body cannot be read; then nothing has changed.
    pub(crate) fn step(
        &mut self,
        registry: &Registry,
        known: &mut Known,
        (settings, policy): (&Settings, &Policy),
        now_ms: u64,
        random: &mut Random,
        found: &mut Found,
    ) -> Result<bool, FeedError> {
        match core::mem::take(&mut self.stage) {
            Stage::Reading(mut feed) => {
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
            Stage::Sharing => {
                self.share(known, settings.bounds.providers as usize);
                self.stage = Stage::Applying;
                return Ok(false);
            }
            Stage::Applying => self.stage = Stage::Applying,
        }
        if let Some((id, carried)) = self.changes.pop_first() {
            known.apply(id, carried);
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
        let digest = digest_of(pod);
        let before = known.pods.get_key_value(&*id);
        let id = before.map_or_else(|| Rc::from(&*id), |(id, _)| Rc::clone(id));
        self.named.push(Rc::clone(&id));
        let before = before.map(|(_, carried)| carried);
        // What was cut is read again: there may be room now.
        if before.is_some_and(|before| before.digest == digest && !before.is_cut()) {
            return;
        }
        if *self.namespace != *pod.namespace {
            self.namespace = Rc::from(&*pod.namespace);
        }
        let namespace = Rc::clone(&self.namespace);
        let before = before.map_or(&[][..], |before| &before.registrations);
        let registrations = read(pod, before, &known.book, settings, found);
        self.endpoints += registrations.len();
        let wants = registrations.len();
        self.change(id, Some(Carried { namespace, digest, registrations, wants }));
        let room = settings.bounds.providers as usize;
        if self.endpoints > room + room / 4 {
            self.bound(room);
        }
    }

    fn gone(&mut self, uid: &str, known: &Known) {
        if let Some((id, _)) = known.pods.get_key_value(uid) {
            self.change(Rc::clone(id), None);
        }
    }

    /// The last change of a Pod counts.
    fn change(&mut self, id: Rc<str>, carried: Option<Carried>) {
        let replaced = self.changes.insert(id, carried).flatten();
        self.endpoints -= replaced.map_or(0, |replaced| replaced.registrations.len());
    }

    /// Keeps what is being read within the room. No Pod gets more of it when there are others beside these.
    fn bound(&mut self, room: usize) {
        let read = self.changes.values().flatten().map(Carried::wanted);
        let shares = shares(&read.collect::<Vec<_>>(), room);
        for (carried, share) in self.changes.values_mut().flatten().zip(shares) {
            if let Some(cut) = carried.cut(share) {
                *carried = cut;
            }
        }
        let read = self.changes.values().flatten();
        self.endpoints = read.map(|carried| carried.registrations.len()).sum();
    }

    /// The body was everything: what it did not name is gone.
    fn forget_others(&mut self, known: &mut Known) {
        self.named.sort_unstable();
        let others = known.pods.keys().filter(|id| self.named.binary_search(id).is_err());
        self.changes.extend(others.map(|id| (Rc::clone(id), None)));
    }

    /// Cuts each Pod to its share of the room, if there is not enough for all: those that have changed and those that
    /// have not. What was cut before cannot grow again here: its body is not at hand.
    fn share(&mut self, known: &mut Known, room: usize) {
        let replaced = self.changes.keys().filter_map(|id| known.pods.get(id));
        let replaced: usize = replaced.map(|carried| carried.registrations.len()).sum();
        let endpoints = known.book.len().saturating_sub(replaced) + self.endpoints;
        let is_cut = self.changes.values().flatten().any(Carried::is_cut);
        if endpoints <= room && !is_cut && !known.full && !known.lacks {
            return;
        }
        let unchanged = known.pods.iter().filter(|(id, _)| !self.changes.contains_key(*id));
        let changed = self.changes.iter().filter_map(|(id, one)| Some((id, one.as_ref()?)));
        let mut pods: Vec<(&Rc<str>, &Carried)> = unchanged.chain(changed).collect();
        // In the same order every time, so that the same Pod gets what cannot be divided.
        pods.sort_unstable_by_key(|(id, _)| *id);
        let wanted: Vec<_> = pods.iter().map(|(_, carried)| carried.wanted()).collect();
        known.full = wanted.iter().map(|(_, wanted)| wanted).sum::<usize>() > room;
        let shares = shares(&wanted, room);
        let kept = pods.iter().map(|(_, carried)| carried.registrations.len());
        known.lacks = kept.zip(&shares).any(|(kept, share)| kept < *share);
        let cut = pods
            .iter()
            .zip(shares)
            .filter_map(|((id, carried), share)| Some((Rc::clone(id), Some(carried.cut(share)?))));
        let cut: Vec<_> = cut.collect();
        self.changes.extend(cut);
    }

    /// Puts it into service, once all is done; returns whether anything is different.
    pub(crate) fn install(self, registry: &mut Registry) -> bool {
        for made in self.made {
            registry.put(&made.place, made.directory);
        }
        self.has_changed
    }
}

impl Known {
    /// Whether more was registered than may be kept.
    pub(crate) const fn is_full(&self) -> bool {
        self.full
    }

    /// Whether there is room now for some of what was cut, which changes alone do not bring back.
    pub(crate) const fn lacks(&self) -> bool {
        self.lacks
    }

    fn apply(&mut self, id: Rc<str>, carried: Option<Carried>) {
        let before = self.pods.remove(&id);
        let before = before.as_ref().map_or(&[][..], |carried| &carried.registrations);
        let Some(carried) = carried else {
            self.book.remove(before);
            return;
        };
        let after = &carried.registrations;
        let (first, last) =
            alike(before, after, |one, other| Rc::ptr_eq(&one.provider, &other.provider));
        self.book.remove(before.get(first..before.len() - last).unwrap_or_default());
        let new = after.get(first..after.len() - last).unwrap_or_default();
        for one in new {
            self.book.add(one);
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
    let registrant = Registrant { namespace: &pod.namespace, ips: pod.ips.as_deref() };
    let mut reading = Reading::of(&pod.annotation, &settings.trust, &registrant);
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

/// A digest of all that decides what is read of a Pod.
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

/// A digest of bytes. A client that makes up an annotation with the digest of the one before changes nothing but what
/// is registered of its own Pod.
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
    use std::borrow::Cow;

    use dubbo_k8s_codec::{Category, Key, Record, encode};
    use proptest::prelude::*;

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

    const ROOM: usize = 40;

    /// A filter's registry, the Pods that the watcher has, each with how many endpoints it registers, and the settings.
    struct Rig {
        settings: Settings,
        known: Known,
        registry: Registry,
        pods: BTreeMap<u8, usize>,
    }

    impl Rig {
        fn new() -> Self {
            let json = format!(r#"{{"annotations":[],"bounds":{{"providers":{ROOM}}}}}"#);
            Self {
                settings: Settings::parse(json.as_bytes()).unwrap(),
                known: Known::default(),
                registry: Registry::default(),
                pods: BTreeMap::new(),
            }
        }

        fn namespace(pod: u8) -> &'static str {
            ["a", "b", "c"][usize::from(pod % 3)]
        }

        fn annotation(pod: u8, endpoints: usize) -> String {
            let key = |n: usize| {
                let url = format!("tri://10.0.{pod}.1:{}/a.S{}", n + 1, pod % 4);
                Key::leaf("a.B", Category::Providers, &url).to_string()
            };
            let keys: Vec<_> = (0..endpoints).map(key).collect();
            encode(keys.iter().map(|key| Record::new(key)))
        }

        /// Takes in an answer of the Pods that have changed, and then of everything where something is lacking.
        fn answer(&mut self, changes: &BTreeMap<u8, Option<usize>>) {
            self.read(changes, true);
            assert!(self.known.book.len() <= ROOM);
            if self.known.lacks() {
                self.read(&BTreeMap::new(), false);
                assert!(!self.known.lacks());
            }
        }

        fn read(&mut self, changes: &BTreeMap<u8, Option<usize>>, of_changes: bool) {
            for (pod, endpoints) in changes {
                match endpoints {
                    Some(endpoints) => _ = self.pods.insert(*pod, *endpoints),
                    None => _ = self.pods.remove(pod),
                }
            }
            let (mut loading, mut found) = (Loading::default(), Found::default());
            for (pod, endpoints) in &self.pods {
                if of_changes && !changes.contains_key(pod) {
                    continue;
                }
                let pod = Pod {
                    namespace: Cow::Borrowed(Self::namespace(*pod)),
                    name: Cow::Borrowed("p"),
                    uid: Cow::Owned(pod.to_string()),
                    annotation: Cow::Owned(Self::annotation(*pod, *endpoints)),
                    ips: None,
                };
                loading.pod(&pod, &self.known, &self.settings, &mut found);
            }
            assert!(loading.endpoints <= ROOM + ROOM / 4);
            if of_changes {
                for pod in changes.keys().filter(|pod| !self.pods.contains_key(pod)) {
                    loading.gone(&pod.to_string(), &self.known);
                }
            } else {
                loading.forget_others(&mut self.known);
            }
            assert_eq!(found.faults, 0);
            let (policy, mut random) = (self.settings.policy(), Random::new(1));
            let by = (&self.settings, &policy);
            while !loading
                .step(&self.registry, &mut self.known, by, 0, &mut random, &mut found)
                .unwrap()
            {}
            loading.install(&mut self.registry);
        }

        /// How many endpoints of each Pod are kept.
        fn kept(&self) -> BTreeMap<u8, usize> {
            let pods = self.known.pods.iter();
            pods.map(|(id, carried)| (id.parse().unwrap(), carried.registrations.len())).collect()
        }

        fn check(&self) -> Result<(), TestCaseError> {
            let kept = self.kept();
            let all: usize = self.pods.values().sum();
            prop_assert_eq!(kept.keys().collect::<Vec<_>>(), self.pods.keys().collect::<Vec<_>>());
            prop_assert_eq!(kept.values().sum::<usize>(), all.min(ROOM));
            prop_assert_eq!(self.known.book.len(), all.min(ROOM));
            prop_assert_eq!(self.registry.providers(), all.min(ROOM));
            prop_assert_eq!(self.known.is_full(), all > ROOM);
            for (pod, kept) in &kept {
                prop_assert_eq!(
                    self.known.pods[&*pod.to_string()].is_cut(),
                    *kept < self.pods[pod]
                );
            }
            // What cannot be divided is one endpoint, and who gets it depends on what was read first.
            let pods: Vec<_> =
                self.pods.iter().map(|(pod, all)| (Self::namespace(*pod), *all)).collect();
            for ((pod, kept), share) in kept.iter().zip(shares(&pods, ROOM)) {
                prop_assert!(kept.abs_diff(share) <= 1, "{}: {} of {}", pod, kept, share);
            }
            Ok(())
        }
    }

    #[test]
    fn a_change_that_fills_the_room_leaves_others_theirs_and_gives_it_back_when_it_goes() {
        let mut rig = Rig::new();
        let set = |pods: &[(u8, Option<usize>)]| pods.iter().copied().collect();
        rig.answer(&set(&[(0, Some(30)), (1, Some(4))]));
        let untouched = Rc::clone(&rig.known.pods["1"].registrations);
        rig.answer(&set(&[(2, Some(100)), (5, Some(100))]));
        assert_eq!(rig.kept().into_iter().collect::<Vec<_>>(), [(0, 18), (1, 4), (2, 9), (5, 9)]);
        assert!(rig.known.is_full());
        rig.answer(&set(&[(5, None)]));
        assert_eq!(rig.kept().into_iter().collect::<Vec<_>>(), [(0, 18), (1, 4), (2, 18)]);
        rig.answer(&set(&[(2, None)]));
        assert_eq!(rig.kept().into_iter().collect::<Vec<_>>(), [(0, 30), (1, 4)]);
        assert!(!rig.known.is_full() && rig.known.pods.values().all(|one| !one.is_cut()));
        assert!(Rc::ptr_eq(&untouched, &rig.known.pods["1"].registrations), "read once");
    }

    #[test]
    fn a_change_that_leaves_every_share_as_it_was_needs_no_answer_of_everything() {
        let mut rig = Rig::new();
        let set = |pods: &[(u8, Option<usize>)]| pods.iter().copied().collect();
        rig.answer(&set(&[(0, Some(100)), (1, Some(100)), (2, Some(2))]));
        assert_eq!(rig.kept().into_iter().collect::<Vec<_>>(), [(0, 19), (1, 19), (2, 2)]);
        for (pod, endpoints) in [(0, 90), (1, 120), (2, 2)] {
            rig.read(&set(&[(pod, Some(endpoints))]), true);
            assert!(rig.known.is_full() && !rig.known.lacks(), "{pod}");
            assert_eq!(rig.kept().into_iter().collect::<Vec<_>>(), [(0, 19), (1, 19), (2, 2)]);
        }
        rig.read(&set(&[(2, None)]), true);
        assert!(rig.known.lacks(), "the room of the one that is gone");
    }

    proptest! {
        #[test]
        fn whatever_comes_and_goes_each_pod_keeps_its_share(
            answers in prop::collection::vec(
                prop::collection::btree_map(0_u8..9, prop::option::weighted(0.7, 0_usize..30), 0..5),
                1..8,
            ),
        ) {
            let mut rig = Rig::new();
            for changes in answers {
                rig.answer(&changes);
                rig.check()?;
            }
        }
    }
}
