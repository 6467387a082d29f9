//! What is held of one scope: its part of the catalog, the version of that, and the half of a list
//! that is being read. It must never let a version stand for events that were not applied.

use crate::catalog::{Relist, Scope};
use alloc::borrow::ToOwned as _;
use alloc::string::String;
use dubbo_k8s_codec::problem::Phrase;
use dubbo_k8s_codec::{Found, Pod, PodError, WatchEvent};

use super::context::Context;
use super::recent::Recent;
use super::refusal::Refusal;
use super::version::{distance, is_older};

/// One scope as far as it is known.
#[derive(Debug)]
pub(super) struct Replica {
    pub(super) scope: Scope,
    /// The catalog holds a state of the scope.
    pub(super) synced: bool,
    /// The version of that state; empty before the first sync. Opaque.
    version: String,
    /// The newest version that the server has named; empty where it is the one that is held.
    newest: String,
    /// The server does not have that version; a list must not ask for it.
    version_refused: bool,
    recent: Recent,
    staging: Option<Staging>,
    /// The last list that was committed is older than what was held before.
    went_back: bool,
}

/// A list that is not complete yet. No reader sees it before that.
#[derive(Debug)]
struct Staging {
    relist: Relist,
    /// The version of the first page: the oldest, if they differ.
    version: String,
    pods: usize,
    pages: Pages,
}

/// How a list in pages goes on.
#[derive(Debug, Default)]
struct Pages {
    count: usize,
    /// Pages in a row without an item.
    empty: usize,
    /// Items on all pages before.
    items: usize,
    /// The token of the last page.
    token: String,
}

/// A server may skip what a selector leaves out, but not for so many pages in a row.
const EMPTY_PAGES: usize = 16;
/// Pages of 500 Pods: fifty times as many as Kubernetes is made for.
const MOST_PAGES: usize = 15_000;

impl Pages {
    /// Whether a list that holds so many items by now comes to an end some day.
    fn goes_on(&mut self, items: usize, token: &str) -> bool {
        self.count += 1;
        self.empty = if items > self.items { 0 } else { self.empty + 1 };
        self.items = items;
        let again = *self.token == *token;
        token.clone_into(&mut self.token);
        !again && self.empty < EMPTY_PAGES && self.count < MOST_PAGES
    }
}

/// What one event of a watch asks of the reflector.
#[derive(Debug)]
pub(super) enum Effect {
    /// Something that was not known.
    News,
    /// Nothing new.
    Nothing,
    /// The initial events were complete and are committed.
    Synced,
    /// A bookmark among the initial events that does not end them.
    PlainBookmark,
    /// The server has come less far than what is held.
    Older,
    /// The server breaks the watch off.
    Error(Refusal),
}

impl Replica {
    pub(super) fn new(scope: Scope) -> Self {
        Self {
            scope,
            synced: false,
            version: String::new(),
            newest: String::new(),
            version_refused: false,
            recent: Recent::default(),
            staging: None,
            went_back: false,
        }
    }

    /// The version to watch from.
    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// The server has come as far as this version, whatever is held of it.
    pub(super) fn saw(&mut self, version: &str) {
        if is_older(&self.version, version) && !is_older(version, &self.newest) {
            version.clone_into(&mut self.newest);
        }
    }

    /// How many versions the server is ahead of what is held, as far as it is known; none where versions are
    /// no numbers, or nothing is held.
    pub(super) fn behind(&self) -> Option<u64> {
        let newest = if self.newest.is_empty() { &self.version } else { &self.newest };
        distance(&self.version, newest)
    }

    /// The version that a list must not be older than; empty: the newest there is.
    pub(super) fn list_version(&self) -> &str {
        if self.version_refused { "" } else { &self.version }
    }

    /// The server does not have the version. Answers whether one had been asked for.
    pub(super) fn refuse_version(&mut self) -> bool {
        let asked = !self.list_version().is_empty();
        self.version_refused = true;
        asked
    }

    /// Pods of the list that is being read.
    pub(super) fn staged(&self) -> usize {
        self.staging.as_ref().map_or(0, |staging| staging.pods)
    }

    /// Starts reading a list. What was read of another one is dropped.
    pub(super) fn stage(&mut self, cx: &Context<'_>) {
        let relist = cx.catalog.relist();
        self.staging =
            Some(Staging { relist, version: String::new(), pods: 0, pages: Pages::default() });
    }

    /// Takes in one item of a list.
    pub(super) fn item(&mut self, cx: &Context<'_>, item: Result<Pod<'_>, PodError>) {
        let Some(staging) = &mut self.staging else { return };
        match item {
            Ok(pod) => staging.observe(cx, &pod),
            Err(error) if is_another_kind(&error) => {}
            Err(error) => staging.relist.problem(cx.catalog, &error),
        }
    }

    /// A page is complete. Keeps its version, which no page after it may replace.
    pub(super) fn page(&mut self, version: &str) {
        self.saw(version);
        if let Some(staging) = &mut self.staging
            && staging.version.is_empty()
        {
            version.clone_into(&mut staging.version);
        }
    }

