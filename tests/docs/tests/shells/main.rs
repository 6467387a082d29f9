//! Completions in the real shells and in kubectl, of a real cluster's names. A shell that is not here is skipped.

#![cfg(test)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use dubbo_k8s_tests::apiserver::{Options, Server};
use dubbo_k8s_tests::program::{self, Ran, dubbo_watcher};
use dubbo_k8s_tests::skip;
use serde_json::json;
use tempfile::TempDir;

/// A cluster with two Pods, and the program under all of its names.
struct Rig {
    server: Server,
    folder: TempDir,
}

impl Rig {
    async fn start() -> Self {
        let server = Server::start(Options::default()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        server.write_kubeconfig_to(&folder.path().join("kubeconfig"), "shop").unwrap();
        for name in ["greeter-0", "user-0"] {
            let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "shop"}});
            server.store().create(pod).unwrap();
        }
        let bin = folder.path().join("bin");
        fs::create_dir(&bin).unwrap();
        for name in ["dubbo-watcher", "kubectl-dubbo", "kubectl_complete-dubbo"] {
            symlink(dubbo_watcher(), bin.join(name)).unwrap();
        }
        Self { server, folder }
    }

    /// Runs a script in a shell that knows nothing else, where there is such a shell.
    async fn shell(&self, shell: &[&str], script: &str) -> Option<Ran> {
        let [program, options @ ..] = shell else { return None };
        let is_here = ["/usr/local/bin", "/usr/bin", "/bin"]
            .iter()
            .any(|dir| Path::new(dir).join(program).is_file());
        if !is_here {
            skip::optional(
                "completions",
                &format!("there is no {program}: apt-get install {program}"),
            );
            return None;
        }
        let bin = self.folder.path().join("bin");
        let mut command = program::bare("timeout");
        command.arg("60").arg(program).args(options).arg(script);
        Some(program::run(self.environment(command, &bin)).await)
    }

    fn environment(&self, mut command: Command, bin: &Path) -> Command {
        command.env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display()));
        command.env("HOME", self.folder.path()).env("TERM", "dumb");
        command.env("KUBECONFIG", self.folder.path().join("kubeconfig"));
        command
    }

    /// The name of the kubeconfig's context.
    fn context(&self) -> String {
        let text = fs::read_to_string(self.folder.path().join("kubeconfig")).unwrap();
        let line = text.lines().find_map(|line| line.trim().strip_prefix("current-context:"));
        line.unwrap().trim().trim_matches('"').to_owned()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bash_completes_verbs_flags_contexts_and_pods() {
    let rig = Rig::start().await;
    let script = r#"
        source <(dubbo-watcher completion bash)
        complete -p dubbo-watcher >/dev/null || exit 3
        asked() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _clap_complete_dubbo_watcher dubbo-watcher "${!#}" 2>/dev/null; echo "${COMPREPLY[*]}"; }
        asked dubbo-watcher li
        asked dubbo-watcher list --contex
        asked dubbo-watcher list --context ''
        asked dubbo-watcher register --pod g
        asked dubbo-watcher list -o ''
    "#;
    let Some(ran) = rig.shell(&["bash", "--norc", "-c"], script).await else { return };
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(
        lines,
        ["list", "--context", &rig.context(), "greeter-0", "table wide json"],
        "{ran:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fish_completes_verbs_with_their_descriptions_and_pods() {
    let rig = Rig::start().await;
    let script = "dubbo-watcher completion fish | source\n\
                  complete -C 'dubbo-watcher li'\ncomplete -C 'dubbo-watcher -n shop unregister --pod '";
    let Some(ran) = rig.shell(&["fish", "--no-config", "-c"], script).await else { return };
    assert_eq!(ran.stdout, "list\tShow what is registered now\ngreeter-0\nuser-0\n", "{ran:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn zsh_completes_what_is_typed_at_its_prompt() {
    let rig = Rig::start().await;
    // A terminal of its own, into which a person would type: the text, then the Tab key.
    let script = r"
        zmodload zsh/zpty
        zpty shell zsh -f -i
        zpty -w shell 'PS1=; autoload -Uz compinit; compinit -D -u; source <(dubbo-watcher completion zsh); echo READY'
        zpty -r shell seen $'*\nREADY*'
        zpty -w -n shell $'echo dubbo; dubbo-watcher register --pod gree\t'
        zpty -r shell seen '*--pod greeter-0*' && echo completed
        zpty -d shell
    ";
    let Some(ran) = rig.shell(&["zsh", "-f", "-c"], script).await else { return };
    assert_eq!(ran.stdout, "completed\n", "{ran:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_runs_the_plugin_and_completes_it() {
    let rig = Rig::start().await;
    let Some(ran) = rig.shell(&["bash", "--norc", "-c"], "command -v kubectl").await else {
        return;
    };
    if ran.status != Some(0) {
        return skip::optional("kubectl dubbo", "there is no kubectl on the PATH");
    }
    let script = "kubectl dubbo list --help | grep Usage; kubectl __complete dubbo register --pod u 2>/dev/null";
    let ran = rig.shell(&["bash", "--norc", "-c"], script).await.unwrap();
    assert_eq!(ran.stdout, "Usage: kubectl dubbo list [OPTIONS]\nuser-0\n:4\n", "{ran:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_cluster_or_with_one_that_refuses_nothing_is_said() {
    let rig = Rig::start().await;
    let script = "kubectl_complete-dubbo register --pod ''; KUBECONFIG=/nowhere kubectl_complete-dubbo register --pod ''; \
                  kubectl_complete-dubbo list --kubeconfig /nowhere --context ''";
    rig.server.access().revoke_grants("scripted-admin");
    let ran = rig.shell(&["bash", "--norc", "-c"], script).await.unwrap();
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), (":4\n:4\n:4\n", ""));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_use_is_answered_with_the_way_out() {
    let rig = Rig::start().await;
    let run = async |script: &str| rig.shell(&["bash", "--norc", "-c"], script).await.unwrap();
    let ran = run("dubbo-watcher completion tcsh").await;
    assert_eq!(ran.status, Some(2));
    assert!(
        ran.stderr.contains("[possible values: bash, zsh, fish, powershell, elvish]"),
        "{ran:?}"
    );
    let ran = run("DUBBO_WATCHER_COMPLETE=tcsh dubbo-watcher").await;
    assert_eq!(ran.status, Some(2));
    assert!(
        ran.stderr.starts_with("error: unknown shell `tcsh`, expected one of `bash`"),
        "{ran:?}"
    );
    let ran = run("dubbo-watcher man /proc/nowhere").await;
    assert_eq!(ran.status, Some(1));
    assert!(
        ran.stderr.starts_with("error: cannot write manual pages into /proc/nowhere"),
        "{ran:?}"
    );
    let ran = run("kubectl-dubbo lst").await;
    assert!(ran.stderr.contains("Usage: kubectl dubbo [OPTIONS] <COMMAND>"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_verb_has_a_manual_page() {
    let rig = Rig::start().await;
    let script = "dubbo-watcher man pages && ls pages && head -c 400 pages/dubbo-watcher-list.1";
    let script = format!("cd {} && {script}", rig.folder.path().display());
    let ran = rig.shell(&["bash", "--norc", "-c"], &script).await.unwrap();
    for page in ["dubbo-watcher.1\n", "dubbo-watcher-list.1\n", "dubbo-watcher-doctor.1\n"] {
        assert!(ran.stdout.contains(page), "{ran:?}");
    }
    assert!(ran.stdout.contains("DUBBO-WATCHER-LIST"), "{ran:?}");
}
