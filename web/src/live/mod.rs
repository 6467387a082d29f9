//! A live registry: the events of `/v1/events` as changes of the model.
//!
//! Bounded: what a Pod no longer carries is forgotten with the history that could bring it back. It
//! knows no clock: every batch says when it is.

mod event;
mod holder;
mod snapshot;

use std::collections::BTreeMap;

use dubbo_k8s_codec::{Record, encode};

pub use self::event::Event;
use self::event::Names;
use self::holder::Holder;
use self::snapshot::canonical;
use crate::history::{self, AGE, HISTORY, History, What};
use crate::model::{Model, index};
use crate::pod::{PodText, Value};

/// Milliseconds for which what has gone is still shown.
const DEPARTED_MS: u64 = 2500;

/// With fewer Pods than this, nobody looks for those that are over.
const FEW: usize = 1000;

/// What each Pod carries, and what happened lately.
#[derive(Debug, Default)]
pub struct Live {
    /// By uid, the place among the holders and among the Pods of the model.
    pods: BTreeMap<String, u32>,
    holders: Vec<Holder>,
    /// Places of Pods that are over, to be used again.
    free: Vec<u32>,
    /// So many Pods, and those that are over are looked for.
    sweep_at: usize,
    /// Pods whose text is not as their keys are, each once.
    dirty: Vec<usize>,
    history: History,
    /// What came while the past is shown, with its time.
    pending: Vec<(u64, Event)>,
    now: u64,
    started: u64,
}

impl Live {
    /// Takes a batch of events at the time `now`, in milliseconds. Whether anything changed.
    pub fn take(&mut self, model: &mut Model, events: Vec<Event>, now: u64) -> bool {
        self.now = now.max(self.now);
        let snapshot = events.iter().any(Event::is_snapshot);
        let room = self.pending.len() + events.len() <= HISTORY;
        if self.history.is_back() && !snapshot && room {
            self.pending.extend(events.into_iter().map(|event| (self.now, event)));
            return false;
        }
        self.forward(model, 0);
        model.tick = self.now;
        let mut touched = false;
        for event in &events {
            touched |= self.event(model, event, self.now);
        }
        self.write(model);
        self.history.trim(self.now);
        self.sweep();
        model.tick = self.now;
        let (shown, now) = (model.departed.len(), self.now);
        model.departed.retain(|departed| departed.time + DEPARTED_MS > now);
        touched || model.departed.len() != shown
    }

    fn event(&mut self, model: &mut Model, event: &Event, time: u64) -> bool {
        match event.kind.as_str() {
            "snapshot" => {
                self.snapshot(model, &event.data);
                true
            }
            "holders" => self.agree(model, &event.data, time),
            "added" | "updated" => self.change(model, event, true, time),
            "removed" => self.change(model, event, false, time),
            "problem" => self.judge(model, event, true, time),
            "resolved" => self.judge(model, event, false, time),
            _ => false,
        }
    }

    fn holder(&mut self, model: &mut Model, of: Names<'_>) -> (usize, &mut Holder) {
        let uid = match of.uid {
            "" => format!("{}/{}", of.namespace, of.pod),
            uid => uid.to_owned(),
        };
        let at = match self.pods.get(&uid) {
            Some(at) => *at as usize,
            None => self.newcomer(model, of, uid),
        };
        if self.holders.len() <= at {
            self.holders.resize_with(at + 1, Holder::default);
        }
        #[expect(clippy::indexing_slicing, reason = "made long enough just now")]
        (at, &mut self.holders[at])
    }

    fn newcomer(&mut self, model: &mut Model, of: Names<'_>, uid: String) -> usize {
        let pod = PodText {
            namespace: of.namespace.into(),
            name: of.pod.into(),
            uid: uid.as_str().into(),
            label: Some("dubbo.io-value".into()),
            has_annotations: true,
            ..PodText::default()
        };
        let at = if let Some(at) = self.free.pop() {
            model.replace(at as usize, pod);
            at as usize
        } else {
            model.push(pod, "");
            model.pods.len() - 1
        };
        self.pods.insert(uid.clone(), index(at));
        let holder = Holder { uid, ..Holder::default() };
        match self.holders.get_mut(at) {
            Some(known) => *known = holder,
            None => self.holders.push(holder),
        }
        at
    }

    fn change(&mut self, model: &mut Model, event: &Event, present: bool, time: u64) -> bool {
        let key = canonical(&event.key);
        let (at, holder) = self.holder(model, event.names());
        let before = holder.value(&key).map(str::to_owned);
        let after = present.then(|| event.value.clone());
        if before == after {
            // Another Pod's word was the last one that carried it.
            return !present && self.drop_elsewhere(model, &key, time);
        }
        self.record(
            model,
            history::Event { time, holder: at, what: What::Key { key, before, after } },
        );
        true
    }

