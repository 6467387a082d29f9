//! What `decode` is given, sorted out: an annotation, or Pods in JSON or YAML in any of the forms
//! that kubectl prints. Decodes nothing itself.

use std::{
    borrow::Cow,
    fs::File,
    io::{self, Read},
    path::Path,
};

use dubbo_k8s_codec::problem::{Detail, Language};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::excerpt::offset_of;

/// Twice what 10,000 Pods with large annotations take. A longer input is refused.
const LARGEST: u64 = 256 * 1024 * 1024;

/// A text that cannot be sorted out, with its place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) stage: Stage,
    pub(super) offset: usize,
    why: Why,
}

#[derive(Debug, PartialEq, Eq)]
enum Why {
    NotText,
    /// In the words of the JSON parser.
    NotJson(String),
    NotYaml(Detail),
    /// What is there instead.
    NoPods(String),
}

impl Fault {
    /// What is wrong, without its place.
    pub(super) fn message(&self, language: Language) -> String {
        let chinese = language == Language::Chinese;
        match &self.why {
            Why::NotText if chinese => "不是 UTF-8 文本".to_owned(),
            Why::NotText => "not UTF-8 text".to_owned(),
            Why::NotJson(said) => said.clone(),
            Why::NotYaml(why) if chinese => format!("不是 YAML：{}", why.text(language)),
            Why::NotYaml(why) => format!("not YAML: {}", why.text(language)),
            Why::NoPods(others) if chinese => format!("应为 Pod，实际：{others}"),
            Why::NoPods(others) => format!("expected Pods, found {others}"),
        }
    }
}

/// The step that failed, in the words of the codec's errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Utf8,
    Json,
    Shape,
}

impl Stage {
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Utf8 => "not-utf8",
            Self::Json => "not-json",
            Self::Shape => "wrong-shape",
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Utf8 => "utf8",
            Self::Json => "json",
            Self::Shape => "shape",
        }
    }
}

/// What an input turned out to be.
#[derive(Debug)]
pub(super) enum Input {
    /// The value of an annotation, possibly not even text.
    Annotation(Vec<u8>),
    /// Pods, and the kinds of what was there beside them.
    Pods { pods: Vec<Vec<u8>>, others: Vec<String> },
}

/// Reads a file, or the standard input for `-`, up to a bound.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, String> {
    let name = if is_stdin(path) { "the standard input".into() } else { path.to_string_lossy() };
    let mut bytes = Vec::new();
    let result = if is_stdin(path) {
        io::stdin().lock().take(LARGEST + 1).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
    };
    result.map_err(|error| format!("cannot read {name}: {error}"))?;
    if bytes.len() as u64 > LARGEST {
        return Err(format!("{name} is larger than {} MiB", LARGEST >> 20));
    }
    Ok(bytes)
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Sorts out what `bytes` are. Base64 has no colon and no brace; JSON objects begin with one, and
/// YAML cannot do without the other.
pub(super) fn sort_out(bytes: &[u8]) -> Result<Input, Fault> {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let first = text.trim_ascii_start().first();
    if first == Some(&b'{') {
        return json(bytes, text);
    }
    if text.contains(&b':') && first != Some(&b'[') {
        return yaml(bytes, text);
    }
    Ok(Input::Annotation(text.trim_ascii().to_vec()))
}

/// One JSON object after the other.
fn json(bytes: &[u8], text: &[u8]) -> Result<Input, Fault> {
    let skipped = bytes.len() - text.len();
    let fault = |error: &serde_json::Error| {
        let offset = skipped + offset_of(text, error.line(), error.column());
        match std::str::from_utf8(text) {
            Err(error) => not_text(skipped, error),
            Ok(_) => Fault { stage: Stage::Json, offset, why: Why::NotJson(without_place(error)) },
        }
    };
    let mut sorted = Sorted::default();
    for document in serde_json::Deserializer::from_slice(text).into_iter::<&RawValue>() {
        sorted.add(document.map_err(|error| fault(&error))?);
    }
    sorted.finish()
}

/// One YAML document after the other, as JSON from then on.
fn yaml(bytes: &[u8], text: &[u8]) -> Result<Input, Fault> {
    let skipped = bytes.len() - text.len();
    let text = std::str::from_utf8(text).map_err(|error| not_text(skipped, error))?;
    let mut sorted = Sorted::default();
    for document in dubbo_k8s_codec::yaml::documents(text) {
        let document = document.map_err(|error| Fault {
            stage: Stage::Json,
            offset: skipped + error.offset,
            why: Why::NotYaml(error.detail),
        })?;
        match serde_json::from_slice::<Option<&RawValue>>(&document) {
            Ok(None) => {}
            Ok(Some(object)) => sorted.add(object),
            Err(_) => sorted.not_an_object(),
        }
    }
    sorted.finish()
}

fn not_text(skipped: usize, error: std::str::Utf8Error) -> Fault {
    let offset = skipped + error.valid_up_to();
    Fault { stage: Stage::Utf8, offset, why: Why::NotText }
}

/// The parsers put the place behind their messages; it is told apart.
pub(super) fn without_place(error: &dyn std::error::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message).to_owned()
}

#[derive(Default)]
struct Sorted {
    pods: Vec<Vec<u8>>,
    others: Vec<String>,
}

/// As much of an object as tells what it is.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    items: Option<Vec<&'a RawValue>>,
    /// Of a watch event (`kubectl get --watch --output-watch-events`).
    #[serde(borrow)]
    object: Option<&'a RawValue>,
    metadata: Option<serde::de::IgnoredAny>,
}

