//! Who is believed, seen from the catalog: what reaches a consumer, what is only listed, and how each attack shows.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

use std::sync::Arc;

use dubbo_k8s_codec::trust::{Quota, Trust};
use dubbo_k8s_codec::{Category, Key, Pod, Record, encode};
use dubbo_k8s_engine::catalog::{Catalog, ChangeKind, Changes, Liveness, Scope};

/// A Pod with its own address and these provider URLs.
fn pod(namespace: &str, name: &str, ips: &[&str], urls: &[&str]) -> Pod<'static> {
    let keys: Vec<_> = urls.iter().map(|url| provider(url)).collect();
    Pod {
        namespace: namespace.to_owned().into(),
        name: name.to_owned().into(),
        uid: format!("uid-{namespace}-{name}").into(),
        resource_version: "1".into(),
        label: Some("dubbo.io-value".into()),
        annotation: Some(encode(keys.iter().map(|key| Record::new(key))).into()),
        ready: Some(true),
        ips: ips.iter().map(|ip| ip.parse().unwrap()).collect(),
        ..Pod::default()
    }
}

fn provider(url: &str) -> String {
    let interface = url.split(['/', '?']).nth(3).unwrap();
    Key::leaf(interface, Category::Providers, url).to_string()
}

fn again(pod: &Pod<'static>, version: &str) -> Pod<'static> {
    Pod { resource_version: version.to_owned().into(), ..pod.clone() }
}

fn catalog(trust: Trust) -> Catalog {
    Catalog::with_trust(Liveness::default(), Arc::new(trust))
}

fn observe(catalog: &mut Catalog, pod: &Pod<'_>) -> Vec<(ChangeKind, String)> {
    let mut changes = Changes::default();
    catalog.observe(pod, &mut changes);
    changes.changes.iter().map(|it| (it.kind, it.url().unwrap_or_default().into_owned())).collect()
}

/// What a consumer is given.
fn believed(catalog: &Catalog) -> Vec<String> {
    let providers = catalog.services().flat_map(|service| service.providers);
    providers.map(|it| it.url().to_string()).collect()
}

/// What an operator is shown: the host, whether it is believed, and the Pods.
fn listed(catalog: &Catalog) -> Vec<(String, bool, Vec<String>)> {
    let providers = catalog.listed_services_of(|_| true).flat_map(|service| service.providers);
    let shown = |it: dubbo_k8s_engine::catalog::Endpoint| {
        let pods = it.holders().map(|holder| holder.pod.to_string()).collect();
        (it.url().host().to_owned(), it.is_trusted(), pods)
    };
    providers.map(shown).collect()
}

fn codes(catalog: &Catalog) -> Vec<&'static str> {
    catalog.problems().map(|problem| problem.error.code().as_str()).collect()
}

const OWN: &str = "tri://10.0.0.1:80/a.B";

#[test]
fn a_provider_at_a_link_local_address_reaches_no_consumer_and_is_listed() {
    let mut catalog = catalog(Trust::default());
    let spoofed = "tri://169.254.169.254:80/a.B";
    let changes = observe(&mut catalog, &pod("shop", "evil", &["10.0.0.1"], &[spoofed, OWN]));
    assert_eq!(changes, [(ChangeKind::Added, OWN.to_owned())]);
    assert_eq!(believed(&catalog), [OWN]);
    let pods = vec!["evil".to_owned()];
    assert_eq!(
        listed(&catalog),
        [("10.0.0.1".to_owned(), true, pods.clone()), ("169.254.169.254".to_owned(), false, pods)]
    );
    assert_eq!(codes(&catalog), ["address-not-pod"]);
    let problem = serde_json::to_value(catalog.problems().next().unwrap()).unwrap();
    assert_eq!(problem["error"]["found"]["thing"], "link-local-address");
    assert_eq!(catalog.records(), 1);
}

#[test]
fn a_pod_without_a_status_is_believed_of_no_address_that_is_not_admitted() {
    let metadata = Pod {
        ready: None,
        ..pod("shop", "a", &[], &["tri://[fe80::1]:80/a.B", "tri://127.0.0.1:80/a.B", OWN])
    };
    let mut strict = catalog(Trust::default());
    assert_eq!(observe(&mut strict, &metadata), []);
    assert_eq!(codes(&strict), ["address-not-pod"; 3]);
    let admitted = vec!["10.0.0.0/8".parse().unwrap()];
    let mut admitting = catalog(Trust { admitted, ..Trust::default() });
    observe(&mut admitting, &metadata);
    assert_eq!(believed(&admitting), [OWN]);
}

#[test]
fn a_provider_at_the_address_of_another_pod_is_believed_of_that_pod_only() {
    let mut catalog = catalog(Trust::default());
    observe(&mut catalog, &pod("shop", "evil", &["10.0.0.9"], &[OWN]));
    assert!(believed(&catalog).is_empty());
    let come = observe(&mut catalog, &pod("shop", "good", &["10.0.0.1"], &[OWN]));
    assert_eq!(come, [(ChangeKind::Added, OWN.to_owned())]);
    let host = "10.0.0.1".to_owned();
    assert_eq!(
        listed(&catalog),
        [(host.clone(), true, vec!["good".to_owned()]), (host, false, vec!["evil".to_owned()])]
    );
    // The other one never keeps it alive.
    let mut changes = Changes::default();
    catalog.remove(&pod("shop", "good", &["10.0.0.1"], &[OWN]), &mut changes);
    assert_eq!(changes.changes[0].kind, ChangeKind::Removed);
    assert!(believed(&catalog).is_empty());
}

