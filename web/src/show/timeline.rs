//! The last changes of a live registry, one Pod each, as people read them.
//!
//! It works them out when they are asked for, from what is shown now back to the oldest that is wanted.

use dubbo_k8s_codec::lint::Entry;
use dubbo_k8s_codec::{Category, Url};
use serde::Serialize;

use super::changes::{Change, changes};
use super::{Shown, pod_name};
use crate::live::{Fact, Live};
use crate::model::address;

/// The most changes that are listed at once, and lines of each.
const LISTED: usize = 200;
const LINES: usize = 12;

/// A change of a Pod.
#[derive(Debug, Serialize)]
pub struct Happened {
    time: u64,
    pod: usize,
    name: String,
    /// `new`, `gone` or `changed`.
    what: &'static str,
    changes: Vec<Change>,
    /// Lines that are left out.
    more: usize,
    facts: Vec<Fact>,
}

impl Shown<'_> {
    /// The last `count` changes that led to what is shown, the newest first.
    pub fn timeline(&self, live: &Live, count: usize) -> Vec<Happened> {
        let mut texts: Vec<(usize, Option<String>)> = Vec::new();
        let mut listed = Vec::new();
        for moment in live.latest().take(count.min(LISTED)) {
            let at = moment.pod();
            let Some(pod) = self.pod(at) else { continue };
            let known = texts.iter().position(|(known, _)| *known == at);
            let now = known.map(|known| texts.swap_remove(known).1);
            let after = now.unwrap_or_else(|| pod.text.value("").map(str::to_owned));
            let before = moment.before(after.as_deref());
            let mut changes = lines(before.as_deref(), after.as_deref());
            let more = changes.len().saturating_sub(LINES);
            changes.truncate(LINES);
            listed.push(Happened {
                time: moment.time(),
                pod: at,
                name: pod_name(pod),
                what: moment.what(),
                changes,
                more,
                facts: moment.facts(),
            });
            texts.push((at, before));
        }
        listed
    }
}

fn lines(before: Option<&str>, after: Option<&str>) -> Vec<Change> {
    let mut lines = differences(before, after);
    for (_, runs) in lines.iter_mut().filter(|(what, _)| matches!(*what, "new" | "gone")) {
        for (_, key) in runs {
            *key = in_short(key);
        }
    }
    lines
}

/// What a record that came or went is: its category, service and address, instead of all of its parameters. The key is
/// one whose URL is readable.
fn in_short(key: &str) -> String {
    let mut parts = key.splitn(5, '/').skip(2);
    let (interface, category, url) = (parts.next(), parts.next(), parts.next());
    let category = category.and_then(Category::from_name);
    let url = url.and_then(|url| Url::parse(url).ok());
    let (Some(interface), Some(category), Some(url)) = (interface, category, url) else {
        return key.to_owned();
    };
    let entry = Entry::new(interface.into(), category, url);
    format!("{category} {} {}://{}", entry.service(), entry.url.scheme(), address(&entry))
}

fn differences(before: Option<&str>, after: Option<&str>) -> Vec<Change> {
    match (before, after) {
        (_, Some(after)) if before != Some(after) => changes(before, after),
        (Some(before), None) => {
            let gone = changes(None, before).into_iter();
            gone.map(|(_, runs)| ("gone", runs.into_iter().map(|(_, text)| ('-', text)).collect()))
                .collect()
        }
        _ => Vec::new(),
    }
}
