//! The one request under way, and what its answer means: taken, refused, lost, or about another Pod.
//!
//! It decides nothing about what is written; after a lost answer the state is unknown.

use alloc::format;
use alloc::vec::Vec;
use core::time::Duration;

use super::super::plan::Plan;
use super::super::{OwnPod, RegistrarNotice, RegistrarOutput, RegistrationError};
use super::unary::Unary;
use super::{Registrar, notice};
use crate::patch::Patch;
use crate::refusal::Refusal;
use crate::wire::Form;
use crate::{Cause, StreamId, TransportError, TransportErrorKind, Verb};

/// Kubernetes keeps no object of more than 1.5 MiB.
const ANSWER_LIMIT: usize = 4 << 20;

impl Registrar {
    pub(super) fn head(
        &mut self,
        stream: StreamId,
        status: u16,
        retry_after: Option<Duration>,
        form: Form,
    ) {
        if self.watch.owns(stream) {
            self.watch.head(status, retry_after, form);
        } else if let Some(unary) = self.unary.as_mut().filter(|unary| unary.stream == stream) {
            (unary.status, unary.retry_after, unary.form) = (Some(status), retry_after, form);
        }
    }

    pub(super) fn chunk(
        &mut self,
        now: Duration,
        stream: StreamId,
        bytes: &[u8],
        out: &mut Vec<RegistrarOutput>,
    ) {
        if self.watch.owns(stream) {
            let mut observations = Vec::new();
            let (pod, random) = (&self.settings.pod, &mut self.random);
            if let Some(stream) = self.watch.chunk(now, bytes, pod, random, &mut observations) {
                out.push(RegistrarOutput::Cancel { stream });
            }
            for observation in observations {
                self.observed(observation, out);
            }
        } else if let Some(unary) = self.unary.as_mut().filter(|unary| unary.stream == stream) {
            unary.body.extend_from_slice(bytes);
            if unary.body.len() > ANSWER_LIMIT {
                out.push(RegistrarOutput::Cancel { stream });
                self.broke(now, TransportErrorKind::Protocol, "it is larger than any Pod", out);
            }
        }
    }

    pub(super) fn end(
        &mut self,
        now: Duration,
        stream: StreamId,
        error: Option<TransportError>,
        out: &mut Vec<RegistrarOutput>,
    ) {
        if self.watch.owns(stream) {
            let (pod, random) = (&self.settings.pod, &mut self.random);
            if let Some(observation) = self.watch.end(now, error, pod, random) {
                self.observed(observation, out);
            }
            return;
        }
        let Some(unary) = self.unary.take_if(|unary| unary.stream == stream) else { return };
        match (error, unary.status) {
            (Some(error), _) => self.failure(now, unary.verb(), Cause::Transport(error), None, out),
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
        self.failure(now, unary.verb(), cause, None, out);
    }

    pub(super) fn overdue(&mut self, now: Duration, out: &mut Vec<RegistrarOutput>) {
        let Some(unary) = self.unary.as_ref().filter(|unary| now >= unary.due) else { return };
        out.push(RegistrarOutput::Cancel { stream: unary.stream });
        self.broke(now, TransportErrorKind::Deadline, "", out);
    }

    /// The server sent the Pod: as it is, or as it has become.
    fn answered(&mut self, now: Duration, unary: Unary, out: &mut Vec<RegistrarOutput>) {
        let pod = match OwnPod::read(unary.form, &unary.body) {
            Ok(pod) => pod,
            Err(what) => {
                let text = format!("it is not a Pod; is this a kube-apiserver? {what}");
                let error = TransportError::new(TransportErrorKind::Protocol, text);
                return self.failure(now, unary.verb(), Cause::Transport(error), None, out);
            }
        };
        if *self.uid.get_or_insert_with(|| pod.uid.clone()) != pod.uid {
            return self.lose(RegistrationError::Replaced(self.settings.pod.clone()), out);
        }
        self.met = true;
        match unary.write {
            None => {
                self.take_over(&pod, out);
                self.seen = Some(pod);
            }
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
            self.quiet_until = now + self.fights.after_failure(now, None, &mut self.random);
            let (records, label) = (plan.put_back.clone(), plan.label_put_back);
            notice(out, RegistrarNotice::PutBack { records, label });
        }
        // The watch often brings the change itself before the answer has come.
        let more = self.again.take().is_some_and(|version| version != pod.resource_version);
        self.unconfirmed |= more;
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
        let refusal = Refusal::of_response(status, unary.retry_after, unary.form, &unary.body);
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
            _ => self.failure(now, verb, refusal.into_cause(), retry_after, out),
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
