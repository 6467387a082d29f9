//! A live registry: the answers of `/v1/annotations` as changes of the model.
//!
//! An annotation is shown as it came, and never written again. Bounded: what a Pod no longer carries is
//! forgotten with the history that could bring it back. It knows no clock: every answer comes with its time.

mod feed;
pub(crate) mod moment;

use std::collections::BTreeMap;

use dubbo_k8s_codec::kubernetes::LABEL_VALUE;
use dubbo_k8s_codec::problem::Problem;

use self::feed::{Feed, Item, Names};
pub use self::moment::{Fact, Moment};
use self::moment::{Facts, Splice};
use crate::history::{AGE, History};
use crate::model::{Model, index};
use crate::pod::PodText;

/// Milliseconds for which what has gone is still shown.
const DEPARTED_MS: u64 = 2500;

/// With fewer Pods than this, those that are over are not looked for.
const FEW: usize = 1000;

/// Bytes of answers that are kept while the past is shown.
const PENDING: usize = 32 << 20;

/// Which Pods there are, and what happened lately.
#[derive(Debug, Default)]
pub struct Live {
    /// By what they are known by, the places among the Pods of the model.
    pods: BTreeMap<String, u32>,
    /// Places of Pods that are over, to be used again.
    free: Vec<u32>,
    /// So many Pods, and those that are over are looked for.
    sweep_at: usize,
    /// Pods that have changed and are still to be read.
    dirty: Vec<usize>,
    history: History,
    /// What came while the past is shown, with its time.
    pending: Vec<(u64, String)>,
    revision: String,
    now: u64,
    started: u64,
}

/// In place of where the problems of a Pod are, if it has none.
const HERE: u32 = u32::MAX;

/// An answer that cannot be read.
#[derive(Debug)]
pub struct Unreadable;

impl Live {
    /// Takes an answer at the time `now`, in milliseconds. Whether anything changed.
    ///
    /// # Errors
    ///
    /// When it is not one; then nothing of it counts.
    pub fn take(
        &mut self,
        model: &mut Model,
        answer: String,
        now: u64,
    ) -> Result<bool, Unreadable> {
        let feed = Feed::read(&answer).ok_or(Unreadable)?;
        self.pass(now);
        self.revision.clone_from(&feed.revision);
        if self.history.is_back() && self.room() > 0 {
            self.pending.push((self.now, answer));
            return Ok(false);
        }
        self.forward(model, 0);
        self.merge(model, feed, self.now);
        self.tick(model, now);
        Ok(true)
    }

    /// Lets time pass. Whether something that has gone is no longer shown.
    pub fn tick(&mut self, model: &mut Model, now: u64) -> bool {
        self.pass(now);
        if self.history.is_back() {
            return false;
        }
        self.history.trim(self.now);
        self.sweep(model);
        model.tick = self.now;
        let (shown, now) = (model.departed.len(), self.now);
        model.departed.retain(|departed| departed.time + DEPARTED_MS > now);
        model.departed.len() != shown
    }

    fn pass(&mut self, now: u64) {
        self.now = now.max(self.now);
        if self.started == 0 {
            self.started = self.now;
        }
    }

    /// Bytes that may still come while the past is shown.
    fn room(&self) -> usize {
        let taken = self.pending.iter().map(|(_, answer)| answer.len()).sum();
        PENDING.saturating_sub(taken)
    }

    /// Whether no more should be asked for until the past is left.
    pub fn is_full(&self) -> bool {
        self.history.is_back() && self.room() < PENDING / 2
    }

    /// The revision that is known.
    pub fn revision(&self) -> &str {
        &self.revision
    }

