//! What the inspector writes after an edit, sent to the scripted kube-apiserver: JSON Patch, merge patch and
//! the `kubectl` command, the last one read by a real shell. It never takes the inspector's word for it.

#![cfg(test)]

use std::process::Command;

use dubbo_k8s_codec::{ANNOTATION, Record, encode};
use dubbo_k8s_tests::apiserver::{Options, Server};
use dubbo_k8s_tests::raw::Endpoint;
use dubbo_k8s_web::session::Session;
use serde_json::{Value, json};

const POD: &str = "/api/v1/namespaces/shop/pods/user-0";
const KEY: &str = "/dubbo/a.B/providers/dubbo%3A%2F%2F10.0.0.1%3A1%2Fa.B%3Fowner%3Dme";
const JSON_PATCH: &str = "application/json-patch+json";
const MERGE_PATCH: &str = "application/merge-patch+json";

struct Rig {
    server: Server,
    inspector: Session,
}

impl Rig {
    /// A server with one Pod, and an inspector that has read it as the server gives it.
    async fn start(metadata: &Value) -> Self {
        let server = Server::start(Options::default()).await.unwrap();
        server.store().create(json!({ "metadata": metadata })).unwrap();
        let mut reply = Endpoint::of(&server).unwrap().get(POD, "application/json").await.unwrap();
        let mut inspector = Session::default();
        inspector.load(reply.body().await.unwrap());
        Self { server, inspector }
    }

    async fn annotated(keys: &[&str]) -> Self {
        let value = encode(keys.iter().map(|key| Record::new(key)));
        Self::start(&json!({"namespace": "shop", "name": "user-0", "labels": {"app": "user"},
            "annotations": {"team": "a", ANNOTATION: value}}))
        .await
    }

    fn ask(&mut self, question: &Value) -> Value {
        serde_json::from_str(&self.inspector.request(&question.to_string())).unwrap()
    }

    /// Edits the Pod in the inspector; gives what it would write.
    fn edit(&mut self, mut operation: Value) -> Value {
        operation["do"] = "edit".into();
        operation["pod"] = 0.into();
        let done = self.ask(&operation);
        assert_eq!(done["refused"], Value::Null, "{operation}");
        self.ask(&json!({"do": "output", "pod": 0, "lang": "en"}))
    }

    async fn patch(&self, form: &str, patch: &str) -> u16 {
        let headers = [("Content-Type", form), ("Accept", "application/json")];
        let endpoint = Endpoint::of(&self.server).unwrap();
        endpoint.send("PATCH", POD, &headers, patch.as_bytes()).await.unwrap().status
    }

    fn annotations(&self) -> Value {
        self.server.store().pod("shop", "user-0").unwrap()["metadata"]["annotations"].take()
    }
}

