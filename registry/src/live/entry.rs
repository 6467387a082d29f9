//! One event of the log. What many subscribers need of it is worked out once, by the first of them.

use std::sync::OnceLock;

use bytes::Bytes;
use dubbo_k8s_engine::catalog::StoredKey;

use super::revision::Revision;
use super::selection::Selection;
use dubbo_k8s_engine::Notice;

/// About how many bytes an entry takes without its texts.
const ITSELF: usize = 384;
/// Room for an event without its texts: the names of its members, a Pod's namespace, name and uid.
const FRAME: usize = 640;
/// How often the text of a key may be in its event: as the key, and in parts as service and URL.
const TEXT_AGAIN: usize = 2;
/// Room for an id alone.
const ID: usize = 64;

/// One event, with the revision that it led to.
#[derive(Debug)]
pub struct Entry {
    /// The revision that it led to.
    pub revision: Revision,
    /// It moved the revision: a snapshot shows the difference.
    pub content: bool,
    /// What has happened.
    pub what: What,
    rendered: OnceLock<Bytes>,
}

/// What has happened.
#[derive(Debug)]
pub enum What {
    /// A notice.
    Notice(Notice),
    /// A snapshot looks different, but no key came, changed its value or went.
    Touched(Touched),
}

/// The keys whose holders have changed.
#[derive(Debug)]
pub enum Touched {
    /// These.
    Keys(Box<[StoredKey]>),
    /// Too many to be worth remembering.
    Many,
}

impl Entry {
    pub(super) fn new(revision: Revision, content: bool, what: What) -> Self {
        Self { revision, content, what, rendered: OnceLock::new() }
    }

    /// The most bytes that it keeps alive, the JSON included that is made of it later.
    pub(super) fn weight(&self) -> usize {
        ITSELF + self.text() + self.room()
    }

    /// The bytes of its keys and its value.
    fn text(&self) -> usize {
        match &self.what {
            What::Notice(Notice::Change(change)) => change.key.len() + change.value.len(),
            What::Touched(Touched::Keys(keys)) => keys.iter().map(StoredKey::len).sum(),
            What::Notice(_) | What::Touched(Touched::Many) => 0,
        }
    }

    /// How long what is kept for subscribers may be.
    fn room(&self) -> usize {
        match &self.what {
            What::Notice(_) => FRAME + TEXT_AGAIN * self.text(),
            What::Touched(_) => ID,
        }
    }

    /// Whether a subscriber to this selection gets it. Problems and the state of the connection
    /// concern everybody: they may be why a service is not found.
    pub fn matches(&self, selection: &Selection) -> bool {
        match &self.what {
            What::Notice(Notice::Change(change)) => selection.selects(&change.facts),
            What::Touched(Touched::Keys(keys)) => {
                keys.iter().any(|key| selection.selects(key.facts()))
            }
            What::Notice(_) | What::Touched(Touched::Many) => true,
        }
    }

    /// What a server sends for it, made by the first who asks; for each of them anew where it is
    /// longer than what was counted for it, as a key full of control characters can make it.
    pub fn rendered(&self, render: impl FnOnce(&Self) -> Bytes) -> Bytes {
        if let Some(rendered) = self.rendered.get() {
            return rendered.clone();
        }
        let rendered = render(self);
        if rendered.len() <= self.room() {
            return self.rendered.get_or_init(|| rendered).clone();
        }
        rendered
    }

    /// How many bytes are kept of what a server sends.
    #[cfg(test)]
    pub fn kept(&self) -> usize {
        self.text() + self.rendered.get().map_or(0, Bytes::len)
    }
}
