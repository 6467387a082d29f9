//! A live registry: the events of `/v1/events` as changes of the model, and the last minutes of them
//! to go back through.
//!
//! Bounded in number and age. It knows no clock: every batch says when it is.

use std::collections::{BTreeMap, VecDeque};

use crate::answer::Value as Json;
use dubbo_k8s_codec::{Category, Key, Record, encode};

use crate::model::Model;
use crate::pod::{PodText, Value};

/// Events that can be gone back through.
const HISTORY: usize = 20_000;

/// Milliseconds that can be gone back through.
const AGE: u64 = 5 * 60 * 1000;

/// Milliseconds for which what has gone is still shown.
const GHOST: u64 = 2500;

/// What each Pod carries, and what happened lately.
#[derive(Debug, Default)]
pub struct Live {
    pods: BTreeMap<String, Holder>,
    history: VecDeque<Event>,
    /// How many events of the history are taken back.
    back: usize,
    /// What came while the past is shown, with its time.
    pending: Vec<(u64, Json)>,
    now: u64,
    started: u64,
}

#[derive(Debug)]
struct Holder {
    at: usize,
    keys: BTreeMap<String, String>,
}

/// One change of one key: its value before and after.
#[derive(Clone, Debug)]
struct Event {
    time: u64,
    uid: String,
    key: String,
    before: Option<String>,
    after: Option<String>,
}

impl Live {
    /// Takes a batch of events at the time `now`, in milliseconds. Whether anything changed.
    pub fn take(&mut self, model: &mut Model, events: &[Json], now: u64) -> bool {
        self.now = now.max(self.now);
        let snapshot = events.iter().any(|event| text(event, "event") == "snapshot");
        if self.back > 0 && !snapshot && self.pending.len() + events.len() <= HISTORY {
            self.pending.extend(events.iter().map(|event| (self.now, event.clone())));
            return false;
        }
        self.forward(model, 0);
        let mut touched = false;
        for event in events {
            touched |= self.event(model, event, self.now);
        }
        self.trim();
        model.tick = self.now;
        let (shown, now) = (model.ghosts.len(), self.now);
        model.ghosts.retain(|ghost| ghost.time + GHOST > now);
        touched || model.ghosts.len() != shown
    }

    fn event(&mut self, model: &mut Model, event: &Json, time: u64) -> bool {
        match text(event, "event") {
            "snapshot" => {
                self.snapshot(model, event.get("data").unwrap_or(event));
                true
            }
            "added" | "updated" => self.change(model, event, true, time),
            "removed" => self.change(model, event, false, time),
            _ => false,
        }
    }

    /// Everything anew: `{"services":[{"interface",…,"providers":[{"url",…,"holders":[…]}],…}]}`.
    fn snapshot(&mut self, model: &mut Model, snapshot: &Json) {
        *self = Self { now: self.now, started: self.now, ..Self::default() };
        *model = Model::default();
        for service in array(snapshot, "services") {
            let interface = text(service, "interface");
            for (member, category) in
                [("providers", Category::Providers), ("consumers", Category::Consumers)]
            {
                for endpoint in array(service, member) {
                    let key = match text(endpoint, "key") {
                        "" => Key::leaf(interface, category, text(endpoint, "url")).to_string(),
                        key => key.to_owned(),
                    };
                    for holder in array(endpoint, "holders") {
                        self.holder(model, holder).keys.insert(key.clone(), String::new());
                    }
                }
            }
        }
        for problem in array(snapshot, "problems") {
            self.holder(model, problem);
        }
        let uids: Vec<String> = self.pods.keys().cloned().collect();
        for uid in uids {
            self.write(model, &uid);
        }
    }

    fn holder(&mut self, model: &mut Model, holder: &Json) -> &mut Holder {
        let uid = match text(holder, "uid") {
            "" => format!("{}/{}", text(holder, "namespace"), text(holder, "pod")),
            uid => uid.to_owned(),
        };
        self.pods.entry(uid.clone()).or_insert_with(|| {
            let pod = PodText {
                namespace: text(holder, "namespace").into(),
                name: text(holder, "pod").into(),
                uid: uid.into(),
                label: Some("dubbo.io-value".into()),
                has_annotations: true,
                ..PodText::default()
            };
            model.push(pod, "");
            Holder { at: model.pods.len() - 1, keys: BTreeMap::new() }
        })
    }

