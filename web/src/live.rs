//! A live registry: the events of `/v1/events` as changes of the model.
//!
//! Bounded: what a Pod no longer carries is forgotten with the history that could bring it back. It
//! knows no clock: every batch says when it is.

use std::collections::BTreeMap;

use crate::answer::Value as Json;
use dubbo_k8s_codec::problem::{Code, Problem};
use dubbo_k8s_codec::{Category, Key, Record, Stage, encode};

use crate::history::{AGE, Event, HISTORY, History, What};
use crate::model::{Model, index};
use crate::pod::{PodText, Value};

/// Milliseconds for which what has gone is still shown.
const GHOST: u64 = 2500;

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
    pending: Vec<(u64, Json)>,
    now: u64,
    started: u64,
}

#[derive(Debug, Default)]
struct Holder {
    uid: String,
    /// In order.
    keys: Vec<(String, String)>,
    /// Why its annotation is refused.
    problem: Option<Problem>,
    /// Its text is not as its keys are.
    dirty: bool,
}

impl Holder {
    fn place(&self, key: &str) -> Result<usize, usize> {
        self.keys.binary_search_by(|(known, _)| known.as_str().cmp(key))
    }

    fn value(&self, key: &str) -> Option<&str> {
        Some(self.keys.get(self.place(key).ok()?)?.1.as_str())
    }

    fn set(&mut self, key: &str, value: Option<&str>) {
        match (self.place(key), value) {
            (Ok(at), None) => drop(self.keys.remove(at)),
            (Err(at), Some(value)) => self.keys.insert(at, (key.to_owned(), value.to_owned())),
            (Ok(at), Some(value)) => {
                if let Some((_, known)) = self.keys.get_mut(at) {
                    value.clone_into(known);
                }
            }
            (Err(_), None) => {}
        }
    }

    fn is_over(&self) -> bool {
        self.keys.is_empty() && self.problem.is_none()
    }
}

