//! One handler as WebAssembly: linked once, instantiated as often as needed, called with a deadline. The
//! only part that knows what a handler is made of.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::HasSelf;
use wasmtime_wasi::WasiCtx;

use super::files::{Files, Folder};
use super::operator_log::OperatorLog;
use super::wit::dubbo::registry::{files, types};
use super::wit::{RegistryHandler, RegistryHandlerPre};
use crate::sandbox::{
    Confined, Confines, Guest, LoadError, Outgoing, Program, Requests, Stopped, misfit,
};

impl types::Host for Files {}

impl files::Host for Files {
    fn write(&mut self, name: String, content: Vec<u8>) -> Result<(), String> {
        Files::write(self, &name, &content)
    }

    fn remove(&mut self, name: String) -> Result<(), String> {
        Files::remove(self, &name)
    }
}

/// A handler that can be instantiated.
pub(super) struct Template {
    program: Program,
    pre: RegistryHandlerPre<Guest<Files>>,
    confines: Confines,
    outgoing: Arc<dyn Outgoing>,
    folder: Option<Arc<Folder>>,
}

/// A handler that can be called.
pub(super) struct Instance {
    store: Confined<Files>,
    handler: RegistryHandler,
}

/// Why a call did not end well.
#[derive(Debug)]
pub(super) enum Fault {
    /// The handler said so, in these words.
    Refused(String),
    /// It had to be stopped. The instance must not be called again.
    Broken(Stopped),
}

/// What is called, with what.
pub(super) enum Message<'a> {
    Init(&'a str),
    Snapshot(&'a [types::Service]),
    Changed(&'a [types::Change]),
    Health,
}

impl Template {
    pub(super) fn new(
        program: Program,
        confines: Confines,
        outgoing: Arc<dyn Outgoing>,
        folder: Option<Arc<Folder>>,
    ) -> Result<Self, LoadError> {
        let unfit = |error: wasmtime::Error| LoadError::Unfit {
            path: program.path.clone(),
            reason: format!("{}; a handler is built for wit/registry.wit", misfit(&error)),
        };
        let mut linker = Guest::<Files>::linker(&program.engine).map_err(unfit)?;
        RegistryHandler::add_to_linker::<_, HasSelf<Files>>(&mut linker, files_of)
            .map_err(unfit)?;
        let pre = linker
            .instantiate_pre(&program.component)
            .and_then(RegistryHandlerPre::new)
            .map_err(unfit)?;
        Ok(Self { program, pre, confines, outgoing, folder })
    }

    /// A new instance, which has not been called yet.
    pub(super) async fn instantiate(
        &self,
        operator_log: &Arc<OperatorLog>,
        deadline: Duration,
    ) -> Result<Instance, Stopped> {
        let mut wasi = WasiCtx::builder();
        wasi.stdout(operator_log.stream()).stderr(operator_log.stream());
        let messages = Arc::clone(operator_log);
        let requests = Requests::new(
            Arc::clone(&self.outgoing),
            self.confines.requests,
            Arc::new(move |refusal| messages.note(&refusal.to_string())),
        );
        let files = Files::new(self.folder.clone());
        let mut store =
            Guest::confine(&self.program.engine, &self.confines, &mut wasi, requests, files);
        let instantiated =
            tokio::time::timeout(deadline, self.pre.instantiate_async(&mut store)).await;
        match instantiated {
            Ok(Ok(handler)) => Ok(Instance { store, handler }),
            Ok(Err(error)) => Err(store.data().stopped(&error)),
            Err(_elapsed) => Err(Stopped::Late(deadline)),
        }
    }
}

fn files_of(guest: &mut Guest<Files>) -> &mut Files {
    &mut guest.extra
}

impl Instance {
    /// Calls a function. After [`Fault::Broken`], or when the future was dropped, the instance is of
    /// no use any more.
    pub(super) async fn call(
        &mut self,
        message: &Message<'_>,
        deadline: Duration,
    ) -> Result<(), Fault> {
        let handler = self.handler.dubbo_registry_handler();
        let store = &mut self.store;
        let calling = async {
            match message {
                Message::Init(config) => handler.call_init(store, config).await,
                Message::Snapshot(services) => handler.call_snapshot(store, services).await,
                Message::Changed(changes) => handler.call_changed(store, changes).await,
                Message::Health => handler.call_health(store).await,
            }
        };
        match tokio::time::timeout(deadline, calling).await {
            Ok(Ok(answer)) => answer.map_err(Fault::Refused),
            Ok(Err(error)) => Err(Fault::Broken(self.store.data().stopped(&error))),
            Err(_elapsed) => Err(Fault::Broken(Stopped::Late(deadline))),
        }
    }
}
