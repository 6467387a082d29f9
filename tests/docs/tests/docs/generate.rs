//! The pages that are made of the programs: commands, problems, metrics, the HTTP API, the chart's values.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use dubbo_k8s_codec::problem::{Code, Language};
use dubbo_k8s_docs::{examples, root};
use dubbo_k8s_tests::apiserver::{Options, Server};
use dubbo_k8s_tests::program::dubbo_watcher;
use dubbo_k8s_tests::watcher::Serving;
use serde_json::Value;

const MADE: &str =
    "<!-- Made of the program by `UPDATE_DOCS=1 cargo test -p dubbo-k8s-docs`. -->\n\n";

/// Text in which no place to fill in, as `<key>`, is taken for HTML.
fn escaped(text: &str) -> String {
    text.replace('<', "&lt;")
}

/// Holds a page to what it is made of, or writes it.
fn hold(page: &str, text: &str) {
    let path = root().join(page);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, text).unwrap();
        return;
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == text,
        "{page} is not what it is made of: UPDATE_DOCS=1 writes it anew\n{text}"
    );
}

/// What `dubbo-watcher help` prints of a verb.
fn help(arguments: &[&str]) -> String {
    let mut command = Command::new(dubbo_watcher());
    let output = command.args(arguments).arg("--help").env_clear().env("COLUMNS", "100").output();
    String::from_utf8(output.unwrap().stdout).unwrap()
}

#[test]
fn commands_are_described_by_their_help() {
    let all = help(&[]);
    let verbs = all.lines().skip_while(|line| *line != "Commands:").skip(1);
    let verbs = verbs.take_while(|line| line.starts_with("  ")).filter_map(|line| {
        let is_verb = line.starts_with("  ") && !line.starts_with("   ");
        line.split_whitespace().next().filter(|verb| is_verb && *verb != "help")
    });
    let verbs: Vec<&str> = verbs.collect();
    assert!(verbs.contains(&"list"), "{verbs:?}");
    let mut page = format!(
        "{MADE}# Commands\n\n`kubectl dubbo` is the same program: what is said here of `dubbo-watcher list` is `kubectl dubbo list` there.\n\
         What a status means is in [Exit status](exit-status.md).\n\n```text\n{all}```\n"
    );
    for verb in verbs {
        let _ = write!(page, "\n## {verb}\n\n```text\n{}```\n", help(&[verb]));
    }
    hold("docs/src/reference/commands.md", &page);
}

