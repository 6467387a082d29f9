//! What the registry counts. It must never look into a key, a value or an error's text: labels are
//! from short, fixed lists.

use std::sync::Arc;

use dubbo_k8s_codec::{ChangeKind, ProblemChange, ProblemKind};
use prometheus::core::Collector;
use prometheus::{IntCounter, IntCounterVec, IntGaugeVec, Opts};

use crate::core::{Cause, Failure, Notice, RelistReason};

/// Counters of one registry. A server shows them; without one nobody does, and they cost little.
#[derive(Debug)]
pub(crate) struct Meters {
    changes: IntCounterVec,
    touches: IntCounter,
    relists: IntCounterVec,
    disconnects: IntCounterVec,
    reconnects: IntCounter,
    failures: IntCounterVec,
    decode_errors: IntCounterVec,
    lags: IntCounterVec,
    subscribers: IntGaugeVec,
}

impl Meters {
    pub(crate) fn new() -> Self {
        Self {
            changes: counters(
                "dubbo_watcher_changes_total",
                "Keys of the registry that came, changed their value, or went.",
                "kind",
                &["added", "updated", "removed"],
            ),
            touches: counter(
                "dubbo_watcher_pod_updates_total",
                "Pods whose records have changed, came or went.",
            ),
            relists: counters(
                "dubbo_watcher_relists_total",
                "Scopes that were read from the start again, by reason.",
                "reason",
                &["expired", "rewound", "watch_error"],
            ),
            disconnects: counters(
                "dubbo_watcher_disconnects_total",
                "Scopes that were followed and then lost, by cause.",
                "cause",
                &CAUSES,
            ),
            reconnects: counter(
                "dubbo_watcher_reconnects_total",
                "Scopes that are followed again after they were lost.",
            ),
            failures: counters(
                "dubbo_watcher_failed_attempts_total",
                "Attempts to list or watch that failed while not connected, by cause.",
                "cause",
                &CAUSES,
            ),
            decode_errors: counters(
                "dubbo_watcher_decode_errors_total",
                "Pods that have become unreadable, by the stage that failed.",
                "stage",
                &["base64", "utf8", "json", "shape"],
            ),
            lags: counters(
                "dubbo_watcher_subscriber_lags_total",
                "Fresh snapshots that a subscriber got because it was too slow for the changes.",
                "via",
                &VIA,
            ),
            subscribers: gauges(
                "dubbo_watcher_subscribers",
                "Subscribers and long polls now.",
                "via",
                &VIA,
            ),
        }
    }

    /// All of them, for a server to show.
    pub(crate) fn collectors(&self) -> Vec<Box<dyn Collector>> {
        let vecs = [
            &self.changes,
            &self.relists,
            &self.disconnects,
            &self.failures,
            &self.decode_errors,
            &self.lags,
        ];
        let counters = [&self.touches, &self.reconnects];
        let mut all: Vec<Box<dyn Collector>> = vec![Box::new(self.subscribers.clone())];
        all.extend(vecs.map(|vec| Box::new(vec.clone()) as Box<dyn Collector>));
        all.extend(counters.map(|counter| Box::new(counter.clone()) as Box<dyn Collector>));
        all
    }

    pub(super) fn notice(&self, notice: &Notice) {
        match notice {
            Notice::Change(change) => self.changes.with_label_values(&[kind(change.kind)]).inc(),
            Notice::Problem(problem) => self.problem(problem),
            Notice::Relisted { reason, .. } => {
                self.relists.with_label_values(&[relist(reason)]).inc();
            }
            Notice::Disconnected { error, .. } => {
                self.disconnects.with_label_values(&[cause(error)]).inc();
            }
            Notice::Reconnected { .. } => self.reconnects.inc(),
            Notice::Failed { error, .. } => self.failures.with_label_values(&[cause(error)]).inc(),
            Notice::Pod(_) => self.touches.inc(),
            Notice::Filled
            | Notice::Progress { .. }
            | Notice::Synced { .. }
            | Notice::RefreshCredential => {}
        }
    }

    /// So many keys have come at once.
    pub(super) fn filled(&self, records: usize) {
        self.changes.with_label_values(&["added"]).inc_by(records as u64);
    }

    fn problem(&self, change: &ProblemChange) {
        if change.kind == ProblemKind::Raised {
            let stage = change.problem.error.stage.as_str();
            self.decode_errors.with_label_values(&[stage]).inc();
        }
    }
}

/// Ways to subscribe.
const VIA: [&str; 3] = ["library", "events", "poll"];

const CAUSES: [&str; 5] = ["refused", "transport", "short_watch", "cut_short", "not_a_list"];

fn kind(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Added => "added",
        ChangeKind::Updated => "updated",
        ChangeKind::Removed => "removed",
    }
}

fn relist(reason: &RelistReason) -> &'static str {
    match reason {
        RelistReason::Expired => "expired",
        RelistReason::Rewound => "rewound",
        RelistReason::WatchError(_) => "watch_error",
    }
}

fn cause(failure: &Failure) -> &'static str {
    match failure.cause {
        Cause::Refused { .. } => "refused",
        Cause::Transport(_) => "transport",
        Cause::ShortWatch => "short_watch",
        Cause::CutShort => "cut_short",
        Cause::NotAList(_) => "not_a_list",
    }
}

/// Somebody who is subscribed: counted until it is dropped.
#[derive(Debug)]
pub(crate) struct Subscriber {
    meters: Arc<Meters>,
    via: &'static str,
}

impl Subscriber {
    /// `via` is one of `library`, `events` and `poll`.
    pub(crate) fn new(meters: &Arc<Meters>, via: &'static str) -> Self {
        meters.subscribers.with_label_values(&[via]).inc();
        Self { meters: Arc::clone(meters), via }
    }

    pub(crate) fn lagged(&self) {
        self.meters.lags.with_label_values(&[self.via]).inc();
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.meters.subscribers.with_label_values(&[self.via]).dec();
    }
}

// The names are constants that the tests register, so an error here is a mistake of this file.
#[expect(clippy::expect_used, reason = "constants, checked by a test")]
fn counter(name: &str, help: &str) -> IntCounter {
    IntCounter::new(name, help).expect("the name is legal")
}

/// Every value of the label is there from the start: a rate needs the zero before the one.
#[expect(clippy::expect_used, reason = "constants, checked by a test")]
fn counters(name: &str, help: &str, label: &str, values: &[&str]) -> IntCounterVec {
    let counters = IntCounterVec::new(Opts::new(name, help), &[label]).expect("a legal name");
    for value in values {
        counters.with_label_values(&[value]);
    }
    counters
}

#[expect(clippy::expect_used, reason = "constants, checked by a test")]
fn gauges(name: &str, help: &str, label: &str, values: &[&str]) -> IntGaugeVec {
    let gauges = IntGaugeVec::new(Opts::new(name, help), &[label]).expect("a legal name");
    for value in values {
        gauges.with_label_values(&[value]);
    }
    gauges
}
