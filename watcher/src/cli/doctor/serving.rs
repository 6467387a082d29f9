//! What `dubbo-watcher serve` of this cluster says, asked by way of the API server. A user who may not look for it, or may not
//! ask it, sees nothing of it: neither is needed.

use dubbo_k8s_engine::catalog::Scope;
use serde_json::Value;

use super::Visit;
use super::ask::{self, Answer, ask};
use super::report::Report;
use crate::cli::{Ended, plain::plain};

/// More of them in a namespace are not asked.
const AT_MOST: usize = 5;

impl Visit<'_> {
    /// Asks each Service of it whether it is ready.
    pub(super) async fn ask_serving(&mut self, scope: &Scope) -> Result<(), Ended> {
        let Ok(answer) = ask(&mut self.client, ask::services(scope)).await else { return Ok(()) };
        if !answer.is_ok() {
            return Ok(());
        }
        for (namespace, name, port) in named(&answer.json()).into_iter().take(AT_MOST) {
            let request = ask::readiness(&namespace, &name, port);
            let Ok(answer) = ask(&mut self.client, request).await else { continue };
            let service = format!("Service {namespace}/{name}");
            match answer.status {
                200 => Report::well(&format!("{service} is in sync and serves"))?,
                401 | 403 => {}
                _ => Report::notice(&format!("{service} is not ready: {}", why(&answer)))?,
            }
        }
        Ok(())
    }
}

/// Namespace and name of each Service of a list, and the port that answers probes: one of their own where there is one.
fn named(list: &Value) -> Vec<(String, String, &'static str)> {
    let items = list.get("items").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let text = |item: &Value, pointer: &str| {
        item.pointer(pointer).and_then(Value::as_str).map(str::to_owned)
    };
    let port = |item: &Value| {
        let ports = item.pointer("/spec/ports").and_then(Value::as_array).into_iter().flatten();
        let is_for_probes = |port: &Value| port.get("name").is_some_and(|name| name == "probes");
        if ports.into_iter().any(is_for_probes) { "probes" } else { "http" }
    };
    let all = |item| {
        Some((text(item, "/metadata/namespace")?, text(item, "/metadata/name")?, port(item)))
    };
    items.iter().filter_map(all).collect()
}

/// What the server or `serve` gives as the reason.
fn why(answer: &Answer) -> String {
    let json = answer.json();
    let said = ["/detail", "/message"].iter().find_map(|it| json.pointer(it)?.as_str());
    let said =
        said.map_or_else(|| String::from_utf8_lossy(&answer.body).into_owned(), str::to_owned);
    format!("{} ({})", plain(said.trim()), answer.status)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn services_are_named_and_what_is_no_list_names_none() {
        let metadata = json!({"namespace": "shop", "name": "dubbo-watcher"});
        let ports = json!({"ports": [{"name": "https"}, {"name": "probes"}]});
        let items = json!([{"metadata": metadata}, {}, {"metadata": metadata, "spec": ports}]);
        let service = |port| ("shop".to_owned(), "dubbo-watcher".to_owned(), port);
        assert_eq!(named(&json!({"items": items})), [service("http"), service("probes")]);
        assert!(named(&json!(null)).is_empty());
    }

    #[test]
    fn the_reason_is_that_of_the_server_that_answered() {
        let answer =
            |body: &str| Answer { status: 503, body: body.into(), date: None, form: String::new() };
        assert_eq!(why(&answer(r#"{"detail":"Not in sync."}"#)), "Not in sync. (503)");
        assert_eq!(why(&answer(r#"{"message":"no endpoints"}"#)), "no endpoints (503)");
        assert_eq!(why(&answer("down\n")), "down (503)");
    }
}
