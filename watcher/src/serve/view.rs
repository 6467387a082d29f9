//! What one caller may see of the registry: which namespaces, and whether the secrets in URLs. Everything that is
//! made for a caller goes through here.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE;
use dubbo_k8s_codec::{Record, encode};
use dubbo_k8s_engine::catalog::{Content, Endpoint, Holder, PodEntry, ServiceEntry};
use dubbo_k8s_registry::Revision;
use serde::Serialize;
use tokio::time::{Instant, sleep_until};

use super::secrets;

/// What one caller may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct View {
    /// These alone, in their order; all that are followed without a list.
    namespaces: Option<Arc<[String]>>,
    secrets: bool,
    until: Option<Instant>,
}

impl View {
    pub(super) fn new(namespaces: Option<Vec<String>>, secrets: bool) -> Self {
        Self { namespaces: namespaces.map(Arc::from), secrets, until: None }
    }

    /// The same, which counts until then.
    pub(super) fn until(self, end: Instant) -> Self {
        Self { until: Some(end), ..self }
    }

    /// Completes when it does not count any more.
    pub(super) async fn ended(&self) {
        match self.until {
            Some(end) => sleep_until(end).await,
            None => std::future::pending().await,
        }
    }

    /// Whether no namespace is left out.
    pub(super) const fn is_whole(&self) -> bool {
        self.namespaces.is_none()
    }

    pub(super) fn sees(&self, holder: &Holder) -> bool {
        let is_its = |name: &String| **name == *holder.namespace;
        self.namespaces.as_ref().is_none_or(|names| names.iter().any(is_its))
    }

    /// What its caller may call a revision. It says what is seen of it, unless that is what every client sees of a server
    /// that asks for no token: a caller that sees more than before does not have what was left out then.
    pub(super) fn tag(&self, revision: Revision) -> String {
        let part = self.part().unwrap_or_default();
        format!("{revision}{part}")
    }

    /// The revision that a caller with this view calls so.
    pub(super) fn revision(&self, tag: &str) -> Option<Revision> {
        let revision = match self.part() {
            Some(part) => tag.strip_suffix(&*part)?,
            None => tag,
        };
        revision.parse().ok()
    }

    fn part(&self) -> Option<String> {
        if self.is_whole() && !self.secrets {
            return None;
        }
        let mut hasher = DefaultHasher::new();
        (&self.namespaces, self.secrets).hash(&mut hasher);
        Some(format!("-{:016x}", hasher.finish()))
    }

    /// A service with the providers and consumers that may be seen; `None` without any.
    pub(super) fn service(&self, mut service: ServiceEntry) -> Option<ServiceEntry> {
        if !self.is_whole() {
            let seen = |all: Vec<Endpoint>| -> Vec<Endpoint> {
                all.into_iter().filter_map(|one| one.held_by(|holder| self.sees(holder))).collect()
            };
            service.providers = seen(service.providers);
            service.consumers = seen(service.consumers);
        }
        (!service.providers.is_empty() || !service.consumers.is_empty()).then_some(service)
    }

    /// How many Pods and how many distinct records may be seen.
    pub(super) fn counts(&self, content: &Content) -> (usize, usize) {
        if self.is_whole() {
            return (content.pods(), content.records());
        }
        let pods = content.pod_entries().filter(|pod| self.sees(pod.holder()));
        let pods = pods.filter(|pod| !pod.holder().pod.is_empty()).count();
        let carried = content.carried();
        let seen =
            carried.filter_map(|(_, _, mut pods)| pods.any(|pod| self.sees(pod)).then_some(()));
        (pods, seen.count())
    }

    /// A text for people.
    pub(super) fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.secrets { Cow::Borrowed(text) } else { secrets::hide(text) }
    }

    /// Writes an object as JSON.
    pub(super) fn write(&self, out: &mut Vec<u8>, object: &impl Serialize) -> io::Result<()> {
        let start = out.len();
        serde_json::to_writer(&mut *out, object)?;
        if !self.secrets
            && let Some(json) = out.get(start..).and_then(|json| std::str::from_utf8(json).ok())
            && let Cow::Owned(hidden) = secrets::hide_in_json(json)
        {
            out.truncate(start);
            out.extend_from_slice(hidden.as_bytes());
        }
        Ok(())
    }

    /// The annotation of a Pod. One that cannot be read may hold secrets where nothing finds them: it is left out
    /// for those who may not see any, unless its text can be searched.
    pub(super) fn annotation<'a>(&self, pod: &'a PodEntry) -> Option<Cow<'a, str>> {
        if self.secrets || pod.records().is_empty() && pod.problems().is_empty() {
            return pod.annotation();
        }
        if !pod.problems().is_empty() {
            return unreadable(pod.annotation()?);
        }
        let keys: Vec<_> = pod.records().iter().map(|record| record.key.to_text()).collect();
        let texts = keys.iter().zip(pod.records());
        let hidden: Vec<_> =
            texts.map(|(key, record)| (secrets::hide(key), secrets::hide(&record.value))).collect();
        let records = hidden.iter().map(|(key, value)| Record { key, value });
        Some(Cow::Owned(encode(records)))
    }
}

