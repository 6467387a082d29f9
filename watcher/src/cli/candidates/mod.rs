//! Values for the Tab key: names in the kubeconfig, and namespaces and Pods of the cluster. What cannot be had in a moment
//! is left out, without a word.

pub(super) mod registered;
mod typed;

use std::time::Duration;

use clap_complete::engine::CompletionCandidate;
use dubbo_k8s_engine::Request;
use dubbo_k8s_registry::host;
use dubbo_k8s_registry::kube::{
    Client,
    config::{Config, Environment, Kubeconfig},
};
use serde::{Deserialize, de::DeserializeOwned};

pub(super) use self::typed::Typed;
use crate::cli::doctor::ask::{ask, list_of_names};

/// The Tab key must not wait longer.
const TIMEOUT: Duration = Duration::from_secs(3);

/// The kubeconfig's contexts.
pub(crate) fn contexts() -> Vec<CompletionCandidate> {
    kubeconfig(|found| found.contexts.into_keys().collect())
}

/// The kubeconfig's clusters.
pub(crate) fn clusters() -> Vec<CompletionCandidate> {
    kubeconfig(|found| found.clusters.into_keys().collect())
}

/// The kubeconfig's users.
pub(crate) fn users() -> Vec<CompletionCandidate> {
    kubeconfig(|found| found.users.into_keys().collect())
}

/// The namespaces of the cluster.
pub(crate) fn namespaces() -> Vec<CompletionCandidate> {
    names(|_, _| "/api/v1/namespaces".to_owned())
}

/// The Pods of the namespace that was typed, else of the one that verbs would take.
pub(crate) fn pods() -> Vec<CompletionCandidate> {
    names(|namespace, config| {
        let namespace = namespace.unwrap_or(&config.namespace);
        format!("/api/v1/namespaces/{namespace}/pods")
    })
}

fn kubeconfig(choose: impl Fn(Kubeconfig) -> Vec<String>) -> Vec<CompletionCandidate> {
    let typed = Typed::now();
    let environment = Environment::of_process();
    let found = Kubeconfig::load(typed.overrides.kubeconfig.as_deref(), &environment);
    let names = found.map(choose).unwrap_or_default();
    names.into_iter().map(CompletionCandidate::new).collect()
}

/// The names in a list of the server at the address that `path` makes of the namespace and the configuration.
fn names(path: impl Fn(Option<&str>, &Config) -> String) -> Vec<CompletionCandidate> {
    let list = answer::<List>(|typed, environment, config| {
        let named = typed.namespace.as_deref().or_else(|| environment.get("NAMESPACE"));
        Some(list_of_names(&path(named, config)))
    });
    let items = list.map(|list| list.items).unwrap_or_default();
    items.into_iter().map(|item| CompletionCandidate::new(item.metadata.name)).collect()
}

/// What the server that was typed answers to a request that is made of the line, if it answers soon.
pub(super) fn answer<T: DeserializeOwned>(
    request: impl Fn(&Typed, &Environment, &Config) -> Option<Request>,
) -> Option<T> {
    let typed = Typed::now();
    let environment = Environment::of_process().with_terminal(false);
    let config = Config::load(&typed.overrides, &environment).ok()?;
    let request = request(typed, &environment, &config)?;
    let mut client = Client::new(config).ok()?;
    let asked = async { ask(&mut client, request).await.ok() };
    let answer = host::block_on(host::timeout(TIMEOUT, asked)).ok().flatten().flatten();
    let answer = answer.filter(|answer| answer.status == 200)?;
    serde_json::from_slice(&answer.body).ok()
}

#[derive(Deserialize)]
struct List {
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
}
