//! The driver: the only loop that awaits the server, and the only clock. It moves bytes and
//! time between [`Client`] and [`Engine`] and never looks into either.
//!
//! It must be polled all the time: a slow receiver takes the notices through a
//! queue of its own, because a server drops clients that read slowly.

use std::time::Duration;

use futures_util::FutureExt as _;

use super::{Client, Event, exchanges::Exchanges};
use crate::host::{Instant, sleep_until};
use dubbo_k8s_engine::{Cause, Engine, Input, Notice, Output, StreamId, TransportErrorKind};

/// Room for what follows from most inputs.
const OUTPUTS: usize = 1024;
/// How many inputs more are reported together with the first, when they are there already: reporting costs
/// as much for many as for one, but the first must not wait long for the last.
const MORE: usize = 7;

/// Runs one [`Engine`] against one server.
pub struct Driver {
    engine: Engine,
    client: Client,
    started: Instant,
    begun: bool,
    outputs: Vec<Output>,
    exchanges: Exchanges,
}

impl std::fmt::Debug for Driver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Driver")
            .field("client", &self.client)
            .field("open", &self.exchanges.len())
            .finish_non_exhaustive()
    }
}

impl Driver {
    /// A driver that has sent nothing yet. Dropping it drops its exchanges and connections.
    pub fn new(client: Client, engine: Engine) -> Self {
        Self {
            engine,
            client,
            started: Instant::now(),
            begun: false,
            outputs: Vec::new(),
            exchanges: Exchanges::default(),
        }
    }

    /// Works until the engine has a notice, and adds it to `notices`: everything that
    /// follows from one input and from those few behind it that have arrived too, so that the catalog
    /// agrees with them when this returns.
    ///
    /// Cancellation safe. It never ends by itself: every failure is a notice, and is tried again.
    pub async fn next(&mut self, notices: &mut Vec<Notice>) {
        let before = notices.len();
        while notices.len() == before {
            self.step().await;
            self.carry_out(notices);
        }
        for _ in 0..MORE {
            let now = self.now();
            if self.engine.next_wake().is_some_and(|wake| wake <= now) {
                return;
            }
            let Some(event) = self.exchanges.next().now_or_never() else { return };
            self.take(Some(&event));
            self.carry_out(notices);
        }
    }

    /// The engine: its catalog and how current that is.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The client, for requests beside the engine's.
    pub fn client(&mut self) -> &mut Client {
        &mut self.client
    }

    /// The engine's time: what is passed to it as `now`.
    pub fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// Waits for one input and gives it to the engine. A wake that is due is not put off by a
    /// server that never stops sending.
    async fn step(&mut self) {
        let wake = if self.begun { self.engine.next_wake() } else { Some(Duration::ZERO) };
        self.begun = true;
        let event = tokio::select! {
            biased;
            () = sleep_until(wake.map(|wake| self.started + wake)) => None,
            event = self.exchanges.next() => Some(event),
        };
        self.take(event.as_ref());
    }

    /// Gives an input to the engine; a wake without an event.
    fn take(&mut self, event: Option<&(StreamId, Event)>) {
        let now = self.now();
        let input = event.map_or(Input::Wake, |(stream, event)| event.input(*stream));
        self.engine.handle(now, input, &mut self.outputs);
    }

    fn carry_out(&mut self, notices: &mut Vec<Notice>) {
        let now = self.now();
        notices.reserve(self.outputs.len());
        for output in self.outputs.drain(..) {
            match output {
                Output::Send { stream, request } => {
                    self.exchanges.start(stream, self.client.send(now, request));
                }
                Output::Cancel { stream } => self.exchanges.cancel(stream),
                Output::Notice(Notice::RefreshCredential) => self.client.refresh(now),
                Output::Notice(notice) => {
                    if is_overdue(&notice) {
                        self.client.reconnect();
                    }
                    notices.push(notice);
                }
            }
        }
        // The room that a first list needed is not needed again.
        self.outputs.shrink_to(OUTPUTS);
    }
}

/// Whether an exchange was given up because nothing came. Behind a proxy that answers pings for a
/// dead server the same connection would stay dead for ever.
fn is_overdue(notice: &Notice) -> bool {
    let (Notice::Disconnected { error, .. } | Notice::Failed { error, .. }) = notice else {
        return false;
    };
    matches!(&error.cause, Cause::Transport(error) if error.kind == TransportErrorKind::Deadline)
}
