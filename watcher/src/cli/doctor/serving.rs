//! What `dubbo-watcher serve` of this cluster says, asked by way of the API server. A user who may not look for it, or may not
//! ask it, sees nothing of it: neither is needed.

use dubbo_k8s_engine::catalog::Scope;
use serde_json::Value;

use super::ask::{self, Answer, ask};
use super::report::Report;
use super::visit::Visit;
use crate::cli::{ended::Ended, plain::plain};

/// The version of this program.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// More of them in a namespace are not asked.
const AT_MOST: usize = 5;

impl Visit<'_> {
    /// Asks each Service of it whether it is ready.
    pub(super) async fn ask_serving(&mut self, scope: &Scope) -> Result<(), Ended> {
        let Ok(answer) = ask(&mut self.client, ask::services(scope)).await else { return Ok(()) };
        if !answer.is_ok() {
            return Ok(());
        }
        for Serving { namespace, name, port, version } in
            named(&answer.json()).into_iter().take(AT_MOST)
        {
            let request = ask::readiness(&namespace, &name, port);
            let Ok(answer) = ask(&mut self.client, request).await else { continue };
            let service = format!("Service {}/{}", plain(&namespace), plain(&name));
            if let Some(version) = version.filter(|version| version != VERSION) {
                Report::notice(&format!(
                    "{service} is version {}, and this program {VERSION}: give both the same",
                    plain(&version)
                ))?;
            }
            match answer.status {
                200 => Report::well(&format!("{service} is in sync and serves"))?,
                401 | 403 => {}
                _ => Report::notice(&format!("{service} is not ready: {}", why(&answer)))?,
            }
        }
        Ok(())
    }
}

/// A Service of `serve`.
#[derive(Debug, PartialEq, Eq)]
struct Serving {
    namespace: String,
    name: String,
    /// The port that answers probes: one of their own where there is one.
    port: &'static str,
    /// As the chart labels it.
    version: Option<String>,
}

/// Each Service of a list.
fn named(list: &Value) -> Vec<Serving> {
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
        Some(Serving {
            namespace: text(item, "/metadata/namespace")?,
            name: text(item, "/metadata/name")?,
            port: port(item),
            version: text(item, "/metadata/labels/app.kubernetes.io~1version"),
        })
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
        let labels = json!({"app.kubernetes.io/version": "0.0.9"});
        let labelled = json!({"namespace": "shop", "name": "dubbo-watcher", "labels": labels});
        let ports = json!({"ports": [{"name": "https"}, {"name": "probes"}]});
        let items = json!([{"metadata": metadata}, {}, {"metadata": labelled, "spec": ports}]);
        let service = |port, version: Option<&str>| Serving {
            namespace: "shop".to_owned(),
            name: "dubbo-watcher".to_owned(),
            port,
            version: version.map(str::to_owned),
        };
        let expected = [service("http", None), service("probes", Some("0.0.9"))];
        assert_eq!(named(&json!({"items": items})), expected);
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