    fn change(&mut self, model: &mut Model, event: &Json, present: bool, time: u64) -> bool {
        let key = text(event, "key").to_owned();
        let holder = self.holder(model, event);
        let before = holder.keys.get(&key).cloned();
        let after = present.then(|| text(event, "value").to_owned());
        if before == after {
            // Another Pod's word was the last one that carried it.
            return !present && self.drop_elsewhere(model, &key, time);
        }
        let uid = match text(event, "uid") {
            "" => format!("{}/{}", text(event, "namespace"), text(event, "pod")),
            uid => uid.to_owned(),
        };
        self.record(model, Event { time, uid, key, before, after });
        true
    }

    /// A key is gone when nobody carries it, whoever the event names.
    fn drop_elsewhere(&mut self, model: &mut Model, key: &str, time: u64) -> bool {
        let others: Vec<(String, String)> = self
            .pods
            .iter()
            .filter_map(|(uid, holder)| Some((uid.clone(), holder.keys.get(key)?.clone())))
            .collect();
        for (uid, value) in &others {
            let event = Event {
                time,
                uid: uid.clone(),
                key: key.to_owned(),
                before: Some(value.clone()),
                after: None,
            };
            self.record(model, event);
        }
        !others.is_empty()
    }

    fn record(&mut self, model: &mut Model, event: Event) {
        model.tick = event.time;
        if let (None, Some(holder)) = (&event.after, self.pods.get(&event.uid)) {
            model.ghost(holder.at, &event.key, event.time);
        }
        self.apply(model, &event, false);
        self.history.push_back(event);
    }

    fn apply(&mut self, model: &mut Model, event: &Event, backwards: bool) {
        let Some(holder) = self.pods.get_mut(&event.uid) else { return };
        let state = if backwards { &event.before } else { &event.after };
        match state {
            Some(value) => holder.keys.insert(event.key.clone(), value.clone()),
            None => holder.keys.remove(&event.key),
        };
        self.write(model, &event.uid);
    }

    /// Writes a Pod's keys as the annotation that they would be.
    fn write(&self, model: &mut Model, uid: &str) {
        let Some(holder) = self.pods.get(uid) else { return };
        let records = holder.keys.iter().map(|(key, value)| Record { key, value });
        let value = Value { span: 0..0, text: Some(encode(records).into()), linked: false };
        if let Some(pod) = model.pods.get_mut(holder.at) {
            pod.text.annotation = Some(value);
        }
        model.read(holder.at, "");
    }

    fn trim(&mut self) {
        let old = |event: &Event, now: u64| event.time + AGE < now;
        while self.history.len() > HISTORY
            || self.history.front().is_some_and(|event| old(event, self.now))
        {
            self.history.pop_front();
        }
    }

    /// Goes to a time in the span; none is now. What came in the meantime is taken in first.
    pub fn seek(&mut self, model: &mut Model, to: Option<u64>) {
        let now = std::mem::take(&mut model.tick); // nothing of the past is new
        if !self.pending.is_empty() {
            self.forward(model, 0);
        }
        let target = to
            .map_or(0, |to| self.history.iter().rev().take_while(|event| event.time > to).count());
        while self.back < target {
            let Some(event) = self.nth_back(self.back) else { break };
            self.apply(model, &event, true);
            self.back += 1;
        }
        self.forward(model, target);
        model.tick = now;
    }

    fn forward(&mut self, model: &mut Model, target: usize) {
        while self.back > target {
            let Some(event) = self.nth_back(self.back - 1) else { break };
            self.apply(model, &event, false);
            self.back -= 1;
        }
        if target == 0 {
            for (time, event) in std::mem::take(&mut self.pending) {
                self.event(model, &event, time);
            }
        }
    }

    fn nth_back(&self, back: usize) -> Option<Event> {
        self.history.iter().rev().nth(back).cloned()
    }

    /// From when to when can be gone back.
    pub fn span(&self) -> (u64, u64) {
        (self.now.saturating_sub(AGE).max(self.started), self.now)
    }

