//! The examples of the README, run as they stand, and every answer held to the description that the agent gives of itself.

use std::path::Path;
use std::process::{Command, Stdio};

use dubbo_k8s_tests::agent::Agent;
use dubbo_k8s_tests::{program, skip};
use serde_json::{Value, json};

use crate::rig::{Rig, urls};

/// The lines of the README that ask an agent, with its socket put in.
fn examples(socket: &Path) -> Vec<String> {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../watcher/README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let lines = readme.lines().filter(|line| line.contains("--unix-socket"));
    let line =
        |line: &str| line.trim().replace("/run/dubbo/agent.sock", &socket.display().to_string());
    lines.map(line).collect()
}

fn curl(line: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("exec {line}")]).stdin(Stdio::null());
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_examples_of_the_readme_work_as_they_stand() {
    if Command::new("curl").arg("--version").output().is_err() {
        return skip::missing(
            "the examples of the README",
            "there is no curl: apt-get install curl",
        );
    }
    let rig = Rig::start().await;
    let agent = rig.agent(&[]);
    let mut outputs = Vec::new();
    for line in examples(agent.socket()) {
        if line.contains("/v1/events") {
            let stream = program::Running::start(curl(&line));
            assert_eq!(stream.line(), "event: snapshot");
            continue;
        }
        let ran = program::run(curl(&line)).await;
        assert_eq!(ran.status, Some(0), "{line}: {ran:?}");
        outputs.push(ran.stdout);
    }
    let read = |text: &String| serde_json::from_str::<Value>(text).unwrap();
    let [about, put, listed, snapshot, deleted] = &outputs[..] else { panic!("{outputs:?}") };
    assert_eq!(read(about)["pod"]["name"], "user-0");
    assert_eq!(read(put)["urls"][0]["state"], "registered");
    assert_eq!(read(listed)["registrations"][0]["id"], "greeter");
    assert!(read(snapshot)["services"].is_array());
    assert_eq!((&**deleted, rig.urls()), ("", urls([])));
}

/// What the description says of an answer.
struct Description(Value);

impl Description {
    /// Whether an answer has a status that is named, and the members that its schema names.
    fn check(&self, method: &str, path: &str, answer: &dubbo_k8s_tests::agent::Answer) {
        let place = format!("{method} {path} {}", answer.status);
        let said =
            &self.0["paths"][path][method.to_lowercase()]["responses"][answer.status.to_string()];
        let said = said.get("$ref").map_or(said, |at| self.at(at));
        assert!(said.is_object(), "{place} is not described");
        let Some(content) = said.get("content") else {
            return assert!(answer.body.is_empty(), "{place}");
        };
        let kind = answer.headers["content-type"].to_str().unwrap();
        let schema = &content[kind]["schema"];
        assert!(schema.is_object(), "{place} {kind}");
        self.hold(schema, &answer.json(), &place);
    }

    fn at(&self, reference: &Value) -> &Value {
        self.0.pointer(reference.as_str().unwrap().strip_prefix('#').unwrap()).unwrap()
    }

    fn hold(&self, schema: &Value, value: &Value, place: &str) {
        let schema = schema.get("$ref").map_or(schema, |at| self.at(at));
        for name in schema["required"].as_array().into_iter().flatten() {
            assert!(
                value.get(name.as_str().unwrap()).is_some(),
                "{place}: {name} is missing in {value}"
            );
        }
        if let Some(known) = schema["enum"].as_array() {
            assert!(known.contains(value), "{place}: {value}");
        }
        for item in value.as_array().into_iter().flatten() {
            self.hold(&schema["items"], item, place);
        }
        for (name, member) in value.as_object().into_iter().flatten() {
            match schema["properties"].get(name) {
                Some(schema) => self.hold(schema, member, place),
                None => assert_ne!(
                    schema["additionalProperties"], false,
                    "{place}: {name} is not described"
                ),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_is_as_the_description_says() {
    let mut rig = Rig::start().await;
    let agent = rig.agent(&[]);
    let description = Description(agent.get("/openapi.json").await.json());
    let one = "/v1/registrations/{id}";
    let ask = async |agent: &Agent, method: &str, path: &str, query: &str, body: &str| {
        let answer =
            agent.ask(method, &format!("{}{query}", path.replace("{id}", "app")), body).await;
        description.check(method, path, &answer);
        answer.status
    };
    let body = json!({"urls": urls([0, 1])}).to_string();
    let other = json!({"urls": ["dubbo://10.9.9.9:1/a.B"]}).to_string();
    for (method, path, query, body, status) in [
        ("GET", "/v1/agent", "", "", 200),
        ("GET", one, "", "", 404),
        ("PUT", one, "", "{", 400),
        ("PUT", one, "", &*other, 422),
        ("PUT", one, "", &*body, 200),
        ("GET", one, "", "", 200),
        ("GET", "/v1/registrations", "", "", 200),
        ("DELETE", one, "", "", 204),
        ("DELETE", one, "", "", 404),
        ("PUT", one, "", &*body, 200),
    ] {
        assert_eq!(ask(&agent, method, path, query, body).await, status, "{method} {path} {body}");
    }
    rig.cluster.server.stop().await;
    let body = json!({"urls": urls([0, 2])}).to_string();
    assert_eq!(ask(&agent, "PUT", one, "?wait=50ms", &body).await, 202);
    assert_eq!(ask(&agent, "DELETE", one, "?wait=50ms", "").await, 202);
    assert_eq!(ask(&agent, "GET", "/v1/registrations", "", "").await, 200);
}