    /// Whether there may be another page behind this token: a list that never ends must not be read for ever.
    pub(super) fn goes_on(&mut self, token: &str) -> bool {
        let Some(staging) = &mut self.staging else { return false };
        staging.pages.goes_on(staging.pods, token)
    }

    /// The list is complete: one swap, of which the changes are the exact difference. False if it
    /// has no version to watch from.
    pub(super) fn commit(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(staging) = self.staging.take() else { return false };
        if !is_version(&staging.version) {
            return false;
        }
        cx.catalog.commit(&self.scope, staging.relist, cx.changes);
        self.went_back = is_older(&staging.version, &self.version);
        self.version = staging.version;
        self.newest.clear();
        self.version_refused = false;
        self.recent.clear();
        self.synced = true;
        true
    }

    /// Whether the list that was committed is older than what was held before. Asked once.
    pub(super) fn took_older_list(&mut self) -> bool {
        core::mem::take(&mut self.went_back)
    }

    /// A watch begins that follows what is held.
    pub(super) fn watch(&mut self) {
        self.recent.begin();
    }

    /// Takes in one event of a watch.
    pub(super) fn event(
        &mut self,
        cx: &mut Context<'_>,
        event: Result<WatchEvent<'_>, PodError>,
    ) -> Effect {
        match event {
            Ok(WatchEvent::Error(status)) => Effect::Error(Refusal::of_event(&status)),
            Ok(event) if self.staging.is_some() => self.initial(cx, event),
            Ok(event) => self.follow(cx, &event),
            Err(error) if is_another_kind(&error) => Effect::Nothing,
            Err(error) => self.unreadable(cx, &error),
        }
    }

    /// A problem beside the rest, and as good as applied: its version, if it could be read, counts.
    fn unreadable(&mut self, cx: &mut Context<'_>, error: &PodError) -> Effect {
        if let Some(staging) = &mut self.staging {
            staging.relist.problem(cx.catalog, error);
            return Effect::News;
        }
        cx.catalog.problem(error, cx.changes);
        self.reach(error.resource_version.as_deref().unwrap_or_default())
    }

    /// Before the closing bookmark: nothing is seen, and no version counts but the bookmark's.
    fn initial(&mut self, cx: &mut Context<'_>, event: WatchEvent<'_>) -> Effect {
        let Some(staging) = &mut self.staging else { return Effect::Nothing };
        match event {
            WatchEvent::Added(pod) | WatchEvent::Modified(pod) => staging.observe(cx, &pod),
            WatchEvent::Deleted(pod) => staging.relist.remove(&pod),
            WatchEvent::Bookmark { resource_version, initial_events_end: true }
                if is_version(&resource_version) =>
            {
                staging.version = resource_version.into_owned();
                self.commit(cx);
                return Effect::Synced;
            }
            WatchEvent::Bookmark { .. } => return Effect::PlainBookmark,
            _ => {}
        }
        Effect::News
    }

    /// The version is committed after the event was applied, never before.
    fn follow(&mut self, cx: &mut Context<'_>, event: &WatchEvent<'_>) -> Effect {
        match event {
            WatchEvent::Added(pod) | WatchEvent::Modified(pod) => {
                if !self.recent.is_news(false, &pod.uid, &pod.resource_version) {
                    return Effect::Nothing;
                }
                cx.catalog.observe(pod, cx.changes);
                self.reach(&pod.resource_version)
            }
            WatchEvent::Deleted(pod) => {
                if !self.recent.is_news(true, &pod.uid, &pod.resource_version) {
                    return Effect::Nothing;
                }
                cx.catalog.remove(pod, cx.changes);
                self.reach(&pod.resource_version)
            }
            WatchEvent::Bookmark { resource_version, .. } if self.is_before(resource_version) => {
                Effect::Older
            }
            WatchEvent::Bookmark { resource_version, .. } => self.reach(resource_version),
            _ => Effect::Nothing,
        }
    }

    /// Only what a server repeats is older than what is held, and the watch goes on behind that.
    fn reach(&mut self, version: &str) -> Effect {
        if !is_version(version) || *version == *self.version {
            return Effect::Nothing;
        }
        if !self.is_before(version) {
            version.clone_into(&mut self.version);
            if !is_older(version, &self.newest) {
                self.newest.clear();
            }
        }
        Effect::News
    }

    fn is_before(&self, version: &str) -> bool {
        is_older(version, &self.version)
    }
}

impl Staging {
    fn observe(&mut self, cx: &Context<'_>, pod: &Pod<'_>) {
        self.relist.observe(cx.catalog, pod);
        self.pods += 1;
    }
}

/// An object that the registry has nothing to do with, so nothing is wrong with it either.
fn is_another_kind(error: &PodError) -> bool {
    error.found == Found::Thing(Phrase::AnotherKind)
}

/// A watch from the empty version or from `0` would start with made-up events in no order.
fn is_version(version: &str) -> bool {
    !version.is_empty() && version != "0"
}
