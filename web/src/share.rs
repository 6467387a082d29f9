//! A Pod reduced to what a link may carry: its registration, without what is nobody's business.
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

/// A Pod for a link, and how many secrets were blanked in it.
#[derive(Debug, Serialize)]
pub struct Shared {
    text: String,
    blanked: usize,
}

/// A Pod as Kubernetes writes it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Pod<'a> {
    api_version: &'a str,
    kind: &'a str,
    metadata: Metadata<'a>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    name: &'a str,
    namespace: &'a str,
    annotations: Annotations,
    #[serde(skip_serializing_if = "Option::is_none")]
    labels: Option<Labels<'a>>,
}

#[derive(Serialize)]
struct Annotations {
    #[serde(rename = "dubbo.io/annotation")]
    annotation: String,
}

#[derive(Serialize)]
struct Labels<'a> {
    #[serde(rename = "dubbo.io/label")]
    label: &'a str,
}

/// The Pod as JSON to be put into a link, or why not: what cannot be read cannot be redacted.
pub fn pod(pod: Option<&PodText>, value: Option<&str>) -> Result<Shared, &'static str> {
    let (pod, value) = pod.zip(value).ok_or("no annotation")?;
    let annotation = Annotation::decode(value).map_err(|_| "unreadable")?;
    let (keys, blanked): (Vec<String>, Vec<usize>) =
        annotation.records().map(|record| redacted(record.key)).unzip();
    let records = keys.iter().zip(annotation.records());
    let annotation = encode(records.map(|(key, record)| Record { key, ..record }));
    let metadata = Metadata {
        name: &pod.name,
        namespace: &pod.namespace,
        annotations: Annotations { annotation },
        labels: pod.label.as_deref().map(|label| Labels { label }),
    };
    let pod = Pod { api_version: "v1", kind: "Pod", metadata };
    Ok(Shared { text: crate::answer::text(&pod), blanked: blanked.iter().sum() })
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
        let shared = pod(Some(&PodText::default()), Some(&value)).unwrap();
        assert!(!shared.text.contains("hunter2"), "{shared:?}");
    }

    #[test]
    fn what_cannot_be_read_is_not_shared() {
        assert_eq!(pod(Some(&PodText::default()), Some("!!")).unwrap_err(), "unreadable");
    }
}
