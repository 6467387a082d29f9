//! Pairs that match and pairs that do not, and what holds for any of them.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::lint::Entry;
use crate::phrase::Language;
use crate::{Category, Key, Record};

fn entry(category: Category, url: &str) -> Entry<'static> {
    let key = Key::leaf("a.B", category, url).to_string();
    let entry = Entry::read(Record::new(&key)).unwrap().unwrap();
    let url = crate::Url::parse(url.to_string()).unwrap();
    Entry::new(entry.interface.into_owned().into(), category, url)
}

fn consumer(parameters: &str) -> Consumer<'static> {
    Consumer::of(&entry(Category::Consumers, &format!("consumer://10.0.0.9/a.B?{parameters}")), "n")
}

fn provider(parameters: &str) -> Provider<'static> {
    let pod = PodState { namespace: "n".into(), ..PodState::default() };
    Provider::of(&entry(Category::Providers, &format!("dubbo://10.0.0.1:1/a.B?{parameters}")), pod)
}

fn obstacle(
    consumer: &Consumer<'_>,
    provider: &Provider<'_>,
) -> Option<(&'static str, String, String)> {
    let found = mismatch(consumer, provider, Rules::dubbo_go(0))?;
    Some((found.obstacle.as_str(), found.asked, found.found))
}

#[test]
fn each_pair_that_does_not_match_has_one_reason_and_the_two_values() {
    for (asked, offered, expected) in [
        ("", "", None),
        ("group=*&version=*", "group=g&version=1", None),
        ("group=a,b", "group=b", None),
        ("protocol=dubbo", "", None),
        ("protocol=tri", "ext.protocol=rest,triple", None),
        ("version=0.0.0", "", None),
        ("group=a", "group=b&version=1", Some(("group", "a", "b"))),
        ("version=2", "version=1", Some(("version", "2", "1"))),
        ("", "version=1", Some(("version", "", "1"))),
        ("protocol=tri", "", Some(("protocol", "tri", "dubbo"))),
        ("", "category=routers", Some(("category", "providers", "routers"))),
        ("", "disabled=true", Some(("disabled", "", ""))),
        ("", "weight=0", Some(("no-weight", "", ""))),
        ("", "dubbo.tag=gray", Some(("tag", "", "gray"))),
        ("dubbo.tag=blue", "dubbo.tag=gray", Some(("tag", "blue", "gray"))),
    ] {
        let found = obstacle(&consumer(asked), &provider(offered));
        let expected = expected.map(|(it, a, b): (_, &str, &str)| (it, a.into(), b.into()));
        assert_eq!(found, expected, "{asked} and {offered}");
    }
}

#[test]
fn the_pod_of_a_provider_counts() {
    let pod = |change: fn(&mut Provider<'static>)| {
        let mut provider = provider("");
        change(&mut provider);
        obstacle(&consumer(""), &provider).map(|(obstacle, ..)| obstacle)
    };
    assert_eq!(pod(|it| it.pod.not_selected = true), Some("not-selected"));
    assert_eq!(pod(|it| it.pod.refused = true), Some("refused"));
    assert_eq!(pod(|it| it.pod.ended = true), Some("ended"));
    assert_eq!(pod(|it| it.pod.deleting = true), Some("terminating"));
    assert_eq!(pod(|it| it.refused = true), Some("refused"));
    assert_eq!(pod(|it| it.believed = false), Some("not-believed"));
    assert_eq!(pod(|it| it.pod.namespace = "other".into()), Some("namespace"));
    assert_eq!(pod(|it| it.pod.namespace = "".into()), None, "an unknown namespace may be any");
    assert_eq!(pod(|it| it.pod.ready = Some(false)), None, "dubbo-go does not ask");
    let mut unready = provider("");
    unready.pod.ready = Some(false);
    let ready_only = Rules { ready_only: true, ..Rules::default() };
    let found = mismatch(&consumer(""), &unready, ready_only).map(|it| it.obstacle);
    assert_eq!(found, Some(Obstacle::NotReady));
}

#[test]
fn a_tag_prefers_its_own_providers_and_falls_back_to_those_without_one() {
    let (plain, gray) = (provider("weight=10"), provider("dubbo.tag=gray&weight=30"));
    let weights = |asked: &str, providers: &[Provider<'_>]| -> Vec<u64> {
        let found = relations(&consumer(asked), providers, Rules::dubbo_go(0));
        found.iter().map(Relation::weight).collect()
    };
    let both = [plain.clone(), gray];
    assert_eq!(weights("", &both), [10_000, 0]);
    assert_eq!(weights("dubbo.tag=gray", &both), [0, 30_000]);
    assert_eq!(weights("dubbo.tag=gray", &[plain]), [10_000]);
}

