//! Completions in the real shells and in kubectl, of a real cluster's names. A shell that is not here is skipped.

#![cfg(test)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use dubbo_k8s_codec::{ANNOTATION, Record, encode};
use dubbo_k8s_tests::apiserver::{Options, Server};
use dubbo_k8s_tests::program::{self, Ran, dubbo_watcher};
use dubbo_k8s_tests::skip;
use serde_json::json;
use tempfile::TempDir;

/// What the first of the two Pods provides.
const GREETER: &str = "/dubbo/a.Greeter/providers/dubbo%3A%2F%2F10.0.0.1%3A20880%2Fa.Greeter%3Fgroup%3Dg%26side%3Dprovider%26version%3D1.0";

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
        let metadata = json!({"name": "user-0", "namespace": "shop"});
        server.store().create(json!({"metadata": metadata})).unwrap();
        let annotations = json!({ANNOTATION: encode([Record { key: GREETER, value: "" }])});
        let labels = json!({"dubbo.io/label": "dubbo.io-value"});
        let metadata = json!({"name": "greeter-0", "namespace": "shop", "annotations": annotations, "labels": labels});
        let status = json!({"podIPs": [{"ip": "10.0.0.1"}]});
        server.store().create(json!({"metadata": metadata, "status": status})).unwrap();
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
            skip::missing(
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
async fn every_shell_is_offered_services_and_what_a_pod_registered() {
    let rig = Rig::start().await;
    let url = "dubbo://10.0.0.1:20880/a.Greeter?group=g&side=provider&version=1.0";
    let script = "dubbo-watcher completion fish | source\n\
                  complete -C 'dubbo-watcher unregister --pod greeter-0 '\n\
                  complete -C 'dubbo-watcher unregister --pod user-0 '\n\
                  complete -C 'dubbo-watcher register tri://10.0.0.2:1/a.G'\n\
                  complete -C 'dubbo-watcher register tri://10.0.0.2'\n\
                  complete -C 'dubbo-watcher list --own '";
    if let Some(ran) = rig.shell(&["fish", "--no-config", "-c"], script).await {
        // Where there is no value, flags are offered.
        let values: Vec<_> = ran.stdout.lines().filter(|line| !line.starts_with("--")).collect();
        let service = "tri://10.0.0.2:1/a.Greeter?group=g&version=1.0";
        assert_eq!(values, [url, service, "a.Greeter="], "{ran:?}");
    }
    // What bash would take for its own syntax comes in quotes.
    let script = "source <(dubbo-watcher completion bash); COMP_WORDS=(dubbo-watcher unregister --pod greeter-0 ''); \
                  COMP_CWORD=4; _clap_complete_dubbo_watcher dubbo-watcher '' 2>/dev/null; echo \"${COMPREPLY[0]}\"";
    if let Some(ran) = rig.shell(&["bash", "--norc", "-c"], script).await {
        assert_eq!(ran.stdout, format!("'{url}'\n"), "{ran:?}");
    }
}

/// Asked as the script asks it, wherever there is no PowerShell to run the script.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn powershell_gets_a_script_that_asks_and_candidates_with_their_descriptions() {
    let rig = Rig::start().await;
    let script = "dubbo-watcher completion powershell; \
                  DUBBO_WATCHER_COMPLETE=powershell dubbo-watcher -- dubbo-watcher li";
    let ran = rig.shell(&["bash", "--norc", "-c"], script).await.unwrap();
    for part in
        ["Register-ArgumentCompleter -Native -CommandName dubbo-watcher", "DUBBO_WATCHER_COMPLETE"]
    {
        assert!(ran.stdout.contains(part), "{part}: {ran:?}");
    }
    assert!(ran.stdout.ends_with("\nlist\tShow what is registered now\n"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_runs_the_plugin_and_completes_it() {
    let rig = Rig::start().await;
    let Some(kubectl) = program::kubectl("kubectl dubbo") else { return };
    symlink(kubectl, rig.folder.path().join("bin/kubectl")).unwrap();
    let script = "kubectl plugin list 2>/dev/null | grep -c kubectl-dubbo; kubectl dubbo list --help | grep Usage; \
                  kubectl dubbo list 2>/dev/null | tail -n 1; kubectl __complete dubbo register --pod u 2>/dev/null";
    let ran = rig.shell(&["bash", "--norc", "-c"], script).await.unwrap();
    assert_eq!(
        ran.stdout,
        "1\nUsage: kubectl dubbo list [OPTIONS]\n\
         g/a.Greeter:1.0  provider  dubbo://10.0.0.1:20880  greeter-0\nuser-0\n:4\n",
        "{ran:?}"
    );
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
