//! `GET /v1/annotations?since=REVISION`: what has changed, for a reader that has the rest.

use std::collections::BTreeMap;

use dubbo_k8s_tests::pods::ANNOTATION;
use serde_json::{Value, json};

use crate::client::Answer;
use crate::rig::{Rig, annotation, pod, provider, within};
use crate::schema::Description;

/// What a reader knows: the annotation of each Pod, by its uid.
#[derive(Debug, Default, PartialEq)]
struct Known {
    revision: String,
    pods: BTreeMap<String, String>,
}

impl Known {
    /// Takes an answer in; says how many Pods were in it.
    fn take(&mut self, answer: &Answer) -> usize {
        assert_eq!(answer.status, 200, "{}", answer.text());
        let body = answer.json();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        match body.get("since") {
            Some(since) => assert_eq!(*since, self.revision),
            None => self.pods.clear(),
        }
        for gone in body.get("gone").and_then(Value::as_array).into_iter().flatten() {
            self.pods.remove(gone.as_str().unwrap());
        }
        let pods = body["pods"].as_array().unwrap();
        self.pods.extend(pods.iter().map(|pod| (text(&pod["uid"]), text(&pod["annotation"]))));
        self.revision = text(&body["revision"]);
        assert_eq!(answer.header("etag"), format!("W/\"{}\"", self.revision));
        pods.len()
    }

    async fn read(rig: &Rig) -> Self {
        let mut known = Self::default();
        known.take(&rig.get("/v1/annotations").await);
        known
    }

    /// Waits for a change; says how many Pods came.
    async fn follow(&mut self, rig: &Rig) -> usize {
        let answer = rig.get(&self.path("&wait=30s")).await;
        Description(rig.get("/openapi.json").await.json()).check("Annotations", &answer.json());
        self.take(&answer)
    }

    fn path(&self, more: &str) -> String {
        format!("/v1/annotations?since={}{more}", self.revision)
    }
}

fn delete(rig: &Rig, name: &str) {
    rig.cluster.store().delete("default", name).unwrap();
}

#[tokio::test]
async fn a_reader_gets_the_pods_that_have_changed_and_no_others() {
    let keys = [provider("a.B", 1)];
    let rig = Rig::new(&[("one", &keys), ("two", &keys), ("three", &keys)]).await;
    let mut known = Known::read(&rig).await;
    assert_eq!(known.pods.len(), 3);
    // The first question is what the server begins to remember with.
    let nothing = rig.get(&known.path("")).await;
    assert_eq!(nothing.json()["gone"], json!([]));
    assert_eq!(known.take(&nothing), 0);

    rig.write("two", &[provider("a.C", 2)]);
    assert_eq!(known.follow(&rig).await, 1);
    rig.cluster.store().create(pod("four", "!!")).unwrap();
    assert_eq!(known.follow(&rig).await, 1, "one with a problem is sent as it is");
    // What it carries is carried by another one already, so no key comes or goes.
    rig.write("four", &keys);
    assert_eq!(known.follow(&rig).await, 1);
    delete(&rig, "one");
    assert_eq!(known.follow(&rig).await, 0);
    rig.cluster.store().annotate("default", "three", ANNOTATION, None).unwrap();
    assert_eq!(known.follow(&rig).await, 0, "it carries nothing any more");
    // Another Pod of the same name.
    delete(&rig, "two");
    rig.cluster.store().create(pod("two", "??")).unwrap();
    while known.pods.values().all(|annotation| annotation != "??") {
        known.follow(&rig).await;
    }
    assert_eq!(known, Known::read(&rig).await);
}

#[tokio::test]
async fn a_reader_that_has_slept_gets_all_that_has_changed_meanwhile() {
    let rig = Rig::new(&[("one", &[provider("a.B", 1)]), ("two", &[])]).await;
    let mut known = Known::read(&rig).await;
    known.take(&rig.get(&known.path("")).await);
    for host in 2..9 {
        rig.write("one", &[provider("a.B", host)]);
        rig.write("two", &[provider("a.C", host)]);
    }
    rig.write("two", &[provider("a.D", 1), provider("a.D", 2)]);
    rig.holds(3).await;
    assert_eq!(known.take(&rig.get(&known.path("")).await), 2, "each of them once");
    assert_eq!(known, Known::read(&rig).await);
}

