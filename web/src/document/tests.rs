//! Texts of every form, and what is found in them.

use super::*;
use crate::pod::Change;

const VALUE: &str = "W3siayI6Ii9kdWJibyIsInYiOiIifV0=";

fn values<'a>(text: &'a str, document: &'a Document) -> Vec<&'a str> {
    document.pods.iter().map(|pod| pod.annotation.as_ref().unwrap().get(text)).collect()
}

#[test]
fn a_bare_annotation_may_have_space_around_it() {
    let text = format!("\n  {VALUE}\n");
    let document = Document::read(&text);
    assert_eq!(document.kind, Kind::Annotation);
    assert_eq!(values(&text, &document), [VALUE]);
    assert_eq!(&text[document.pods[0].annotation.as_ref().unwrap().span.clone()], VALUE);
}

#[test]
fn a_quoted_annotation_and_a_pasted_map_entry_are_annotations() {
    for text in [
        format!("\"{VALUE}\""),
        format!("dubbo.io/annotation: {VALUE}"),
        format!("annotations:\n  dubbo.io/annotation: >-\n    {VALUE}\n"),
        format!("{{\"dubbo.io/annotation\":\"{VALUE}\"}}"),
    ] {
        let document = Document::read(&text);
        assert_eq!(document.kind, Kind::Annotation, "{text}");
        assert_eq!(values(&text, &document), [VALUE], "{text}");
    }
}

#[test]
fn decoded_records_are_shown_as_the_annotation_they_become() {
    let document = Document::read(r#" [{"k":"/dubbo","v":""}]"#);
    assert_eq!(document.kind, Kind::Records);
    assert_eq!(values("", &document), [VALUE]);
}

#[test]
fn a_pod_in_yaml_is_read_with_its_places() {
    let text = format!(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: 用户-0\n  namespace: prod\n  uid: u1\n  \
         resourceVersion: \"42\"\n  deletionTimestamp: \"2026-01-01T00:00:00Z\"\n  labels:\n    \
         dubbo.io/label: dubbo.io-value\n  annotations:\n    a: bc\n    dubbo.io/annotation: \
         {VALUE}\nstatus:\n  phase: Running\n  podIP: 10.0.0.1\n  podIPs:\n  - ip: 10.0.0.1\n  \
         - ip: fd00::1\n  conditions:\n  - status: \"True\"\n    type: Ready\n"
    );
    let document = Document::read(&text);
    assert_eq!((document.format, document.kind), (Format::Yaml, Kind::Pods));
    let pod = &document.pods[0];
    assert_eq!((&*pod.namespace, &*pod.name, &*pod.uid), ("prod", "用户-0", "u1"));
    assert_eq!((&*pod.resource_version, pod.deleting), ("42", true));
    assert_eq!(pod.label.as_deref(), Some("dubbo.io-value"));
    assert_eq!((pod.phase.as_deref(), pod.ready), (Some("Running"), Some(true)));
    assert_eq!(pod.addresses(), ["10.0.0.1", "fd00::1"]);
    assert_eq!(pod.other_annotations, Some(3));
    assert_eq!(&text[pod.annotation.as_ref().unwrap().span.clone()], VALUE);
}

#[test]
fn lists_in_lists_and_several_documents_give_all_pods() {
    let pod = |name: &str| format!("{{\"metadata\":{{\"name\":\"{name}\"}}}}");
    let text = format!(
        "{{\"items\":[{},{{\"kind\":\"PodList\",\"items\":[{}]}},{{\"kind\":\"Service\",\
         \"metadata\":{{}}}}],\"kind\":\"List\"}}\n{}",
        pod("a"),
        pod("b"),
        pod("c")
    );
    let document = Document::read(&text);
    let names: Vec<&str> = document.pods.iter().map(|pod| &*pod.name).collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert_eq!(document.others.len(), 1);
    assert_eq!(document.others[0].kind, "Service");
}

#[test]
fn of_watch_events_the_last_state_of_each_pod_counts() {
    let event = |kind: &str, uid: &str, label: &str| {
        format!(
            "{{\"type\":\"{kind}\",\"object\":{{\"kind\":\"Pod\",\"metadata\":{{\"uid\":\"{uid}\",\
             \"labels\":{{\"dubbo.io/label\":\"{label}\"}}}}}}}}\n"
        )
    };
    let text = event("ADDED", "1", "x")
        + &event("ADDED", "2", "x")
        + &event("BOOKMARK", "", "")
        + &event("MODIFIED", "1", "y")
        + &event("DELETED", "2", "x");
    let document = Document::read(&text);
    assert_eq!(document.kind, Kind::Events);
    let seen: Vec<_> = document.pods.iter().map(|p| (&*p.uid, p.change)).collect();
    assert_eq!(seen, [("1", Some(Change::Modified)), ("2", Some(Change::Deleted))]);
    assert_eq!(document.pods[0].label.as_deref(), Some("y"));
}

#[test]
fn a_text_that_breaks_off_keeps_what_came_before() {
    let text = r#"{"items":[{"metadata":{"name":"a"}},{"metadata":{"name""#;
    let document = Document::read(text);
    assert_eq!(document.pods.len(), 1);
    assert_eq!(document.error.unwrap().offset, text.len());
}

#[test]
fn nothing_is_nothing() {
    assert_eq!(Document::read(" \n\t").kind, Kind::Empty);
}
