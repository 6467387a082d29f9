//! The catalog against a deliberately plain model: whatever happens to the Pods, the catalog is
//! what the Pods say, and its changes, replayed, give the same.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests are tests"
)]

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use dubbo_k8s_codec::trust::{Admit, Quota, Trust};
use dubbo_k8s_codec::{Annotation, ListReader, Pod, Record, encode};
use dubbo_k8s_engine::catalog::{
    Catalog, Change, ChangeKind, Changes, Liveness, PodProblem, ProblemKind, Scope,
};
use proptest::prelude::*;

const NAMESPACES: [&str; 2] = ["east", "west"];

/// What a test Pod looks like; the model keeps it as it is.
#[derive(Clone, Debug)]
struct Model {
    namespace: usize,
    name: u8,
    uid: u8,
    version: u32,
    records: Vec<(u8, u8)>,
    /// The last part of each of its addresses in 10.0.0.0/24.
    ips: Vec<u8>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Live,
    Deleting,
    Ended,
    Unlabelled,
    Broken,
}

impl Model {
    fn id(&self) -> (usize, u8) {
        (self.namespace, self.name)
    }

    fn is_live(&self) -> bool {
        matches!(self.state, State::Live | State::Broken)
    }

    fn pod(&self) -> Pod<'static> {
        let records: Vec<_> = self.records.iter().map(|&(k, v)| (key(k), value(v))).collect();
        let annotation = match self.state {
            State::Broken => "!".to_owned(),
            _ => encode(records.iter().map(|(key, value)| Record { key, value })),
        };
        Pod {
            namespace: NAMESPACES[self.namespace].into(),
            name: format!("pod-{}", self.name).into(),
            uid: format!("uid-{}", self.uid).into(),
            resource_version: self.version.to_string().into(),
            label: (self.state != State::Unlabelled).then(|| "dubbo.io-value".into()),
            annotation: Some(annotation.into()),
            phase: Some(if self.state == State::Ended { "Failed" } else { "Running" }.into()),
            deleting: self.state == State::Deleting,
            ready: Some(true),
            ips: self.ips.iter().map(|n| Ipv4Addr::new(10, 0, 0, *n).into()).collect(),
            ..Pod::default()
        }
    }
}

/// Key 0 is a directory that many carry; key 6 is no key at all.
fn key(number: u8) -> String {
    match number {
        0 => "/dubbo".to_owned(),
        6 => "nonsense".to_owned(),
        n => format!("/dubbo/a.S{}/providers/dubbo%3A%2F%2F10.0.0.{n}%3A1%2Fa", n % 3),
    }
}

fn value(number: u8) -> String {
    if number == 0 { String::new() } else { number.to_string() }
}

/// So many records fit into a namespace.
const ROOM: usize = 9;

fn trust() -> Arc<Trust> {
    let namespace = Quota { records: ROOM, ..Quota::NAMESPACE };
    Arc::new(Trust { namespace, ..Trust::default() })
}

/// The Pods for which their namespaces have room, in the order of their names.
fn with_room(pods: &BTreeMap<(usize, u8), Model>) -> Vec<&Model> {
    let mut room = [ROOM; NAMESPACES.len()];
    let mut fits = |pod: &&Model| {
        let records = if pod.state == State::Live { pod.records.len() } else { 0 };
        let fits = records <= room[pod.namespace];
        room[pod.namespace] -= if fits { records } else { 0 };
        fits
    };
    pods.values().filter(|pod| fits(pod)).collect()
}

/// What is registered and believed, built from scratch: key -> (value, holders by uid).
fn registered(pods: &BTreeMap<(usize, u8), Model>) -> BTreeMap<String, (String, Vec<String>)> {
    let mut live = with_room(pods);
    live.retain(|pod| pod.state == State::Live);
    live.sort_by_key(|pod| (format!("uid-{}", pod.uid), pod.namespace, pod.name));
    let mut keys = BTreeMap::new();
    for pod in live {
        let last: BTreeMap<u8, u8> = pod.records.iter().copied().collect();
        let is_believed = |number: u8| match number {
            0 => true,
            6 => false,
            n => pod.ips.contains(&n),
        };
        for (number, number_of_value) in last.into_iter().filter(|(number, _)| is_believed(*number))
        {
            let entry: &mut (String, Vec<String>) =
                keys.entry(key(number)).or_insert((value(number_of_value), Vec::new()));
            entry.1.push(format!("{}/pod-{}", NAMESPACES[pod.namespace], pod.name));
        }
    }
    keys
}

