//! Handlers from the files to the threads: read, compiled and linked, then started. It must never start one of them
//! before all are ready.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::watch;

use super::delivery::Delivery;
use super::files::Folder;
use super::instance::Template;
use super::meters::Meters;
use super::operator_log::{LogMessage, OperatorLog, Report};
use super::spec::{Spec, names};
use super::worker::Worker;
use crate::sandbox::{
    Allocation, AllowedHost, Compiler, Confines, Engine, Hosts, LoadError, Nowhere, Outgoing,
};
use dubbo_k8s_registry::Registry;

/// More handlers than this are a mistake.
const MOST: usize = 16;

/// How handlers are run. Start from [`Options::default`].
#[derive(Debug, Clone)]
pub struct Options {
    /// Where they may send requests.
    pub allowed_hosts: Vec<AllowedHost>,
    /// Where they may write files; `None` for nowhere.
    pub folder: Option<PathBuf>,
    /// What each of them may take. `compute` and `timeout` do not count: see `deadline`.
    pub confines: Confines,
    /// How long one call may take, waiting included.
    pub deadline: Duration,
    /// Changes that are passed on in one call, at most.
    pub batch: usize,
    /// Where they are compiled.
    pub compiler: Compiler,
}

impl Default for Options {
    /// No hosts, no folder, the default confines, 10 s a call, 500 changes a call, compiled in this process.
    fn default() -> Self {
        Self {
            allowed_hosts: Vec::new(),
            folder: None,
            confines: Confines::default(),
            deadline: Duration::from_secs(10),
            batch: 500,
            compiler: Compiler::default(),
        }
    }
}

/// Why handlers cannot be started.
#[derive(Debug, Error)]
pub enum StartError {
    /// One of them cannot be run.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// There are too many.
    #[error("at most {MOST} handlers can be run")]
    TooMany,
    /// The folder cannot be written to.
    #[error("{0}")]
    Folder(String),
    /// Requests cannot be made.
    #[error("handlers cannot make requests: {0}")]
    Requests(String),
}

/// Handlers that are compiled, linked and ready to be started.
pub struct Prepared {
    pub(super) templates: Vec<(Spec, Template)>,
    pub(super) options: Options,
}

impl Prepared {
    /// Reads and compiles all of them; takes its time.
    ///
    /// # Errors
    /// [`StartError`] for too many handlers, and for the first that cannot be read, compiled or linked.
    pub fn load(specs: &[Spec], options: Options) -> Result<Self, StartError> {
        if specs.len() > MOST {
            return Err(StartError::TooMany);
        }
        // One instance each, and one that begins while the one before is being taken down.
        let instances = u32::try_from(specs.len()).unwrap_or(u32::MAX).saturating_mul(2);
        let memory = options.confines.memory;
        let engine = Engine::new(Allocation::Pooled { instances, memory })?;
        let folder = match &options.folder {
            Some(path) => Some(Arc::new(Folder::open(path).map_err(StartError::Folder)?)),
            None => None,
        };
        let outgoing: Arc<dyn Outgoing> = if options.allowed_hosts.is_empty() {
            Arc::new(Nowhere)
        } else {
            let hosts = Hosts::new(options.allowed_hosts.clone());
            Arc::new(hosts.map_err(StartError::Requests)?)
        };
        let load = |spec: &Spec| {
            let program = engine.load(&spec.file, &options.compiler)?;
            let template =
                Template::new(program, options.confines, Arc::clone(&outgoing), folder.clone())?;
            Ok((spec.clone(), template))
        };
        let templates = specs.iter().map(load).collect::<Result<_, StartError>>()?;
        Ok(Self { templates, options })
    }

    /// Starts them, each on a thread of its own. `report` gets what an operator should know, in plain
    /// text but for what a handler has put into it, and must not block for long.
    pub fn start(
        self,
        registry: &Registry,
        report: impl Fn(LogMessage<'_>) + Send + Sync + 'static,
    ) -> Handlers {
        let report: Report = Arc::new(report);
        let (closing, is_closing) = watch::channel(());
        let names = names(self.templates.iter().map(|(spec, _)| spec));
        let meters = Meters::new(registry.reader(), &names);
        for ((spec, template), name) in self.templates.into_iter().zip(names) {
            let operator_log = Arc::new(OperatorLog::new(&name, Arc::clone(&report)));
            let worker = Worker {
                template,
                config: spec.config,
                batch: self.options.batch,
                deadline: self.options.deadline,
                delivery: Delivery::new(),
                reader: registry.reader(),
                registry: registry.meters(),
                meters: meters.of(&name),
                operator_log,
            };
            worker.start(is_closing.clone());
        }
        Handlers { meters, _closing: closing }
    }
}

impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prepared").field("options", &self.options).finish_non_exhaustive()
    }
}

/// Handlers that run for as long as this lives. Dropping it breaks off what they are doing.
#[derive(Debug)]
pub struct Handlers {
    meters: Meters,
    _closing: watch::Sender<()>,
}

impl Handlers {
    /// What they count, for a server to show.
    pub fn meters(&self) -> Meters {
        self.meters.clone()
    }
}
