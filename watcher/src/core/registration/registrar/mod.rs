//! The machine that changes the records of one Pod, and, if told so, keeps them there.
//!
//! It must never write without the uid and the resourceVersion of a Pod that it has read, and
//! never conclude from a lost answer: after every doubt it reads again.

mod hold;
mod setback;

use std::collections::VecDeque;
use std::time::Duration;

use super::plan::{Held, Job, Plan, Planner};
use super::watch::PodWatch;
use super::{
    Edit, OwnPod, RegistrarNotice, RegistrarOutput, RegistrarSettings, RegistrationError, Ticket,
};
use crate::core::backoff::Backoff;
use crate::core::patch::Patch;
use crate::core::random::Random;
use crate::core::refusal::Refusal;
use crate::core::{Cause, Input, StreamId, TransportError, TransportErrorKind, Verb};

/// Kubernetes keeps no object of more than 1.5 MiB.
const ANSWER_LIMIT: usize = 4 << 20;

/// Registers in one Pod. See [`crate::core`] for how a driver runs it: outputs are carried out in
/// order, and [`Registrar::handle`] is called with [`Input::Wake`] after each
/// [`Registrar::submit`] and whenever [`Registrar::next_wake`] is due.
#[derive(Debug)]
pub struct Registrar {
    settings: RegistrarSettings,
    random: Random,
    streams: u64,
    tickets: u64,
    /// Set by the first answer at the latest, and never again: a Pod of another uid is another Pod.
    uid: Option<String>,
    /// The server has told that Pod at least once.
    met: bool,
    /// The Pod as the server told it last, unless anything happened since.
    seen: Option<OwnPod>,
    jobs: VecDeque<Job>,
    held: Held,
    /// Something may be wrong with what is held.
    doubt: bool,
    /// The watch told a version that may be newer than the answer under way; empty: unknown.
    again: Option<String>,
    unary: Option<Unary>,
    backoff: Backoff,
    conflicts: u32,
    /// Nothing is sent before this.
    not_before: Duration,
    /// Nothing is put back before this: somebody else overwrites it again and again.
    calm: Duration,
    fights: Backoff,
    watch: PodWatch,
    /// A [`RegistrarNotice::Retrying`] was the last word.
    troubled: bool,
    /// The Pod is gone.
    lost: Option<RegistrationError>,
}

/// A request with one answer.
#[derive(Debug)]
struct Unary {
    stream: StreamId,
    /// The patch, and what is done with it; none when reading.
    write: Option<(Patch, Plan)>,
    /// The credential was read again for it.
    refreshed: bool,
    due: Duration,
    status: Option<u16>,
    retry_after: Option<Duration>,
    body: Vec<u8>,
}

impl Unary {
    fn verb(&self) -> Verb {
        if self.write.is_some() { Verb::Patch } else { Verb::Get }
    }
}

impl Registrar {
    /// A machine that has sent nothing yet. The seed decides all jitter: take a different one for
    /// each process.
    pub fn new(settings: RegistrarSettings, seed: u64) -> Self {
        Self {
            uid: settings.uid.clone(),
            met: false,
            settings,
            random: Random::new(seed),
            streams: 0,
            tickets: 0,
            seen: None,
            jobs: VecDeque::new(),
            held: Held::default(),
            doubt: false,
            again: None,
            unary: None,
            backoff: Backoff::new(),
            conflicts: 0,
            not_before: Duration::ZERO,
            calm: Duration::ZERO,
            fights: Backoff::new(),
            watch: PodWatch::new(),
            troubled: false,
            lost: None,
        }
    }

    /// Asks for a change. It is given up when a failure that may pass (an unreachable server, 429,
    /// 500, conflicts) would make it wait for longer than `patience`; without patience never.
    /// What does not pass (403, no such Pod, too large) ends it at once.
    pub fn submit(&mut self, now: Duration, edit: Edit, patience: Option<Duration>) -> Ticket {
        let ticket = Ticket(self.tickets);
        self.tickets += 1;
        let give_up = patience.map(|patience| now + patience);
        self.jobs.push_back(Job { ticket, edit, give_up });
        ticket
    }