/// What an answer says of the only Pod in it: label, readiness, and the codes of its problems.
fn facts(body: &Value) -> (Value, Value, Vec<Value>) {
    let pod = &body["pods"][0];
    let problems = body["problems"].as_array().unwrap();
    let codes = problems.iter().map(|problem| problem["error"]["code"].clone()).collect();
    (pod["label"].clone(), pod["ready"].clone(), codes)
}

#[tokio::test]
async fn a_pod_comes_with_its_label_its_readiness_and_what_is_wrong_with_it() {
    let rig = Rig::new(&[("one", &[provider("a.B", 1)])]).await;
    let mut known = Known::read(&rig).await;
    let label = json!("dubbo.io-value");
    let whole = rig.get("/v1/annotations").await.json();
    assert_eq!(facts(&whole), (label.clone(), json!(true), vec![]));
    known.take(&rig.get(&known.path("")).await);

    // Nothing of its annotation has changed.
    let unready = |pod: &mut Value| pod["status"]["conditions"][0]["status"] = json!("False");
    rig.cluster.store().update("default", "one", unready).unwrap();
    let answer = rig.get(&known.path("&wait=30s")).await;
    assert_eq!(facts(&answer.json()), (label, json!(false), vec![]));
    known.take(&answer);

    // An address of another Pod, which is not believed; and then all of it is over.
    let spoof = annotation(&[provider("a.B", 9)]);
    rig.cluster.store().annotate("default", "one", ANNOTATION, Some(&spoof)).unwrap();
    let answer = rig.get(&known.path("&wait=30s")).await;
    assert_eq!(facts(&answer.json()).2, [json!("address-not-pod")]);
    assert_eq!(facts(&rig.get("/v1/annotations").await.json()).2, [json!("address-not-pod")]);
    known.take(&answer);
    delete(&rig, "one");
    let answer = rig.get(&known.path("&wait=30s")).await.json();
    assert_eq!(
        (answer["problems"].clone(), answer["gone"].as_array().unwrap().len()),
        (json!([]), 1)
    );
}

#[tokio::test]
async fn a_revision_that_is_not_remembered_is_answered_with_everything() {
    let rig = Rig::new(&[("one", &[provider("a.B", 1)])]).await;
    let known = Known::read(&rig).await;
    let (run, number) = known.revision.split_once('-').unwrap();
    let number: u64 = number.parse().unwrap();
    rig.write("one", &[provider("a.C", 1), provider("a.D", 1)]);
    rig.holds(2).await;
    let others = [
        // Before the first request, of another run, still to come, and of another program.
        known.revision.clone(),
        format!("00000000-{number}"),
        format!("{run}-{}", number + 1_000_000),
        "cafe".to_owned(),
    ];
    for since in others {
        let answer = rig.get(&format!("/v1/annotations?since={since}")).await.json();
        assert_eq!((answer.get("since"), answer.get("gone")), (None, None), "{since}");
        assert_eq!(answer["pods"].as_array().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_wait_for_changes_ends_with_its_time() {
    let rig = Rig::new(&[("one", &[provider("a.B", 1)])]).await;
    let mut known = Known::read(&rig).await;
    let before = known.revision.clone();
    let answer = within(rig.get(&known.path("&wait=50ms"))).await;
    assert_eq!((known.take(&answer), &known.revision), (0, &before));
    assert_eq!(answer.header("age"), "0");
}

#[tokio::test]
async fn many_changes_are_packed_and_few_are_not() {
    let rig = Rig::new(&[]).await;
    let mut known = Known::read(&rig).await;
    known.take(&rig.get(&known.path("")).await);
    let gzip = [("accept-encoding", "gzip")];
    rig.cluster.store().create(pod("p", "!!")).unwrap();
    known.follow(&rig).await;
    assert_eq!(rig.get_with(&known.path(""), &gzip).await.header("content-encoding"), "");
    for number in 0..200_u8 {
        let keys = [provider("a.B", number), provider("a.C", number)];
        let annotation = annotation(&keys);
        rig.cluster.store().create(pod(&format!("p-{number}"), &annotation)).unwrap();
    }
    rig.holds(400).await;
    let answer = rig.get_with(&known.path(""), &gzip).await;
    assert_eq!(answer.header("content-encoding"), "gzip");
}
