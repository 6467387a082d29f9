//! Runs a credential plugin once, bounded in time and output.

use std::{io, process::Stdio, time::Duration};

use serde_json::{Value, json};
use tokio::{
    io::AsyncReadExt as _,
    process::{ChildStdout, Command},
};

use super::{answer, answer::Issued};
use crate::kube::config::{Config, ExecPlugin, LARGEST_CREDENTIAL, Secret, Trust};

/// How long a program may take that asks no questions, and one that waits for a person.
const TIMEOUT: Duration = Duration::from_mins(1);
const TIMEOUT_WITH_PEOPLE: Duration = Duration::from_mins(5);
/// How much of an install hint is shown.
const HINT: usize = 1000;

/// The credential, or why there is none: the end of a sentence that begins with the program.
pub(super) async fn run(plugin: &ExecPlugin, config: &Config) -> Result<Issued, String> {
    let info = exec_info(plugin, config)?;
    let mut command = Command::new(&plugin.command);
    command
        .args(plugin.arguments.iter().map(Secret::reveal))
        .envs(plugin.variables.iter().map(|(name, value)| (name, value.reveal())))
        .env("KUBERNETES_EXEC_INFO", info.to_string())
        .stdin(if plugin.interactive { Stdio::inherit() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| not_started(&error, plugin))?;
    let stdout = child.stdout.take();
    let whole = async {
        let printed = read(stdout).await?;
        let status = child.wait().await.map_err(|error| format!("was lost: {error}"))?;
        if status.success() {
            return Ok(printed);
        }
        Err(format!("ended with {status}; what it said stands on stderr"))
    };
    let timeout = if plugin.interactive { TIMEOUT_WITH_PEOPLE } else { TIMEOUT };
    let printed = tokio::time::timeout(timeout, whole)
        .await
        .map_err(|_| format!("gave no credential within {} s", timeout.as_secs()))??;
    answer::parse(&printed, plugin.version)
}

async fn read(stdout: Option<ChildStdout>) -> Result<Vec<u8>, String> {
    let mut printed = Vec::new();
    if let Some(stdout) = stdout {
        let mut stdout = stdout.take(LARGEST_CREDENTIAL + 1);
        let read = stdout.read_to_end(&mut printed).await;
        read.map_err(|error| format!("could not be read: {error}"))?;
    }
    if printed.len() as u64 > LARGEST_CREDENTIAL {
        return Err(format!("printed more than {LARGEST_CREDENTIAL} bytes"));
    }
    Ok(printed)
}

fn not_started(error: &io::Error, plugin: &ExecPlugin) -> String {
    let mut reason = match error.kind() {
        io::ErrorKind::NotFound => "is not there".to_owned(),
        _ => format!("cannot be started: {error}"),
    };
    if let Some(hint) = &plugin.install_hint {
        reason.push('\n');
        reason.extend(hint.trim().chars().take(HINT));
    }
    reason
}

/// What the program gets in `$KUBERNETES_EXEC_INFO`.
fn exec_info(plugin: &ExecPlugin, config: &Config) -> Result<Value, String> {
    let mut spec = json!({"interactive": plugin.interactive});
    if let Some(cluster) = &plugin.cluster {
        let mut described = json!({"server": config.server.as_str().trim_end_matches('/')});
        if let Some(name) = &config.server_name {
            set(&mut described, "tls-server-name", name.as_str().into());
        }
        if let Some(proxy) = &config.proxy {
            // As kubectl: the program needs the proxy's password as much as we do.
            set(&mut described, "proxy-url", proxy.reveal().as_str().trim_end_matches('/').into());
        }
        match &config.trust {
            Trust::System => {}
            Trust::Anyone => set(&mut described, "insecure-skip-tls-verify", true.into()),
            Trust::Authorities(material) => {
                let pem = material.read("the certificate authority");
                let pem = pem.map_err(|error| format!("cannot get the authority: {error}"))?;
                set(&mut described, "certificate-authority-data", base64(&pem).into());
            }
        }
        if let Some(extra) = &cluster.config {
            let extra = serde_json::from_str(extra.reveal()).unwrap_or_default();
            set(&mut described, "config", extra);
        }
        set(&mut spec, "cluster", described);
    }
    Ok(json!({"apiVersion": plugin.version.as_str(), "kind": "ExecCredential", "spec": spec}))
}

fn set(object: &mut Value, name: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(name.to_owned(), value);
    }
}

fn base64(bytes: &[u8]) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    STANDARD.encode(bytes)
}