#[test]
fn a_weight_counts_no_more_than_is_believed() {
    let found = relations(&consumer(""), &[provider("weight=4000000000")], Rules::default());
    assert_eq!(found, [Relation::Calls(10_000_000)]);
}

#[test]
fn a_provider_that_warms_up_gets_less() {
    let one = provider("weight=200&timestamp=1600000000000&warmup=100000");
    let at = |ms: u64| one.effective(1_600_000_000_000 + ms);
    assert_eq!([at(0), at(50_000), at(100_000)], [2000, 100_000, 200_000]);
    assert_eq!(one.effective(0), 200_000, "without a time all are warm");
    assert_eq!(one.effective(5), 2000, "registered in the future");
}

#[test]
fn a_consumer_that_calls_no_provider_has_the_nearest_reason() {
    let code = |asked: &str, providers: &[Provider<'_>]| {
        let problem = lint(&consumer(asked), providers, Rules::dubbo_go(0))?;
        Some((problem.code.as_str(), problem.message(Language::English)))
    };
    let named = |asked: &str, providers: &[Provider<'_>]| code(asked, providers).map(|it| it.0);
    assert_eq!(named("", &[]), Some("consumer-without-provider"));
    assert_eq!(named("", &[provider("version=1"), provider("")]), None);
    let both = [provider("version=1"), provider("weight=0")];
    assert_eq!(named("", &both), Some("no-usable-provider"));
    let (code, message) = code("version=2", &both[..1]).unwrap();
    assert_eq!(code, "group-or-version-mismatch");
    assert!(message.ends_with("(a.B:2, other version: 2 ≠ 1)"), "{message}");
    assert_eq!(named("protocol=tri", &[provider("")]), Some("protocol-mismatch"));
    let mut far = provider("");
    far.pod.namespace = "other".into();
    assert_eq!(named("", &[far]), Some("provider-in-other-namespace"));
    let any = Consumer { service: crate::Service::new("*"), ..consumer("") };
    assert_eq!(lint(&any, &[], Rules::default()), None);
}

#[test]
fn services_are_matched_as_dubbo_does() {
    let of = |service: &str| crate::Service::parse(service).into_owned();
    let provide = |service: &str| Provider { service: of(service), ..provider("") };
    let providers = ["h/a.C:2.0", "a.B", "g/a.C:1.0", "a.B"].map(provide);
    let lint = |service: &str| {
        let consumer = Consumer { service: of(service), ..consumer("") };
        lint(&consumer, &providers, Rules::dubbo_go(0)).map(|problem| problem.code.as_str())
    };
    assert_eq!(lint("a.B"), None);
    assert_eq!(lint("a.B:0.0.0"), None);
    assert_eq!(lint("*/a.C:*"), None);
    assert_eq!(lint("a.Z"), Some("consumer-without-provider"));
    assert_eq!(lint("a.C"), Some("group-or-version-mismatch"));
    assert_eq!(lint("g/a.C:2.0"), Some("group-or-version-mismatch"));
    assert_eq!(lint("g,h/a.C:2.0"), None);
}

#[test]
fn a_consumer_whose_providers_dubbo_go_would_not_take_has_that_as_its_problem() {
    let named = |asked: &str, offered: &[&str]| {
        let providers: Vec<_> = offered.iter().map(|it| provider(it)).collect();
        lint(&consumer(asked), &providers, Rules::dubbo_go(0)).map(|it| it.code.as_str())
    };
    let takes_none = Some("dubbo-go-takes-no-provider");
    // For dubbo-go a group is no list, and 0.0.0 is a version.
    assert_eq!(named("group=a,b&protocol=dubbo", &["group=a", "group=b"]), takes_none);
    assert_eq!(named("version=0.0.0&protocol=dubbo", &["", "version=1"]), takes_none);
    assert_eq!(named("version=0.0.0&protocol=dubbo", &["", "version=0.0.0"]), None);
    assert_eq!(named("version=0.0.0", &[""]), None, "a consumer that is no dubbo-go");
}

#[test]
fn the_pod_of_a_provider_is_judged_by_its_label_state_and_annotation() {
    let subject = crate::lint::Subject {
        namespace: "n",
        label: Some("dubbo.io-value"),
        ..crate::lint::Subject::default()
    };
    let annotation = |value: &str| crate::Annotation::decode(value).unwrap();
    let good = PodState::of(&subject, &annotation("W10="));
    assert!(!good.not_selected && !good.refused && !good.ended && good.namespace == "n");
    assert!(PodState::of(&subject, &annotation("W10")).refused);
    let other = crate::lint::Subject { label: Some("other"), ..subject };
    assert!(PodState::of(&other, &annotation("W10=")).not_selected);
    let ended = crate::lint::Subject { phase: Some("Failed"), deleting: true, ..subject };
    let ended = PodState::of(&ended, &annotation("W10="));
    assert!(ended.ended && ended.deleting);
}

#[test]
fn every_reason_is_distinct_and_in_both_languages() {
    let (mut names, mut titles) = (BTreeSet::new(), BTreeSet::new());
    for obstacle in Obstacle::ALL {
        assert!(names.insert(obstacle.as_str()), "{obstacle} twice");
        assert!(titles.insert(obstacle.title(Language::English)), "{obstacle} twice");
        assert!(obstacle.title(Language::Chinese).chars().any(|it| it > '\u{2e7f}'), "{obstacle}");
    }
    assert!(Obstacle::ALL.is_sorted());
}

fn any_consumer() -> impl Strategy<Value = Consumer<'static>> {
    let part = |name: &'static str, values: &'static [&'static str]| {
        select(values).prop_map(move |value| format!("&{name}={value}"))
    };
    let url = (
        part("group", &["", "a", "b", "a,b", "*"]),
        part("version", &["", "1", "2", "*", "0.0.0"]),
        part("protocol", &["", "dubbo", "tri", "dubbo,tri"]),
        part("dubbo.tag", &["", "gray"]),
    );
    let namespace = select(&["", "n", "m"][..]);
    (url, namespace).prop_map(|((g, v, p, t), namespace)| Consumer {
        namespace: namespace.into(),
        ..consumer(&format!("x=1{g}{v}{p}{t}"))
    })
}