    /// A problem of a Pod that came or went.
    fn judge(&mut self, model: &mut Model, event: &Event, raised: bool, time: u64) -> bool {
        let problem = event.problem();
        let (holder, of) = self.holder(model, event.names());
        if of.problems.contains(&problem) == raised {
            return false;
        }
        self.record(
            model,
            history::Event { time, holder, what: What::Problem { problem, raised } },
        );
        true
    }

    /// A key is gone when nobody carries it, whoever the event names.
    fn drop_elsewhere(&mut self, model: &mut Model, key: &str, time: u64) -> bool {
        let others: Vec<(usize, String)> = self
            .holders
            .iter()
            .enumerate()
            .filter_map(|(at, holder)| Some((at, holder.value(key)?.to_owned())))
            .collect();
        let some = !others.is_empty();
        for (holder, value) in others {
            let what = What::Key { key: key.to_owned(), before: Some(value), after: None };
            self.record(model, history::Event { time, holder, what });
        }
        some
    }

    fn record(&mut self, model: &mut Model, event: history::Event) {
        if let What::Key { key, after: None, .. } = &event.what {
            model.departed(event.holder, key, event.time);
        }
        self.put(event);
    }

    fn put(&mut self, event: history::Event) {
        self.apply(&event, false);
        self.history.push(event);
    }

    fn apply(&mut self, event: &history::Event, backwards: bool) {
        let Some(holder) = self.holders.get_mut(event.holder) else { return };
        match &event.what {
            What::Key { key, before, after } => {
                holder.set(key, if backwards { before } else { after }.as_deref());
            }
            What::Problem { problem, raised } => {
                holder.judge(problem, *raised != backwards);
            }
        }
        if !std::mem::replace(&mut holder.dirty, true) {
            self.dirty.push(event.holder);
        }
    }

    /// Writes the keys of the Pods that changed as the annotations that they would be.
    fn write(&mut self, model: &mut Model) {
        for at in std::mem::take(&mut self.dirty) {
            let (Some(holder), Some(pod)) = (self.holders.get_mut(at), model.pods.get_mut(at))
            else {
                continue;
            };
            holder.dirty = false;
            let records = holder.keys.iter().map(|(key, value)| Record { key, value });
            let value = Value { span: 0..0, text: Some(encode(records).into()), linked: false };
            pod.text.annotation = (!holder.is_refused()).then_some(value);
            pod.reported.clone_from(&holder.problems);
            pod.over = holder.is_over();
            model.read(at, "");
        }
    }

    /// Makes room where Pods were that nothing can bring back.
    fn sweep(&mut self) {
        if self.holders.len() - self.free.len() < self.sweep_at.max(FEW) {
            return;
        }
        let mut kept: Vec<bool> = self.holders.iter().map(|holder| !holder.is_over()).collect();
        for holder in self.history.holders() {
            if let Some(kept) = kept.get_mut(holder) {
                *kept = true;
            }
        }
        (self.pods, self.free) = (BTreeMap::new(), Vec::new());
        for ((at, holder), kept) in self.holders.iter().enumerate().zip(kept) {
            if kept {
                self.pods.insert(holder.uid.clone(), index(at));
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
        let now = std::mem::take(&mut model.tick); // nothing of the past is new
        let target = self.history.since(to);
        while self.history.back() < target {
            let Some(event) = self.history.step_back() else { break };
            self.apply(&event, true);
        }
        self.forward(model, target);
        model.tick = now;
    }

    fn forward(&mut self, model: &mut Model, target: usize) {
        while self.history.back() > target {
            let Some(event) = self.history.step_forward() else { break };
            self.apply(&event, false);
        }
        self.write(model);
        if target == 0 {
            for (time, event) in std::mem::take(&mut self.pending) {
                if time != model.tick {
                    self.write(model);
                    model.tick = time;
                }
                self.event(model, &event, time);
            }
            self.write(model);
        }
    }

    /// From when to when can be gone back.
    pub fn span(&self) -> (u64, u64) {
        (self.now.saturating_sub(AGE).max(self.started), self.now)
    }

    /// Where it stands: none is now.
    pub fn at(&self) -> Option<u64> {
        self.history.at()
    }

    /// Whether there has been anything live.
    pub const fn is_on(&self) -> bool {
        self.now > 0
    }
}

#[cfg(test)]
mod tests;
