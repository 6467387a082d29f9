//! What to do about a Pod as it was seen: which jobs can be done, what must be put back, and the
//! one patch for all of it. Pure: it sends nothing and changes nothing.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use super::{Lease, OwnPod, PodName, RegistrationError, leases};
use dubbo_k8s_codec::kubernetes::LABEL_VALUES;
use dubbo_k8s_codec::trust::{Registrant, Trust};

use crate::catalog::unbelieved;
use crate::patch::{Draft, Obstacle, Patch};

/// Names one change that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub(super) u64);

/// A change that a caller waits for.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) ticket: Ticket,
    pub(super) edit: Edit,
    /// No further attempt begins after this.
    pub(super) give_up: Option<Duration>,
}

/// A change of the records of a Pod, by their keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Add these, unless they are there.
    Add(Vec<Arc<str>>),
    /// Take these out.
    Remove(Vec<Arc<str>>),
    /// Take every record out, also those of others.
    Clear,
    /// Keep exactly these under the lease's id: what it kept before goes, unless another lease or registration keeps it
    /// as well. Without a key the lease ends. All of it is done, or nothing.
    Lease(Lease),
    /// Change nothing, and report the Pod.
    Read,
}

/// How a [`Edit`] turned out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// The keys that were added, or taken out.
    pub changed: Vec<Arc<str>>,
    /// The keys for which nothing was to be done: they were there already, were not there, or are
    /// kept because another registration of this process holds them as well.
    pub unchanged: Vec<Arc<str>>,
    /// How many records [`Edit::Clear`] took out.
    pub cleared: usize,
    /// The value of the Pod's label now; none if it has no label.
    pub label: Option<String>,
    /// The patch that did it (for all changes that were done together); in a dry run, the one that
    /// would. None if nothing was to be done.
    pub patch: Option<Patch>,
    /// The Pod as it was read, of [`Edit::Read`].
    pub pod: Option<Box<OwnPod>>,
}

/// The records that are held.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Held {
    /// Each with the number of registrations that hold it.
    counted: Vec<(Arc<str>, usize)>,
    leases: Vec<Lease>,
}

impl Held {
    pub(super) fn is_empty(&self) -> bool {
        self.counted.is_empty() && self.leases.is_empty()
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &Arc<str>> {
        let leased = self.leases.iter().flat_map(|lease| &lease.keys);
        self.counted.iter().map(|(key, _)| key).chain(leased)
    }

    pub(super) fn hold(&mut self, key: &Arc<str>) {
        match self.counted.iter_mut().find(|(held, _)| held == key) {
            Some((_, count)) => *count += 1,
            None => self.counted.push((Arc::clone(key), 1)),
        }
    }

    /// One registration less: whether another one holds it still.
    pub(super) fn release(&mut self, key: &str) -> bool {
        if let Some((_, count)) = self.counted.iter_mut().find(|(held, _)| **held == *key) {
            *count -= 1;
            self.counted.retain(|(_, count)| *count > 0);
        }
        self.keys().any(|held| **held == *key)
    }

    /// A lease in place of the one with its id: the keys that nothing holds any more.
    pub(super) fn lease(&mut self, lease: &Lease) -> Vec<Arc<str>> {
        let before = self.leases.iter_mut().find(|known| known.id == lease.id);
        let gone = if let Some(known) = before {
            core::mem::replace(known, lease.clone()).keys
        } else {
            self.leases.push(lease.clone());
            Vec::new()
        };
        self.leases.retain(|lease| !lease.keys.is_empty());
        gone.into_iter().filter(|key| !self.keys().any(|held| held == key)).collect()
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// What to do about a Pod.
#[derive(Debug)]
pub(super) struct Plan {
    /// One request for all of it; none if everything is as it should be.
    pub(super) patch: Option<Patch>,
    /// For each job.
    pub(super) results: Vec<Result<Outcome, RegistrationError>>,
    /// Held records that were overwritten.
    pub(super) put_back: Vec<Arc<str>>,
    /// The label was, too.
    pub(super) label_put_back: bool,
    /// Why held records cannot be put back.
    pub(super) trouble: Option<RegistrationError>,
    /// What is held once this is done.
    pub(super) held: Held,
}

/// Whom and what a plan is for.
#[derive(Debug)]
pub(super) struct Planner<'a> {
    pub(super) name: &'a PodName,
    pub(super) label_value: Option<&'a str>,
    pub(super) trust: Option<&'a Trust>,
    /// Records that are added are held from then on.
    pub(super) hold: bool,
    /// Leases are written down.
    pub(super) leases: bool,
    pub(super) held: &'a Held,
}

impl Planner<'_> {
    pub(super) fn plan<'j>(&self, pod: &OwnPod, jobs: impl Iterator<Item = &'j Job>) -> Plan {
        let mut held = self.held.clone();
        let (mut draft, put_back, label_put_back, trouble) = self.put_back(pod);
        let mut results = Vec::new();
        for job in jobs {
            let before = (draft.clone(), held.clone());
            let result = self.apply(&job.edit, pod, &mut draft, &mut held);
            self.write_leases(&mut draft, &held);
            let result = result.and_then(|outcome| match draft.check() {
                Ok(()) => Ok(outcome),
                Err(obstacle) => Err(self.error(obstacle)),
            });
            if result.is_err() {
                (draft, held) = before;
            }
            results.push(result);
        }
        let patch = draft.finish(self.name);
        let label = patch.as_ref().and_then(|patch| patch.label.as_ref()).or(pod.label.as_ref());
        for outcome in results.iter_mut().flatten() {
            outcome.label = label.cloned();
            outcome.patch.clone_from(&patch);
        }
        Plan { patch, results, put_back, label_put_back, trouble, held }
    }