impl Live {
    /// Takes a batch of events at the time `now`, in milliseconds. Whether anything changed.
    pub fn take(&mut self, model: &mut Model, events: &[Json], now: u64) -> bool {
        self.now = now.max(self.now);
        let snapshot = events.iter().any(|event| text(event, "event") == "snapshot");
        let room = self.pending.len() + events.len() <= HISTORY;
        if self.history.is_back() && !snapshot && room {
            self.pending.extend(events.iter().map(|event| (self.now, event.clone())));
            return false;
        }
        self.forward(model, 0);
        model.tick = self.now;
        let mut touched = false;
        for event in events {
            touched |= self.event(model, event, self.now);
        }
        self.write(model);
        self.history.trim(self.now);
        self.sweep();
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
            "problem" => self.tell(model, event, Some(problem(event)), time),
            "resolved" => self.tell(model, event, None, time),
            _ => false,
        }
    }

    /// Everything anew: `{"services":[{"interface",…,"providers":[{"url",…,"holders":[…]}],…}],
    /// "problems":[{"namespace","pod","uid","error"}]}`.
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
                        self.holder(model, holder).1.set(&key, Some(""));
                    }
                }
            }
        }
        for of in array(snapshot, "problems") {
            self.holder(model, of).1.problem = Some(problem(of));
        }
        self.dirty = (0..self.holders.len()).collect();
        self.write(model); // nothing of it is new: the tick is zero
    }

    fn holder(&mut self, model: &mut Model, of: &Json) -> (usize, &mut Holder) {
        let uid = match text(of, "uid") {
            "" => format!("{}/{}", text(of, "namespace"), text(of, "pod")),
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

    fn newcomer(&mut self, model: &mut Model, of: &Json, uid: String) -> usize {
        let pod = PodText {
            namespace: text(of, "namespace").into(),
            name: text(of, "pod").into(),
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

    fn change(&mut self, model: &mut Model, event: &Json, present: bool, time: u64) -> bool {
        let key = text(event, "key").to_owned();
        let (at, holder) = self.holder(model, event);
        let before = holder.value(&key).map(str::to_owned);
        let after = present.then(|| text(event, "value").to_owned());
        if before == after {
            // Another Pod's word was the last one that carried it.
            return !present && self.drop_elsewhere(model, &key, time);
        }
        self.record(model, Event { time, holder: at, what: What::Key { key, before, after } });
        true
    }

    /// What a Pod's annotation is refused for, or that it no longer is.
    fn tell(&mut self, model: &mut Model, event: &Json, after: Option<Problem>, time: u64) -> bool {
        let (at, holder) = self.holder(model, event);
        let before = holder.problem.clone();
        let told = before != after;
        if told {
            let what = What::Problem { before, after };
            self.record(model, Event { time, holder: at, what });
        }
        told
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
            self.record(model, Event { time, holder, what });
        }
        some
    }

    fn record(&mut self, model: &mut Model, event: Event) {
        if let What::Key { key, after: None, .. } = &event.what {
            model.ghost(event.holder, key, event.time);
        }
        self.apply(&event, false);
        self.history.push(event);
    }

    fn apply(&mut self, event: &Event, backwards: bool) {
        let Some(holder) = self.holders.get_mut(event.holder) else { return };
        match &event.what {
            What::Key { key, before, after } => {
                holder.set(key, if backwards { before } else { after }.as_deref());
            }
            What::Problem { before, after } => {
                holder.problem.clone_from(if backwards { before } else { after });
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
            pod.text.annotation = holder.problem.is_none().then_some(value);
            pod.told.clone_from(&holder.problem);
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

/// The problem of an event or of a snapshot: `{"error":{"stage","offset","decodedOffset","message"}}`.
fn problem(of: &Json) -> Problem {
    let none = Json::Null;
    let error = of.get("error").unwrap_or(&none);
    let stages = [Stage::Base64, Stage::Utf8, Stage::Json, Stage::Shape];
    let stage = stages.into_iter().find(|stage| stage.as_str() == text(error, "stage"));
    let mut problem = Problem::new(Code::Refused(stage.unwrap_or(Stage::Shape)));
    problem = problem.about(text(error, "message"));
    problem.offset = error.number("offset");
    problem.decoded_offset = error.number("decodedOffset");
    problem
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
    fn a_pod_that_changes_stays_where_it_is_shown() {
        let (mut live, mut model) = started();
        let more = [
            event("added", "p2", "dubbo://10.0.0.2:1/a.B"),
            event("added", "p1", "dubbo://10.0.0.9:1/a.B"),
        ];
        live.take(&mut model, &more[..1], 2000);
        live.take(&mut model, &more[1..], 3000);
        let members = model.services[0].of(Category::Providers);
        assert_eq!(members, [(0, 0), (0, 1), (1, 0)]);
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
        assert!(live.history.holders().count() <= 6);
        assert_eq!(live.span().1 - live.span().0, AGE);
    }

    fn told(kind: &str, pod: &str) -> Json {
        read(&json!({"event": kind, "namespace": "n", "pod": pod, "uid": pod,
               "error": {"stage": "json", "offset": 18, "decodedOffset": 14, "message": "found x"}}))
    }

    fn codes(model: &Model) -> Vec<(String, &'static str, Option<usize>)> {
        let of = |pod: &crate::model::Pod| {
            let name = pod.text.name.to_string();
            let each = pod.problems.iter();
            each.map(move |it| (name.clone(), it.code.as_str(), it.offset)).collect::<Vec<_>>()
        };
        model.pods.iter().flat_map(of).collect()
    }

    #[test]
    fn a_problem_stands_beside_the_rest_until_it_is_resolved() {
        let (mut live, mut model) = started();
        assert!(live.take(&mut model, &[told("problem", "bad")], 2000));
        assert_eq!(codes(&model), [("bad".to_owned(), "not-json", Some(18))]);
        assert!(model.is_unread(1) && !model.is_unread(0));
        assert_eq!(registered(&model).len(), 1);
        assert!(!live.take(&mut model, &[told("problem", "bad")], 2500), "the same again");
        assert!(live.take(&mut model, &[told("resolved", "bad")], 3000));
        assert!(codes(&model).is_empty() && !model.is_unread(1) && model.pods[1].over);
        live.seek(&mut model, Some(2700));
        assert_eq!(codes(&model).len(), 1, "and one can go back to it");
        live.seek(&mut model, None);
        assert!(codes(&model).is_empty());
    }

    #[test]
    fn a_snapshot_brings_its_problems() {
        let (mut live, mut model) = (Live::default(), Model::default());
        let problem = json!({"namespace": "n", "pod": "bad", "uid": "bad",
                             "error": {"stage": "base64", "offset": 3, "decodedOffset": null, "message": "x"}});
        let snapshot = json!({"event": "snapshot", "services": [], "problems": [problem]});
        live.take(&mut model, &[read(&snapshot)], 1000);
        assert_eq!(codes(&model), [("bad".to_owned(), "not-base64", Some(3))]);
    }

    #[test]
    fn pods_that_are_over_make_room() {
        let (mut live, mut model) = started();
        for n in 0..5000_u64 {
            let (pod, url) =
                (format!("q{n}"), format!("dubbo://10.1.{}.{}:1/a.B", n >> 8, n & 255));
            live.take(&mut model, &[event("added", &pod, &url)], 2000 + n * 1000);
            live.take(&mut model, &[event("removed", &pod, &url)], 2500 + n * 1000);
        }
        assert!(model.pods.len() < 2000, "{}", model.pods.len());
        assert_eq!(registered(&model), ["n/p1 a.b dubbo://10.0.0.1:1/a.b"]);
        live.take(&mut model, &[event("added", "p9", "dubbo://10.9.0.1:1/a.B")], 9_000_000);
        assert_eq!(registered(&model).len(), 2);
        let named = |pod: &&crate::model::Pod| &*pod.text.name == "p9";
        assert_eq!(model.pods.iter().filter(named).count(), 1);
    }
}
