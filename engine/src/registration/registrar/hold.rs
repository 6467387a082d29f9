//! How a [`Registrar`] keeps what it holds: it watches the Pod, and looks again when in doubt.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::super::watch::Sight;
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

    pub(super) fn watch_time(&mut self, now: Duration, out: &mut Vec<RegistrarOutput>) {
        let woken = self.watch.wake(now, &self.settings.pod, &mut self.random);
        let Some((overdue, sight)) = woken else { return };
        out.extend(overdue.map(|stream| RegistrarOutput::Cancel { stream }));
        self.sighted(sight, out);
    }

    pub(super) fn sighted(&mut self, sight: Sight, out: &mut Vec<RegistrarOutput>) {
        match sight {
            Sight::Pod(pod) => self.saw(&pod, out),
            Sight::Doubt => self.look_again(String::new()),
            Sight::Unauthorized => notice(out, RegistrarNotice::RefreshCredential),
            Sight::Broke { error, retry_in } => self.retrying(error, retry_in, out),
            Sight::Polls(error) => notice(out, RegistrarNotice::Polling(error)),
        }
    }

    /// The watch told the Pod. It may be older than what is known, so nothing is concluded from
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
            self.doubt = true;
        }
    }
}
