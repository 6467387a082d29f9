//! The engine: one reflector for each scope, one catalog for all of them.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use dubbo_k8s_codec::random::Random;

use crate::catalog::{Catalog, Changes, Liveness};

use super::context::{Context, Streams};
use super::reflector::Reflector;
use super::status::Status;
use super::{Input, Notice, Output, Settings, StreamId};

/// Follows the Pods of its scopes. See the module for how a driver runs it.
#[derive(Debug)]
pub struct Engine {
    settings: Settings,
    catalog: Catalog,
    reflectors: Vec<Reflector>,
    streams: Streams,
    changes: Changes,
    synced: bool,
    /// Pods of incomplete lists when the progress was last reported.
    progress: usize,
}

/// How often a large first list reports its progress, in Pods.
const PROGRESS: usize = 500;

impl Engine {
    /// An engine that has sent nothing yet. The seed decides all jitter: take a different one for
    /// each process, so that clients which lose a server together do not come back together.
    pub fn new(settings: Settings, seed: u64) -> Self {
        // Which labels count is said by the selector, and judged by the server.
        let liveness = Liveness { ready_only: settings.ready_only, labelled_only: false };
        let mut seeds = Random::new(seed);
        let reflectors = settings
            .scopes
            .iter()
            .map(|scope| Reflector::new(scope.clone(), Random::new(seeds.bits()), &settings))
            .collect();
        Self {
            catalog: Catalog::with_trust(liveness, Arc::new(settings.trust.clone())),
            changes: if settings.bulk { Changes::in_bulk() } else { Changes::default() },
            settings,
            reflectors,
            streams: Streams::default(),
            synced: false,
            progress: 0,
        }
    }

    /// Takes one input in at the time `now` (which never goes back), and adds what follows from it
    /// to `out`. Inputs for an exchange that is over are ignored.
    pub fn handle(&mut self, now: Duration, input: Input<'_>, out: &mut Vec<Output>) {
        let mut cx = Context {
            now,
            settings: &self.settings,
            catalog: &mut self.catalog,
            changes: &mut self.changes,
            streams: &mut self.streams,
            out,
        };
        if let Some(stream) = input.stream() {
            if let Some(reflector) = self.reflectors.iter_mut().find(|r| r.owns(stream)) {
                reflector.handle(&mut cx, stream, input);
            }
        } else {
            for reflector in &mut self.reflectors {
                reflector.wake(&mut cx);
            }
        }
        cx.tell_changes();
        if !self.synced {
            self.tell_progress(out);
        }
    }

    /// When to call [`Self::handle`] with [`Input::Wake`] at the latest.
    pub fn next_wake(&self) -> Option<Duration> {
        self.reflectors.iter().filter_map(Reflector::next_wake).min()
    }

    /// What is registered now.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// How current that is.
    pub fn status(&self) -> Status {
        Status { scopes: self.reflectors.iter().map(Reflector::status).collect() }
    }

    fn tell_progress(&mut self, out: &mut Vec<Output>) {
        let staged: usize = self.reflectors.iter().map(Reflector::staged).sum();
        let (pods, records) = (self.catalog.pods(), self.catalog.records());
        self.synced = self.reflectors.iter().all(Reflector::is_synced);
        if self.synced {
            out.push(Output::Notice(Notice::Synced { pods, records }));
        } else if staged / PROGRESS > self.progress {
            out.push(Output::Notice(Notice::Progress { pods: staged + pods, records }));
        }
        self.progress = staged / PROGRESS;
    }
}

impl Input<'_> {
    fn stream(&self) -> Option<StreamId> {
        match self {
            Self::Wake => None,
            Self::Head { stream, .. }
            | Self::Chunk { stream, .. }
            | Self::End { stream }
            | Self::Failed { stream, .. } => Some(*stream),
        }
    }
}
