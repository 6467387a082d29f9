//! Values for the Tab key out of the registry: services of the cluster, and the URLs of one Pod. It reads one page of Pods and
//! what is unreadable counts as not there.

use std::collections::BTreeSet;
use std::ffi::OsStr;

use clap_complete::engine::CompletionCandidate;
use dubbo_k8s_codec::{ANNOTATION, Annotation, Category, Key, Url};
use dubbo_k8s_engine::Request;
use dubbo_k8s_registry::kube::config::{Config, Environment, ThisPod};
use serde_json::Value;

use super::{Typed, answer};
use crate::cli::doctor::ask::{self, scope_of};

/// What a shell other than kubectl's takes for its own syntax.
const SPECIAL: [char; 10] = ['&', '?', '*', ';', '|', '<', '>', '(', ')', '$'];

/// The services of the namespace that was typed, behind the `scheme://host:port/` of a URL; before one, nothing.
pub(crate) fn services_behind(typed: &OsStr) -> Vec<CompletionCandidate> {
    let Some(address) = typed.to_str().and_then(address) else { return Vec::new() };
    let services = services().into_iter().filter_map(|url| {
        let service = Url::parse(url.as_str()).ok()?;
        let params = [("group", service.get("group")), ("version", service.get("version"))];
        let params: Vec<String> = params
            .into_iter()
            .filter_map(|(name, value)| Some(format!("{name}={}", value?)))
            .collect();
        let mark = if params.is_empty() { "" } else { "?" };
        Some(format!("{address}{}{mark}{}", service.path(), params.join("&")))
    });
    candidates(services, typed)
}

/// The interfaces of the namespace that was typed, each with the `=` of `--own`.
pub(crate) fn interfaces(typed: &OsStr) -> Vec<CompletionCandidate> {
    let urls = services();
    let interfaces = urls.iter().filter_map(|url| {
        let service = Url::parse(url.as_str()).ok()?;
        Some(format!("{}=", service.service().interface))
    });
    candidates(interfaces, typed)
}

/// What is registered in the Pod that was typed.
pub(crate) fn urls(typed: &OsStr) -> Vec<CompletionCandidate> {
    let pod = |line: &Typed, environment: &Environment, config: &Config| {
        let (pod, namespace) = (line.pod.as_deref(), line.namespace.as_deref());
        let found = ThisPod::find(pod, namespace, environment, &config.namespace).ok()?;
        Some(ask::pod(&found.name))
    };
    let found: Value = answer(pod).unwrap_or_default();
    candidates(registered(&found).into_iter().map(|(_, url)| url), typed)
}

/// The URLs of all providers on the first page of Pods.
fn services() -> BTreeSet<String> {
    let list = |line: &Typed, environment: &Environment, config: &Config| -> Option<Request> {
        let named = line.namespace.as_deref().or_else(|| environment.get("NAMESPACE"));
        Some(ask::annotations(&scope_of(named.unwrap_or(&config.namespace))))
    };
    let list: Value = answer(list).unwrap_or_default();
    let pods = list.get("items").and_then(Value::as_array).into_iter().flatten();
    pods.flat_map(registered)
        .filter(|(category, _)| *category == Category::Providers)
        .map(|(_, url)| url)
        .collect()
}

/// The URLs in the annotation of an object.
fn registered(object: &Value) -> Vec<(Category, String)> {
    let annotations = object.pointer("/metadata/annotations");
    let value = annotations.and_then(|all| all.get(ANNOTATION)).and_then(Value::as_str);
    let Some(Ok(annotation)) = value.map(Annotation::decode) else { return Vec::new() };
    let url = |key: &str| {
        let key = Key::parse(key).ok()?;
        Some((key.category?, key.url?.into_owned()))
    };
    annotation.records().filter_map(|record| url(record.key)).collect()
}

/// `scheme://host:port/` of a URL that is typed that far.
fn address(typed: &str) -> Option<&str> {
    let host = typed.find("://")? + "://".len();
    let path = host + typed.get(host..)?.find('/')? + 1;
    typed.get(..path)
}

/// Those that begin as it is typed, in order and each once. A word that is not begun can be put into quotes.
fn candidates(found: impl Iterator<Item = String>, typed: &OsStr) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    let is_quoted =
        typed.is_empty() && Typed::now().shell.as_deref().is_some_and(|shell| shell == "bash");
    let begins = found.filter(|it| it.starts_with(&*typed)).collect::<BTreeSet<_>>();
    let shown = begins
        .into_iter()
        .map(|text| if is_quoted && text.contains(SPECIAL) { format!("'{text}'") } else { text });
    shown.map(CompletionCandidate::new).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_url_is_completed_behind_its_address_only() {
        assert_eq!(address("dubbo://10.1.2.3:20880/"), Some("dubbo://10.1.2.3:20880/"));
        assert_eq!(address("tri://a:1/com.ex"), Some("tri://a:1/"));
        for unfinished in ["", "dubbo", "dubbo://10.1.2.3", "/a"] {
            assert_eq!(address(unfinished), None, "{unfinished}");
        }
    }

    #[test]
    fn an_annotation_that_cannot_be_read_registers_nothing() {
        let with = |value: &str| json!({"metadata": {"annotations": {ANNOTATION: value}}});
        let records = dubbo_k8s_codec::encode([dubbo_k8s_codec::Record {
            key: "/dubbo/a.G/providers/dubbo%3A%2F%2F10.0.0.1%2Fa.G",
            value: "",
        }]);
        assert_eq!(
            registered(&with(&records)),
            [(Category::Providers, "dubbo://10.0.0.1/a.G".to_owned())]
        );
        assert!(registered(&with("W3si")).is_empty());
        assert!(registered(&json!(null)).is_empty());
    }
}
