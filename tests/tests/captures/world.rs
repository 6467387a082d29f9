//! The state in which the real server was when it was asked, put together from the recordings,
//! and what happened while it answered.

use std::io::Read as _;

use dubbo_k8s_tests::apiserver::{Act, Exchange, Fault, Grant, Server, Verb};
use serde_json::{Value, json};

use crate::read;

/// The service account of the recordings.
const ACCOUNT: &str = "system:serviceaccount:capture:dubbo";
pub(crate) const ACCOUNT_TOKEN: &str = "token-of-the-service-account";

#[derive(Default)]
pub(crate) struct World {
    /// The Pods, and the version at which they are listed; what is before is compacted.
    pods: Vec<Value>,
    compacted: u64,
    /// The version when the request comes.
    version: u64,
    /// Events that came before the request.
    past: Vec<Value>,
    /// Events that come while a watch is open.
    pub(crate) events: Vec<Value>,
    /// Refused for want of a seat.
    throttled: bool,
}

impl World {
    fn of_list(names: &[&str]) -> Self {
        let lists: Vec<Value> = names.iter().map(|name| body(&read(name))).collect();
        let version = number(&lists[0]["metadata"]["resourceVersion"]);
        let pods = lists.iter().flat_map(|list| list["items"].as_array().unwrap()).cloned();
        Self { pods: pods.collect(), compacted: version, version, ..Self::default() }
    }

    fn of_pods(pods: Vec<Value>, version: u64) -> Self {
        Self { pods, compacted: version, version, ..Self::default() }
    }

    fn at(self, version: u64) -> Self {
        Self { version, ..self }
    }

    pub(crate) fn fill(&self, server: &Server) {
        let access = server.access();
        access.add_token(ACCOUNT_TOKEN, ACCOUNT);
        let verbs = [Verb::Get, Verb::List, Verb::Watch, Verb::Patch];
        access.grant(Grant::pods(ACCOUNT, verbs, ["capture"]));
        let store = server.store();
        let version = json!({"resourceVersion": self.compacted.to_string()});
        store.import(&json!({"metadata": version, "items": self.pods})).unwrap();
        store.compact();
        for event in &self.past {
            happen(server, event);
        }
        reach(server, self.version);
        if self.throttled {
            server.faults().add(Fault::any(Act::TooManyRequests { retry_after: 1 }));
        }
    }
}

/// Makes an event happen in the store, at the version at which it was recorded.
pub(crate) fn happen(server: &Server, event: &Value) {
    let object = &event["object"];
    let name = object["metadata"]["name"].as_str().unwrap();
    reach(server, number(&object["metadata"]["resourceVersion"]) - 1);
    let store = server.store();
    match event["type"].as_str().unwrap() {
        "ADDED" => store.create(object.clone()),
        "MODIFIED" => store.update("capture", name, |pod| *pod = object.clone()),
        "DELETED" => store.delete("capture", name),
        other => panic!("{other}"),
    }
    .unwrap();
    assert_eq!(store.resource_version(), number(&object["metadata"]["resourceVersion"]));
}

fn reach(server: &Server, version: u64) {
    server.store().bump(version.saturating_sub(server.store().resource_version()));
}

/// The state for a recording, by its name.
pub(crate) fn of(recorded: &Exchange) -> World {
    match recorded.name.as_str() {
        "h2-01a-list-json" => return later_shop().at(version_of(recorded)),
        "h2-06a-list-gzip" => return World::of_list(&["h2-06a-list-gzip"]),
        _ => {}
    }
    let name = recorded.name.strip_prefix("h2-").unwrap_or(&recorded.name);
    match name.get(..3).unwrap_or(name) {
        "02a" | "02b" | "02c" | "02d" | "02e" | "02f" | "03a" | "03c" | "03d" | "03e" => shop(),
        "03b" => later_shop().at(version_of(recorded)),
        "06a" | "06c" | "06d" | "06e" => World::of_list(&["06d-list-identity"]),
        "06b" => shop().at(version_of(recorded)),
        "06f" => World::of_pods(vec![body(recorded)], 25_299),
        "07i" => {
            // It ended after six seconds, when the label was just lost.
            let mut world = watched();
            world.events.truncate(6);
            world
        }
        "07a" | "07b" | "07h" | "08a" | "08b" | "20a" | "20b" => watched(),
        "07c" | "07d" | "09j" | "09m" => World { compacted: 26_495, ..later_shop() }.at(26_503),
        "07e" | "07f" | "07g" | "07j" | "09a" | "09b" | "09c" | "09d" | "09e" | "09f" | "09g"
        | "09h" | "09i" | "09k" | "09l" | "09n" => later_shop().at(initial_version(recorded)),
        "10a" | "10b" => too_old(recorded),
        "10c" | "10d" | "10e" | "10f" | "10g" | "10h" | "10i" => {
            later_shop().at(digits_after(recorded, "current: "))
        }
        "10j" => World { past: events(recorded), ..World::of_pods(Vec::new(), 1) }.at(30_000),
        patch if patch.starts_with("14") || patch.starts_with("15") => patched(recorded),
        "16a" | "16b" => World::of_list(&["16a-list-malformed"]),
        "16c" | "16d" => World {
            events: events(&read("16c-watch-malformed")),
            ..World::of_list(&["16a-list-malformed"])
        },
        "17a" | "17b" => World::of_list(&["17a-list-unicode"]),
        "17c" => World { events: events(recorded), ..World::of_list(&["17a-list-unicode"]) },
        "17d" | "17h" => before_own_patch(recorded),
        "17e" | "17f" => wide(),
        "17g" => World::of_list(&["17g-list-200-records"]),
        "19a" | "19b" | "19c" => World { throttled: true, ..World::of_list(&["01a-list-json"]) },
        _ => World::of_list(&["01a-list-json"]),
    }
}

