//! What counts as the same answer: everything, but for what is listed here with its reason.

use dubbo_k8s_tests::apiserver::Exchange;
use serde_json::Value;

use crate::client::Answer;
use crate::world::decoded;

/// Headers that a client may rely on. The others (Date, Audit-Id, the uids of priority levels)
/// differ each time.
const HEADERS: [&str; 8] = [
    "Cache-Control",
    "Content-Type",
    "Content-Encoding",
    "Vary",
    "Retry-After",
    "Warning",
    "X-Content-Type-Options",
    "WWW-Authenticate",
];

/// How an answer differs from the recorded one.
pub(crate) fn differences(recorded: &Exchange, answer: &Answer) -> Vec<String> {
    let mut differences = Vec::new();
    let mut compare = |what: &str, recorded: String, ours: String| {
        if recorded != ours {
            differences.push(format!(
                "{what}:\n      {}\n      {}",
                shorten(&recorded, &ours),
                shorten(&ours, &recorded)
            ));
        }
    };
    compare("status", recorded.status.to_string(), answer.status.to_string());
    for name in HEADERS {
        compare(name, format!("{:?}", recorded.header(name)), format!("{:?}", answer.header(name)));
    }
    let known = |known: bool| if known { "a known length" } else { "chunks" }.to_owned();
    compare(
        "framing",
        known(recorded.header("Content-Length").is_some()),
        known(answer.header("Content-Length").is_some()),
    );
    let (theirs, ours) = (decoded(&recorded.body), decoded(&answer.body));
    compare(
        "body",
        canonical(recorded, &theirs, theirs.len()),
        canonical(recorded, &ours, theirs.len()),
    );
    if recorded.meta["kind"] == "watch" && !answer.chunks.is_empty() {
        let lines: Vec<usize> =
            answer.body.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::len).collect();
        compare("one chunk per line", format!("{lines:?}"), format!("{:?}", answer.chunks));
    }
    differences
}

/// The part of a body that has to be the same.
fn canonical(recorded: &Exchange, body: &[u8], recorded_length: usize) -> String {
    let text = String::from_utf8_lossy(body).into_owned();
    if recorded.cut {
        return text.chars().take(recorded_length).collect();
    }
    if recorded.meta["kind"] == "watch" {
        return text.split_inclusive('\n').filter(|line| !is_plain_bookmark(line)).collect();
    }
    if recorded.name == "18-version" || recorded.name == "18-version-anonymous" {
        return members(&text);
    }
    if recorded.request.0 == "PATCH" {
        return patched(&text);
    }
    text
}

/// Bookmarks come when they come; only the one that ends the initial events is promised.
fn is_plain_bookmark(line: &str) -> bool {
    line.contains(r#""type":"BOOKMARK""#) && !line.contains("k8s.io/initial-events-end")
}

/// Who set which field is not kept by the scripted server; and two messages of a real server go on
/// with what only Go's printer can say: the difference of two structs, and a whole Pod.
fn patched(text: &str) -> String {
    let Ok(mut tree) = serde_json::from_str::<Value>(text) else { return text.to_owned() };
    if let Some(metadata) = tree["metadata"].as_object_mut() {
        metadata.remove("managedFields");
    }
    shorten_messages(&mut tree);
    let newline = if text.ends_with('\n') { "\n" } else { "" };
    format!("{tree}{newline}")
}

fn shorten_messages(tree: &mut Value) {
    match tree {
        Value::Object(map) => {
            if let Some(Value::String(message)) = map.get_mut("message") {
                if let Some(position) = message.find("\n@@") {
                    message.truncate(position);
                }
                if let (Some(start), Some(end)) =
                    (message.find("\"{\\\"apiVersion"), message.find("}\": strict decoding error"))
                {
                    message.replace_range(start..end, "");
                }
            }
            map.values_mut().for_each(shorten_messages);
        }
        Value::Array(list) => list.iter_mut().for_each(shorten_messages),
        _ => {}
    }
}

/// The names of the members, for an object whose values say which build it is.
fn members(text: &str) -> String {
    let tree: Value = serde_json::from_str(text).unwrap_or_default();
    let names: Vec<&String> =
        tree.as_object().into_iter().flatten().map(|(name, _)| name).collect();
    format!("{names:?} {} {}", tree["major"], tree["minor"])
}

/// The place where two texts part, with what is around it.
fn shorten(text: &str, other: &str) -> String {
    let same = text.bytes().zip(other.bytes()).take_while(|(left, right)| left == right).count();
    let start = same.saturating_sub(60);
    let part = text.as_bytes().get(start..text.len().min(same + 160)).unwrap_or_default();
    format!("…{start}: {}", String::from_utf8_lossy(part))
}
