//! Pods reduced to what a link may carry: their registrations and states, without what is private.
//!
//! User information and parameters that name a secret are blanked before anything leaves the page.

use dubbo_k8s_codec::{Annotation, Key, Record, Url, encode};
use serde::Serialize;

use crate::pod::PodText;

/// Parts of parameter names whose values are not shared.
const SECRET: [&str; 7] =
    ["password", "passwd", "secret", "token", "accesskey", "access.key", "credential"];

fn is_secret(name: &str) -> bool {
    SECRET.iter().any(|part| crate::rows::search::contains(name.as_bytes(), part.as_bytes(), 0))
}

/// What stands in place of a secret.
const BLANK: &str = "redacted";

/// Pods for a link, how many, how many secrets were blanked in them, and how many could not be read.
#[derive(Debug, Serialize)]
pub struct Shared {
    text: String,
    pods: usize,
    blanked: usize,
    unread: usize,
}

/// The Pods as JSON, one each line, to be put into a link. What cannot be read cannot be redacted, and is left out.
///
/// # Errors
/// None of them can be read.
pub fn pods<'a>(
    all: impl IntoIterator<Item = (&'a PodText, &'a str)>,
) -> Result<Shared, &'static str> {
    let mut shared = Shared { text: String::new(), pods: 0, blanked: 0, unread: 0 };
    for (pod, value) in all {
        match line(pod, value) {
            Some((line, blanked)) => {
                shared.text.push_str(&line);
                shared.text.push('\n');
                (shared.pods, shared.blanked) = (shared.pods + 1, shared.blanked + blanked);
            }
            None => shared.unread += 1,
        }
        if shared.text.len() > MOST {
            return Err("too-large");
        }
    }
    if shared.pods == 0 { Err("unreadable") } else { Ok(shared) }
}

/// A link with more than this is none that could be sent.
const MOST: usize = 2 << 20;

fn line(pod: &PodText, value: &str) -> Option<(String, usize)> {
    let annotation = Annotation::decode(value).ok()?;
    let (keys, blanked): (Vec<String>, Vec<usize>) =
        annotation.records().map(|record| redacted(record.key)).unzip();
    let records = keys.iter().zip(annotation.records());
    let annotation = encode(records.map(|(key, record)| Record { key, ..record }));
    let of = |text: &str| crate::answer::text(&text);
    let mut out =
        [r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"#, &of(&pod.name)].concat();
    let mut add = |before: &str, text: &str, behind: &str| out.extend([before, &of(text), behind]);
    add(r#","namespace":"#, &pod.namespace, "");
    add(r#","annotations":{"dubbo.io/annotation":"#, &annotation, "}");
    if let Some(label) = &pod.label {
        add(r#","labels":{"dubbo.io/label":"#, label, "}");
    }
    if pod.deleting {
        add(r#","deletionTimestamp":"#, "1970-01-01T00:00:00Z", ""); // that it is, not since when
    }
    add(r#"},"status":{"phase":"#, pod.phase.as_deref().unwrap_or_default(), "");
    if let Some(ready) = pod.ready {
        let status = if ready { "True" } else { "False" };
        add(r#","conditions":[{"type":"Ready","status":"#, status, "}]");
    }
    out.push_str(r#","podIPs":["#);
    let mut add = |before: &str, text: &str, behind: &str| out.extend([before, &of(text), behind]);
    for (at, ip) in pod.ips.iter().enumerate() {
        add(if at == 0 { r#"{"ip":"# } else { r#",{"ip":"# }, ip, "}");
    }
    out.push_str("]}}");
    Some((out, blanked.iter().sum()))
}

/// The URL of a key without its secrets.
pub(crate) fn url_of(key: &str) -> Option<String> {
    let (key, _) = redacted(key);
    Some(Key::parse(&key).ok()?.url?.into_owned())
}

/// The key without its secrets, and how many there were.
fn redacted(key: &str) -> (String, usize) {
    let as_it_is = || (key.to_owned(), 0);
    let Ok(parts) = Key::parse(key) else { return as_it_is() };
    let Some(Ok(url)) = parts.url.as_deref().map(|text| Url::parse(text.to_owned())) else {
        return as_it_is();
    };
    let mut count = 0;
    let text = match url.userinfo() {
        Some(user) => {
            count += 1;
            let start = url.scheme().len() + "://".len();
            let of = |range| url.as_str().get(range).unwrap_or_default();
            let mut text = of(0..start).to_owned();
            text.push_str(BLANK);
            text.push_str(of(start + user.len()..url.as_str().len()));
            text
        }
        None => url.as_str().to_owned(),
    };
    let Ok(mut url) = Url::parse(text) else { return as_it_is() };
    let secrets: Vec<String> = url
        .params()
        .map(|param| param.name().into_owned())
        .filter(|name| is_secret(&name.to_ascii_lowercase()))
        .collect();
    for name in &secrets {
        url.set(name, BLANK);
    }
    count += secrets.len();
    if count == 0 {
        return as_it_is();
    }
    let redacted = Key { url: Some(url.as_str().into()), ..parts.clone() }.to_string();
    (redacted, count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use dubbo_k8s_codec::query_escape;

    #[test]
    fn secrets_are_blanked_and_all_else_stays() {
        let key = |url: &str| format!("/dubbo/a.B/providers/{}", query_escape(url));
        let secret = key("dubbo://u:hunter2@h:1/a.B?x=1&token=t0ps3cret&accessKeyId=AK9");
        let (text, count) = redacted(&secret);
        assert_eq!(count, 3);
        assert_eq!(text, key("dubbo://redacted@h:1/a.B?x=1&token=redacted&accessKeyId=redacted"));
        let plain = key("dubbo://h:1/a.B?x=1");
        assert_eq!(redacted(&plain), (plain.clone(), 0));
        let value = encode([Record::new(&secret)]);
        let shared = pods([(&PodText::default(), &*value)]).unwrap();
        assert!(!shared.text.contains("hunter2"), "{shared:?}");
    }

    #[test]
    fn the_state_of_a_pod_is_shared_with_it() {
        let pod = PodText {
            name: "a".into(),
            deleting: true,
            ready: Some(false),
            ips: vec!["10.0.0.1".into()],
            ..PodText::default()
        };
        let text = pods([(&pod, "W10=")]).unwrap().text;
        let again = &crate::document::Document::read(&text).pods[0];
        assert_eq!((again.deleting, again.ready, &again.ips), (true, Some(false), &pod.ips));
    }

    #[test]
    fn what_cannot_be_read_is_not_shared() {
        let pod = PodText::default();
        assert_eq!(pods([(&pod, "!!")]).unwrap_err(), "unreadable");
        let shared = pods([(&pod, "!!"), (&pod, "W10=")]).unwrap();
        assert_eq!((shared.pods, shared.unread), (1, 1), "and takes no other one with it");
    }
}
