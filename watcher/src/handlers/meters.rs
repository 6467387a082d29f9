//! What handlers count. The labels are the handlers' names, which come from the command line, and short,
//! fixed lists.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use prometheus::core::Collector;
use prometheus::{Gauge, GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts};

use super::delivery::{Call, Outcome, Verdict};
use dubbo_k8s_registry::feed::Reader;

/// Seconds. An empty handler takes some microseconds, one that calls out up to its deadline.
const BUCKETS: [f64; 10] = [0.000_01, 0.000_03, 0.000_1, 0.001, 0.01, 0.1, 0.5, 1.0, 5.0, 10.0];

/// Counters of all handlers. Cheap to clone.
#[derive(Clone)]
pub struct Meters {
    shared: Arc<Shared>,
}

struct Shared {
    reader: Reader,
    calls: IntCounterVec,
    retries: IntCounterVec,
    lags: IntCounterVec,
    changes: IntCounterVec,
    latencies: HistogramVec,
    quarantined: IntGaugeVec,
    healthy: IntGaugeVec,
    progress: Vec<Arc<Progress>>,
}

/// How far one handler is.
pub(super) struct Progress {
    handler: String,
    /// The number of the revision that it has taken in.
    taken: AtomicU64,
    /// Since when it has been behind.
    behind_since: Mutex<Option<Instant>>,
}

/// Counters of one handler.
#[derive(Clone)]
pub(super) struct HandlerMeters {
    shared: Arc<Shared>,
    progress: Arc<Progress>,
}

impl Meters {
    #[expect(clippy::expect_used, reason = "constants, checked by a test")]
    pub(super) fn new(reader: Reader, names: &[String]) -> Self {
        let latencies = HistogramOpts::new(
            "dubbo_watcher_handler_call_duration_seconds",
            "Time that a call of a handler took.",
        )
        .buckets(BUCKETS.to_vec());
        let shared = Shared {
            reader,
            calls: counters(
                "dubbo_watcher_handler_calls_total",
                "Calls of a handler, by function and by how they ended.",
                &["handler", "call", "outcome"],
            ),
            retries: counters(
                "dubbo_watcher_handler_retries_total",
                "Calls of a handler that had to be made again.",
                &["handler"],
            ),
            lags: counters(
                "dubbo_watcher_handler_lags_total",
                "Fresh snapshots that a handler got because it was too slow for the changes.",
                &["handler"],
            ),
            changes: counters(
                "dubbo_watcher_handler_changes_total",
                "Changes that a handler has taken in, those of snapshots not counted.",
                &["handler"],
            ),
            latencies: HistogramVec::new(latencies, &["handler", "call"]).expect("legal names"),
            quarantined: gauges(
                "dubbo_watcher_handler_quarantined",
                "1 while a handler is left alone after repeated failure, otherwise 0.",
            ),
            healthy: gauges(
                "dubbo_watcher_handler_healthy",
                "1 when a handler runs and last said that it can do its work, otherwise 0.",
            ),
            progress: names.iter().map(|name| Arc::new(Progress::new(name))).collect(),
        };
        for name in names {
            shared.prepare(name);
        }
        Self { shared: Arc::new(shared) }
    }

    pub(super) fn of(&self, name: &str) -> HandlerMeters {
        let known = self.shared.progress.iter().find(|progress| progress.handler == name);
        let progress = known.cloned().unwrap_or_else(|| Arc::new(Progress::new(name)));
        HandlerMeters { shared: Arc::clone(&self.shared), progress }
    }

