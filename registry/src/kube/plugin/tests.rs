//! Plugins as small shell scripts in a fresh folder: what they get, when they run, and what
//! their failures say.

#![cfg(unix)]

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf, sync::Arc};

use futures_util::future::join_all;
use serde_json::Value;
use tempfile::TempDir;

use super::*;
use crate::kube::config::{Credential, Environment, Overrides};

/// A folder with a kubeconfig and the plugin that it names.
struct Rig {
    folder: TempDir,
}

impl Rig {
    /// A plugin that runs `body` after it has counted itself and kept what it got.
    fn new(exec: &str, body: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let script = format!(
            "#!/bin/sh\ncd '{}' || exit 9\necho run >> runs\n\
             printf %s \"$KUBERNETES_EXEC_INFO\" > given\n{body}\n",
            folder.path().display()
        );
        let rig = Self { folder };
        fs::create_dir(rig.path("bin")).unwrap();
        fs::write(rig.path("bin/plugin"), script).unwrap();
        fs::set_permissions(rig.path("bin/plugin"), fs::Permissions::from_mode(0o700)).unwrap();
        let config = format!(
            "current-context: x\n\
             contexts: [{{name: x, context: {{cluster: c, user: u}}}}]\n\
             clusters:\n- name: c\n  cluster:\n    server: https://k.example:6443\n    \
             tls-server-name: kube\n    proxy-url: http://p:1\n    insecure-skip-tls-verify: true\n    \
             extensions:\n    - {{name: other, extension: {{a: 1}}}}\n    \
             - {{name: client.authentication.k8s.io/exec, extension: {{audience: ours}}}}\n\
             users:\n- name: u\n  user:\n    exec: {{command: ./bin/plugin, {exec}}}\n"
        );
        fs::write(rig.path("config"), config).unwrap();
        rig
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn plugin(&self) -> Plugin {
        let overrides = Overrides { kubeconfig: Some(self.path("config")), ..Overrides::default() };
        let config = Config::load(&overrides, &Environment::empty([])).unwrap();
        let Credential::Exec(entry) = config.credential.clone() else { panic!("{config:?}") };
        Plugin::new(Arc::new(config), *entry)
    }

    fn runs(&self) -> usize {
        fs::read_to_string(self.path("runs")).map_or(0, |runs| runs.lines().count())
    }

    fn given(&self) -> Value {
        serde_json::from_str(&fs::read_to_string(self.path("given")).unwrap()).unwrap()
    }
}

const V1: &str = "apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never";
const BETA: &str = "apiVersion: client.authentication.k8s.io/v1beta1";

fn print(version: &str, status: &str) -> String {
    format!(
        "echo '{{\"apiVersion\":\"client.authentication.k8s.io/{version}\",\
         \"kind\":\"ExecCredential\",\"status\":{status}}}'"
    )
}

fn token(issued: &Issued) -> String {
    issued.authorization.as_ref().unwrap().to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a51_it_runs_once_for_all_and_again_only_when_its_credential_is_refused() {
    let count = "number=$(wc -l < runs | tr -d ' ')\n".to_owned();
    let body = count
        + "printf '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\
           \"ExecCredential\",\"status\":{\"token\":\"t%s\"}}' \"$number\"";
    let rig = Rig::new(V1, &body);
    let plugin = rig.plugin();
    let all = join_all((0..20).map(|_| plugin.credential())).await;
    let first = all[0].clone().unwrap();
    assert!(all.iter().all(|issued| Arc::ptr_eq(issued.as_ref().unwrap(), &first)));
    assert_eq!((rig.runs(), token(&first).as_str()), (1, "Bearer t1"));

    plugin.refused(&first);
    let second = plugin.credential().await.unwrap();
    assert_eq!((rig.runs(), token(&second).as_str()), (2, "Bearer t2"));
    // A straggler that was refused with the old one does not throw the new one away.
    plugin.refused(&first);
    assert_eq!(token(&plugin.credential().await.unwrap()), "Bearer t2");
    assert_eq!(rig.runs(), 2);
}

#[tokio::test]
async fn who_stops_waiting_does_not_stop_the_run() {
    let rig = Rig::new(V1, &format!("read go < fifo\n{}", print("v1", r#"{"token":"t"}"#)));
    let made = std::process::Command::new("mkfifo").arg(rig.path("fifo")).status().unwrap();
    assert!(made.success());
    let plugin = rig.plugin();
    assert!(plugin.credential().now_or_never().is_none());
    let fifo = rig.path("fifo");
    let go = tokio::task::spawn_blocking(move || fs::write(fifo, "go\n"));
    assert_eq!(token(&plugin.credential().await.unwrap()), "Bearer t");
    go.await.unwrap().unwrap();
    assert_eq!(rig.runs(), 1);
}

#[tokio::test]
async fn a51_what_has_expired_is_asked_for_again() {
    for (expires, runs) in [("2001-01-01T00:00:00Z", 2), ("2999-01-01T00:00:00Z", 1)] {
        let status = format!(r#"{{"token":"t","expirationTimestamp":"{expires}"}}"#);
        let rig = Rig::new(V1, &print("v1", &status));
        let plugin = rig.plugin();
        for _ in 0..2 {
            assert_eq!(token(&plugin.credential().await.unwrap()), "Bearer t");
        }
        assert_eq!(rig.runs(), runs, "{expires}");
    }
}

#[tokio::test]
async fn it_receives_the_cluster_when_it_asks_and_its_arguments_and_variables() {
    let body =
        format!("test \"$1-$WHO\" = 'a b-ada' || exit 3\n{}", print("v1", r#"{"token":"t"}"#));
    let exec =
        format!("{V1}, args: ['a b'], env: [{{name: WHO, value: ada}}], provideClusterInfo: true");
    let rig = Rig::new(&exec, &body);
    rig.plugin().credential().await.unwrap();
    assert_eq!(
        rig.given(),
        serde_json::json!({
            "apiVersion": "client.authentication.k8s.io/v1",
            "kind": "ExecCredential",
            "spec": {
                "interactive": false,
                "cluster": {
                    "server": "https://k.example:6443",
                    "tls-server-name": "kube",
                    "proxy-url": "http://p:1",
                    "insecure-skip-tls-verify": true,
                    "config": {"audience": "ours"},
                },
            },
        })
    );
    let rig = Rig::new(BETA, &print("v1beta1", r#"{"token":"t"}"#));
    rig.plugin().credential().await.unwrap();
    assert_eq!(
        rig.given(),
        serde_json::json!({
            "apiVersion": "client.authentication.k8s.io/v1beta1",
            "kind": "ExecCredential",
            "spec": {"interactive": false},
        })
    );
}

#[tokio::test]
async fn a_failure_names_the_program_and_never_what_it_printed() {
    let flood = "echo s3cr3t; head -c 2000000 /dev/zero";
    for (body, reason) in [
        ("echo s3cr3t; exit 7", "ended with exit status: 7; what it said stands on stderr"),
        (
            "echo s3cr3t",
            "did not print an ExecCredential: not such JSON or YAML at line 1, column 1",
        ),
        (flood, "printed more than 1048576 bytes"),
        (
            &print("v1beta1", r#"{"token":"s3cr3t"}"#),
            "printed another apiVersion than the \
            kubeconfig asks for (client.authentication.k8s.io/v1)",
        ),
    ] {
        let rig = Rig::new(V1, body);
        let plugin = rig.plugin();
        let error = plugin.credential().await.unwrap_err();
        let command = rig.path("bin/plugin");
        assert_eq!(
            error.to_string(),
            format!(
                "the credential plugin `{}` (the user `u` of the kubeconfig) {reason}",
                command.display()
            )
        );
        assert!(!format!("{error:?} {plugin:?}").contains("s3cr3t"));
        // The next request tries again.
        let _ = plugin.credential().await;
        assert_eq!(rig.runs(), 2, "{reason}");
    }
}

#[tokio::test]
async fn one_that_is_not_there_comes_with_the_hint_how_to_get_it() {
    let rig = Rig::new(&format!("{V1}, installHint: 'get it from us'"), "");
    let plugin = rig.plugin();
    fs::remove_file(rig.path("bin/plugin")).unwrap();
    let error = plugin.credential().await.unwrap_err().to_string();
    assert!(error.ends_with("is not there\nget it from us"), "{error}");
}

/// The clock stands still but for what the test moves it by; so the plugin's minute passes at once.
#[tokio::test(start_paused = true)]
async fn one_that_hangs_is_given_up() {
    let rig = Rig::new(V1, "exec sleep 600");
    let error = rig.plugin().credential().await.unwrap_err().to_string();
    assert!(error.ends_with("gave no credential within 60 s"), "{error}");
}