/// The shop with all its Pods.
fn shop() -> World {
    World::of_list(&["02a-list-limit2-page1", "02a-list-limit2-page2", "02a-list-limit2-page3"])
}

/// The shop an hour later: one Pod has changed.
fn later_shop() -> World {
    let pods = events(&read("09a-watchlist")).into_iter().map(|event| event["object"].clone());
    World::of_pods(pods.collect(), 25_381)
}

/// What 07a to 08a saw: one Pod is there before; it is known from the moment it lost its label.
fn watched() -> World {
    let events_seen = events(&read("07b-watch-no-selector"));
    let lost = events(&read("07a-watch-selector"));
    let lost = lost.iter().find(|event| event["type"] == "DELETED").unwrap();
    let mut second = lost["object"].clone();
    second["metadata"]["resourceVersion"] = json!("25149");
    let mut world = World::of_list(&[
        "02a-list-limit2-page1",
        "02a-list-limit2-page2",
        "02a-list-limit2-page3",
    ]);
    world.pods.push(second);
    World { compacted: 25_149, events: events_seen, ..world }.at(25_149)
}

fn wide() -> World {
    World { events: events(&read("17e-watch-200-records")), ..World::of_pods(Vec::new(), 25_295) }
}

fn too_old(recorded: &Exchange) -> World {
    World::of_pods(Vec::new(), digits_after(recorded, "(")).at(26_500)
}

/// The target of the patches as the one before left it: the recordings follow each other.
fn patched(recorded: &Exchange) -> World {
    let mut pod = before_first_patch();
    let earlier = crate::folders()
        .into_iter()
        .filter(|name| name.starts_with("14") || name.starts_with("15"));
    for name in earlier.take_while(|name| *name != recorded.name) {
        let answer = body(&read(&name));
        if answer["kind"] == "Pod" || answer["kind"] == "PartialObjectMetadata" {
            pod["metadata"] = answer["metadata"].clone();
        }
    }
    let version = number(&pod["metadata"]["resourceVersion"]);
    let answered = body(recorded)["metadata"]["resourceVersion"].clone();
    // Other Pods may have changed in between.
    let now = if answered.is_null() { version } else { (number(&answered) - 1).max(version) };
    World::of_pods(vec![pod], version).at(now)
}

/// Before 14a the Pod had neither label nor annotation, and no writer had set them.
fn before_first_patch() -> Value {
    let mut pod = body(&read("14a-patch-strategic"));
    let metadata = pod["metadata"].as_object_mut().unwrap();
    metadata.remove("annotations");
    metadata.insert("resourceVersion".to_owned(), json!("25133"));
    metadata["labels"].as_object_mut().unwrap().remove("dubbo.io/label");
    pod
}

/// For a patch whose target is known only from its answer: without what it adds.
fn before_own_patch(recorded: &Exchange) -> World {
    let mut pod = body(recorded);
    let version = number(&pod["metadata"]["resourceVersion"]);
    pod["metadata"]["resourceVersion"] = json!((version - 1).to_string());
    let patch: Value = serde_json::from_slice(&recorded.request_body).unwrap();
    for name in patch["metadata"]["annotations"].as_object().unwrap().keys() {
        pod["metadata"]["annotations"].as_object_mut().unwrap().remove(name);
    }
    World::of_pods(vec![pod], version - 1)
}

/// The version of the mark that ends the initial events, or of the first bookmark.
fn initial_version(recorded: &Exchange) -> u64 {
    let lines = lines(recorded);
    let bookmark = lines.iter().find(|event| event["type"] == "BOOKMARK");
    bookmark.map_or(26_501, |event| number(&event["object"]["metadata"]["resourceVersion"]))
}

fn version_of(recorded: &Exchange) -> u64 {
    number(&body(recorded)["metadata"]["resourceVersion"])
}

fn digits_after(recorded: &Exchange, mark: &str) -> u64 {
    let text = String::from_utf8(recorded.body.to_vec()).unwrap();
    let Some((_, after)) = text.split_once(mark) else { return 26_500 };
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}

/// What happened to Pods, by the events of a watch.
fn events(recorded: &Exchange) -> Vec<Value> {
    let mut events = lines(recorded);
    events
        .retain(|event| ["ADDED", "MODIFIED", "DELETED"].iter().any(|kind| event["type"] == *kind));
    events
}

fn lines(recorded: &Exchange) -> Vec<Value> {
    let lines = recorded.body.split(|byte| *byte == b'\n');
    lines.filter_map(|line| serde_json::from_slice(line).ok()).collect()
}

pub(crate) fn body(recorded: &Exchange) -> Value {
    serde_json::from_slice(&decoded(&recorded.body)).unwrap_or(Value::Null)
}

/// Without its gzip, if it has one.
pub(crate) fn decoded(body: &[u8]) -> Vec<u8> {
    if !body.starts_with(&[0x1f, 0x8b]) {
        return body.to_vec();
    }
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(body).read_to_end(&mut text).unwrap();
    text
}

fn number(version: &Value) -> u64 {
    version.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{version}"))
}
