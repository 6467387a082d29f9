//! Counters of one registry, for a program that exports them. They must never look into a key, a value or
//! an error's text: labels are from short, fixed lists.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dubbo_k8s_engine::catalog::{ProblemChange, ProblemKind};
use dubbo_k8s_engine::{Cause, Notice, RelistReason};

/// Counters of one registry: [`families`](Self::families) has them by name.
#[derive(Debug)]
pub struct Meters {
    changes: Family,
    pod_updates: Family,
    relists: Family,
    disconnects: Family,
    reconnects: Family,
    failures: Family,
    decode_errors: Family,
    lags: Family,
    subscribers: Family,
}

/// One metric with a count for each value of its label.
#[derive(Debug)]
#[non_exhaustive]
pub struct Family {
    /// Its name without the exporting program's prefix: `changes_total`.
    pub name: &'static str,
    /// What it counts, in a sentence.
    pub help: &'static str,
    /// The name of its label; empty where it has none.
    pub label: &'static str,
    /// It may fall: a gauge. Otherwise it only rises.
    pub falls: bool,
    samples: Box<[(&'static str, AtomicU64)]>,
}

impl Family {
    /// Every value of the label with its count; all are there from the start, because a rate needs
    /// the zero before the one. Without a label, one sample of an empty value.
    pub fn samples(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.samples.iter().map(|(value, count)| (*value, count.load(Ordering::Relaxed)))
    }

    fn of(name: &'static str, help: &'static str) -> Self {
        Self::by("", &[""], name, help)
    }

    fn by(
        label: &'static str,
        values: &[&'static str],
        name: &'static str,
        help: &'static str,
    ) -> Self {
        let samples = values.iter().map(|value| (*value, AtomicU64::new(0))).collect();
        Self { name, help, label, falls: false, samples }
    }

    fn count(&self, value: &str) -> Option<&AtomicU64> {
        self.samples.iter().find(|(known, _)| *known == value).map(|(_, count)| count)
    }

    fn add(&self, value: &str, more: u64) {
        if let Some(count) = self.count(value) {
            count.fetch_add(more, Ordering::Relaxed);
        }
    }

    fn subtract(&self, value: &str) {
        if let Some(count) = self.count(value) {
            count.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Meters {
    pub(super) fn new() -> Self {
        Self {
            changes: Family::by(
                "kind",
                &["added", "updated", "removed"],
                "changes_total",
                "Keys of the registry that came, changed their value, or went.",
            ),
            pod_updates: Family::of(
                "pod_updates_total",
                "Pods whose records have changed, came or went.",
            ),
            relists: Family::by(
                "reason",
                &RelistReason::CODES,
                "relists_total",
                "Scopes that were read from the start again, by reason.",
            ),
            disconnects: Family::by(
                "cause",
                &Cause::CODES,
                "disconnects_total",
                "Scopes that were followed and then lost, by cause.",
            ),
            reconnects: Family::of(
                "reconnects_total",
                "Scopes that are followed again after they were lost.",
            ),
            failures: Family::by(
                "cause",
                &Cause::CODES,
                "failed_attempts_total",
                "Attempts to list or watch that failed while not connected, by cause.",
            ),
            decode_errors: Family::by(
                "stage",
                &["base64", "utf8", "json", "shape", "protobuf"],
                "decode_errors_total",
                "Pods that have become unreadable, by the stage that failed.",
            ),
            lags: Family::by(
                "via",
                &VIA,
                "subscriber_lags_total",
                "Fresh snapshots that a subscriber got because it was too slow for the changes.",
            ),
            subscribers: Family {
                falls: true,
                ..Family::by("via", &VIA, "subscribers", "Subscribers and long polls now.")
            },
        }
    }

    /// All metrics.
    pub fn families(&self) -> [&Family; 9] {
        [
            &self.changes,
            &self.pod_updates,
            &self.relists,
            &self.disconnects,
            &self.reconnects,
            &self.failures,
            &self.decode_errors,
            &self.lags,
            &self.subscribers,
        ]
    }

    pub(super) fn count(&self, notice: &Notice) {
        match notice {
            Notice::Change(change) => self.changes.add(change.kind.as_str(), 1),
            Notice::Problem(problem) => self.problem(problem),
            Notice::Relisted { reason, .. } => self.relists.add(reason.code(), 1),
            Notice::Disconnected { error, .. } => self.disconnects.add(error.cause.code(), 1),
            Notice::Reconnected { .. } => self.reconnects.add("", 1),
            Notice::Failed { error, .. } => self.failures.add(error.cause.code(), 1),
            Notice::Pod(_) => self.pod_updates.add("", 1),
            _ => {}
        }
    }

    /// Counts the records of a first list, which come at once.
    pub(super) fn first_list(&self, records: usize) {
        self.changes.add("added", records as u64);
    }

    fn problem(&self, change: &ProblemChange) {
        if change.kind == ProblemKind::Raised {
            self.decode_errors.add(change.problem.error.stage.as_str(), 1);
        }
    }
}

/// Ways to subscribe.
const VIA: [&str; 3] = ["library", "events", "poll"];

/// A subscriber in [`Meters`]: counted until it is dropped.
#[derive(Debug)]
pub struct Subscriber {
    meters: Arc<Meters>,
    via: &'static str,
}

impl Subscriber {
    /// Counts a subscriber; `via` is one of `library`, `events` and `poll`.
    pub fn new(meters: &Arc<Meters>, via: &'static str) -> Self {
        meters.subscribers.add(via, 1);
        Self { meters: Arc::clone(meters), via }
    }

    /// Counts a fresh snapshot that it got instead of the changes it was too slow for.
    pub fn lagged(&self) {
        self.meters.lags.add(self.via, 1);
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.meters.subscribers.subtract(self.via);
    }
}
