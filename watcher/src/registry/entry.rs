//! One event of the log. What many subscribers need of it is worked out once, by the first of them.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use dubbo_k8s_codec::Service;

use super::Revision;
use super::selection::{Selection, named};
use crate::core::Notice;

/// One event, with the revision that it led to.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) revision: Revision,
    /// It moved the revision: a snapshot shows the difference.
    pub(crate) content: bool,
    pub(crate) what: What,
    named: OnceLock<Option<(String, Service<'static>)>>,
    rendered: OnceLock<Bytes>,
}

/// What has happened.
#[derive(Debug)]
pub(crate) enum What {
    /// Something to tell.
    Notice(Notice),
    /// A snapshot looks different, but no key came, changed its value or went.
    Touched(Touched),
}

/// The keys whose holders have changed.
#[derive(Debug)]
pub(crate) enum Touched {
    Keys(Box<[Arc<str>]>),
    /// Too many to be worth remembering.
    Many,
}

impl Entry {
    pub(super) fn new(revision: Revision, content: bool, what: What) -> Self {
        Self { revision, content, what, named: OnceLock::new(), rendered: OnceLock::new() }
    }

    /// About how many bytes it keeps alive that nothing else may need any more.
    pub(super) fn weight(&self) -> usize {
        match &self.what {
            What::Notice(Notice::Change(change)) => change.key.len() + change.value.len(),
            What::Touched(Touched::Keys(keys)) => keys.iter().map(|key| key.len()).sum(),
            What::Notice(_) | What::Touched(Touched::Many) => 0,
        }
    }

    /// Whether somebody who asks for this must hear of it. Problems and the state of the connection
    /// concern everybody: they may be why a service is not found.
    pub(crate) fn matches(&self, selection: &Selection) -> bool {
        match &self.what {
            What::Notice(Notice::Change(change)) => {
                let named = self.named.get_or_init(|| named(&change.key));
                named.as_ref().is_some_and(|named| selection.selects_named(named))
            }
            What::Touched(Touched::Keys(keys)) => keys.iter().any(|key| selection.selects_key(key)),
            What::Notice(_) | What::Touched(Touched::Many) => true,
        }
    }

    /// What a server sends for it, made by the first who asks.
    pub(crate) fn rendered(&self, render: impl FnOnce(&Self) -> Bytes) -> Bytes {
        self.rendered.get_or_init(|| render(self)).clone()
    }
}
