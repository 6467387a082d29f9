//! The writer half of the live registry. There is one, and it alone changes what is published: a
//! whole batch at a time, in one swap, so that nobody ever sees half of it.

use std::sync::Arc;

use arc_swap::ArcSwap;
use dubbo_k8s_engine::catalog::{
    Catalog, Holder, PodChange, PodEntry, ProblemChange, ProblemKind, StoredKey,
};
use tokio::sync::watch;
use tokio::time::Instant;

use super::entry::{Entry, Touched, What};
use super::log::LogLimits;
use super::meters::Meters;
use super::reader::{Published, Reader};
use super::record::{Holders, Record};
use super::state::{Placed, State};
use dubbo_k8s_engine::Notice;

/// More keys than this are not remembered for one event.
const MANY_KEYS: usize = 64;

/// The writer half. Dropping it ends all subscriptions.
#[derive(Debug)]
pub(crate) struct Publisher {
    next: State,
    published: Arc<Published>,
    moved: watch::Sender<()>,
    meters: Arc<Meters>,
}

impl Publisher {
    /// A registry without content, and its reader half.
    pub(crate) fn new(limits: LogLimits, meters: Arc<Meters>) -> (Self, Reader) {
        let next = State::new(limits);
        let published = Arc::new(Published { state: ArcSwap::from_pointee(next.clone()) });
        let (moved, is_moved) = watch::channel(());
        let reader = Reader { published: Arc::clone(&published), moved: is_moved };
        (Self { next, published, moved, meters }, reader)
    }

    /// Publishes one batch of notices and empties it. The catalog is the one they lead to; it is
    /// `synced` when every scope has been complete once, and silent while one is not followed.
    pub(crate) fn publish(
        &mut self,
        catalog: &Catalog,
        synced: bool,
        silent_since: Option<Instant>,
        notices: &mut Vec<Notice>,
    ) {
        let told = told(notices);
        for notice in notices.drain(..) {
            self.meters.count(&notice);
            match notice {
                Notice::Progress { .. } | Notice::RefreshCredential => {}
                Notice::Pod(change) => self.pod(catalog, &change, &told),
                Notice::Filled => self.fill(catalog),
                Notice::Change(change) => self.log(true, What::Notice(Notice::Change(change))),
                notice => {
                    if let Notice::Disconnected { error, .. } | Notice::Failed { error, .. } =
                        &notice
                    {
                        self.next.freshness.failure = Some(Arc::new(error.clone()));
                    }
                    let content = matches!(notice, Notice::Problem(_) | Notice::Synced { .. });
                    self.log(content, What::Notice(notice));
                }
            }
        }
        self.next.freshness.update(synced, silent_since);
        self.published.state.store(Arc::new(self.next.clone()));
        self.moved.send_replace(());
    }

    /// Takes in all of a catalog, where there was nothing.
    fn fill(&mut self, catalog: &Catalog) {
        for entry in catalog.pod_entries() {
            self.place(None, Some(entry));
        }
        for (key, value, holders) in catalog.carried() {
            if let Some(holders) = Holders::of(holders) {
                self.next.records.insert(key, Record { value: Arc::clone(value), holders });
            }
        }
        self.meters.first_list(catalog.records());
        if catalog.records() > self.next.log.room() {
            // Nobody could be told of each; whoever was there before gets it as a snapshot.
            self.next.revision = self.next.revision.next();
            self.next.log.skip(self.next.revision);
        } else {
            for change in catalog.everything() {
                self.log(true, What::Notice(Notice::Change(change)));
            }
        }
        for problem in catalog.problems() {
            let notice = Notice::Problem(ProblemChange { kind: ProblemKind::Raised, problem });
            self.meters.count(&notice);
            self.log(true, What::Notice(notice));
        }
    }

    fn log(&mut self, content: bool, what: What) {
        if content {
            self.next.revision = self.next.revision.next();
        }
        self.next.log.push(Entry::new(self.next.revision, content, what));
    }

    /// Takes in one Pod that has changed, come or gone. `told` are the keys of which everybody
    /// hears anyway.
    fn pod(&mut self, catalog: &Catalog, change: &PodChange, told: &[Arc<str>]) {
        let (before, after) = (change.before.as_ref(), change.after.as_ref());
        self.place(before, after);
        if before.zip(after).is_some_and(|(before, after)| before.shows_the_same(after)) {
            return;
        }
        let (mut same, mut silent) = (true, Vec::new());
        for (key, carried) in change.keys() {
            same = false;
            let holder = if carried { after } else { before }.map(|pod| pod.holder());
            if let Some(holder) = holder {
                self.record(catalog, key, holder, carried);
            }
            if told.binary_search_by(|told| key.cmp_text(told).reverse()).is_err() {
                silent.push(key.to_shared());
            }
        }
        if silent.is_empty() && !same {
            return;
        }
        let touched =
            if silent.len() > MANY_KEYS { Touched::Many } else { Touched::Keys(silent.into()) };
        self.log(true, What::Touched(touched));
    }

    /// Puts a Pod where it belongs.
    fn place(&mut self, before: Option<&Arc<PodEntry>>, after: Option<&Arc<PodEntry>>) {
        let is_bad = |pod: &&Arc<PodEntry>| !pod.problems().is_empty();
        if let Some(before) = before.filter(is_bad) {
            self.next.problems.remove(&Placed(Arc::clone(before)));
        }
        if let Some(after) = after.filter(is_bad) {
            self.next.problems.insert(Placed(Arc::clone(after)));
        }
        match (before, after) {
            (_, Some(after)) => drop(self.next.pods.insert(Placed(Arc::clone(after)))),
            (Some(before), None) => drop(self.next.pods.remove(&Placed(Arc::clone(before)))),
            (None, None) => {}
        }
    }

    /// Brings one key up to date: the value is the catalog's, the holder comes or goes.
    fn record(&mut self, catalog: &Catalog, key: &StoredKey, holder: &Arc<Holder>, carried: bool) {
        let records = &mut self.next.records;
        let Some(value) = catalog.value(key) else {
            records.remove(key);
            return;
        };
        match records.get_mut(key) {
            Some(record) => {
                record.value = Arc::clone(value);
                if carried {
                    record.holders.insert(holder);
                } else {
                    record.holders.remove(holder);
                }
            }
            None if carried => {
                let holders = Holders::One(Arc::clone(holder));
                records.insert(key, Record { value: Arc::clone(value), holders });
            }
            None => {}
        }
    }
}

/// The keys of which everybody hears anyway, in order.
fn told(notices: &[Notice]) -> Vec<Arc<str>> {
    let keys = notices.iter().filter_map(|notice| match notice {
        Notice::Change(change) => Some(Arc::clone(&change.key)),
        _ => None,
    });
    let mut told: Vec<_> = keys.collect();
    told.sort_unstable();
    told
}