/// An annotation that cannot be read as a whole. What can be found in its text is hidden; it is left out when a secret
/// may be in a part of it that a patient reader could put together.
fn unreadable(annotation: Cow<'_, str>) -> Option<Cow<'_, str>> {
    let decoded = BASE64_URL_SAFE.decode(&*annotation).ok().map(String::from_utf8);
    if let Some(Ok(text)) = decoded {
        return Some(match secrets::hide_in_json(&text) {
            Cow::Owned(hidden) => Cow::Owned(BASE64_URL_SAFE.encode(hidden)),
            Cow::Borrowed(_) => annotation,
        });
    }
    let text = annotation.replace('+', "-").replace('/', "_");
    let is_other = |char: char| !char.is_ascii_alphanumeric() && !"-_".contains(char);
    let may_show = text.split(is_other).any(|run| (0..4).any(|lost| shows_secret(run, lost)));
    (!may_show).then_some(annotation)
}

/// Whether a run of base64 shows a secret when its first characters are left out.
fn shows_secret(run: &str, lost: usize) -> bool {
    let rest = run.get(lost..).unwrap_or_default();
    let whole = rest.get(..rest.len() / 4 * 4).unwrap_or_default();
    let bytes = BASE64_URL_SAFE.decode(whole).unwrap_or_default();
    matches!(secrets::hide_in_json(&String::from_utf8_lossy(&bytes)), Cow::Owned(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_is_named_by_what_is_seen_of_it() {
        let revision: Revision = "00ab12ff-7".parse().unwrap();
        let view = |names: &[&str], secrets| {
            View::new(Some(names.iter().map(|name| (*name).to_owned()).collect()), secrets)
        };
        let whole = View::new(None, false);
        let parts = [&["a"][..], &["b"], &["a", "b"], &["ab"]];
        let parts = parts.iter().flat_map(|names| [view(names, true), view(names, false)]);
        let views: Vec<_> =
            [whole.clone(), View::new(None, true)].into_iter().chain(parts).collect();
        for one in &views {
            for other in &views {
                let known = (one == other).then_some(revision);
                assert_eq!(other.revision(&one.tag(revision)), known, "{one:?} {other:?}");
            }
        }
        assert_eq!(whole.tag(revision), "00ab12ff-7");
    }

    #[test]
    fn an_unreadable_annotation_keeps_what_is_no_secret() {
        for same in ["!!", "", "W10", "W10=W10=", "eyJrIjoiYUBiIn0!"] {
            assert_eq!(unreadable(same.into()).as_deref(), Some(same));
        }
        let json = |secret: &str| format!(r#"[{{"k":"/dubbo/a","v":"d://h?a=1&{secret}"}},7]"#);
        let hidden = unreadable(BASE64_URL_SAFE.encode(json("token=x")).into()).unwrap();
        assert_eq!(hidden, BASE64_URL_SAFE.encode(json("token=***")));
    }

    #[test]
    fn an_annotation_with_a_damaged_place_shows_no_secret() {
        let whole = BASE64_URL_SAFE.encode(r#"[{"k":"/dubbo/a","v":"d://h?a=1&token=hunter2"}]"#);
        for at in 0..whole.len() {
            let (before, after) = whole.split_at(at);
            for damaged in [format!("{before}!{after}"), format!("{before}!{}", &after[1..])] {
                let left = unreadable(damaged.as_str().into());
                // Only what is cut off within the secret itself is not found by its name.
                let shown = left.is_some_and(|left| left == damaged);
                let secret = whole.len() - 28..whole.len();
                assert!(!shown || secret.contains(&at), "{at}: {damaged}");
            }
        }
    }
}
