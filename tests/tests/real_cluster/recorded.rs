//! The requests that were recorded from a real server, as they are asked in another state: with its versions and its uid,
//! and the Pods that make the same state again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use dubbo_k8s_tests::apiserver::Exchange;
use dubbo_k8s_tests::pods::LABEL;
use serde_json::Value;

/// Requests that are not asked, by the beginning of their names.
const LEFT_OUT: [(&str, &str); 3] = [
    ("h2-", "the same requests are asked over HTTP/1.1"),
    ("19", "a refusal for want of a seat needs another request that holds it: overload.rs"),
    ("12p", "certificates are compared by the suites of the client"),
];

/// How long every watch lasts, in place of its own time: the changes are made within it.
const WATCH_SECONDS: &str = "timeoutSeconds=8";

/// A version that no server reaches.
pub(crate) const FUTURE: &str = "resourceVersion=26495000";
/// Those that mean the same in every state.
const FIXED: [&str; 5] = ["0", "1", "-1", "abc", "26495000"];

/// What numbers of the recordings are in this state.
pub(crate) struct State {
    /// The version of the list, and that of a Pod that patches change.
    pub(crate) version: String,
    pub(crate) patched: Value,
}

impl State {
    /// The whole request with this token. A patch that wants the newest version of its Pod is given it.
    pub(crate) fn request(&self, recorded: &Exchange, token: &str, newest: &str) -> Vec<u8> {
        let first = self.patched["resourceVersion"].as_str().unwrap();
        let version = if recorded.name.contains("fresh") { newest } else { first };
        let head = self.place(&recorded.request_head.replace("REDACTED", token), &recorded.name);
        let body = recorded.whole_request_body();
        let body = match String::from_utf8(body) {
            Ok(text) => self.place_in_body(&text, version).into_bytes(),
            Err(binary) => binary.into_bytes(),
        };
        [with_length(&head, body.len()).as_bytes(), &body].concat()
    }

    /// The name of the Pod that patches change.
    pub(crate) fn target(&self) -> &str {
        self.patched["name"].as_str().unwrap()
    }

    /// The head of a request: recorded versions become those of this state.
    fn place(&self, head: &str, name: &str) -> String {
        let old = name.starts_with("03");
        let version = if old { "1" } else { &self.version };
        let line_end = head.find("\r\n").unwrap_or(head.len());
        let (line, rest) = head.split_at(line_end);
        let (path, query) = line.split_once('?').unwrap_or((line, ""));
        let (query, protocol) = query.split_once(' ').unwrap_or((query, ""));
        if query.is_empty() {
            return head.to_owned();
        }
        let parameters = query.split('&').map(|parameter| match parameter.split_once('=') {
            Some(("resourceVersion", given)) if !FIXED.contains(&given) => {
                format!("resourceVersion={version}")
            }
            Some(("continue", token)) => format!("continue={}", placed_token(token, version)),
            Some(("timeoutSeconds", given)) if given != "abc" => WATCH_SECONDS.to_owned(),
            _ => parameter.to_owned(),
        });
        let query = parameters.collect::<Vec<_>>().join("&");
        format!("{path}?{query} {protocol}{rest}")
    }

    /// The body of a request, whose precondition is this version of the Pod that patches change.
    fn place_in_body(&self, body: &str, version: &str) -> String {
        let uid = self.patched["uid"].as_str().unwrap();
        let body = body.replace("51241f9d-3524-4996-a1fd-3d95daf68afb", uid);
        ["25134", "25135"].iter().fold(body, |body, recorded| {
            let member = |version: &str| format!("\"resourceVersion\":\"{version}\"");
            body.replace(&member(recorded), &member(version))
        })
    }
}

/// A continue token with its version replaced, unless it is the one that asks for no version, or is none.
fn placed_token(token: &str, version: &str) -> String {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let read = URL_SAFE_NO_PAD.decode(token).ok();
    let read = read.and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    let Some(mut read) = read.filter(|read| read["rv"] != -1) else { return token.to_owned() };
    read["rv"] = version.parse::<u64>().unwrap().into();
    URL_SAFE_NO_PAD.encode(read.to_string())
}

fn with_length(head: &str, length: usize) -> String {
    let lines = head.split("\r\n").map(|line| match line.split_once(": ") {
        Some((name, _)) if name.eq_ignore_ascii_case("content-length") => {
            format!("{name}: {length}")
        }
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\r\n")
}

/// The requests that are asked, in the order of their names.
pub(crate) fn recordings() -> impl Iterator<Item = Exchange> {
    let folder = folder();
    let entries = std::fs::read_dir(&folder).unwrap().map(Result::unwrap);
    let names = entries.filter(|entry| entry.file_type().unwrap().is_dir());
    let names: BTreeSet<String> =
        names.map(|entry| entry.file_name().into_string().unwrap()).collect();
    let asked = |name: &String| !LEFT_OUT.iter().any(|(start, _)| name.starts_with(start));
    names.into_iter().filter(asked).map(move |name| Exchange::read(&folder.join(name)).unwrap())
}

/// Every Pod of the recordings, as it was before the first patch.
pub(crate) fn recorded_pods() -> Vec<Value> {
    let folder = folder();
    let names = [
        "02a-list-limit2-page1",
        "02a-list-limit2-page2",
        "02a-list-limit2-page3",
        "16a-list-malformed",
        "17a-list-unicode",
        "06d-list-identity",
    ];
    let lists = names.map(|name| std::fs::read(folder.join(name).join("body.bin")).unwrap());
    let mut pods = BTreeMap::new();
    for list in lists {
        let list: Value = serde_json::from_slice(&list).unwrap();
        for pod in list["items"].as_array().unwrap() {
            pods.insert(pod["metadata"]["name"].as_str().unwrap().to_owned(), pod.clone());
        }
    }
    let target = std::fs::read(folder.join("14a-patch-strategic/body.bin")).unwrap();
    let mut target: Value = serde_json::from_slice(&target).unwrap();
    target["metadata"].as_object_mut().unwrap().remove("annotations");
    target["metadata"]["labels"].as_object_mut().unwrap().remove(LABEL);
    let mut pods: Vec<Value> = pods.into_values().filter(|pod| !is_target(pod)).collect();
    pods.push(target);
    pods
}

/// Whether it is the Pod that patches change.
pub(crate) fn is_target(pod: &Value) -> bool {
    pod["metadata"]["name"].as_str().unwrap().starts_with("patch-target")
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/captures")
}
