//! The processes that are measured: the scripted kube-apiserver and `dubbo-watcher serve`. None is
//! left behind: what is dropped has ended.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use dubbo_k8s_tests::raw::Endpoint;
use serde_json::Value;
use tempfile::TempDir;

use crate::report::Outcome;
use crate::usage::Usage;

/// Where the programs are.
pub(crate) struct Programs {
    pub(crate) watcher: PathBuf,
    pub(crate) apiserver: PathBuf,
}

/// A running scripted kube-apiserver.
pub(crate) struct Cluster {
    process: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    url: String,
    pub(crate) kubeconfig: PathBuf,
    _folder: TempDir,
}

impl Programs {
    /// Starts a server with so many Pods, and waits until it is ready.
    pub(crate) fn cluster(&self, pods: usize, flags: &[String]) -> Outcome<Cluster> {
        let folder = tempfile::tempdir()?;
        let kubeconfig = folder.path().join("kubeconfig");
        let mut process = Command::new(&self.apiserver)
            .args(["--pods", &pods.to_string(), "--kubeconfig-out"])
            .arg(&kubeconfig)
            .args(flags)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let orders = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().ok_or("no output")?);
        let url = String::new();
        let mut cluster = Cluster { process, orders, answers, url, kubeconfig, _folder: folder };
        let ready = cluster.answer()?;
        ready.get("url").and_then(Value::as_str).ok_or("no URL")?.clone_into(&mut cluster.url);
        Ok(cluster)
    }
}

impl Cluster {
    /// Gives an order and waits for its answer.
    pub(crate) fn order(&mut self, order: &str) -> Outcome<Value> {
        let orders = self.orders.as_mut().ok_or("it takes no orders")?;
        writeln!(orders, "{order}")?;
        let answer = tokio::task::block_in_place(|| self.answer())?;
        match answer.get("error") {
            Some(error) => Err(error.to_string().into()),
            None => Ok(answer),
        }
    }

    fn answer(&mut self) -> Outcome<Value> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(serde_json::from_str(&line)?)
    }

    /// Prepares the changes that it will be ordered to make.
    pub(crate) fn prepare(&mut self) -> Outcome {
        self.order("change 0 0").map(drop)
    }

    /// When each change was sent since this was asked last: resourceVersion and nanoseconds since
    /// 1970.
    pub(crate) fn stamps(&mut self) -> Outcome<Vec<(u64, u64)>> {
        Ok(serde_json::from_value(self.order("stamps")?)?)
    }

    /// Its URL.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> Outcome<SocketAddr> {
        Ok(self.url.rsplit('/').next().unwrap_or_default().parse()?)
    }

    /// A kubeconfig for the same server by way of another address.
    pub(crate) fn kubeconfig_through(&self, address: SocketAddr) -> Outcome<PathBuf> {
        let text = std::fs::read_to_string(&self.kubeconfig)?;
        let path = self.kubeconfig.with_extension("relay");
        std::fs::write(&path, text.replace(&self.url, &format!("https://{address}")))?;
        Ok(path)
    }

    /// For requests of one's own.
    pub(crate) fn endpoint(&self) -> Outcome<Endpoint> {
        use base64::Engine as _;
        let text = std::fs::read_to_string(&self.kubeconfig)?;
        let field = |name| text.lines().find_map(|line| line.trim().strip_prefix(name));
        let authority = field("certificate-authority-data: ").ok_or("no authority")?;
        let authority = base64::engine::general_purpose::STANDARD.decode(authority)?;
        let authority = String::from_utf8(authority)?;
        Ok(Endpoint::new(&self.url, Some(&authority), field("token: "), None)?)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.orders.take()); // the end of its input is what it ends at
        let _ = self.process.wait();
    }
}

/// A running `dubbo-watcher serve`.
pub(crate) struct Serve {
    process: Child,
    pub(crate) address: SocketAddr,
    said: Option<BufReader<ChildStderr>>,
}

impl Programs {
    /// Starts it on a free port, and waits until it listens.
    pub(crate) fn serve(&self, kubeconfig: &Path, flags: &[&str]) -> Outcome<Serve> {
        self.serve_scope(kubeconfig, &["--all-namespaces"], flags)
    }

    /// The same for one namespace.
    pub(crate) fn serve_namespace(&self, kubeconfig: &Path, namespace: &str) -> Outcome<Serve> {
        self.serve_scope(kubeconfig, &["--namespace", namespace], &[])
    }

    fn serve_scope(&self, kubeconfig: &Path, scope: &[&str], flags: &[&str]) -> Outcome<Serve> {
        let mut process = Command::new(&self.watcher)
            .args(["serve", "--bind", "127.0.0.1:0", "--kubeconfig"])
            .arg(kubeconfig)
            .args(scope)
            .args(flags)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut said = BufReader::new(process.stderr.take().ok_or("no messages")?);
        let line = wait_for(&mut said, " on http://")?;
        let address = line.rsplit("http://").next().unwrap_or_default().trim();
        Ok(Serve { process, address: address.parse()?, said: Some(said) })
    }
}

impl Serve {
    /// Waits until it says that it has read everything; what it says after that is not read.
    pub(crate) fn synced(&mut self) -> Outcome {
        let mut said = self.said.take().ok_or("it was in sync already")?;
        tokio::task::block_in_place(|| wait_for(&mut said, "in sync"))?;
        // It must not block on a full pipe.
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        Ok(())
    }

    pub(crate) fn usage(&self) -> Outcome<Usage> {
        Ok(Usage::of(self.process.id())?)
    }

    /// The sum of a metric over all its labels.
    pub(crate) async fn metric(&self, name: &str) -> Outcome<f64> {
        let endpoint = Endpoint::new(&format!("http://{}", self.address), None, None, None)?;
        let body = endpoint.get("/metrics", "text/plain").await?.body().await?;
        let text = String::from_utf8(body)?;
        let lines = text.lines().filter(|line| {
            line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']))
        });
        Ok(lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum())
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn wait_for(said: &mut BufReader<ChildStderr>, words: &str) -> Outcome<String> {
    let mut all = String::new();
    loop {
        let mut line = String::new();
        if said.read_line(&mut line)? == 0 {
            return Err(format!("it ended without saying {words:?}: {all}").into());
        }
        if line.contains(words) {
            return Ok(line);
        }
        all.push_str(&line);
    }
}

/// A running `dubbo-watcher agent`.
pub(crate) struct Agent {
    process: Child,
    pub(crate) socket: PathBuf,
    _folder: TempDir,
}

impl Programs {
    /// Starts one in a Pod, and waits until it has read everything.
    pub(crate) fn agent(&self, kubeconfig: &Path, pod: &str) -> Outcome<Agent> {
        let folder = tempfile::tempdir()?;
        let socket = folder.path().join("agent.sock");
        let mut process = Command::new(&self.watcher)
            .args(["agent", "--all-namespaces", "--pod", pod, "--socket"])
            .arg(&socket)
            .arg("--kubeconfig")
            .arg(kubeconfig)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut said = BufReader::new(process.stderr.take().ok_or("no messages")?);
        let agent = Agent { process, socket, _folder: folder };
        tokio::task::block_in_place(|| wait_for(&mut said, "in sync"))?;
        // It must not block on a full pipe.
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        Ok(agent)
    }
}

impl Agent {
    pub(crate) fn usage(&self) -> Outcome<Usage> {
        Ok(Usage::of(self.process.id())?)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Lets things settle: memory that is given back, counters that are read too early.
pub(crate) async fn settle() {
    tokio::time::sleep(Duration::from_secs(2)).await;
}
