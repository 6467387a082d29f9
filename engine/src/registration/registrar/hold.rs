//! How a [`Registrar`] keeps what it holds: it watches the Pod, and reads it again when its state is unknown.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::super::leases;
use super::super::watch::Observation;
use super::super::{OwnPod, RegistrarNotice, RegistrarOutput};
use super::{Registrar, notice};

impl Registrar {
    /// Watches the Pod while there is something to hold.
    pub(super) fn follow(&mut self, now: Duration, out: &mut Vec<RegistrarOutput>) {
        if self.held.is_empty() {
            if let Some(stream) = self.watch.stop() {
                out.push(RegistrarOutput::Cancel { stream });
            }
        } else if self.watch.wants_to_open(now) {
            let stream = self.next_stream();
            let (pod, wire) = (&self.settings.pod, self.settings.wire);
            let request = self.watch.open(now, stream, pod, wire, &mut self.random);
            out.push(RegistrarOutput::Send { stream, request });
        }
    }

    /// Holds what an earlier process left behind under a lease, from the first look at the Pod on.
    pub(super) fn take_over(&mut self, pod: &OwnPod, out: &mut Vec<RegistrarOutput>) {
        if core::mem::take(&mut self.inherits) {
            let leases = leases::read(pod);
            for lease in &leases {
                self.held.lease(lease);
            }
            notice(out, RegistrarNotice::TakenOver(leases));
        }
    }

    pub(super) fn watch_time(&mut self, now: Duration, out: &mut Vec<RegistrarOutput>) {
        let woken = self.watch.wake(now, &self.settings.pod, &mut self.random);
        let Some((overdue, observation)) = woken else { return };
        out.extend(overdue.map(|stream| RegistrarOutput::Cancel { stream }));
        self.observed(observation, out);
    }

    pub(super) fn observed(&mut self, observation: Observation, out: &mut Vec<RegistrarOutput>) {
        match observation {
            Observation::Pod(pod) => self.saw(&pod, out),
            Observation::Changed => self.look_again(String::new()),
            Observation::Unauthorized => notice(out, RegistrarNotice::RefreshCredential),
            Observation::Broke { error, retry_in } => self.retrying(error, retry_in, out),
            Observation::Polls(error) => notice(out, RegistrarNotice::Polling(error)),
        }
    }

    /// The watch brought the Pod. It may be older than what is known, so nothing is concluded from
    /// it but whether a look is due.
    pub(super) fn saw(&mut self, pod: &OwnPod, out: &mut Vec<RegistrarOutput>) {
        if self.seen.as_ref().is_some_and(|seen| seen.resource_version == pod.resource_version) {
            return self.recovered(out);
        }
        let own = self.uid.as_deref() == Some(&*pod.uid);
        let plan = self.planner().plan(pod, core::iter::empty());
        if own && plan.patch.is_none() && plan.trouble.is_none() {
            self.seen = None;
            if self.is_settled() {
                self.recovered(out);
            }
        } else {
            self.look_again(pod.resource_version.clone());
        }
    }

    pub(super) fn look_again(&mut self, version: String) {
        self.seen = None;
        if self.unary.is_some() {
            self.again = Some(version);
        } else {
            self.unconfirmed = true;
        }
    }
}
