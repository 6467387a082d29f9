//! What a [`Registrar`] does about what goes wrong. It never gives up what is held.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::time::Duration;

use super::super::plan::Job;
use super::super::{Edit, Outcome, RegistrationError};
use super::super::{RegistrarNotice, RegistrarOutput};
use super::{Registrar, notice};
use crate::{Cause, Verb};

/// After so many conflicts in a row a change fails. Of writers that all collide one wins each
/// time, so this many of them get through.
const CONFLICTS: u32 = 32;
/// The longest wait after a conflict.
const CONFLICT_WAIT: Duration = Duration::from_secs(1);

impl Registrar {
    /// Another writer was quicker: read again, soon, but not at the same moment as all the others.
    pub(super) fn conflict(&mut self, now: Duration, out: &mut Vec<RegistrarOutput>) {
        self.unconfirmed |= !self.held.is_empty();
        self.conflicts += 1;
        if self.conflicts >= CONFLICTS {
            let (pod, attempts) = (self.settings.pod.clone(), self.conflicts);
            self.conflicts = 0;
            let error = RegistrationError::Conflict { pod, attempts };
            self.fail_if(|job| job.give_up.is_some(), &error, out);
        }
        let step = Duration::from_millis(10 << self.conflicts.min(7)).min(CONFLICT_WAIT);
        self.not_before = now + self.random.part_of(step);
    }

    /// A failure that may pass.
    pub(super) fn failure(
        &mut self,
        now: Duration,
        verb: Verb,
        cause: Cause,
        retry_after: Option<Duration>,
        out: &mut Vec<RegistrarOutput>,
    ) {
        let retry_in = self.backoff.after_failure(now, retry_after, &mut self.random);
        self.not_before = now + retry_in;
        self.unconfirmed |= !self.held.is_empty();
        let error = RegistrationError::Request { pod: self.settings.pod.clone(), verb, cause };
        let next = self.not_before;
        self.fail_if(|job| job.give_up.is_some_and(|until| next > until), &error, out);
        if !self.jobs.is_empty() || self.unconfirmed {
            self.retrying(error, retry_in, out);
        }
    }

    /// A failure that does not pass by itself. What is held is tried again all the same: rights
    /// can be given back.
    pub(super) fn reject(
        &mut self,
        now: Duration,
        error: &RegistrationError,
        out: &mut Vec<RegistrarOutput>,
    ) {
        let waited_for = !self.jobs.is_empty();
        self.fail_if(|_| true, error, out);
        if self.held.is_empty() {
            self.unconfirmed = false;
            return;
        }
        self.unconfirmed = true;
        let retry_in = self.backoff.after_failure(now, None, &mut self.random);
        self.not_before = now + retry_in;
        if !waited_for {
            self.retrying(error.clone(), retry_in, out);
        }
    }

    pub(super) fn retrying(
        &mut self,
        error: RegistrationError,
        retry_in: Duration,
        out: &mut Vec<RegistrarOutput>,
    ) {
        self.troubled = true;
        notice(out, RegistrarNotice::Retrying { error, retry_in });
    }

    pub(super) fn recovered(&mut self, out: &mut Vec<RegistrarOutput>) {
        if core::mem::take(&mut self.troubled) {
            notice(out, RegistrarNotice::Recovered);
        }
    }

    pub(super) fn fail_if(
        &mut self,
        hopeless: impl Fn(&Job) -> bool,
        error: &RegistrationError,
        out: &mut Vec<RegistrarOutput>,
    ) {
        let (failed, kept) = core::mem::take(&mut self.jobs).into_iter().partition(hopeless);
        self.jobs = kept;
        let failed: VecDeque<Job> = failed;
        for job in failed {
            self.fail(&job, error.clone(), out);
        }
    }

    pub(super) fn fail(
        &mut self,
        job: &Job,
        error: RegistrationError,
        out: &mut Vec<RegistrarOutput>,
    ) {
        match &job.edit {
            // What is kept under a lease stays kept: the caller asks again.
            Edit::Add(_) | Edit::Lease(_) | Edit::Read => {}
            // It stays in the Pod, but it is not put back when another writer takes it out.
            Edit::Remove(keys) => keys.iter().for_each(|key| {
                self.held.release(key);
            }),
            Edit::Clear => self.held.clear(),
        }
        notice(out, RegistrarNotice::Failed { ticket: job.ticket, error });
    }

    pub(super) fn lose(&mut self, error: RegistrationError, out: &mut Vec<RegistrarOutput>) {
        if !self.held.is_empty() {
            notice(out, RegistrarNotice::Lost(error.clone()));
        }
        self.held.clear();
        self.unconfirmed = false;
        self.lost = Some(error);
    }

    /// In a Pod that is gone nothing can be added, and nothing is left to take out.
    pub(super) fn settle_lost(
        &mut self,
        error: &RegistrationError,
        out: &mut Vec<RegistrarOutput>,
    ) {
        for job in core::mem::take(&mut self.jobs) {
            let unchanged = match &job.edit {
                Edit::Lease(lease) if lease.keys.is_empty() => Vec::new(),
                Edit::Add(_) | Edit::Lease(_) | Edit::Read => {
                    self.fail(&job, error.clone(), out);
                    continue;
                }
                Edit::Remove(keys) => keys.clone(),
                Edit::Clear => Vec::new(),
            };
            let outcome = Outcome { unchanged, ..Outcome::default() };
            notice(out, RegistrarNotice::Done { ticket: job.ticket, outcome });
        }
    }
}