impl Sorted {
    fn add(&mut self, document: &RawValue) {
        let Ok(head) = serde_json::from_str::<Head<'_>>(document.get()) else {
            return self.not_an_object();
        };
        match (head.kind.as_deref(), head.items, head.object) {
            (Some(kind), Some(items), _) if kind.ends_with("List") => {
                // A List inside of a List is never printed, so this is as deep as it goes.
                for item in items {
                    self.add_object(item);
                }
            }
            (None, None, Some(object)) => self.add_object(object),
            _ => self.add_object(document),
        }
    }

    fn not_an_object(&mut self) {
        self.others.push("something that is not an object".to_owned());
    }

    fn add_object(&mut self, object: &RawValue) {
        let head = serde_json::from_str::<Head<'_>>(object.get()).ok();
        let kind = head.as_ref().and_then(|head| head.kind.as_deref());
        match kind {
            Some("Pod" | "PartialObjectMetadata") => {}
            // Items of a PodList name no kind.
            None if head.as_ref().is_some_and(|head| head.metadata.is_some()) => {}
            Some(kind) => return self.others.push(kind.to_owned()),
            None => return self.others.push("an object without a kind".to_owned()),
        }
        self.pods.push(object.get().as_bytes().to_vec());
    }

    fn finish(self) -> Result<Input, Fault> {
        if self.pods.is_empty() && !self.others.is_empty() {
            let why = Why::NoPods(listed(&self.others));
            return Err(Fault { stage: Stage::Shape, offset: 0, why });
        }
        Ok(Input::Pods { pods: self.pods, others: self.others })
    }
}

/// Each kind once, with how often it was there.
pub(super) fn listed(kinds: &[String]) -> String {
    let mut counted: Vec<(&str, usize)> = Vec::new();
    for kind in kinds {
        match counted.iter_mut().find(|(name, _)| name == kind) {
            Some((_, count)) => *count += 1,
            None => counted.push((kind, 1)),
        }
    }
    let mut words = Vec::new();
    for (kind, count) in counted {
        words.push(if count == 1 { kind.to_owned() } else { format!("{kind} ({count} times)") });
    }
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::{Fault, Input, Language, Stage, sort_out};

    fn sorted(text: &str) -> Result<(usize, String), Fault> {
        match sort_out(text.as_bytes())? {
            Input::Annotation(value) => Ok((0, String::from_utf8(value).unwrap())),
            Input::Pods { pods, others } => Ok((pods.len(), others.join("+"))),
        }
    }

    #[test]
    fn every_form_that_kubectl_prints_is_recognised() {
        let pod = r#"{"kind":"Pod","metadata":{"name":"a"}}"#;
        let item = r#"{"metadata":{"name":"a"}}"#;
        for (text, expected) in [
            ("  W10=\n".to_owned(), (0, "W10=")),
            ("[]".to_owned(), (0, "[]")),
            (pod.to_owned(), (1, "")),
            (format!("{pod}\n{pod} {pod}"), (3, "")),
            (format!(r#"{{"kind":"PodList","items":[{item},{item}]}}"#), (2, "")),
            (format!(r#"{{"kind":"List","items":[{pod},{{"kind":"Service"}}]}}"#), (1, "Service")),
            (format!(r#"{{"type":"ADDED","object":{pod}}}"#), (1, "")),
            ("\u{feff}kind: Pod\nmetadata:\n  name: a\n".to_owned(), (1, "")),
            ("---\nkind: Pod\nmetadata: {}\n---\n---\nkind: Role\n".to_owned(), (1, "Role")),
            ("kind: List\nitems:\n- kind: Pod\n- kind: Pod\n".to_owned(), (2, "")),
            (r#"{"kind":"PodList","items":[]}"#.to_owned(), (0, "")),
        ] {
            assert_eq!(sorted(&text), Ok((expected.0, expected.1.to_owned())), "{text}");
        }
    }

    #[test]
    fn what_is_no_pod_is_named() {
        for (text, message) in [
            (r#"{"kind":"Deployment"}"#, "expected Pods, found Deployment"),
            ("kind: A\n---\nkind: A\n---\nkind: B\n", "expected Pods, found A (2 times), B"),
            (r#"{"a":1}"#, "expected Pods, found an object without a kind"),
            ("a:1", "expected Pods, found something that is not an object"),
        ] {
            let fault = sorted(text).unwrap_err();
            assert_eq!(
                (fault.stage, fault.message(Language::English)),
                (Stage::Shape, message.to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn a_broken_text_is_placed() {
        let fault = sorted("{\"kind\":\"Pod\",\n \"metadata\" 1}").unwrap_err();
        assert_eq!((fault.stage, fault.offset), (Stage::Json, 27));
        assert_eq!(fault.message(Language::English), "expected `:`");

        let fault = sort_out(b"{\"kind\":\"\xff\"}").unwrap_err();
        assert_eq!((fault.stage, fault.offset), (Stage::Utf8, 9));
        let fault = sort_out(b"kind: \xff").unwrap_err();
        assert_eq!((fault.stage, fault.offset), (Stage::Utf8, 6));

        let fault = sorted("kind: Pod\n---\nmetadata: *x\n").unwrap_err();
        assert_eq!((fault.stage, fault.offset), (Stage::Json, 24));
        assert_eq!(fault.message(Language::English), "not YAML: `*x` names no anchor above it");
        assert!(fault.message(Language::Chinese).starts_with("不是 YAML：`*x` 所引用"));
    }

    #[test]
    fn aliases_cannot_blow_up() {
        let mut text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
        for level in 1..9 {
            let below = format!("*a{},", level - 1).repeat(10);
            text = format!("{text}a{level}: &a{level} [{below}]\n");
        }
        assert_eq!(sorted(&text).unwrap_err().stage, Stage::Json);
    }
}
