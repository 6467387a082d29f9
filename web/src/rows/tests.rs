//! Rows of a small registry, opened, closed and searched.

use super::*;
use crate::document::Document;
use dubbo_k8s_codec::{Record, encode, query_escape};

fn model() -> Model {
    let annotation = |list: &[(&str, &str, &str)]| {
        let keys: Vec<String> =
            list.iter().map(|(i, c, u)| format!("/dubbo/{i}/{c}/{}", query_escape(u))).collect();
        encode(keys.iter().map(|key| Record::new(key)))
    };
    let pod = |name: &str, value: &str| {
        format!(
            "{{\"metadata\":{{\"name\":\"{name}\",\"namespace\":\"prod\",\"labels\":{{\"dubbo.io/label\":\
             \"dubbo.io-value\"}},\"annotations\":{{\"dubbo.io/annotation\":\"{value}\"}}}}}}\n"
        )
    };
    let text = pod("b-0", &annotation(&[("b.S", "providers", "dubbo://10.0.0.1:1/b.S?x=Gold")]))
        + &pod(
            "b-1",
            &annotation(&[
                ("b.S", "providers", "dubbo://10.0.0.2:1/b.S"),
                ("a.S", "consumers", "consumer://10.0.0.2/a.S"),
            ]),
        )
        + &pod("bad", "!!");
    let mut model = Model::default();
    for pod in Document::read(&text).pods {
        model.push(pod, &text);
    }
    model.settle();
    model
}

fn shown(view: &View) -> Vec<(Node, u8, u32, u32)> {
    view.rows().iter().map(|r| (r.node, r.depth, r.position, r.siblings)).collect()
}

#[test]
fn services_come_in_order_with_their_endpoints_and_places() {
    use Category::{Consumers, Providers};
    let model = model();
    let view = View::new(&model, By::Service);
    assert_eq!(
        shown(&view),
        [
            (Node::Unread, 0, 1, 3),
            (Node::Pod(2), 1, 1, 1),
            (Node::Service(1), 0, 2, 3),
            (Node::Role(1, Consumers), 1, 1, 1),
            (Node::Endpoint(1, 1), 2, 1, 1),
            (Node::Service(0), 0, 3, 3),
            (Node::Role(0, Providers), 1, 1, 1),
            (Node::Endpoint(0, 0), 2, 1, 2),
            (Node::Endpoint(1, 0), 2, 2, 2),
        ]
    );
}

#[test]
fn a_search_looks_at_parameters_and_names_and_opens_what_it_finds() {
    let model = model();
    let mut view = View::new(&model, By::Service);
    view.set_all(false);
    view.find("x=gold  PROD");
    view.rebuild(&model);
    let nodes: Vec<Node> = view.rows().iter().map(|row| row.node).collect();
    assert_eq!(nodes, [Node::Service(0), Node::Role(0, Category::Providers), Node::Endpoint(0, 0)]);
    view.find("nowhere");
    view.rebuild(&model);
    assert!(view.rows().is_empty());
    view.find("b-1");
    view.by = By::Pod;
    view.rebuild(&model);
    assert_eq!(view.rows().len(), 3);
}

#[test]
fn what_one_search_has_found_is_not_what_another_one_finds() {
    let model = model();
    let mut view = View::new(&model, By::Service);
    let mut shown = |model: &Model, words: Option<&str>| {
        if let Some(words) = words {
            view.find(words);
        }
        view.rebuild(model);
        view.rows().iter().filter(|row| matches!(row.node, Node::Endpoint(..))).count()
    };
    let all = shown(&model, Some(""));
    assert_eq!(shown(&model, Some("nothing like it")), 0);
    assert_eq!(shown(&model, Some("prod/")), all);
    assert_eq!(shown(&model, None), all);
    assert_eq!(shown(&model, Some("b-1")), 2);
    assert_eq!(shown(&model, Some("")), all);
}

#[test]
fn a_text_is_found_wherever_it_stands() {
    for (haystack, needle, found) in [
        ("abc", "", true),
        ("", "a", false),
        ("abc", "abc", true),
        ("abc", "abcd", false),
        ("xabab", "abab", true),
        ("xaba", "abab", false),
        ("e.e.e7", "e7", true),
        ("7e", "7", true),
        ("用户组", "户", true),
    ] {
        assert_eq!(
            contains(haystack.as_bytes(), needle.as_bytes(), rarest(needle.as_bytes())),
            found,
            "{haystack} {needle}"
        );
    }
}

#[test]
fn closing_hides_children_and_revealing_opens_them() {
    let model = model();
    let mut view = View::new(&model, By::Service);
    view.set_all(false);
    view.rebuild(&model);
    assert_eq!(view.rows().len(), 3);
    let at = view.reveal(&model, 1, Some(1)).unwrap();
    assert_eq!(view.rows()[at].node, Node::Endpoint(1, 1));
    assert_eq!(view.rows().len(), 5);
    let bad = view.reveal(&model, 2, None).unwrap();
    assert_eq!(view.rows()[bad].node, Node::Pod(2));
}
