//! The least that shows each problem, as `decode` reads it. A test holds each to its code.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use dubbo_k8s_codec::WarningCode;
use dubbo_k8s_codec::problem::Code;
use serde_json::{Value, json};

/// A text that `decode` is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Example {
    /// The value of an annotation.
    Annotation(String),
    /// The value of an annotation, before it is encoded.
    Decoded(Vec<u8>),
    /// One or several Pods, as JSON.
    Pods(String),
    /// None that a person could write.
    None(&'static str),
}

impl Example {
    /// What `decode` reads.
    pub fn input(&self) -> Option<String> {
        match self {
            Self::Annotation(text) | Self::Pods(text) => Some(text.clone()),
            Self::Decoded(bytes) => Some(URL_SAFE.encode(bytes)),
            Self::None(_) => None,
        }
    }

    /// What a page shows of it, and as what.
    pub fn shown(&self) -> (&'static str, String) {
        match self {
            Self::Annotation(text) => ("text", text.clone()),
            Self::Decoded(bytes) => {
                ("text", bytes.iter().flat_map(|byte| escaped(*byte)).collect::<String>())
            }
            Self::Pods(text) => ("json", text.clone()),
            Self::None(why) => ("", (*why).to_owned()),
        }
    }
}

fn escaped(byte: u8) -> Vec<char> {
    if byte.is_ascii() { vec![byte.into()] } else { format!("\\x{byte:02x}").chars().collect() }
}

fn text(text: &str) -> Example {
    Example::Decoded(text.as_bytes().to_vec())
}

/// One record with this key.
fn key(key: &str) -> Example {
    text(&json!([{"k": key, "v": ""}]).to_string())
}

/// One provider with this URL.
fn provider(url: &str) -> Example {
    key(&provider_key(url))
}

fn escape(url: &str) -> String {
    url.bytes().fold(String::new(), |text, byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => {
            text + &char::from(byte).to_string()
        }
        byte => text + &format!("%{byte:02X}"),
    })
}

fn provider_key(url: &str) -> String {
    format!("/dubbo/a.Greeter/providers/{}", escape(url))
}

const ASKS: &str = "consumer://10.0.0.2/a.Greeter?interface=a.Greeter";
const URL: &str = "dubbo://10.0.0.1:20880/a.Greeter?interface=a.Greeter";

fn annotation(keys: &[String]) -> String {
    let records: Vec<_> = keys.iter().map(|key| json!({"k": key, "v": ""})).collect();
    URL_SAFE.encode(json!(records).to_string())
}

/// A Pod that provides, with some members changed.
fn pod(name: &str, keys: &[String], members: &Value) -> Value {
    let mut pod = json!({
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {
            "name": name,
            "labels": {"dubbo.io/label": "dubbo.io-value"},
            "annotations": {"dubbo.io/annotation": annotation(keys)},
        },
    });
    merge(&mut pod, members);
    pod
}

/// Merges as a merge patch does: null takes away.
fn merge(into: &mut Value, patch: &Value) {
    let Some(patch) = patch.as_object() else { return *into = patch.clone() };
    for (name, value) in patch {
        if value.is_null() {
            into.as_object_mut().into_iter().for_each(|object| drop(object.remove(name)));
        } else {
            if !into[name].is_object() {
                into[name] = json!({});
            }
            merge(&mut into[name], value);
        }
    }
}

fn with(members: &Value) -> Example {
    Example::Pods(format!("{:#}", pod("greeter-0", &[provider_key(URL)], members)))
}

/// A consumer, and a provider with some members of its Pod changed.
fn two(interface: &str, consumer: &str, members: &Value) -> Example {
    let consumer = format!("/dubbo/{interface}/consumers/{}", escape(consumer));
    let items = [
        pod("greeter-0", &[provider_key(URL)], members),
        pod("client-0", &[consumer], &json!({"metadata": {"namespace": "shop"}})),
    ];
    Example::Pods(format!("{:#}", json!({"kind": "List", "apiVersion": "v1", "items": items})))
}