#[test]
fn problems_are_explained_in_both_languages() {
    let mut page = format!(
        "{MADE}# Problems\n\nA code never changes its meaning. The inspector and `decode` use the same codes and words. Each example is the\n\
         least that has the problem; what is shown of an annotation is its decoded text, unless it is the base64 that is wrong.\n\
         \n| code | severity | what is wrong | 中文 |\n|---|---|---|---|\n"
    );
    for code in Code::all() {
        let titles = [Language::English, Language::Chinese].map(|language| code.title(language));
        let severity = code.severity().as_str();
        let _ =
            writeln!(page, "| [`{code}`](#{code}) | {severity} | {} | {} |", titles[0], titles[1]);
    }
    for code in Code::all() {
        let _ = write!(page, "\n## {code}\n\n");
        for language in [Language::English, Language::Chinese] {
            let stop = if language == Language::Chinese { "。" } else { "." };
            let _ = write!(
                page,
                "**{}{stop}** {}\n\n",
                code.title(language),
                escaped(code.advice(language))
            );
        }
        match examples::of(code).shown() {
            ("", why) => page.extend([&why, "\n"]),
            (language, text) => {
                page.extend(["```", language, "\n", text.trim_end(), "\n```\n"]);
            }
        }
    }
    hold("docs/src/reference/problems.md", &page);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_are_described_by_their_own_help() {
    let server = Server::start(Options::default()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    server.write_kubeconfig_to(&kubeconfig, "shop").unwrap();
    let serving = Serving::start(&kubeconfig).await.unwrap();
    serving.synced().await.unwrap();
    let mut answer = serving.endpoint().unwrap().get("/metrics", "*/*").await.unwrap();
    let text = String::from_utf8(answer.body().await.unwrap()).unwrap();
    let mut page = format!(
        "{MADE}# Metrics\n\nOf `GET /metrics` of `dubbo-watcher serve`. Those of handlers are in the README of `watcher`. Alert rules and a dashboard\n\
         are in `watcher/deploy/monitoring`, and in the [chart](chart.md).\n\n| metric | kind | labels | what it says |\n|---|---|---|---|\n"
    );
    let mut seen = 0;
    for line in text.lines() {
        let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|it| it.split_once(' '))
        else {
            continue;
        };
        let kind =
            text.lines().find_map(|line| line.strip_prefix(&format!("# TYPE {name} "))).unwrap();
        let sample = text.lines().find(|line| !line.starts_with('#') && line.starts_with(name));
        let labels = sample.and_then(|line| Some(line.split_once('{')?.1.split_once('}')?.0));
        let labels: Vec<_> = labels
            .into_iter()
            .flat_map(|labels| labels.split(','))
            .filter_map(|label| label.split('=').next().filter(|name| *name != "le"))
            .map(|name| format!("`{name}`"))
            .collect();
        let _ = writeln!(page, "| `{name}` | {kind} | {} | {help} |", labels.join(", "));
        seen += 1;
    }
    assert!(seen > 10, "{text}");
    hold("docs/src/reference/metrics.md", &page);
}

#[test]
fn the_http_api_is_described_by_its_openapi() {
    let mut page = format!(
        "{MADE}# HTTP API\n\nOf `dubbo-watcher serve`, which describes itself at `/openapi.json`. Errors are `application/problem+json`.\n\n"
    );
    page += &requests("openapi");
    page += "\nThe whole description:\n\n```json\n{{#include ../../../watcher/src/serve/openapi.json}}\n```\n\n\
             ## What `agent` adds\n\nOf `dubbo-watcher agent`, on its Unix socket, whose `/openapi.json` describes all of it.\n\n";
    page += &requests("agent");
    page += "\nThe description of what it adds:\n\n```json\n{{#include ../../../watcher/src/serve/agent.json}}\n```\n";
    hold("docs/src/reference/http.md", &page);
}

/// The requests of a description, as a table.
fn requests(description: &str) -> String {
    let path = root().join("watcher/src/serve").join(description).with_extension("json");
    let api: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let mut table = "| request | what it answers |\n|---|---|\n".to_owned();
    for (path, methods) in api["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let summary = operation["summary"].as_str().unwrap();
            let _ = writeln!(table, "| `{} {path}` | {summary} |", method.to_uppercase());
        }
    }
    table
}

#[test]
fn the_charts_values_are_described_by_their_comments() {
    let text = fs::read_to_string(root().join("charts/dubbo-watcher/values.yaml")).unwrap();
    let mut page = format!(
        "{MADE}# The chart `dubbo-watcher`\n\n`dubbo-watcher serve` for a cluster, with the rights that it needs and no more. Values of a wrong type or name are refused:\n\
         `values.schema.json` knows them all.\n\n```sh\nhelm install dubbo-watcher charts/dubbo-watcher -n shop --set image.repository=registry.example.com/dubbo-watcher\n\
         helm test dubbo-watcher -n shop\n```\n\n| value | default | meaning |\n|---|---|---|\n"
    );
    let (mut comment, mut parents) = (String::new(), Vec::<String>::new());
    for line in text.lines() {
        let depth = (line.len() - line.trim_start().len()) / 2;
        let line = line.trim();
        if let Some(said) = line.strip_prefix("# -- ") {
            comment = said.to_owned();
        } else if let Some(more) = line.strip_prefix("# ").filter(|_| !comment.is_empty()) {
            comment.extend([" ", more]);
        } else if let Some((name, value)) = line.split_once(':') {
            parents.truncate(depth);
            parents.push(name.to_owned());
            let value =
                if value.trim().is_empty() { String::new() } else { format!("`{}`", value.trim()) };
            if !value.is_empty() || !comment.is_empty() {
                let _ = writeln!(
                    page,
                    "| `{}` | {value} | {} |",
                    parents.join("."),
                    comment.replace('|', "\\|")
                );
            }
            comment.clear();
        }
    }
    hold("charts/dubbo-watcher/README.md", &page);
}

#[test]
fn the_chart_has_the_dashboard_the_alerts_and_the_policy_of_the_manifests() {
    for file in [
        "monitoring/dashboard.json",
        "monitoring/alerts.yaml",
        "policy/policy.yaml",
        "policy/binding.yaml",
    ] {
        let (_, name) = file.split_once('/').unwrap();
        let read =
            |folder: &str, name: &str| fs::read_to_string(root().join(folder).join(name)).unwrap();
        let (chart, manifests) =
            (read("charts/dubbo-watcher/files", name), read("watcher/deploy", file));
        assert!(chart == manifests, "{name} differs");
    }
}
