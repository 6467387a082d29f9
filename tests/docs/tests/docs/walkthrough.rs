//! The quick start, word by word: its commands on a real kube-apiserver, by the real kubectl, which runs and completes the
//! plugin. There is no kubelet: what one would write into the example's Pod is written here.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

use dubbo_k8s_docs::markdown::blocks;
use dubbo_k8s_docs::{commands, root};
use dubbo_k8s_tests::control_plane::{ControlPlane, Programs};
use dubbo_k8s_tests::program::{self, Ran, Running, dubbo_watcher};
use dubbo_k8s_tests::skip;
use tempfile::TempDir;

const TEST: &str = "the quick start on a real server";

/// What the kubelet would say of the Pod.
const RUNNING: &str = r#"kubectl patch pod greeter -n default --subresource=status -p '{"status":{"phase":"Running",
    "podIP":"10.1.2.3","podIPs":[{"ip":"10.1.2.3"}],"conditions":[{"type":"Ready","status":"True"}]}}'"#;

const DENY: &str = r#"echo '{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy",
    "metadata":{"name":"deny","namespace":"default"},"spec":{"podSelector":{}}}' | kubectl create -f -"#;

/// A person with a cluster, and nothing on the PATH but kubectl and the program under all of its names.
struct Person {
    server: ControlPlane,
    folder: TempDir,
    /// What the commands so far assigned to variables.
    variables: String,
}

impl Person {
    async fn start(programs: &Programs, kubectl: PathBuf) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["dubbo-watcher", "kubectl-dubbo", "kubectl_complete-dubbo"] {
            symlink(dubbo_watcher(), folder.path().join(name)).unwrap();
        }
        symlink(kubectl, folder.path().join("kubectl")).unwrap();
        let server = ControlPlane::start(programs, &[]).await;
        Self { server, folder, variables: String::new() }
    }

    fn types(&self, line: &str) -> Command {
        let mut command = program::bare("bash");
        command.args(["--norc", "-c", &format!("{}{line}", self.variables)]);
        command.env("PATH", format!("{}:/usr/bin:/bin", self.folder.path().display()));
        // Nothing of ours is kept there, so that it need not even be there.
        command.env("HOME", "/nowhere").env("KUBECONFIG", self.server.kubeconfig());
        command
    }

    async fn runs(&mut self, line: &str) -> Ran {
        let ran = program::run(self.types(line)).await;
        assert_eq!(ran.status, Some(0), "{line}\n{}{}", ran.stdout, ran.stderr);
        let is_assignment = line
            .split_once('=')
            .is_some_and(|(name, _)| name.bytes().all(|byte| byte.is_ascii_uppercase()));
        if is_assignment {
            self.variables.extend([line, "\n"]);
        }
        ran
    }

    /// Runs it until it shows this on stderr, then presses Ctrl-C.
    fn interrupts(&self, line: &str, shown: &str) {
        let running = Running::start(self.types(&format!("exec {line}")));
        running.says(shown);
        let ran = running.end("-INT");
        assert_eq!(ran.status, Some(0), "{line}: {ran:?}");
    }
}

/// The commands that the page wants a cluster for.
fn page(name: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join("docs/src").join(name)).unwrap();
    let shell = blocks(&text).into_iter().filter(|block| block.language == "sh");
    shell.flat_map(|block| commands(&block.text)).collect()
}

#[test]
fn the_quick_start_has_the_same_commands_in_both_languages() {
    let chinese: Vec<_> =
        page("quickstart.zh.md").iter().map(|line| line.replace(" --lang zh", "")).collect();
    assert_eq!(chinese, page("quickstart.md"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_quick_start_works_word_by_word() {
    let Some(kubectl) = program::kubectl(TEST) else { return };
    let Some(programs) = Programs::of_environment().into_iter().next() else {
        return skip::missing(
            TEST,
            "cargo xtask test builds the servers by Go: ETCD, KUBE_APISERVERS",
        );
    };
    let mut person = Person::start(&programs, kubectl).await;
    let mut listed = String::new();
    for line in page("quickstart.md") {
        if line.starts_with("kubectl dubbo watch") {
            person.interrupts(&line, "no Dubbo service is registered");
        } else if line.starts_with("dubbo-watcher serve") {
            // Port 7777 may be taken here.
            person.interrupts(&format!("{line} --bind 127.0.0.1:0"), " on http://127.0.0.1:");
        } else {
            let ran = person.runs(&line).await;
            if line == "kubectl dubbo doctor" {
                let said = "ok    no NetworkPolicy in namespace default\n";
                assert!(ran.stdout.contains(said), "{}", ran.stdout);
            }
            if line.starts_with("kubectl run ") {
                person.runs(RUNNING).await;
            }
            if line.starts_with("kubectl dubbo register") {
                let said =
                    person.runs("kubectl __complete dubbo unregister --pod greeter ''").await;
                assert!(said.stdout.starts_with("dubbo://10.1.2.3:20880/com.ex"), "{said:?}");
            }
            if line == "kubectl dubbo list -n default" {
                listed = ran.stdout;
            }
        }
    }
    let row: Vec<_> = listed.lines().nth(1).unwrap_or_default().split_whitespace().collect();
    let expected = ["com.example.Greeter:1.0.0", "provider", "dubbo://10.1.2.3:20880", "greeter"];
    assert_eq!(row, expected, "{listed}");
    let left = person.runs("kubectl get pods -A -o name").await;
    assert_eq!(left.stdout, "", "the example is taken away");

    // Who stands between consumer and provider is said.
    person.runs(DENY).await;
    let said = person.runs("kubectl dubbo doctor").await.stdout;
    let expected = "note  1 NetworkPolicy in namespace default: a consumer may find a provider and not reach it\n      \
                    default/deny limits what all Pods receive\n";
    assert!(said.contains(expected), "{said}");
}