    /// Takes one input in at the time `now` (which never goes back), and adds what follows from it
    /// to `out`. Inputs for an exchange that is over are ignored.
    pub fn handle(&mut self, now: Duration, input: Input<'_>, out: &mut Vec<RegistrarOutput>) {
        match input {
            Input::Wake => {}
            Input::Head { stream, status, retry_after } => self.head(stream, status, retry_after),
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
            None if self.doubt => Some(self.not_before.max(self.calm)),
            None => None,
        };
        let watch = self.watch.next_wake();
        unary.into_iter().chain(watch).min()
    }

    /// Whether nothing is under way: no change is waited for, and nothing held is in doubt.
    pub fn is_settled(&self) -> bool {
        self.jobs.is_empty() && !self.doubt && self.unary.is_none()
    }

    fn advance(&mut self, now: Duration, out: &mut Vec<RegistrarOutput>) {
        if let Some(error) = self.lost.clone() {
            self.settle_lost(&error, out);
            return;
        }
        let due =
            if self.jobs.is_empty() { self.not_before.max(self.calm) } else { self.not_before };
        let idle = self.jobs.is_empty() && !self.doubt;
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
            Some((patch, _)) => patch.request(),
            None => self.settings.pod.request(),
        };
        let stream = self.next_stream();
        let due = now + request.deadline;
        let (status, retry_after, body) = (None, None, Vec::new());
        self.unary = Some(Unary { stream, write, refreshed, due, status, retry_after, body });
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
        self.doubt = plan.trouble.is_some() || self.again.is_some();
        if let Some(error) = plan.trouble.take() {
            let retry_in = self.fights.after_failure(now, None, &mut self.random);
            self.calm = now + retry_in;
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
            hold: self.settings.hold,
            held: &self.held,
        }
    }

    /// Gives up the jobs that the plan cannot do, and leaves the others in it.
    fn refuse_jobs(&mut self, plan: &mut Plan, out: &mut Vec<RegistrarOutput>) {
        let mut results = std::mem::take(&mut plan.results).into_iter();
        let mut kept = VecDeque::new();
        for job in std::mem::take(&mut self.jobs) {
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
        if !self.doubt {
            self.recovered(out);
        }
    }

    fn head(&mut self, stream: StreamId, status: u16, retry_after: Option<Duration>) {
        if self.watch.owns(stream) {
            self.watch.head(status, retry_after);
        } else if let Some(unary) = self.unary.as_mut().filter(|unary| unary.stream == stream) {
            (unary.status, unary.retry_after) = (Some(status), retry_after);
        }
    }

    fn chunk(
        &mut self,
        now: Duration,
        stream: StreamId,
        bytes: &[u8],
        out: &mut Vec<RegistrarOutput>,
    ) {
        if self.watch.owns(stream) {
            let mut sights = Vec::new();
            let (pod, random) = (&self.settings.pod, &mut self.random);
            if let Some(stream) = self.watch.chunk(now, bytes, pod, random, &mut sights) {
                out.push(RegistrarOutput::Cancel { stream });
            }
            for sight in sights {
                self.sighted(sight, out);
            }
        } else if let Some(unary) = self.unary.as_mut().filter(|unary| unary.stream == stream) {
            unary.body.extend_from_slice(bytes);
            if unary.body.len() > ANSWER_LIMIT {
                out.push(RegistrarOutput::Cancel { stream });
                self.broke(now, TransportErrorKind::Protocol, "it is larger than any Pod", out);
            }
        }
    }

    fn end(
        &mut self,
        now: Duration,
        stream: StreamId,
        error: Option<TransportError>,
        out: &mut Vec<RegistrarOutput>,
    ) {
        if self.watch.owns(stream) {
            let (pod, random) = (&self.settings.pod, &mut self.random);
            if let Some(sight) = self.watch.end(now, error, pod, random) {
                self.sighted(sight, out);
            }
            return;
        }
        let Some(unary) = self.unary.take_if(|unary| unary.stream == stream) else { return };
        match (error, unary.status) {
            (Some(error), _) => self.setback(now, unary.verb(), Cause::Transport(error), None, out),
            (None, Some(200..=299)) => self.answered(now, unary, out),
            (None, status) => self.refused(now, unary, status.unwrap_or_default(), out),
        }
    }

    fn broke(
        &mut self,
        now: Duration,
        kind: TransportErrorKind,
        text: &str,
        out: &mut Vec<RegistrarOutput>,
    ) {
        let Some(unary) = self.unary.take() else { return };
        let cause = Cause::Transport(TransportError::new(kind, text));
        self.setback(now, unary.verb(), cause, None, out);
    }

    fn overdue(&mut self, now: Duration, out: &mut Vec<RegistrarOutput>) {
        let Some(unary) = self.unary.as_ref().filter(|unary| now >= unary.due) else { return };
        out.push(RegistrarOutput::Cancel { stream: unary.stream });
        self.broke(now, TransportErrorKind::Deadline, "", out);
    }

    /// The server told the Pod: as it is, or as it has become.
    fn answered(&mut self, now: Duration, unary: Unary, out: &mut Vec<RegistrarOutput>) {
        let Ok(pod) = OwnPod::parse(&unary.body) else {
            let text = "it is not a Pod; is this a kube-apiserver?";
            let error = TransportError::new(TransportErrorKind::Protocol, text);
            return self.setback(now, unary.verb(), Cause::Transport(error), None, out);
        };
        if *self.uid.get_or_insert_with(|| pod.uid.clone()) != pod.uid {
            return self.lose(RegistrationError::Replaced(self.settings.pod.clone()), out);
        }
        self.met = true;
        match unary.write {
            None => self.seen = Some(pod),
            Some((patch, plan)) => self.written(now, &patch, plan, pod, out),
        }
    }

    /// The server took the patch. What came of it is in its answer.
    fn written(
        &mut self,
        now: Duration,
        patch: &Patch,
        plan: Plan,
        pod: OwnPod,
        out: &mut Vec<RegistrarOutput>,
    ) {
        self.conflicts = 0;
        if !patch.is_kept_by(&pod) {
            let error = RegistrationError::NotKept(self.settings.pod.clone());
            return self.reject(now, &error, out);
        }
        if !plan.put_back.is_empty() || plan.label_put_back {
            self.calm = now + self.fights.after_failure(now, None, &mut self.random);
            let (records, label) = (plan.put_back.clone(), plan.label_put_back);
            notice(out, RegistrarNotice::PutBack { records, label });
        }
        // The watch often tells the change itself before the answer has come.
        let more = self.again.take().is_some_and(|version| version != pod.resource_version);
        self.doubt |= more;
        self.seen = Some(pod).filter(|_| !more);
        self.complete(plan, out);
    }

    fn refused(
        &mut self,
        now: Duration,
        unary: Unary,
        status: u16,
        out: &mut Vec<RegistrarOutput>,
    ) {
        let refusal = Refusal::of_response(status, unary.retry_after, &unary.body);
        let (verb, retry_after) = (unary.verb(), refusal.retry_after);
        match status {
            401 if !unary.refreshed => {
                notice(out, RegistrarNotice::RefreshCredential);
                self.send(now, unary.write, true, out);
            }
            404 if refusal.reason == "NotFound" => self.missing(now, out),
            409 => self.conflict(now, out),
            // Another Pod by now. The next look finds out.
            422 if verb == Verb::Patch && refusal.message.contains("metadata.uid") => {
                self.conflict(now, out);
            }
            400..=407 | 410..=428 | 430..=499 => {
                let (pod, cause) = (self.settings.pod.clone(), refusal.into_cause());
                self.reject(now, &RegistrationError::Request { pod, verb, cause }, out);
            }
            _ => self.setback(now, verb, refusal.into_cause(), retry_after, out),
        }
    }

    fn missing(&mut self, now: Duration, out: &mut Vec<RegistrarOutput>) {
        let pod = self.settings.pod.clone();
        if self.met {
            self.lose(RegistrationError::Gone(pod), out);
        } else {
            self.reject(now, &RegistrationError::NotFound(pod), out);
        }
    }
}

fn notice(out: &mut Vec<RegistrarOutput>, notice: RegistrarNotice) {
    out.push(RegistrarOutput::Notice(notice));
}
