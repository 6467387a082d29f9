//! One answer of dubbo-go, compared with what the codec says of the same question.

use dubbo_k8s_codec::Key;
use dubbo_k8s_codec::dubbo_go::{Finding, GoUrl, Identity, Reason};
use serde_json::{Map, Value, json};

/// Compares everything that dubbo-go answered.
pub(crate) fn check(answer: &Value) -> Result<(), String> {
    let ours = match (answer["newurl"].as_str(), answer["equal"].as_array()) {
        (Some(url), _) => of_url(url, answer)?,
        (_, Some(urls)) => of_pair(urls, answer)?,
        _ => return Ok(()),
    };
    let mut theirs = answer.clone();
    let members = theirs.as_object_mut().unwrap();
    for question in ["newurl", "equal", "error"] {
        members.remove(question);
    }
    if ours == theirs { Ok(()) } else { Err(format!("{answer}\nbut here: {ours}")) }
}

fn of_url(url: &str, answer: &Value) -> Result<Value, String> {
    let read = match GoUrl::parse_escaped(url) {
        Ok(read) => read,
        Err(finding) => {
            check_reason(finding, url, answer)?;
            return Ok(json!({ "ok": false }));
        }
    };
    let params: Map<_, _> =
        read.params().map(|(name, values)| (name.into_owned(), json!(values))).collect();
    Ok(json!({
        "ok": true,
        "protocol": read.protocol(),
        "username": read.username(),
        "password": read.password(),
        "location": read.location(),
        "ip": read.ip(),
        "port": read.port(),
        "path": read.path(),
        "params": params,
        "key": read.key(),
        "service": read.service(),
        "serviceKey": read.service_key(),
    }))
}

fn of_pair(urls: &[Value], answer: &Value) -> Result<Value, String> {
    let read = |at: usize| GoUrl::parse_escaped(urls[at].as_str().unwrap());
    match (read(0), read(1)) {
        (Ok(provider), Ok(consumer)) => {
            let result = provider.is_taken_by(&consumer);
            let named = provider.identity().mismatch(&consumer.identity()).is_none();
            if named != result {
                return Err(format!("{answer}\nbut the mismatch is another"));
            }
            Ok(json!({ "ok": true, "result": result }))
        }
        _ => Ok(json!({ "ok": false })),
    }
}

/// The step that refused the URL is the one that dubbo-go names, and the place is one of the text.
fn check_reason(finding: Finding, url: &str, answer: &Value) -> Result<(), String> {
    let wrong = || Err(format!("{answer}\nbut here: {finding:?}"));
    let Some(error) = answer["error"].as_str() else { return wrong() };
    let step = error.split('(').next().unwrap_or("");
    let fits = match finding.reason {
        Reason::PercentEscape => {
            ["url.QueryUnescape", "url.Parse", "url.ParseQuery"].contains(&step)
        }
        Reason::Semicolon => error.ends_with("error{invalid semicolon separator in query}"),
        Reason::ManyColons => error.ends_with("too many colons in address}"),
        Reason::MissingPort => error.ends_with("missing port in address}"),
        Reason::Host => ["url.Parse", "net.SplitHostPort"].contains(&step),
        _ => step == "url.Parse",
    };
    let at_byte = |byte: u8| {
        let escaped = format!("%{byte:02X}").into_bytes();
        let rest = url.as_bytes().get(finding.offset..).unwrap_or_default();
        rest.first() == Some(&byte)
            || rest.get(..3).is_some_and(|it| it.eq_ignore_ascii_case(&escaped))
    };
    let placed = match finding.reason {
        Reason::PercentEscape | Reason::HostEscape => at_byte(b'%'),
        Reason::Semicolon => at_byte(b';'),
        _ => finding.offset <= url.len(),
    };
    // The library's own key reader finds the same text.
    let agrees = unescaped(url).is_none_or(|text| {
        GoUrl::parse(&text).is_err_and(|again| {
            let place = Key::place_in_url(&key_text(url), again.offset);
            again.reason == finding.reason && place == finding.offset + PREFIX.len()
        })
    });
    if fits && placed && agrees { Ok(()) } else { wrong() }
}

/// Whether a provider is known by the same when nothing else of its URL is read.
pub(crate) fn check_identity(url: &str) -> Result<(), String> {
    let Some(url) = unescaped(url) else { return Ok(()) };
    let (alone, whole) = (Identity::of_provider(&url), GoUrl::parse(&url).map(|it| it.identity()));
    if alone == whole { Ok(()) } else { Err(format!("{url}: {alone:?}, but {whole:?}")) }
}

const PREFIX: &str = "/dubbo/a.B/providers/";

fn key_text(url: &str) -> String {
    format!("{PREFIX}{url}")
}

/// The URL of a key, unescaped once; nothing if that is refused.
pub(crate) fn unescaped(url: &str) -> Option<String> {
    let key = key_text(url);
    Key::parse(&key).ok()?.url.map(String::from)
}