    /// Where it stands: none is now.
    pub fn at(&self) -> Option<u64> {
        let next = self.back.checked_sub(1)?;
        Some(self.history.iter().rev().nth(next)?.time)
    }

    /// Whether there has been anything live.
    pub const fn is_on(&self) -> bool {
        self.now > 0
    }
}

fn text<'a>(json: &'a Json, name: &str) -> &'a str {
    json.text(name)
}

fn array<'a>(json: &'a Json, name: &str) -> &'a [Json] {
    json.items(name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(json: &serde_json::Value) -> Json {
        Json::read(&json.to_string()).unwrap()
    }

    fn event(kind: &str, pod: &str, url: &str) -> Json {
        read(
            &json!({"event": kind, "key": Key::leaf("a.B", Category::Providers, url).to_string(), "value": "",
               "namespace": "n", "pod": pod, "uid": pod}),
        )
    }

    fn registered(model: &Model) -> Vec<String> {
        let mut all: Vec<String> = model
            .pods
            .iter()
            .flat_map(|pod| pod.endpoints.iter().map(|endpoint| endpoint.haystack.to_string()))
            .collect();
        all.sort();
        all
    }

    fn started() -> (Live, Model) {
        let (mut live, mut model) = (Live::default(), Model::default());
        let snapshot = json!({"event": "snapshot", "services": [{"interface": "a.B", "providers": [
            {"url": "dubbo://10.0.0.1:1/a.B", "holders": [{"namespace": "n", "pod": "p1", "uid": "p1"}]}],
            "consumers": []}]});
        assert!(live.take(&mut model, &[read(&snapshot)], 1000));
        (live, model)
    }

    #[test]
    fn a_snapshot_and_events_add_up() {
        let (mut live, mut model) = started();
        assert_eq!(registered(&model), ["n/p1 a.b dubbo://10.0.0.1:1/a.b"]);
        let events = [
            event("added", "p2", "dubbo://10.0.0.2:1/a.B"),
            event("removed", "p1", "dubbo://10.0.0.1:1/a.B"),
        ];
        assert!(live.take(&mut model, &events, 2000));
        assert_eq!(registered(&model), ["n/p2 a.b dubbo://10.0.0.2:1/a.b"]);
        assert_eq!(model.ghosts.len(), 1, "what has gone is shown for a moment");
        assert!(live.take(&mut model, &[], 2000 + GHOST));
        assert!(model.ghosts.is_empty());
        assert!(!live.take(&mut model, &events[..1], 9000), "the same again changes nothing");
    }

    #[test]
    fn a_key_that_is_gone_is_gone_from_every_holder() {
        let (mut live, mut model) = started();
        live.take(&mut model, &[event("removed", "another", "dubbo://10.0.0.1:1/a.B")], 2000);
        assert!(registered(&model).is_empty());
    }

    #[test]
    fn one_can_go_back_and_forth_while_events_go_on() {
        let (mut live, mut model) = started();
        let start = registered(&model);
        live.take(&mut model, &[event("added", "p2", "dubbo://10.0.0.2:1/a.B")], 2000);
        live.take(&mut model, &[event("added", "p3", "dubbo://10.0.0.3:1/a.B")], 3000);
        live.seek(&mut model, Some(1500));
        assert_eq!(registered(&model), start);
        live.seek(&mut model, Some(2500));
        assert_eq!(registered(&model).len(), 2);
        // Paused: what comes is kept, and seen when it goes on.
        assert!(!live.take(&mut model, &[event("removed", "p1", "dubbo://10.0.0.1:1/a.B")], 4000));
        assert_eq!(registered(&model).len(), 2);
        live.seek(&mut model, None);
        assert_eq!(registered(&model).len(), 2);
        assert!(!registered(&model).contains(&start[0]));
    }

    #[test]
    fn the_past_is_bounded() {
        let (mut live, mut model) = started();
        for n in 0..50_u64 {
            let kind = if n % 2 == 0 { "added" } else { "removed" };
            live.take(
                &mut model,
                &[event(kind, "p2", "dubbo://10.0.0.2:1/a.B")],
                1000 + n * 60_000,
            );
        }
        assert!(live.history.len() <= 6, "{}", live.history.len());
        assert_eq!(live.span().1 - live.span().0, AGE);
    }
}
