//! The machine that changes the records of one Pod, and, where it is to hold them, keeps them there.
//!
//! It must never write without the uid and the resourceVersion of a Pod that it has read, and
//! never conclude from a lost answer: it reads again whenever the state is unknown.

use alloc::string::String;
use alloc::vec::Vec;
mod answers;
mod failure;
mod hold;
mod unary;

use alloc::collections::VecDeque;
use core::time::Duration;

use unary::Unary;

use super::plan::{Held, Job, Plan, Planner};
use super::watch::PodWatch;
use super::{
    Edit, OwnPod, RegistrarNotice, RegistrarOutput, RegistrarSettings, RegistrationError, Ticket,
};
use dubbo_k8s_codec::random::Random;

use crate::backoff::ServerBackoff;
use crate::patch::Patch;
use crate::wire::Form;
use crate::{Input, StreamId};

/// Registers in one Pod. See [`crate`] for how a driver runs it: outputs are carried out in
/// order, and [`Registrar::handle`] is called with [`Input::Wake`] after each
/// [`Registrar::submit`] and whenever [`Registrar::next_wake`] is due.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Registrar {
    settings: RegistrarSettings,
    random: Random,
    streams: u64,
    tickets: u64,
    /// Set by the first answer at the latest, and never again: a Pod of another uid is another Pod.
    uid: Option<String>,
    /// The server has sent that Pod at least once.
    met: bool,
    /// The Pod as the server sent it last, unless anything happened since.
    seen: Option<OwnPod>,
    jobs: VecDeque<Job>,
    held: Held,
    /// Something may be wrong with what is held.
    unconfirmed: bool,
    /// The watch brought a version that may be newer than the answer under way; empty: unknown.
    again: Option<String>,
    unary: Option<Unary>,
    backoff: ServerBackoff,
    conflicts: u32,
    /// Nothing is sent before this.
    not_before: Duration,
    /// Nothing is put back before this: another writer overwrites it again and again.
    quiet_until: Duration,
    fights: ServerBackoff,
    watch: PodWatch,
    /// A [`RegistrarNotice::Retrying`] was the last word.
    troubled: bool,
    /// Leases of an earlier process are yet to be looked for.
    inherits: bool,
    /// The Pod is gone.
    lost: Option<RegistrationError>,
}

impl Registrar {
    /// A machine that has sent nothing yet. The seed decides all jitter: take a different one for
    /// each process.
    pub fn new(settings: RegistrarSettings, seed: u64) -> Self {
        Self {
            uid: settings.uid.clone(),
            met: false,
            inherits: settings.leases,
            settings,
            random: Random::new(seed),
            streams: 0,
            tickets: 0,
            seen: None,
            jobs: VecDeque::new(),
            held: Held::default(),
            unconfirmed: false,
            again: None,
            unary: None,
            backoff: ServerBackoff::new(),
            conflicts: 0,
            not_before: Duration::ZERO,
            quiet_until: Duration::ZERO,
            fights: ServerBackoff::new(),
            watch: PodWatch::new(),
            troubled: false,
            lost: None,
        }
    }

    /// Asks for a change. It is given up when a failure that may pass (an unreachable server, 429,
    /// 500, conflicts) would make it wait for longer than `timeout`; without one never.
    /// What does not pass (403, no such Pod, too large) ends it at once.
    pub fn submit(&mut self, now: Duration, edit: Edit, timeout: Option<Duration>) -> Ticket {
        let ticket = Ticket(self.tickets);
        self.tickets += 1;
        let give_up = timeout.map(|timeout| now + timeout);
        self.jobs.push_back(Job { ticket, edit, give_up });
        ticket
    }

    /// Takes one input in at the time `now` (which never goes back), and adds what follows from it
    /// to `out`. Inputs for an exchange that is over are ignored.
    pub fn handle(&mut self, now: Duration, input: Input<'_>, out: &mut Vec<RegistrarOutput>) {
        match input {
            Input::Wake => {}
            Input::Head { stream, status, retry_after, content_type } => {
                self.head(stream, status, retry_after, Form::of(content_type));
            }
            Input::Chunk { stream, bytes } => self.chunk(now, stream, bytes, out),
            Input::End { stream } => self.end(now, stream, None, out),
            Input::Failed { stream, error } => self.end(now, stream, Some(error), out),
        }
        self.watch_time(now, out);
        self.overdue(now, out);
        self.advance(now, out);
        self.follow(now, out);
    }

