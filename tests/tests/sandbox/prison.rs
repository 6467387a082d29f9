//! A server, and one escaping guest after the other in a sandbox before it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use dubbo_k8s_registry::kube::Client;
use dubbo_k8s_registry::kube::config::{Config, Environment, Overrides};
use dubbo_k8s_tests::apiserver::Options;
use dubbo_k8s_tests::cluster::Cluster;
use dubbo_k8s_tests::{pods, skip};
use dubbo_k8s_watcher::sandbox::{
    Compiler, Confines, Kubernetes, Program, SERVER, Sandbox, Stopped, Streams, WriteVerb,
};
use tokio::io::AsyncReadExt as _;

/// Where the Pods of these tests are, as a guest sees it.
pub(crate) const PODS: &str = "http://kubernetes.default.svc/api/v1/namespaces/shop/pods";

pub(crate) struct Prison {
    pub(crate) cluster: Cluster,
    pub(crate) confines: Confines,
    pub(crate) verbs: Vec<WriteVerb>,
    program: Program,
}

/// How a run ended, and everything that came out of it.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) ended: Result<i32, Stopped>,
    pub(crate) output: String,
    pub(crate) errors: String,
    pub(crate) reports: Vec<String>,
}

impl Prison {
    /// A server with one Pod, `web`, in the namespace `shop`; `None` without the guest.
    pub(crate) async fn open() -> Option<Self> {
        let program = escaping_guest()?;
        let cluster = Cluster::start(Options::default(), "shop").await.unwrap();
        cluster.server.store().create(pod()).unwrap();
        let (confines, verbs) = (Confines::default(), Vec::new());
        Some(Self { cluster, confines, verbs, program })
    }

    /// Runs an escaping guest to its end.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Served {
        let reports = Arc::new(Mutex::new(Vec::new()));
        let received = Arc::clone(&reports);
        let server = Kubernetes::new(self.client(), self.verbs.clone(), move |why| {
            received.lock().unwrap().push(why.to_owned());
        });
        let (output, mut output_end) = tokio::io::duplex(1 << 10);
        let (errors, mut errors_end) = tokio::io::duplex(1 << 10);
        let streams =
            Streams { input: tokio::io::empty(), output: (output, false), errors: (errors, false) };
        let arguments = [&["escaping_guest"], arguments].concat();
        let arguments: Vec<String> = arguments.into_iter().map(str::to_owned).collect();
        let variables = [("DUBBO_SERVER".to_owned(), SERVER.to_owned())];
        let sandbox = Sandbox::new(self.program.clone(), self.confines).unwrap();
        let (mut written, mut complained) = (String::new(), String::new());
        let (ended, output, errors) = tokio::join!(
            sandbox.run(&arguments, &variables, server, streams),
            output_end.read_to_string(&mut written),
            errors_end.read_to_string(&mut complained),
        );
        output.and(errors).unwrap();
        let reports = reports.lock().unwrap().clone();
        Served { ended, output: written, errors: complained, reports }
    }

    fn client(&self) -> Client {
        let kubeconfig = Some(self.cluster.kubeconfig().to_owned());
        let overrides = Overrides { kubeconfig, ..Overrides::default() };
        Client::new(Config::load(&overrides, &Environment::empty([])).unwrap()).unwrap()
    }
}

impl Served {
    /// What it wrote, after a good end.
    pub(crate) fn output(&self) -> &str {
        assert_eq!(self.ended, Ok(0), "{self:?}");
        &self.output
    }

    /// Why it was stopped.
    pub(crate) fn stopped(&self) -> &Stopped {
        self.ended.as_ref().unwrap_err()
    }
}

/// Confines that a test does not have to wait for.
pub(crate) fn tight() -> Confines {
    Confines { compute: Duration::from_millis(50), memory: 16 << 20, ..Confines::default() }
}

fn pod() -> serde_json::Value {
    let key = pods::provider("com.example.Greeter", "10.0.0.1:20880", "");
    pods::registered("shop", "web", &pods::annotation(&[key]))
}

/// The component, compiled once for all tests.
fn escaping_guest() -> Option<Program> {
    static PROGRAM: OnceLock<Program> = OnceLock::new();
    let path = artefact()?;
    Some(PROGRAM.get_or_init(|| Program::load(&path, &Compiler::Here).unwrap()).clone())
}

/// The component's file.
pub(crate) fn artefact() -> Option<PathBuf> {
    let path = std::env::var_os("ESCAPING_GUEST").map(PathBuf::from).filter(|path| path.is_file());
    if path.is_none() {
        skip::missing("sandbox", "ESCAPING_GUEST names no wasm file: run `cargo xtask test`");
    }
    path
}