fn any_provider() -> impl Strategy<Value = Provider<'static>> {
    let part = |name: &'static str, values: &'static [&'static str]| {
        select(values).prop_map(move |value| format!("&{name}={value}"))
    };
    let url = (
        part("group", &["", "a", "b"]),
        part("version", &["", "1", "2"]),
        part("weight", &["", "0", "1", "100", "4294967295", "abc"]),
        part("dubbo.tag", &["", "gray", "blue"]),
        part("timestamp", &["", "1600000000000"]),
        part("disabled", &["", "true"]),
    );
    let pod = (select(&["", "n", "m"][..]), any::<[bool; 6]>());
    (url, pod).prop_map(|((g, v, w, t, ts, d), (namespace, flags))| {
        let mut one = provider(&format!("x=1{g}{v}{w}{t}{ts}{d}"));
        one.pod = PodState {
            namespace: namespace.into(),
            not_selected: flags[0] && flags[1],
            refused: flags[1] && flags[2],
            ended: flags[2] && flags[3],
            deleting: flags[3] && flags[4],
            ready: Some(flags[4]),
        };
        one.believed = flags[5];
        one
    })
}

proptest! {
    #[test]
    fn any_pair_either_calls_or_has_a_reason(
        consumer in any_consumer(),
        providers in prop::collection::vec(any_provider(), 0..12),
        now_ms in select(&[0_u64, 1_600_000_100_000, 1_900_000_000_000][..]),
        ready_only in any::<bool>(),
        own_namespace in any::<bool>(),
    ) {
        let rules = Rules { now_ms, own_namespace, ready_only };
        let found = relations(&consumer, &providers, rules);
        prop_assert_eq!(found.len(), providers.len());
        for (provider, relation) in providers.iter().zip(&found) {
            let query = Query::from(consumer.service.clone());
            match relation {
                Relation::Calls(weight) => {
                    prop_assert!(*weight > 0 && query.matches(&provider.service));
                    prop_assert!(provider.enabled && provider.believed && !provider.pod.ended);
                    prop_assert_eq!(mismatch(&consumer, provider, rules), None);
                }
                Relation::Never(never) => {
                    let of_service = never.obstacle <= Obstacle::Version;
                    prop_assert_eq!(!query.matches(&provider.service), of_service);
                    if never.obstacle <= Obstacle::Namespace {
                        prop_assert_ne!(&never.asked, &never.found);
                    }
                }
            }
        }
        // Lint reports that none is called exactly if none is; of those that are, dubbo-go may take none.
        let problem = lint(&consumer, &providers, rules);
        let by_dubbo_go = problem.as_ref().is_some_and(|it| it.code == Code::DubboGoTakesNoProvider);
        let lonely = problem.is_some() && !by_dubbo_go;
        prop_assert_eq!(lonely, found.iter().all(|it| it.weight() == 0));
        let called = providers.iter().zip(&found).filter(|(_, relation)| relation.weight() > 0);
        let taken = |it: &Provider<'_>| {
            let both = consumer.dubbo_go.as_deref().zip(it.dubbo_go.as_deref());
            both.is_none_or(|(asked, own)| own.mismatch(asked).is_none())
        };
        let none_taken = !lonely && !called.map(|(it, _)| it).any(taken);
        prop_assert_eq!(by_dubbo_go, none_taken);
        // The order of the providers changes nothing.
        let reversed: Vec<_> = providers.iter().rev().cloned().collect();
        let mut again = relations(&consumer, &reversed, rules);
        again.reverse();
        prop_assert_eq!(found, again);
    }
}