/// The example of one code.
pub fn of(code: Code) -> Example {
    match code.as_str() {
        "not-base64" => Example::Annotation("W3sia!yI6".to_owned()),
        "not-utf8" => Example::None(
            "No reader that takes what Go takes refuses bytes for it: they become U+FFFD.",
        ),
        "not-json" => text(r#"[{"k":"/dubbo"x"}]"#),
        "wrong-shape" => text(r#"{"k":"/dubbo","v":""}"#),
        "not-protobuf" => {
            Example::None("The answer of a server that is not what its Content-Type says.")
        }
        "key-malformed" => key("dubbo"),
        "url-malformed" => provider("10.0.0.1"),
        "dubbo-go-refuses-url" => {
            key("/dubbo/a.Greeter/providers/dubbo%3A%2F%2F10.0.0.1%3Aport%2Fa.Greeter")
        }
        "dubbo-go-reads-otherwise" => {
            provider("DUBBO://10.0.0.1:20880/a.Greeter?interface=a.Greeter")
        }
        "dubbo-go-takes-no-provider" => two(
            "a.Greeter",
            "consumer://10.0.0.2/a.Greeter?protocol=dubbo&version=0.0.0",
            &json!({}),
        ),
        "interface-mismatch" => provider("dubbo://10.0.0.1:20880/a.Greeter?interface=b.Greeter"),
        "category-mismatch" => provider("dubbo://10.0.0.1:20880/a.Greeter?category=consumers"),
        "double-encoded" => provider("dubbo://10.0.0.1:20880/a.Greeter?methods=a%252Cb"),
        "duplicate-record" => text(
            &json!([{"k": provider_key(URL), "v": ""}, {"k": provider_key(URL), "v": ""}])
                .to_string(),
        ),
        "address-not-pod" => {
            with(&json!({"status": {"podIP": "10.0.0.9", "podIPs": [{"ip": "10.0.0.9"}]}}))
        }
        "label-missing" => with(&json!({"metadata": {"labels": null}})),
        "label-unknown" => with(&json!({"metadata": {"labels": {"dubbo.io/label": "mine"}}})),
        "annotation-missing" => with(&json!({"metadata": {"annotations": null}})),
        "provider-terminating" => {
            with(&json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}))
        }
        "provider-ended" => with(&json!({"status": {"phase": "Succeeded"}})),
        "provider-not-ready" => with(
            &json!({"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}]}}),
        ),
        "weight-over-limit" => {
            provider("dubbo://10.0.0.1:20880/a.Greeter?interface=a.Greeter&weight=20000")
        }
        "not-a-number" => {
            provider("dubbo://10.0.0.1:20880/a.Greeter?interface=a.Greeter&weight=heavy")
        }
        "protocol-mismatch" => {
            two("a.Greeter", "consumer://10.0.0.2/a.Greeter?protocol=tri", &json!({}))
        }
        "provider-in-other-namespace" => {
            two("a.Greeter", ASKS, &json!({"metadata": {"namespace": "other"}}))
        }
        "no-usable-provider" => two("a.Greeter", ASKS, &json!({"status": {"phase": "Failed"}})),
        "pod-twice" => Example::None("The inspector says it, when it compares all Pods of a text."),
        "not-owner" | "over-quota" => Example::None(
            "It depends on the flags of a reader: `--own`, `--pod-quota` and `--namespace-quota`.",
        ),
        "annotations-near-limit" | "annotations-too-large" => Example::None(
            "Other annotations of the Pod count too; all of them together may have 256 KiB.",
        ),
        "consumer-without-provider" => {
            two("b.Greeter", "consumer://10.0.0.2/b.Greeter?interface=b.Greeter", &json!({}))
        }
        "group-or-version-mismatch" => {
            two("a.Greeter", "consumer://10.0.0.2/a.Greeter?version=2.0.0", &json!({}))
        }
        "provider-disabled" => {
            provider("dubbo://10.0.0.1:20880/a.Greeter?interface=a.Greeter&weight=0")
        }
        "name-invalid" => with(&json!({"metadata": {"name": "Greeter_0"}})),
        "source-syntax" | "source-refused" | "source-printed" | "java-metadata" | "not-a-pod" => {
            Example::None(
                "The inspector says it of a text that is pasted; `decode` says what is wrong with the text itself.",
            )
        }
        _ => odd(code),
    }
}

fn odd(code: Code) -> Example {
    let Code::Odd(warning) = code else { return Example::None("") };
    match warning {
        WarningCode::StandardAlphabet => {
            Example::Annotation("W3siayI6Ij8/PyIsInYiOiIifV0=".to_owned())
        }
        WarningCode::MissingPadding => Example::Annotation("W10".to_owned()),
        WarningCode::LineBreak => Example::Annotation("W1\n0=".to_owned()),
        WarningCode::TrailingBits => Example::Annotation("W11=".to_owned()),
        WarningCode::MemberCase => text(r#"[{"K":"/dubbo","v":""}]"#),
        WarningCode::UnknownMember => text(r#"[{"k":"/dubbo","v":"","x":1}]"#),
        WarningCode::DuplicateMember => text(r#"[{"k":"/dubbo","k":"/dubbo","v":""}]"#),
        WarningCode::MissingMember => text(r#"[{"k":"/dubbo"}]"#),
        WarningCode::NullMember => text(r#"[{"k":"/dubbo","v":null}]"#),
        WarningCode::NullElement => text("[null]"),
        WarningCode::NullDocument => text("null"),
        WarningCode::InvalidUtf8 => {
            Example::Decoded(b"[{\"k\":\"/dubbo\",\"v\":\"\xff\"}]".to_vec())
        }
        WarningCode::LoneSurrogate => text(r#"[{"k":"/dubbo","v":"\ud800"}]"#),
        _ => Example::None("It stands for all oddities of an annotation beyond the 64th."),
    }
}
