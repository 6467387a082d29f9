//! client-go's loader of kubeconfigs as a process: a line in, a line out.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dubbo_k8s_registry::kube::config::Url;
use dubbo_k8s_tests::skip;
use serde_json::{Value, json};

use crate::generate::Case;

/// What is read of a kubeconfig.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) server: String,
    pub(crate) credential: String,
    pub(crate) namespace: String,
    pub(crate) insecure: bool,
    pub(crate) impersonate: String,
}

/// A running oracle; dropped, it ends.
pub(crate) struct Oracle {
    pipes: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    child: Child,
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
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let pipes = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Some(Self { pipes: Mutex::new(pipes), child })
    }

    /// What kubectl makes of it, or why it refuses it.
    pub(crate) fn ask(&self, case: &Case) -> Result<Answer, String> {
        let question = json!({
            "kubeconfig": STANDARD.encode(&case.kubeconfig),
            "context": case.context, "cluster": case.cluster, "user": case.user,
            "server": case.server,
        });
        let mut pipes = self.pipes.lock().unwrap();
        writeln!(pipes.0, "{question}").unwrap();
        let mut line = String::new();
        pipes.1.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap();
        let text = |name: &str| answer[name].as_str().unwrap().to_owned();
        if !text("refused").is_empty() {
            return Err(text("refused"));
        }
        Ok(Answer {
            server: Url::parse(&text("server")).unwrap().to_string(),
            credential: text("credential"),
            namespace: text("namespace"),
            insecure: answer["insecure"].as_bool().unwrap(),
            impersonate: text("impersonate"),
        })
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
