//! The engine: compiles components, and ticks, so that no guest keeps a thread for longer than a tick.
//! Nothing here knows what a guest is for.

use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use wasmtime::component::Component;
use wasmtime::{InstanceAllocationStrategy, PoolingAllocationConfig};

use super::compile::{Compiler, compile};
use super::configuration::{Allocation, config};
use super::error::{LoadError, why};

/// For how long a guest may keep a thread before others on it get their turn.
const TICK: Duration = Duration::from_millis(10);
/// An engine and its clock.
#[derive(Clone)]
pub(crate) struct Engine {
    pub(crate) wasm: wasmtime::Engine,
    ticking: Arc<Ticking>,
    allocation: Allocation,
}

/// The thread that ticks; it ends when this is dropped.
#[derive(Debug)]
struct Ticking {
    _end: mpsc::Sender<()>,
}

/// A compiled component.
#[derive(Clone)]
pub struct Program {
    pub(crate) engine: Engine,
    pub(crate) component: Component,
    pub(crate) path: PathBuf,
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Program").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Program {
    /// Reads and compiles a file; takes its time. The result runs as often as one likes.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, is no component, or cannot be compiled within the compiler's bounds.
    pub fn load(path: &Path, compiler: &Compiler) -> Result<Self, LoadError> {
        Engine::new(Allocation::OnDemand)?.load(path, compiler)
    }
}

impl Engine {
    pub(crate) fn new(allocation: Allocation) -> Result<Self, LoadError> {
        let mut config = config(allocation.reservation());
        if let Allocation::Pooled { instances, memory } = allocation {
            config
                .allocation_strategy(InstanceAllocationStrategy::Pooling(pool(instances, memory)));
        }
        let engine = wasmtime::Engine::new(&config)
            .map_err(|error| LoadError::Engine { reason: format!("{error:#}") })?;
        let ticking = Arc::new(Ticking::start(&engine));
        Ok(Self { wasm: engine, ticking, allocation })
    }

    /// Reads and compiles a file.
    pub(crate) fn load(&self, path: &Path, compiler: &Compiler) -> Result<Program, LoadError> {
        let to_path = || path.to_owned();
        let bytes =
            std::fs::read(path).map_err(|source| LoadError::Read { path: to_path(), source })?;
        match kind(&bytes) {
            Kind::Component => {}
            Kind::CoreModule => return Err(LoadError::CoreModule { path: to_path() }),
            Kind::Other => return Err(LoadError::NotAComponent { path: to_path() }),
        }
        let invalid =
            |error: &wasmtime::Error| LoadError::Invalid { path: to_path(), reason: why(error) };
        let component = match compiler {
            Compiler::Here => Component::new(&self.wasm, &bytes),
            Compiler::Confined(program) => {
                let code = compile(program, self.allocation, path, bytes)?;
                self.adopt(&code)
            }
        };
        let component = component.map_err(|error| invalid(&error))?;
        Ok(Program { engine: self.clone(), component, path: to_path() })
    }

    /// Takes what a process of this very program has compiled.
    #[allow(unsafe_code, reason = "machine code is as good as the compiler that made it")]
    fn adopt(&self, compiled: &[u8]) -> wasmtime::Result<Component> {
        // SAFETY: the bytes are the output of `precompile_component` of the same build, from a child of this process
        // that no one else can write to. The engine refuses those of another version or configuration.
        unsafe { Component::deserialize(&self.wasm, compiled) }
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("ticking", &self.ticking).finish_non_exhaustive()
    }
}

impl Ticking {
    fn start(engine: &wasmtime::Engine) -> Self {
        let (end, ended) = mpsc::channel::<()>();
        let engine = engine.weak();
        thread::spawn(move || {
            while ended.recv_timeout(TICK) == Err(mpsc::RecvTimeoutError::Timeout) {
                let Some(engine) = engine.upgrade() else { break };
                engine.increment_epoch();
            }
        });
        Self { _end: end }
    }
}

/// What the first eight bytes say: magic, version, layer.
enum Kind {
    Component,
    CoreModule,
    Other,
}

fn kind(bytes: &[u8]) -> Kind {
    match bytes.get(..8) {
        Some([0, b'a', b's', b'm', _, _, 1, 0]) => Kind::Component,
        Some([0, b'a', b's', b'm', 1, 0, 0, 0]) => Kind::CoreModule,
        _ => Kind::Other,
    }
}

/// Room for so many components. A component is some core instances, with a memory and a table or two.
fn pool(instances: u32, memory: usize) -> PoolingAllocationConfig {
    const PARTS: u32 = 20;
    const MEMORIES: u32 = 8;
    const TABLES: u32 = 10;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_core_instances(instances * PARTS)
        .max_core_instances_per_component(PARTS)
        .total_memories(instances * MEMORIES)
        .max_memories_per_component(MEMORIES)
        .total_tables(instances * TABLES)
        .max_tables_per_component(TABLES)
        .table_elements(50_000)
        .total_stacks(instances)
        .max_memory_size(memory);
    pool
}