fn shown(catalog: &Catalog) -> BTreeMap<String, (String, Vec<String>)> {
    let entries = catalog.entries().map(|(key, value, holders)| {
        let holders = holders.map(|holder| format!("{}/{}", holder.namespace, holder.pod));
        (key, (value.to_owned(), holders.collect()))
    });
    entries.collect()
}

/// A subscriber that only receives changes.
#[derive(Default)]
struct Subscriber {
    records: BTreeMap<String, String>,
    problems: Vec<PodProblem>,
}

impl Subscriber {
    fn hear(&mut self, changes: &Changes) {
        for Change { kind, key, value, .. } in &changes.changes {
            let old = match kind {
                ChangeKind::Removed => self.records.remove(&**key),
                _ => self.records.insert(key.to_string(), value.to_string()),
            };
            match kind {
                ChangeKind::Added => assert_eq!(old, None, "{key} was there"),
                ChangeKind::Updated => assert_ne!(old.unwrap(), **value, "{key} is the same"),
                ChangeKind::Removed => assert_eq!(old.unwrap(), **value, "{key} was another"),
            }
        }
        for change in &changes.problems {
            match change.kind {
                ProblemKind::Raised => {
                    assert!(!self.problems.contains(&change.problem));
                    self.problems.push(change.problem.clone());
                }
                ProblemKind::Cleared => {
                    let at = self.problems.iter().position(|p| *p == change.problem).unwrap();
                    self.problems.remove(at);
                }
            }
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Observe(Model),
    Delete(usize, u8),
    Relist(Option<usize>, Vec<Model>),
}

fn model() -> impl Strategy<Value = Model> {
    let state = prop_oneof![
        8 => Just(State::Live),
        1 => Just(State::Deleting),
        1 => Just(State::Ended),
        1 => Just(State::Unlabelled),
        1 => Just(State::Broken),
    ];
    let records = prop::collection::vec((0_u8..7, 0_u8..2), 0..5);
    let ips = prop::collection::vec(1_u8..5, 0..2);
    (0..NAMESPACES.len(), 0_u8..4, 0_u8..3, records, ips, state).prop_map(
        |(namespace, name, generation, records, ips, state)| {
            // No two names share a uid.
            let uid = generation * 10 + name * 2 + u8::try_from(namespace).unwrap();
            Model { namespace, name, uid, version: 0, records, ips, state }
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => model().prop_map(Step::Observe),
        2 => (0..NAMESPACES.len(), 0_u8..4).prop_map(|(n, name)| Step::Delete(n, name)),
        2 => (prop::option::of(0..NAMESPACES.len()), prop::collection::vec(model(), 0..8), any::<u8>())
            .prop_map(|(scope, pods, _)| Step::Relist(scope, pods)),
    ]
}

/// The model, the catalog and the subscriber, taken through the same steps.
struct World {
    pods: BTreeMap<(usize, u8), Model>,
    catalog: Catalog,
    subscriber: Subscriber,
    version: u32,
}

impl World {
    fn new() -> Self {
        Self {
            pods: BTreeMap::new(),
            catalog: Catalog::with_trust(Liveness::default(), trust()),
            subscriber: Subscriber::default(),
            version: 0,
        }
    }

    fn take(&mut self, step: Step) -> Changes {
        let mut changes = Changes::default();
        match step {
            Step::Observe(mut pod) => {
                self.version += 1;
                pod.version = self.version;
                self.catalog.observe(&pod.pod(), &mut changes);
                self.pods.insert(pod.id(), pod);
            }
            Step::Delete(namespace, name) => {
                self.version += 1;
                if let Some(mut pod) = self.pods.remove(&(namespace, name)) {
                    pod.version = self.version;
                    self.catalog.remove(&pod.pod(), &mut changes);
                }
            }
            Step::Relist(scope, pods) => self.relist(scope, pods, &mut changes),
        }
        self.pods.retain(|_, pod| pod.is_live());
        self.subscriber.hear(&changes);
        changes
    }

    fn relist(&mut self, scope: Option<usize>, pods: Vec<Model>, changes: &mut Changes) {
        let in_scope = |namespace: usize| scope.is_none_or(|scope| scope == namespace);
        let mut relist = self.catalog.relist();
        let mut listed = BTreeMap::new();
        for mut pod in pods.into_iter().filter(|pod| in_scope(pod.namespace)) {
            // Some are as they were.
            let same = self.pods.get(&pod.id()).filter(|_| pod.records.len() % 2 == 0);
            self.version += 1;
            pod = same.cloned().unwrap_or(Model { version: self.version, ..pod });
            if pod.state == State::Unlabelled {
                relist.remove(&pod.pod());
                if listed.get(&pod.id()).is_some_and(|listed: &Model| listed.uid == pod.uid) {
                    listed.remove(&pod.id());
                }
                continue;
            }
            relist.observe(&self.catalog, &pod.pod());
            listed.insert(pod.id(), pod);
        }
        let before = shown(&self.catalog);
        assert_eq!(before, registered(&self.pods), "nothing is seen before the commit");
        let scope = scope.map_or(Scope::All, |n| Scope::Namespace(NAMESPACES[n].into()));
        self.catalog.commit(&scope, relist, changes);
        self.pods.retain(|(namespace, _), _| !in_scope(*namespace));
        self.pods.extend(listed);
    }

    fn check(&self) {
        assert_eq!(shown(&self.catalog), registered(&self.pods));
        assert_eq!(self.catalog.pods(), self.pods.len());
        let heard: Vec<_> = self.subscriber.records.iter().collect();
        let registered = registered(&self.pods);
        let expected: Vec<_> = registered.iter().map(|(key, (value, _))| (key, value)).collect();
        assert_eq!(heard, expected);
        let mut problems: Vec<_> = self.catalog.problems().collect();
        let mut known = self.subscriber.problems.clone();
        problems.sort_by_key(|problem| format!("{problem:?}"));
        known.sort_by_key(|problem| format!("{problem:?}"));
        assert_eq!(problems, known);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_catalog_is_what_the_pods_say(steps in prop::collection::vec(step(), 1..24)) {
        let mut world = World::new();
        for step in steps {
            let before = (shown(&world.catalog), world.catalog.problems().collect::<Vec<_>>(), world.catalog.revision());
            let relist = matches!(step, Step::Relist(..));
            let changes = world.take(step);
            world.check();
            let after = (shown(&world.catalog), world.catalog.problems().collect::<Vec<_>>(), world.catalog.revision());
            if before.0 != after.0 || before.1 != after.1 {
                prop_assert!(after.2 > before.2, "the revision grows with every visible change");
            }
            if !relist {
                let mut keys: Vec<_> = changes.changes.iter().map(|c| (&c.key, c.kind)).collect();
                keys.sort();
                keys.dedup();
                prop_assert_eq!(keys.len(), changes.changes.len(), "no key is named twice for one reason");
            }
        }
    }

    #[test]
    fn the_order_of_pods_does_not_matter(mut pods in prop::collection::vec(model(), 1..8), seed: u64) {
        pods.sort_by_key(Model::id);
        pods.dedup_by_key(|pod| pod.id());
        let read = |pods: &[Model]| {
            let mut world = World::new();
            for pod in pods {
                world.take(Step::Observe(pod.clone()));
            }
            (shown(&world.catalog), serde_json::to_string(&world.catalog.services().collect::<Vec<_>>()).unwrap())
        };
        let straight = read(&pods);
        let turn = usize::try_from(seed).unwrap_or(usize::MAX) % pods.len();
        pods.rotate_left(turn);
        pods.reverse();
        prop_assert_eq!(read(&pods), straight);
    }
}

/// A catalog that believes a Pod of any address.
fn believing() -> Catalog {
    let trust = Trust { admitted: vec![Admit::Any], ..Trust::default() };
    Catalog::with_trust(Liveness::default(), Arc::new(trust))
}

fn pod(name: u8, uid: u8, version: u32, records: &[(u8, u8)]) -> Model {
    Model {
        namespace: 0,
        name,
        uid,
        version,
        records: records.to_vec(),
        ips: (0..=5).collect(),
        state: State::Live,
    }
}

fn summary(changes: &Changes) -> Vec<(ChangeKind, String, String, String)> {
    let text = |change: &Change| {
        (
            change.kind,
            change.key.to_string(),
            change.holder.uid.to_string(),
            change.resource_version.to_string(),
        )
    };
    changes.changes.iter().map(text).collect()
}

#[test]
fn a_key_is_there_while_one_pod_carries_it() {
    let mut world = World::new();
    let first = world.take(Step::Observe(pod(1, 1, 0, &[(1, 0), (0, 0)])));
    assert_eq!(
        summary(&first),
        [
            (ChangeKind::Added, key(1), "uid-1".into(), "1".into()),
            (ChangeKind::Added, key(0), "uid-1".into(), "1".into()),
        ]
    );
    assert!(world.take(Step::Observe(pod(2, 2, 0, &[(1, 0)]))).is_empty());
    assert_eq!(
        summary(&world.take(Step::Delete(0, 1))),
        [(ChangeKind::Removed, key(0), "uid-1".into(), "3".into())]
    );
    assert_eq!(
        summary(&world.take(Step::Delete(0, 2))),
        [(ChangeKind::Removed, key(1), "uid-2".into(), "4".into())]
    );
}

#[test]
fn the_value_is_that_of_the_smallest_uid() {
    let mut world = World::new();
    world.take(Step::Observe(pod(2, 2, 0, &[(1, 2)])));
    let taken_over = world.take(Step::Observe(pod(1, 1, 0, &[(1, 1)])));
    assert_eq!(taken_over.changes[0].kind, ChangeKind::Updated);
    assert_eq!(&*taken_over.changes[0].value, "1");
    assert!(world.take(Step::Observe(pod(3, 3, 0, &[(1, 3)]))).is_empty());
    let given_back = world.take(Step::Delete(0, 1));
    assert_eq!((&*given_back.changes[0].value, given_back.changes.len()), ("2", 1));
}

#[test]
fn a_new_uid_under_an_old_name_is_first_a_removal() {
    let both = [ChangeKind::Removed, ChangeKind::Added];
    let mut world = World::new();
    world.take(Step::Observe(pod(1, 1, 0, &[(1, 0)])));
    let replaced = world.take(Step::Observe(pod(1, 2, 0, &[(1, 0)])));
    assert_eq!(replaced.changes.iter().map(|c| c.kind).collect::<Vec<_>>(), both);
    let relisted = world.take(Step::Relist(None, vec![pod(1, 3, 0, &[(1, 0)])]));
    assert_eq!(relisted.changes.iter().map(|c| c.kind).collect::<Vec<_>>(), both);
    assert_eq!(&*relisted.changes[1].holder.uid, "uid-3");
}

#[test]
fn a_relist_emits_exactly_the_difference() {
    let mut world = World::new();
    world.take(Step::Observe(pod(1, 1, 0, &[(1, 0), (2, 0)])));
    world.take(Step::Observe(pod(2, 2, 0, &[(3, 0)])));
    // Key 1 moves from one Pod to another one, which is no change.
    let changes = world.take(Step::Relist(None, vec![pod(3, 3, 0, &[(1, 0), (4, 0), (3, 1)])]));
    let mut kinds: Vec<_> = changes.changes.iter().map(|c| (c.key.to_string(), c.kind)).collect();
    kinds.sort();
    assert_eq!(
        kinds,
        [(key(3), ChangeKind::Updated), (key(4), ChangeKind::Added), (key(2), ChangeKind::Removed)]
    );
    world.check();
}

#[test]
fn a_late_deletion_of_a_replaced_pod_is_ignored() {
    let mut changes = Changes::default();
    let mut catalog = believing();
    catalog.observe(&pod(1, 2, 2, &[(1, 0)]).pod(), &mut changes);
    catalog.remove(&pod(1, 1, 3, &[(1, 0)]).pod(), &mut changes);
    assert_eq!((catalog.records(), changes.changes.len()), (1, 1));
}

#[test]
fn the_same_version_again_is_nothing() {
    let mut changes = Changes::default();
    let mut catalog = believing();
    for _ in 0..2 {
        catalog.observe(&pod(1, 1, 7, &[(1, 0)]).pod(), &mut changes);
    }
    assert_eq!((changes.changes.len(), catalog.revision()), (1, 1));
}

#[test]
fn only_ready_pods_count_when_asked_for() {
    let liveness = Liveness { ready_only: true, labelled_only: false };
    let mut pod = pod(1, 1, 1, &[]).pod();
    pod.label = None;
    for (ready, live) in [(None, false), (Some(false), false), (Some(true), true)] {
        pod.ready = ready;
        assert_eq!(liveness.is_live(&pod), live);
    }
}

#[test]
fn a_problem_comes_is_replaced_and_goes() {
    let kinds = |changes: &Changes| -> Vec<_> {
        changes.problems.iter().map(|c| (c.kind, c.problem.error.stage.as_str())).collect()
    };
    let mut catalog = believing();
    let mut seen = Vec::new();
    let good = encode([Record::new("/dubbo")]);
    let half = encode([Record::new("/dubbo"), Record::new("x")]);
    for (version, annotation) in ["!", "!", "e30=", &half, &good].into_iter().enumerate() {
        let mut pod = pod(1, 1, u32::try_from(version).unwrap(), &[]).pod();
        pod.annotation = Some(annotation.to_owned().into());
        let mut changes = Changes::default();
        catalog.observe(&pod, &mut changes);
        seen.push((kinds(&changes), catalog.records()));
    }
    let (raised, cleared) = (ProblemKind::Raised, ProblemKind::Cleared);
    assert_eq!(
        seen,
        [
            (vec![(raised, "base64")], 0),
            (vec![], 0),
            (vec![(cleared, "base64"), (raised, "shape")], 0),
            (vec![(cleared, "shape"), (raised, "shape")], 1),
            (vec![(cleared, "shape")], 1),
        ]
    );
}

#[test]
fn problems_point_into_the_annotation() {
    let annotation =
        encode([Record::new("/dubbo"), Record::new("/dubbo/a.B/providers/dubbo%3A%2F%2Fh%3Ax")]);
    let mut pod = pod(1, 1, 1, &[]).pod();
    pod.annotation = Some(annotation.clone().into());
    let mut catalog = believing();
    catalog.observe(&pod, &mut Changes::default());
    let problem = catalog.problems().next().unwrap();
    let decoded = problem.error.decoded_offset.unwrap();
    let json = r#"[{"k":"/dubbo","v":""},{"k":"/dubbo/a.B/providers/dubbo%3A%2F%2Fh%3Ax","v":""}]"#;
    assert_eq!(decoded, json.rfind('x').unwrap());
    assert_eq!(problem.error.offset, decoded / 3 * 4 + decoded % 3);
    assert_eq!(problem.error.expected.english(), "a port number");
    let shown = serde_json::to_value(&problem).unwrap();
    assert_eq!(
        (shown["pod"].as_str(), shown["error"]["stage"].as_str()),
        (Some("pod-1"), Some("shape"))
    );
}

#[test]
fn a_url_that_dubbo_go_refuses_counts_and_is_a_problem() {
    let key = "/dubbo/a.B/providers/tri%3A%2F%2F10.0.0.1%3A1%2Fa.B%3Fx%3Da%3Bb";
    let mut pod = pod(1, 1, 1, &[]).pod();
    pod.annotation = Some(encode([Record::new("/dubbo"), Record::new(key)]).into());
    let mut catalog = believing();
    let mut changes = Changes::default();
    catalog.observe(&pod, &mut changes);
    assert_eq!((catalog.records(), changes.problems.len()), (2, 1));
    let problem = serde_json::to_value(catalog.problems().next().unwrap()).unwrap();
    let error = &problem["error"];
    assert_eq!(
        (&error["code"], &error["reason"]),
        (&"dubbo-go-refuses-url".into(), &"semicolon".into())
    );
    let json = format!(r#"[{{"k":"/dubbo","v":""}},{{"k":"{key}","v":""}}]"#);
    assert_eq!(error["decodedOffset"], json.find("%3Bb").unwrap());
    // Read again with the same records, it stays as it is.
    pod.resource_version = "9".into();
    changes.clear();
    catalog.observe(&pod, &mut changes);
    assert_eq!((catalog.problems().count(), changes.problems.len()), (1, 0));
    pod.annotation = Some("".into());
    pod.resource_version = "10".into();
    catalog.observe(&pod, &mut changes);
    assert_eq!((catalog.records(), catalog.problems().count()), (0, 0));
}

#[test]
fn unreadable_objects_are_problems_beside_the_rest() {
    let mut catalog = believing();
    let mut changes = Changes::default();
    catalog.observe(&pod(1, 1, 1, &[(1, 0)]).pod(), &mut changes);
    let named = Pod::parse(br#"{"metadata":{"name":"b","namespace":"east","uid":"u","labels":3}}"#);
    let nameless = Pod::parse(b"{]");
    for error in [named.unwrap_err(), nameless.unwrap_err()] {
        catalog.problem(&error, &mut changes);
    }
    assert_eq!((catalog.records(), catalog.pods(), changes.problems.len()), (1, 2, 2));
    let relist = catalog.relist();
    changes.clear();
    catalog.commit(&Scope::Namespace("east".into()), relist, &mut changes);
    assert_eq!((catalog.records(), catalog.pods(), catalog.problems().count()), (0, 0, 0));
    assert_eq!((changes.changes.len(), changes.problems.len()), (1, 2));
}

#[test]
fn a_pod_with_countless_bad_records_has_bounded_problems() {
    let keys: Vec<_> = (0..1000).map(|n| format!("bad {n}")).collect();
    let mut pod = pod(1, 1, 1, &[]).pod();
    pod.annotation = Some(encode(keys.iter().map(|key| Record::new(key))).into());
    let mut catalog = believing();
    catalog.observe(&pod, &mut Changes::default());
    let problems: Vec<_> = catalog.problems().collect();
    assert_eq!(problems.len(), 16);
    assert!(problems[15].error.expected.english().contains("no more"));
}

#[test]
fn captured_malformed_pods_show_what_is_good_in_them() {
    let mut body =
        include_bytes!("../../codec/tests/data/captures/16a-list-malformed.json").as_slice();
    // No kubelet has given these Pods an address.
    let trust = Trust { admitted: vec![Admit::Any], ..Trust::default() };
    let mut catalog = Catalog::with_trust(Liveness::default(), Arc::new(trust));
    let mut relist = catalog.relist();
    let mut reader = ListReader::new();
    while let Some(item) = reader.next(&mut body).unwrap() {
        relist.observe(&catalog, &Pod::parse(item).unwrap());
    }
    catalog.commit(&Scope::All, relist, &mut Changes::default());
    let mut problems = BTreeMap::new();
    for problem in catalog.problems() {
        let name = problem.holder.pod.trim_start_matches("mal-").to_owned();
        problems.entry(name).or_insert_with(Vec::new).push(problem.error.stage.as_str());
    }
    let shown: Vec<_> =
        problems.iter().map(|(name, stages)| (name.as_str(), stages.join(" "))).collect();
    assert_eq!(
        shown,
        [
            ("bad-percent", "shape".to_owned()),
            ("k-number", "shape".to_owned()),
            ("missing-k", "shape".to_owned()),
            ("not-base64", "base64".to_owned()),
            ("not-dubbo-path", "shape".to_owned()),
            ("not-json", "json".to_owned()),
            ("not-utf8", "utf8".to_owned()),
            ("null-element", "shape".to_owned()),
            ("object", "shape".to_owned()),
            ("one-good-one-bad", "shape".to_owned()),
            ("std-alphabet", "shape".to_owned()),
            ("strings", "shape".to_owned()),
            ("trailing-garbage", "json".to_owned()),
            ("truncated-json", "json".to_owned()),
            ("unescaped-url", "shape".to_owned()),
        ]
    );
    assert_eq!(catalog.pods(), 26);
    // As in Go, one record of a wrong shape refuses the whole annotation.
    let records = |name: &str| {
        let pod = catalog.pod_entries().find(|pod| *pod.holder().pod == *name);
        pod.unwrap().records().len()
    };
    assert_eq!((records("mal-one-good-one-bad"), records("mal-newlines")), (0, 1));
}

#[test]
fn services_are_shown_as_the_contract_says() {
    let keys = [
        "/dubbo/a.B",
        "/dubbo/a.B/providers/dubbo%3A%2F%2F10.1.2.3%3A20880%2Fa.B%3Finterface%3Da.B%26group%3Dg%26version%3D1.0%26weight%3D50%26methods%3DGet%252CList",
        "/dubbo/a.B/consumers/consumer%3A%2F%2F10.1.2.4%2Fa.B%3Fgroup%3Dg%26version%3D1.0",
        "/dubbo/a.B/routers/condition%3A%2F%2F0.0.0.0%2Fa.B",
    ];
    let mut pod = pod(1, 1, 1, &[]).pod();
    pod.annotation = Some(encode(keys.map(Record::new)).into());
    let mut catalog = believing();
    let mut changes = Changes::default();
    catalog.observe(&pod, &mut changes);
    assert_eq!(
        serde_json::to_value(catalog.services().collect::<Vec<_>>()).unwrap(),
        serde_json::json!([{
            "service": "g/a.B:1.0", "interface": "a.B", "group": "g", "version": "1.0",
            "providers": [{
                "url": "dubbo://10.1.2.3:20880/a.B?interface=a.B&group=g&version=1.0&weight=50&methods=Get%2CList",
                "protocol": "dubbo", "host": "10.1.2.3", "port": 20880,
                "params": {"interface": "a.B", "group": "g", "version": "1.0", "weight": "50", "methods": "Get,List"},
                "trusted": true,
                "holders": [{"namespace": "east", "pod": "pod-1", "uid": "uid-1", "ready": true}]
            }],
            "consumers": [{
                "url": "consumer://10.1.2.4/a.B?group=g&version=1.0",
                "protocol": "consumer", "host": "10.1.2.4", "port": null,
                "params": {"group": "g", "version": "1.0"}, "trusted": true,
                "holders": [{"namespace": "east", "pod": "pod-1", "uid": "uid-1", "ready": true}]
            }]
        }])
    );
    let lines: Vec<_> = changes.changes.iter().map(|c| serde_json::to_value(c).unwrap()).collect();
    assert_eq!(
        lines[0],
        serde_json::json!({
            "event": "added", "key": "/dubbo/a.B", "value": "", "category": null, "service": "a.B",
            "url": null, "namespace": "east", "pod": "pod-1", "uid": "uid-1", "resourceVersion": "1"
        })
    );
    assert_eq!(
        (lines[1]["category"].as_str(), lines[1]["service"].as_str()),
        (Some("providers"), Some("g/a.B:1.0"))
    );
}

#[test]
fn a_pods_annotation_can_be_written_again() {
    let model = pod(1, 1, 1, &[(2, 0), (1, 0), (0, 1), (2, 0)]);
    let mut catalog = believing();
    catalog.observe(&model.pod(), &mut Changes::default());
    let view = catalog.pod_entries().next().unwrap();
    let written = view.annotation().unwrap();
    assert_eq!(Some(&*written), model.pod().annotation.as_deref());
    assert_eq!(Annotation::decode(&written).unwrap().records().len(), 4);
    assert_eq!((view.resource_version(), Arc::strong_count(&view.holder().pod) > 1), ("1", true));
}
