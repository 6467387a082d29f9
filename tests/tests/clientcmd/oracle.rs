//! client-go's loader of kubeconfigs as a process: a line in, a line out.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;

use dubbo_k8s_registry::kube::config::Url;
use dubbo_k8s_tests::skip;
use serde::Deserialize;
use serde_json::json;

use crate::case::Case;

/// What is read of a kubeconfig.
#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    pub(crate) server: String,
    /// The name to expect in its certificate.
    pub(crate) server_name: String,
    /// PEM.
    pub(crate) authority: String,
    pub(crate) insecure: bool,
    pub(crate) proxy: String,
    pub(crate) credential: String,
    /// PEM, and that of its key.
    pub(crate) certificate: String,
    pub(crate) key: String,
    pub(crate) namespace: String,
    /// User, uid, and all else.
    pub(crate) impersonate: Vec<String>,
}

/// A running oracle; dropped, it ends.
pub(crate) struct Oracle {
    pipes: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    child: Child,
}

#[derive(Deserialize)]
struct Line {
    refused: String,
    #[serde(flatten)]
    answer: Answer,
}

impl Oracle {
    /// Builds it, which takes half a minute once, and starts it. Without Go, `test` is skipped, and fails on CI.
    pub(crate) fn build(test: &str) -> Option<Self> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("go/clientcmd");
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clientcmd");
        let mut go = Command::new("go");
        go.args(["build", "-o"]).arg(&program).arg(".").current_dir(source);
        match go.output() {
            Ok(built) if built.status.success() => {}
            Ok(built) => {
                let said = String::from_utf8_lossy(&built.stderr);
                skip::missing(test, &format!("Go cannot build client-go: {}", said.trim()));
                return None;
            }
            Err(_) => {
                skip::missing(
                    test,
                    "install Go 1.26 or newer (https://go.dev/dl): it builds client-go",
                );
                return None;
            }
        }
        let mut command = Command::new(program);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let pipes = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Some(Self { pipes: Mutex::new(pipes), child })
    }

    /// What kubectl makes of it, whose files are in `folder`, or why it refuses it.
    pub(crate) fn ask(&self, case: &Case, folder: &Path) -> Result<Answer, String> {
        let question = json!({
            "kubeconfig": case.explicit(folder), "list": case.list(folder),
            "context": case.context, "cluster": case.cluster, "user": case.user,
            "server": case.server, "tlsServerName": case.tls_server_name,
            "insecure": case.insecure, "as": case.impersonate,
        });
        let mut pipes = self.pipes.lock().unwrap();
        writeln!(pipes.0, "{question}").unwrap();
        let mut line = String::new();
        pipes.1.read_line(&mut line).unwrap();
        let Line { refused, mut answer } = serde_json::from_str(&line).unwrap();
        if !refused.is_empty() {
            return Err(refused);
        }
        answer.server = normal(&answer.server);
        answer.proxy = normal(&answer.proxy);
        answer.impersonate.sort_unstable();
        Ok(answer)
    }
}

/// A URL as both sides write it: with the port of a SOCKS proxy, and without a slash at the end.
pub(crate) fn normal(url: &str) -> String {
    let url = Url::parse(url).map_or_else(|_| url.to_owned(), |url| url.to_string());
    let url = url.trim_end_matches('/');
    let has_port = url.rsplit([':', ']']).next().is_some_and(|port| port.parse::<u16>().is_ok());
    let port = if url.starts_with("socks5:") && !has_port { ":1080" } else { "" };
    format!("{url}{port}")
}

impl Drop for Oracle {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