    /// When to call [`Self::handle`] with [`Input::Wake`] at the latest.
    pub fn next_wake(&self) -> Option<Duration> {
        let unary = match &self.unary {
            Some(unary) => Some(unary.due),
            None if !self.jobs.is_empty() => Some(self.not_before),
            None if self.unconfirmed => Some(self.not_before.max(self.quiet_until)),
            None => None,
        };
        let watch = self.watch.next_wake();
        unary.into_iter().chain(watch).min()
    }

    /// Whether nothing is under way: no change is waited for, and the state of everything held is known.
    pub fn is_settled(&self) -> bool {
        self.jobs.is_empty() && !self.unconfirmed && self.unary.is_none()
    }

    fn advance(&mut self, now: Duration, out: &mut Vec<RegistrarOutput>) {
        if let Some(error) = self.lost.clone() {
            self.settle_lost(&error, out);
            return;
        }
        let due = if self.jobs.is_empty() {
            self.not_before.max(self.quiet_until)
        } else {
            self.not_before
        };
        let idle = self.jobs.is_empty() && !self.unconfirmed;
        if idle || self.unary.is_some() || now < due {
            return;
        }
        match self.seen.take() {
            None => self.send(now, None, false, out),
            Some(pod) => self.write(now, pod, out),
        }
    }

    fn send(
        &mut self,
        now: Duration,
        write: Option<(Patch, Plan)>,
        refreshed: bool,
        out: &mut Vec<RegistrarOutput>,
    ) {
        let request = match &write {
            Some((patch, _)) => patch.request(self.settings.wire),
            None => self.settings.pod.request(self.settings.wire),
        };
        let stream = self.next_stream();
        let due = now + request.deadline;
        let (status, retry_after, form, body) = (None, None, Form::default(), Vec::new());
        self.unary = Some(Unary { stream, write, refreshed, due, status, retry_after, form, body });
        out.push(RegistrarOutput::Send { stream, request });
    }

    fn next_stream(&mut self) -> StreamId {
        self.streams += 1;
        StreamId(self.streams)
    }

    /// Does all that is to be done to the Pod as it was seen.
    fn write(&mut self, now: Duration, pod: OwnPod, out: &mut Vec<RegistrarOutput>) {
        let mut plan = self.plan(&pod);
        self.refuse_jobs(&mut plan, out);
        let patch = plan.patch.take().filter(|_| !self.settings.dry_run);
        self.unconfirmed = plan.trouble.is_some() || self.again.is_some();
        if let Some(error) = plan.trouble.take() {
            let retry_in = self.fights.after_failure(now, None, &mut self.random);
            self.quiet_until = now + retry_in;
            self.retrying(error, retry_in, out);
        }
        if let Some(patch) = patch {
            return self.send(now, Some((patch, plan)), false, out);
        }
        self.seen = Some(pod).filter(|_| self.again.take().is_none());
        self.complete(plan, out);
    }

    fn plan(&self, pod: &OwnPod) -> Plan {
        self.planner().plan(pod, self.jobs.iter())
    }

    fn planner(&self) -> Planner<'_> {
        Planner {
            name: &self.settings.pod,
            label_value: self.settings.label_value.as_deref(),
            trust: self.settings.trust.as_ref(),
            hold: self.settings.hold,
            leases: self.settings.leases,
            held: &self.held,
        }
    }

    /// Gives up the jobs that the plan cannot do, and leaves the others in it.
    fn refuse_jobs(&mut self, plan: &mut Plan, out: &mut Vec<RegistrarOutput>) {
        let mut results = core::mem::take(&mut plan.results).into_iter();
        let mut kept = VecDeque::new();
        for job in core::mem::take(&mut self.jobs) {
            match results.next() {
                Some(Err(error)) => self.fail(&job, error, out),
                Some(Ok(outcome)) => {
                    plan.results.push(Ok(outcome));
                    kept.push_back(job);
                }
                None => kept.push_back(job),
            }
        }
        self.jobs = kept;
    }

    /// The server has it so: the first jobs are done.
    fn complete(&mut self, plan: Plan, out: &mut Vec<RegistrarOutput>) {
        self.held = plan.held;
        for result in plan.results {
            let (Some(job), Ok(outcome)) = (self.jobs.pop_front(), result) else { continue };
            notice(out, RegistrarNotice::Done { ticket: job.ticket, outcome });
        }
        if !self.unconfirmed {
            self.recovered(out);
        }
    }
}

fn notice(out: &mut Vec<RegistrarOutput>, notice: RegistrarNotice) {
    out.push(RegistrarOutput::Notice(notice));
}