#[test]
fn a_pod_is_believed_once_its_address_is_known() {
    let mut catalog = catalog(Trust::default());
    let early = pod("shop", "a", &[], &[OWN]);
    assert_eq!(observe(&mut catalog, &early), []);
    let before = catalog.revision();
    let later = Pod { ips: vec!["10.0.0.1".parse().unwrap()], ..again(&early, "2") };
    assert_eq!(observe(&mut catalog, &later), [(ChangeKind::Added, OWN.to_owned())]);
    assert!(catalog.revision() > before && codes(&catalog).is_empty());
    let moved = Pod { ips: vec!["10.0.0.2".parse().unwrap()], ..again(&early, "3") };
    assert_eq!(observe(&mut catalog, &moved), [(ChangeKind::Removed, OWN.to_owned())]);
    assert_eq!(codes(&catalog), ["address-not-pod"]);
}

#[test]
fn a_weight_of_four_billion_counts_as_the_limit() {
    let mut catalog = catalog(Trust::default());
    let heavy = "tri://10.0.0.1:80/a.B?weight=4000000000&methods.Get.weight=4000000000";
    let changes = observe(&mut catalog, &pod("shop", "evil", &["10.0.0.1"], &[heavy]));
    let capped = "tri://10.0.0.1:80/a.B?weight=10000&methods.Get.weight=10000";
    assert_eq!(changes, [(ChangeKind::Added, capped.to_owned())]);
    assert_eq!(believed(&catalog), [capped]);
    assert_eq!(codes(&catalog), ["weight-over-limit"]);
    let service = serde_json::to_value(catalog.services().next().unwrap()).unwrap();
    assert_eq!(service["providers"][0]["params"]["weight"], "10000");
    assert_eq!(service["providers"][0]["trusted"], true);
}

#[test]
fn an_interface_of_another_namespace_reaches_no_consumer() {
    let owners = vec!["com.bank.*=payments".parse().unwrap()];
    let mut catalog = catalog(Trust { owners, ..Trust::default() });
    let url = "tri://10.0.0.1:80/com.bank.Pay";
    observe(&mut catalog, &pod("evil", "a", &["10.0.0.1"], &[url]));
    assert!(believed(&catalog).is_empty());
    assert_eq!(codes(&catalog), ["not-owner"]);
    observe(&mut catalog, &pod("payments", "a", &["10.0.0.1"], &[url]));
    assert_eq!(believed(&catalog), [url]);
}

#[test]
fn records_beyond_the_quota_of_a_pod_are_not_kept() {
    let pod_quota = Quota { records: 3, ..Quota::POD };
    let mut catalog = catalog(Trust { pod: pod_quota, ..Trust::default() });
    let urls: Vec<_> = (0..10).map(|n| format!("tri://10.0.0.1:80/a.B{n}")).collect();
    let urls: Vec<_> = urls.iter().map(String::as_str).collect();
    observe(&mut catalog, &pod("shop", "evil", &["10.0.0.1"], &urls));
    assert_eq!(believed(&catalog), urls[..3]);
    assert_eq!(codes(&catalog), ["over-quota"]);
}

#[test]
fn a_namespace_beyond_its_quota_takes_nothing_from_another_and_gives_room_back() {
    let namespace = Quota { records: 2, ..Quota::NAMESPACE };
    let mut catalog = catalog(Trust { namespace, ..Trust::default() });
    let pods: Vec<_> = (1..=4)
        .map(|n| {
            let ip = format!("10.0.0.{n}");
            pod("evil", &format!("p{n}"), &[&ip], &[&format!("tri://{ip}:80/a.B")])
        })
        .collect();
    // Whichever comes first, those with the first names count.
    for pod in pods.iter().rev() {
        observe(&mut catalog, pod);
    }
    observe(&mut catalog, &pod("shop", "good", &["10.0.1.1"], &["tri://10.0.1.1:80/a.B"]));
    let urls = |hosts: &[&str]| -> Vec<String> {
        hosts.iter().map(|host| format!("tri://{host}:80/a.B")).collect()
    };
    assert_eq!(believed(&catalog), urls(&["10.0.0.1", "10.0.0.2", "10.0.1.1"]));
    assert_eq!(codes(&catalog), ["over-quota", "over-quota"]);
    let kept = catalog.pod_entries().filter(|pod| pod.annotation().is_some()).count();
    assert_eq!(kept, 3, "what is over the quota is not kept, nor handed on");
    let mut changes = Changes::default();
    catalog.remove(&pods[0], &mut changes);
    assert_eq!(believed(&catalog), urls(&["10.0.0.2", "10.0.0.3", "10.0.1.1"]));
    // A relist, and a first list, come to the same.
    for mut to in [catalog.clone(), self::catalog(Trust { namespace, ..Trust::default() })] {
        let mut relist = to.relist();
        for pod in &pods {
            relist.observe(&to, pod);
        }
        to.commit(&Scope::Namespace("evil".into()), relist, &mut Changes::default());
        assert_eq!(believed(&to)[..2], urls(&["10.0.0.1", "10.0.0.2"]));
        assert_eq!(codes(&to), ["over-quota", "over-quota"]);
    }
}

#[test]
fn what_is_not_believed_moves_the_revision_and_names_its_keys() {
    let mut catalog = catalog(Trust::default());
    let spoofed = pod("shop", "evil", &["10.0.0.9"], &[OWN]);
    let (before, mut changes) = (catalog.revision(), Changes::default());
    catalog.observe(&spoofed, &mut changes);
    assert!(catalog.revision() > before && changes.changes.is_empty());
    assert!(changes.pods[0].is_unannounced);
    assert_eq!(
        changes.pods[0].keys.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [provider(OWN)]
    );
    assert_eq!(catalog.pod_entries().next().unwrap().ips(), &*spoofed.ips);
}