/// The words that `kubectl` would be given, read by a shell in a folder with the patch file, and the patch.
fn words(output: &Value) -> (Vec<String>, String) {
    let folder = tempfile::tempdir().unwrap();
    if let [Value::String(name), Value::String(text)] =
        output["kubectl"]["file"].as_array().map_or(&[][..], Vec::as_slice)
    {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let line = output["kubectl"]["line"].as_str().unwrap();
    let script = format!("kubectl() {{ printf '%s\\0' \"$@\"; }}\n{line}\n");
    let ran = Command::new("sh").args(["-c", &script]).current_dir(folder.path()).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let text = String::from_utf8(ran.stdout).unwrap();
    let words: Vec<String> = text.split_terminator('\0').map(str::to_owned).collect();
    let last = words.last().unwrap();
    let patch = match (last.strip_prefix("--patch="), last.strip_prefix("--patch-file=")) {
        (Some(patch), _) => patch.to_owned(),
        (_, Some(file)) => std::fs::read_to_string(folder.path().join(file)).unwrap(),
        _ => panic!("no patch in {words:?}"),
    };
    (words, patch)
}

/// A value that a shell would love to read otherwise.
const HOSTILE: &str = "it's $(id) `id` \"quoted\" \\ & 用户";

#[tokio::test]
async fn each_form_writes_exactly_what_was_edited() {
    for form in [JSON_PATCH, MERGE_PATCH, "kubectl"] {
        let mut rig = Rig::annotated(&["/dubbo", KEY]).await;
        let operation = json!({"op": "parameter", "record": 1, "name": "owner", "value": HOSTILE});
        let output = rig.edit(operation);
        let status = match form {
            JSON_PATCH => rig.patch(form, output["json"].as_str().unwrap()).await,
            MERGE_PATCH => rig.patch(form, output["merge"].as_str().unwrap()).await,
            _ => {
                let (words, patch) = words(&output);
                let start = ["patch", "pod", "user-0", "--namespace=shop", "--type=json"];
                assert_eq!(words.get(..5).unwrap(), start);
                rig.patch(JSON_PATCH, &patch).await
            }
        };
        assert_eq!(status, 200, "{form}");
        let expected = json!({"team": "a", ANNOTATION: output["annotation"]});
        assert_eq!(rig.annotations(), expected, "{form}: and nothing else");
        assert_ne!(output["annotation"], encode(["/dubbo", KEY].map(Record::new)), "{form}");
    }
}

#[tokio::test]
async fn a_change_meanwhile_makes_each_form_fail() {
    for (form, member, status) in [(JSON_PATCH, "json", 422), (MERGE_PATCH, "merge", 409)] {
        let mut rig = Rig::annotated(&["/dubbo", KEY]).await;
        let output = rig.edit(json!({"op": "remove", "record": 0}));
        rig.server.store().annotate("shop", "user-0", ANNOTATION, Some("W10=")).unwrap();
        assert_eq!(rig.patch(form, output[member].as_str().unwrap()).await, status, "{form}");
        assert_eq!(rig.annotations()[ANNOTATION], "W10=", "what the other one wrote stays");
    }
}

#[tokio::test]
async fn another_pod_of_the_same_name_is_not_written() {
    for (form, member, status) in [(JSON_PATCH, "json", 422), (MERGE_PATCH, "merge", 409)] {
        let mut rig = Rig::annotated(&[KEY]).await;
        let before = rig.annotations();
        let output = rig.edit(json!({"op": "remove", "record": 0}));
        rig.server.store().delete("shop", "user-0").unwrap();
        let again = json!({"namespace": "shop", "name": "user-0", "annotations": before});
        rig.server.store().create(json!({ "metadata": again })).unwrap();
        assert_eq!(rig.patch(form, output[member].as_str().unwrap()).await, status, "{form}");
        assert_eq!(rig.annotations(), before);
    }
}

#[tokio::test]
async fn a_pod_without_annotations_gets_its_first_one() {
    for (form, member) in [(JSON_PATCH, "json"), (MERGE_PATCH, "merge")] {
        let mut rig = Rig::start(&json!({"namespace": "shop", "name": "user-0"})).await;
        let add = json!({"op": "add", "record": 0, "interface": "a.B", "category": "providers",
            "url": "dubbo://10.0.0.1:1/a.B?owner=me"});
        let output = rig.edit(add);
        assert_eq!(rig.patch(form, output[member].as_str().unwrap()).await, 200, "{form}");
        assert_eq!(rig.annotations(), json!({ANNOTATION: encode([Record::new(KEY)])}));
    }
}

#[tokio::test]
async fn a_long_patch_comes_as_a_file() {
    let keys: Vec<String> = (0..200).map(|n| format!("/dubbo/com.example.Service{n}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let mut rig = Rig::annotated(&keys).await;
    let output = rig.edit(json!({"op": "move", "record": 0, "to": 199}));
    let (words, patch) = words(&output);
    assert_eq!(words.last().unwrap(), "--patch-file=user-0.patch.json");
    assert_eq!(rig.patch(JSON_PATCH, &patch).await, 200);
    assert_eq!(rig.annotations()[ANNOTATION], output["annotation"]);
}
