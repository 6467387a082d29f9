//! The native driver of registration: moves bytes and time between [`Client`] and [`Registrar`].
//! It decides nothing.

use std::time::Duration;

use super::{Client, exchanges::Exchanges};
use crate::host::{Instant, sleep_until};
use dubbo_k8s_engine::{
    Input,
    registration::{Edit, Registrar, RegistrarNotice, RegistrarOutput, Ticket},
};

/// Runs one [`Registrar`] against one server.
pub struct RegistrarDriver {
    machine: Registrar,
    client: Client,
    started: Instant,
    outputs: Vec<RegistrarOutput>,
    exchanges: Exchanges,
    /// A change was asked for since the machine was last called.
    submitted: bool,
}

impl std::fmt::Debug for RegistrarDriver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RegistrarDriver")
            .field("client", &self.client)
            .field("open", &self.exchanges.len())
            .finish_non_exhaustive()
    }
}

impl RegistrarDriver {
    /// A driver that has sent nothing yet. Dropping it drops its exchanges and connections; what
    /// is registered stays in the Pod.
    pub fn new(client: Client, machine: Registrar) -> Self {
        Self {
            machine,
            client,
            started: Instant::now(),
            outputs: Vec::new(),
            exchanges: Exchanges::default(),
            submitted: false,
        }
    }

    /// Asks for a change, see [`Registrar::submit`]. It begins with the next [`Self::next`].
    pub fn submit(&mut self, edit: Edit, timeout: Option<Duration>) -> Ticket {
        self.submitted = true;
        self.machine.submit(self.started.elapsed(), edit, timeout)
    }

    /// The machine.
    pub fn machine(&self) -> &Registrar {
        &self.machine
    }

    /// Works until there is a notice, and adds it to `notices`. It waits for ever when
    /// there is nothing to do.
    ///
    /// Cancellation safe.
    pub async fn next(&mut self, notices: &mut Vec<RegistrarNotice>) {
        let before = notices.len();
        while notices.len() == before {
            self.step().await;
            self.carry_out(notices);
        }
    }

    async fn step(&mut self) {
        let wake = if self.submitted { Some(Duration::ZERO) } else { self.machine.next_wake() };
        let event = tokio::select! {
            biased;
            () = sleep_until(wake.map(|wake| self.started + wake)) => None,
            event = self.exchanges.next() => Some(event),
        };
        self.submitted = false;
        let now = self.started.elapsed();
        let input = event.as_ref().map_or(Input::Wake, |(stream, event)| event.input(*stream));
        self.machine.handle(now, input, &mut self.outputs);
    }

    fn carry_out(&mut self, notices: &mut Vec<RegistrarNotice>) {
        let now = self.started.elapsed();
        for output in self.outputs.drain(..) {
            match output {
                RegistrarOutput::Send { stream, request } => {
                    self.exchanges.start(stream, self.client.send(now, request));
                }
                RegistrarOutput::Cancel { stream } => self.exchanges.cancel(stream),
                RegistrarOutput::Notice(RegistrarNotice::RefreshCredential) => {
                    self.client.refresh(now);
                }
                RegistrarOutput::Notice(notice) => notices.push(notice),
            }
        }
    }
}
