//! The thread of one handler: takes changes from the registry's log when the handler is free for them, and
//! does what was decided. No other task waits for it, and it holds no more than one batch of changes.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use dubbo_k8s_engine::catalog::Change;
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::sync::watch;

use super::convert;
use super::delivery::{Call, Delivery, Outcome, Step, Verdict};
use super::instance::{Fault, Instance, Message, Template};
use super::meters::HandlerMeters;
use super::operator_log::OperatorLog;
use dubbo_k8s_registry::feed::{Meters, Reader};
use dubbo_k8s_registry::host;
use dubbo_k8s_registry::{Revision, Snapshot, Subscription, Update};

/// One handler, and all that it needs.
pub(super) struct Worker {
    pub(super) template: Template,
    pub(super) config: String,
    pub(super) batch: usize,
    pub(super) deadline: Duration,
    pub(super) delivery: Delivery,
    pub(super) reader: Reader,
    pub(super) registry: Arc<Meters>,
    pub(super) meters: HandlerMeters,
    pub(super) operator_log: Arc<OperatorLog>,
}

/// What is at hand for the handler.
struct Batch {
    subscription: Subscription,
    snapshot: Option<Snapshot>,
    changes: Vec<Change>,
}

impl Worker {
    /// Starts the thread, which ends when the registry does or when `closing` is closed.
    pub(super) fn start(self, closing: watch::Receiver<()>) {
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            match runtime {
                Ok(runtime) => {
                    runtime.block_on(self.run(closing));
                    runtime.shutdown_background();
                }
                Err(error) => self.operator_log.fail(&format!("cannot be run: {error}")),
            }
        });
    }

    async fn run(mut self, mut closing: watch::Receiver<()>) {
        tokio::select! {
            biased;
            _ = closing.changed() => {}
            () = self.follow() => {}
        }
    }

    async fn follow(&mut self) {
        let mut reader = self.reader.clone();
        // What is not in the first snapshot does not exist.
        if reader.wait(|state| state.is_synced().then_some(())).await.is_none() {
            return;
        }
        let mut batch = self.fresh();
        let mut instance = None;
        let started = Instant::now();
        loop {
            let open = match self.delivery.next(started.elapsed()) {
                Step::Call(call) => {
                    self.call(call, &mut instance, &mut batch, started).await;
                    true
                }
                Step::Pause(until) => {
                    host::sleep(until.saturating_sub(started.elapsed())).await;
                    self.reader.is_live()
                }
                Step::Wait(until) => {
                    let timeout = until.saturating_sub(started.elapsed());
                    self.wait(timeout, &mut batch).await
                }
            };
            if !open {
                return;
            }
        }
    }

    /// Everything as it is now, and what comes after it.
    fn fresh(&self) -> Batch {
        self.meters.behind();
        let subscription = Subscription::new(&self.reader, None, &self.registry);
        Batch { subscription, snapshot: None, changes: Vec::new() }
    }

    /// Waits for something to hand on; false when nothing will ever come.
    async fn wait(&mut self, timeout: Duration, batch: &mut Batch) -> bool {
        let known = self.reader.state().revision().number();
        let next = if let Some(next) = batch.subscription.next().now_or_never() {
            Ok(next)
        } else {
            // Whatever was published by then concerned no key.
            self.meters.caught_up(known);
            tokio::time::timeout(timeout, batch.subscription.next()).await
        };
        match next {
            Ok(Some(update)) => {
                self.take(update, batch);
                true
            }
            Ok(None) => false,
            Err(_elapsed) => true,
        }
    }

    /// Takes what has come, and what is there already, up to a batch.
    fn take(&mut self, first: Update, batch: &mut Batch) {
        let mut next = Some(first);
        while let Some(update) = next {
            match update {
                Update::Change(change) => {
                    self.meters.behind();
                    batch.changes.push(change);
                    self.delivery.changed();
                }
                Update::Snapshot(snapshot) => {
                    self.meters.behind();
                    self.meters.lagged();
                    self.operator_log.say("was too slow for the changes; it gets everything anew");
                    batch.changes.clear();
                    batch.snapshot = Some(snapshot);
                    self.delivery.lagged();
                }
                _ => {}
            }
            let full = batch.changes.len() >= self.batch || batch.snapshot.is_some();
            next = if full { None } else { batch.subscription.next().now_or_never().flatten() };
        }
    }

    async fn call(
        &mut self,
        call: Call,
        instance: &mut Option<Instance>,
        batch: &mut Batch,
        started: Instant,
    ) {
        let began = Instant::now();
        let result = match call {
            Call::Init => self.begin(instance).await,
            Call::Snapshot => self.tell_everything(instance, batch).await,
            Call::Changed => {
                let changes: Vec<_> = batch.changes.iter().map(convert::change).collect();
                self.send(instance, &Message::Changed(&changes)).await
            }
            Call::Health => self.send(instance, &Message::Health).await,
        };
        let took = began.elapsed();
        let outcome = match &result {
            Ok(()) => Outcome::Done,
            Err(Fault::Refused(_)) => Outcome::Refused,
            Err(Fault::Broken(_)) => Outcome::Broken,
        };
        let verdict = self.delivery.ended(started.elapsed(), call, outcome);
        self.meters.called(call, outcome, verdict, took);
        if outcome == Outcome::Broken || matches!(verdict, Verdict::Quarantined(_)) {
            // The next instance gets what there is by then.
            *instance = None;
            batch.changes.clear();
            batch.snapshot = None;
        }
        self.report(call, result.err(), verdict);
        if outcome == Outcome::Done && matches!(call, Call::Snapshot | Call::Changed) {
            let revision = batch.subscription.revision().map_or(0, Revision::number);
            self.meters.took(batch.changes.len(), revision);
            batch.changes.clear();
            batch.snapshot = None;
        }
    }

    async fn begin(&self, instance: &mut Option<Instance>) -> Result<(), Fault> {
        let made = self.template.instantiate(&self.operator_log, self.deadline).await;
        *instance = Some(made.map_err(Fault::Broken)?);
        self.send(instance, &Message::Init(&self.config)).await
    }

    /// What a lag has left at batch, or else what is registered now.
    async fn tell_everything(
        &self,
        instance: &mut Option<Instance>,
        batch: &mut Batch,
    ) -> Result<(), Fault> {
        if batch.snapshot.is_none() {
            *batch = self.fresh();
            if let Some(Some(Update::Snapshot(snapshot))) = batch.subscription.next().now_or_never()
            {
                batch.snapshot = Some(snapshot);
            }
        }
        let services = batch.snapshot.as_ref().map(convert::services).unwrap_or_default();
        self.send(instance, &Message::Snapshot(&services)).await
    }

    async fn send(
        &self,
        instance: &mut Option<Instance>,
        message: &Message<'_>,
    ) -> Result<(), Fault> {
        match instance {
            Some(instance) => instance.call(message, self.deadline).await,
            None => Ok(()),
        }
    }

    fn report(&self, call: Call, fault: Option<Fault>, verdict: Verdict) {
        let name = call.as_str();
        let why = match fault {
            Some(Fault::Refused(text)) => format!("{name} failed: {}", shortened(&text)),
            Some(Fault::Broken(stopped)) => format!("{name} was broken off: {stopped}"),
            None => String::new(),
        };
        match verdict {
            Verdict::Fine if why.is_empty() => {}
            Verdict::Fine => self.operator_log.fail(&why),
            Verdict::Recovered => self.operator_log.say("works again"),
            Verdict::Again(pause) => {
                self.operator_log.fail(&format!("{why}; again in {:.1} s", pause.as_secs_f64()));
            }
            Verdict::Quarantined(pause) => self.operator_log.fail(&format!(
                "{why}; it has failed too often and is left alone for {} s",
                pause.as_secs()
            )),
        }
    }
}

/// A handler's own words, as far as they fit.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 500;
    text.chars().take(LONGEST).collect()
}