    fn merge(&mut self, model: &mut Model, feed: Feed, time: u64) {
        // What is there at the beginning is not new.
        let is_first = self.pods.is_empty() && feed.since.is_none();
        model.tick = if is_first { 0 } else { time };
        let mut gone = match feed.since {
            Some(_) => feed.gone,
            None => self.pods.keys().cloned().collect(),
        };
        // Where the problems of each Pod are, and which Pods are here.
        let mut by_id: BTreeMap<String, u32> = BTreeMap::new();
        let mut reported: Vec<(Names<'_>, Vec<Problem>)> = Vec::new();
        for of in &feed.problems {
            let at = *by_id.entry(of.names().id()).or_insert(index(reported.len()));
            if at == index(reported.len()) {
                reported.push((of.names(), Vec::new()));
            }
            if let Some((_, all)) = reported.get_mut(at as usize) {
                all.push(of.problem());
            }
        }
        for pod in feed.pods {
            let at = *by_id.entry(pod.names().id()).or_insert(HERE);
            let of = reported.get_mut(at as usize);
            let problems = of.map(|(_, problems)| std::mem::take(problems)).unwrap_or_default();
            self.set(model, pod.names(), Some(&pod), problems, time);
        }
        for (names, problems) in reported {
            if !problems.is_empty() {
                self.set(model, names, None, problems, time);
            }
        }
        gone.retain(|id| !by_id.contains_key(id));
        for id in gone {
            if let Some(at) = self.pods.get(&id) {
                self.change(model, *at as usize, None, None, time);
            }
        }
        self.write(model, (!is_first).then_some(time));
        if is_first {
            self.history = History::default();
        }
    }

    /// What a Pod carries now, and what is reported of it.
    fn set(
        &mut self,
        model: &mut Model,
        names: Names<'_>,
        pod: Option<&Item>,
        reported: Vec<Problem>,
        time: u64,
    ) {
        let id = names.id();
        let at = match self.pods.get(&id) {
            Some(at) => *at as usize,
            None => self.newcomer(model, names, id),
        };
        let label = match pod {
            Some(pod) => pod.label.as_deref().map(Box::from),
            // It is not sent, and it is one that the watcher selects.
            None => model
                .pods
                .get(at)
                .and_then(|pod| pod.text.label.clone())
                .or(Some(LABEL_VALUE.into())),
        };
        let facts = Facts { label, ready: pod.and_then(|pod| pod.ready), reported };
        self.change(model, at, pod.map(|pod| &*pod.annotation), Some(facts), time);
    }

    fn newcomer(&mut self, model: &mut Model, of: Names<'_>, id: String) -> usize {
        let pod = PodText {
            namespace: of.namespace.into(),
            name: of.pod.into(),
            uid: id.as_str().into(),
            other_annotations: Some(0),
            ..PodText::default()
        };
        let at = if let Some(at) = self.free.pop() {
            model.replace(at as usize, pod);
            at as usize
        } else {
            model.push(pod, "");
            model.pods.len() - 1
        };
        if let Some(pod) = model.pods.get_mut(at) {
            pod.over = true;
        }
        self.pods.insert(id, index(at));
        at
    }

    /// Notes in what a Pod differs, if it does; without facts it is gone.
    fn change(
        &mut self,
        model: &mut Model,
        at: usize,
        annotation: Option<&str>,
        facts: Option<Facts>,
        time: u64,
    ) {
        let Some(pod) = model.pods.get_mut(at) else { return };
        let there = [!pod.over, facts.is_some()];
        let (before, after) = (Facts::of(pod), facts.unwrap_or_default());
        let annotation = Splice::between(pod.text.value(""), annotation);
        let facts = (before != after).then(|| Box::new([before, after]));
        let is_same = there == [true; 2] && !annotation.is_change() && facts.is_none();
        if is_same || there == [false; 2] {
            return;
        }
        let moment = Moment { time, pod: at, annotation, facts, there };
        moment.apply(pod, false);
        self.dirty.push(at);
        self.history.push(moment);
    }

    /// Reads the Pods that have changed; with a time, what left them is shown a moment longer.
    fn write(&mut self, model: &mut Model, time: Option<u64>) {
        let mut is_read = vec![false; model.pods.len()];
        for at in std::mem::take(&mut self.dirty) {
            let again = is_read.get_mut(at).map(|is_read| std::mem::replace(is_read, true));
            if again != Some(false) {
                continue;
            }
            let before = model.read(at, "");
            if let Some(time) = time {
                model.departed(at, &before, time);
            }
        }
    }

    /// Makes room where Pods were that nothing can bring back.
    fn sweep(&mut self, model: &Model) {
        if self.pods.len() < self.sweep_at.max(FEW) {
            return;
        }
        let mut kept: Vec<bool> = model.pods.iter().map(|pod| !pod.over).collect();
        for pod in self.history.pods() {
            if let Some(kept) = kept.get_mut(pod) {
                *kept = true;
            }
        }
        (self.pods, self.free) = (BTreeMap::new(), Vec::new());
        for ((at, pod), kept) in model.pods.iter().enumerate().zip(kept) {
            if kept {
                self.pods.insert(pod.text.uid.to_string(), index(at));
            } else {
                self.free.push(index(at));
            }
        }
        self.sweep_at = 2 * self.pods.len();
    }

    /// Goes to a time in the span; none is now. What came in the meantime is taken in first.
    pub fn seek(&mut self, model: &mut Model, to: Option<u64>) {
        if !self.pending.is_empty() {
            self.forward(model, 0);
        }
        model.departed.clear();
        let now = std::mem::take(&mut model.tick); // nothing of the past is new
        let target = self.history.since(to);
        while self.history.back() < target {
            let Some(moment) = self.history.step_back() else { break };
            self.apply(model, &moment, true);
        }
        self.forward(model, target);
        model.tick = now;
    }

    fn forward(&mut self, model: &mut Model, target: usize) {
        while self.history.back() > target {
            let Some(moment) = self.history.step_forward() else { break };
            self.apply(model, &moment, false);
        }
        self.write(model, None);
        if target == 0 {
            for (time, answer) in std::mem::take(&mut self.pending) {
                if let Some(feed) = Feed::read(&answer) {
                    self.merge(model, feed, time);
                }
            }
        }
    }

    fn apply(&mut self, model: &mut Model, moment: &Moment, backwards: bool) {
        if let Some(pod) = model.pods.get_mut(moment.pod) {
            moment.apply(pod, backwards);
            self.dirty.push(moment.pod);
        }
    }

    /// From when to when can be gone back.
    pub fn span(&self) -> (u64, u64) {
        let from = self.now.saturating_sub(AGE).max(self.started).max(self.history.forgotten());
        (from, self.now)
    }

    /// Where it stands: none is now.
    pub fn at(&self) -> Option<u64> {
        self.history.at()
    }

    /// What led to what is shown, the newest first.
    pub fn latest(&self) -> impl Iterator<Item = &Moment> {
        self.history.latest()
    }

    /// Whether there has been anything live.
    pub const fn is_on(&self) -> bool {
        self.now > 0
    }
}

#[cfg(test)]
mod tests;
