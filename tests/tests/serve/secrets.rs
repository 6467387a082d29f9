//! Secrets in URLs: no answer shows one to a caller that is not authenticated.

use dubbo_k8s_codec::{Annotation, query_escape};

use crate::rig::Rig;

const SECRETS: [&str; 3] = ["hunter2", "t0p/s3cret", "AKIA99"];

fn key() -> String {
    let [password, token, access] = SECRETS.map(|secret| query_escape(secret).into_owned());
    let url = format!(
        "dubbo://ada:{password}@10.0.0.1:20880/a.B?access-key={access}&timeout=3000&token={token}"
    );
    format!("/dubbo/a.B/providers/{}", query_escape(&url))
}

fn check(path: &str, text: &str) {
    for secret in SECRETS {
        for form in [secret.to_owned(), query_escape(secret).into_owned()] {
            assert!(!text.contains(&form), "{path} shows {form}: {text}");
            let again = query_escape(&form).into_owned();
            assert!(!text.contains(&again), "{path} shows {again}: {text}");
        }
    }
}

#[tokio::test]
async fn no_answer_shows_a_secret_to_a_caller_without_a_token() {
    let rig = Rig::new(&[("one", &[key()])]).await;
    for path in ["/v1/snapshot", "/v1/snapshot?service=a.B", "/status", "/", "/metrics"] {
        check(path, rig.get(path).await.text());
    }
    let snapshot = rig.get("/v1/snapshot").await.json();
    let endpoint = &snapshot["services"][0]["providers"][0];
    assert_eq!(endpoint["params"]["token"], "***");
    assert_eq!(
        (&endpoint["host"], &endpoint["params"]["timeout"]),
        (&"10.0.0.1".into(), &"3000".into())
    );

    let annotations = rig.get("/v1/annotations").await.json();
    let text = annotations["pods"][0]["annotation"].as_str().unwrap();
    let decoded = Annotation::decode(text).unwrap();
    let records: Vec<_> = decoded.records().collect();
    assert_eq!(records.len(), 1);
    check("/v1/annotations", records[0].key);
    assert!(records[0].key.contains("timeout%3D3000"), "{}", records[0].key);

    let revision = rig.get("/v1/annotations").await.json()["revision"].clone();
    let path = format!("/v1/annotations?since={}", revision.as_str().unwrap());
    rig.get(&path).await;
    rig.write("one", &[key().replace("a.B", "a.D")]);
    let changes = rig.get(&format!("{path}&wait=30s")).await.json();
    assert_eq!(changes["since"], revision);
    let text = changes["pods"][0]["annotation"].as_str().unwrap();
    let decoded = Annotation::decode(text).unwrap();
    for record in decoded.records() {
        assert!(record.key.contains("a.D"));
        check(&path, record.key);
    }

    let mut stream = rig.events("/v1/events", &[]).await;
    check("snapshot", &stream.next().await.unwrap().data.to_string());
    let other = key().replace("a.B", "a.C");
    rig.write("one", &[other]);
    loop {
        let event = stream.next().await.unwrap();
        check(&event.name, &event.data.to_string());
        if event.name == "added" {
            assert!(event.data["url"].as_str().unwrap().contains("timeout=3000"));
            break;
        }
    }
}

/// A Pod with problems keeps its annotation as it is, so that the secrets are looked for in its text.
#[tokio::test]
async fn an_annotation_that_cannot_be_read_shows_no_secret_either() {
    use base64::Engine as _;
    use base64::prelude::BASE64_URL_SAFE;
    let rig = Rig::new(&[("one", &[])]).await;
    let broken = |json: String| {
        let value = BASE64_URL_SAFE.encode(json);
        let mut pod = crate::rig::pod("bad", &value);
        pod["metadata"]["name"] = "bad".into();
        rig.cluster.store().create(pod).unwrap();
    };
    broken(format!("[{{\"k\":\"{}\",\"v\":\"\"}},{{\"k\":7}}", key()));
    let mut updates = rig.get("/v1/snapshot").await;
    while updates.json()["problems"] == serde_json::json!([]) {
        let known = updates.header("etag").to_owned();
        updates = rig.get_with("/v1/snapshot?wait=30s", &[("if-none-match", &known)]).await;
    }
    check("/v1/snapshot", updates.text());
    check("/status", rig.get("/status").await.text());
    let annotations = rig.get("/v1/annotations").await.json();
    let pods = annotations["pods"].as_array().unwrap();
    let bad = pods.iter().find(|pod| pod["name"] == "bad").unwrap();
    let text = BASE64_URL_SAFE.decode(bad["annotation"].as_str().unwrap()).unwrap();
    check("/v1/annotations", std::str::from_utf8(&text).unwrap());
}