    /// Starts with what is held: another writer may have dropped it. A Pod that is being deleted
    /// is left alone.
    fn put_back<'a>(
        &'a self,
        pod: &'a OwnPod,
    ) -> (Draft<'a>, Vec<Arc<str>>, bool, Option<RegistrationError>) {
        let mut draft = Draft::new(pod);
        let mut added = Vec::new();
        if pod.terminating || self.held.is_empty() {
            return (draft, added, false, None);
        }
        for key in self.held.keys() {
            match draft.add(key) {
                Ok(true) => added.push(Arc::clone(key)),
                Ok(false) => {}
                Err(obstacle) => {
                    return (Draft::new(pod), Vec::new(), false, Some(self.error(obstacle)));
                }
            }
        }
        let labelled = draft.label(self.label_value);
        self.write_leases(&mut draft, self.held);
        match draft.check() {
            Ok(()) => (draft, added, labelled, None),
            Err(obstacle) => (Draft::new(pod), Vec::new(), false, Some(self.error(obstacle))),
        }
    }

    fn write_leases(&self, draft: &mut Draft<'_>, held: &Held) {
        if self.leases {
            draft.lease(leases::write(&held.leases));
        }
    }

    fn apply<'d>(
        &'d self,
        edit: &Edit,
        pod: &OwnPod,
        draft: &mut Draft<'d>,
        held: &mut Held,
    ) -> Result<Outcome, RegistrationError> {
        let mut outcome = Outcome::default();
        let mut note = |key: &Arc<str>, changed: bool| {
            let list = if changed { &mut outcome.changed } else { &mut outcome.unchanged };
            list.push(Arc::clone(key));
        };
        match edit {
            Edit::Add(keys) | Edit::Lease(Lease { keys, .. })
                if pod.terminating && (!keys.is_empty() || matches!(edit, Edit::Add(_))) =>
            {
                return Err(RegistrationError::Terminating(self.name.clone()));
            }
            Edit::Add(keys) => {
                keys.iter().try_for_each(|key| self.believe(key, pod))?;
                for key in keys {
                    note(key, draft.add(key).map_err(|obstacle| self.error(obstacle))?);
                }
                draft.label(self.label_value);
                for key in keys.iter().filter(|_| self.hold) {
                    held.hold(key);
                }
            }
            Edit::Remove(keys) => {
                for key in keys {
                    let still = held.release(key);
                    let removed =
                        !still && draft.remove(key).map_err(|obstacle| self.error(obstacle))?;
                    note(key, removed);
                }
            }
            Edit::Clear => {
                held.clear();
                outcome.cleared = draft.clear();
            }
            Edit::Lease(lease) => {
                lease.keys.iter().try_for_each(|key| self.believe(key, pod))?;
                for key in held.lease(lease) {
                    note(&key, draft.remove(&key).map_err(|obstacle| self.error(obstacle))?);
                }
                for key in &lease.keys {
                    note(key, draft.add(key).map_err(|obstacle| self.error(obstacle))?);
                }
                if !lease.keys.is_empty() {
                    draft.label(self.label_value);
                }
            }
            Edit::Read => outcome.pod = Some(Box::new(pod.clone())),
        }
        Ok(outcome)
    }

    /// What readers of the registry would not believe is not written. A process may start before the kubelet has
    /// published its Pod's addresses; readers believe it as soon as that is done.
    fn believe(&self, key: &str, pod: &OwnPod) -> Result<(), RegistrationError> {
        let registrant = Registrant {
            namespace: self.name.namespace(),
            ips: pod.ips.as_deref().filter(|ips| !ips.is_empty()),
        };
        let unbelieved = self.trust.and_then(|trust| unbelieved(key, trust, &registrant));
        unbelieved.map_or(Ok(()), |unbelieved| {
            Err(RegistrationError::NotBelieved {
                pod: self.name.clone(),
                key: key.into(),
                unbelieved,
            })
        })
    }

    fn error(&self, obstacle: Obstacle) -> RegistrationError {
        let pod = self.name.clone();
        match obstacle {
            Obstacle::Unreadable(error) => RegistrationError::Unreadable { pod, error },
            Obstacle::TooLarge(sizes) => RegistrationError::TooLarge { pod, sizes },
        }
    }
}

impl Outcome {
    /// The Pod's label value, if it is one that readers of the registry overlook unless configured
    /// otherwise (`-l`).
    pub fn overlooked_label(&self) -> Option<&str> {
        self.label.as_deref().filter(|value| !LABEL_VALUES.contains(value))
    }
}