    /// All of them as they are now, for a server to show.
    #[expect(clippy::expect_used, reason = "constants, checked by a test")]
    pub(crate) fn collectors(&self) -> Vec<Box<dyn Collector>> {
        let shared = &self.shared;
        let waiting = gauges(
            "dubbo_watcher_handler_queue",
            "Changes of the registry that a handler has not taken in yet.",
        );
        let lag = Opts::new(
            "dubbo_watcher_handler_lag_seconds",
            "For how long a handler has been behind the registry; 0 when it is not.",
        );
        let lag = GaugeVec::new(lag, &["handler"]).expect("legal names");
        let now = shared.reader.state().revision().number();
        for progress in &shared.progress {
            let label = [progress.handler.as_str()];
            let behind = progress.behind();
            let taken = progress.taken.load(Ordering::Relaxed);
            // The revision moves with more than changes of keys: only when it is behind does it count.
            let changes = behind.map_or(0, |_| now.saturating_sub(taken));
            waiting.with_label_values(&label).set(i64::try_from(changes).unwrap_or(i64::MAX));
            let since: Gauge = lag.with_label_values(&label);
            since.set(behind.unwrap_or_default().as_secs_f64());
        }
        let counters = [&shared.calls, &shared.retries, &shared.lags, &shared.changes];
        let mut all: Vec<Box<dyn Collector>> = vec![
            Box::new(waiting),
            Box::new(lag),
            Box::new(shared.latencies.clone()),
            Box::new(shared.quarantined.clone()),
            Box::new(shared.healthy.clone()),
        ];
        all.extend(counters.map(|counter| Box::new(counter.clone()) as Box<dyn Collector>));
        all
    }
}

impl fmt::Debug for Meters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meters").finish_non_exhaustive()
    }
}

impl Shared {
    /// Every series is there from the start: a rate needs the zero before the one.
    fn prepare(&self, name: &str) {
        for call in Call::ALL {
            for outcome in [Outcome::Done, Outcome::Refused, Outcome::Broken] {
                self.calls.with_label_values(&[name, call.as_str(), text(outcome)]);
            }
            self.latencies.with_label_values(&[name, call.as_str()]);
        }
        for counters in [&self.retries, &self.lags, &self.changes] {
            counters.with_label_values(&[name]);
        }
        for gauges in [&self.quarantined, &self.healthy] {
            gauges.with_label_values(&[name]);
        }
    }
}

impl Progress {
    fn new(handler: &str) -> Self {
        let behind_since = Mutex::new(Some(Instant::now()));
        Self { handler: handler.to_owned(), taken: AtomicU64::new(0), behind_since }
    }

    /// For how long; `None` when it knows everything.
    fn behind(&self) -> Option<Duration> {
        let since = *self.behind_since.lock().unwrap_or_else(PoisonError::into_inner);
        Some(since?.elapsed())
    }
}

impl HandlerMeters {
    pub(super) fn called(&self, call: Call, outcome: Outcome, verdict: Verdict, took: Duration) {
        let (shared, name) = (&self.shared, self.progress.handler.as_str());
        shared.calls.with_label_values(&[name, call.as_str(), text(outcome)]).inc();
        shared.latencies.with_label_values(&[name, call.as_str()]).observe(took.as_secs_f64());
        if matches!(verdict, Verdict::Again(_) | Verdict::Quarantined(_)) {
            shared.retries.with_label_values(&[name]).inc();
        }
        let is_quarantined = matches!(verdict, Verdict::Quarantined(_));
        shared.quarantined.with_label_values(&[name]).set(i64::from(is_quarantined));
        if call == Call::Health || outcome != Outcome::Done {
            shared.healthy.with_label_values(&[name]).set(i64::from(outcome == Outcome::Done));
        }
    }

    pub(super) fn lagged(&self) {
        self.shared.lags.with_label_values(&[self.progress.handler.as_str()]).inc();
    }

    /// It has taken in so many changes, and is at this revision.
    pub(super) fn took(&self, changes: usize, revision: u64) {
        let name = self.progress.handler.as_str();
        self.shared.changes.with_label_values(&[name]).inc_by(changes as u64);
        self.progress.taken.store(revision, Ordering::Relaxed);
    }

    /// There is something that it does not know yet.
    pub(super) fn behind(&self) {
        let mut since = self.progress.behind_since.lock().unwrap_or_else(PoisonError::into_inner);
        since.get_or_insert_with(Instant::now);
    }

    /// It knows everything.
    pub(super) fn caught_up(&self, revision: u64) {
        self.progress.taken.store(revision, Ordering::Relaxed);
        *self.progress.behind_since.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

const fn text(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Done => "done",
        Outcome::Refused => "refused",
        Outcome::Broken => "broken",
    }
}

#[expect(clippy::expect_used, reason = "constants, checked by a test")]
fn counters(name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    IntCounterVec::new(Opts::new(name, help), labels).expect("legal names")
}

#[expect(clippy::expect_used, reason = "constants, checked by a test")]
fn gauges(name: &str, help: &str) -> IntGaugeVec {
    IntGaugeVec::new(Opts::new(name, help), &["handler"]).expect("legal names")
}
