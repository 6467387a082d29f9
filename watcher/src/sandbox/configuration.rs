//! What an engine and the process that compiles for it have to agree on.

use wasmtime::Config;

/// Stack of a guest's functions. The rest of a fibre is for the host's.
const WASM_STACK: usize = 1 << 20;
const FIBRE: usize = 2 << 20;

/// Where instances get their memory from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Allocation {
    /// From the system, each by itself.
    OnDemand,
    /// From a pool that is reserved once, for so many instances of so many bytes.
    Pooled { instances: u32, memory: usize },
}

impl Allocation {
    /// How much of the address space each memory is given at once, where that is not the engine's choice. What was
    /// compiled for one fits no other.
    pub(super) const fn reservation(self) -> Option<u64> {
        match self {
            Self::OnDemand => None,
            Self::Pooled { memory, .. } => Some(memory as u64),
        }
    }
}

/// What the compiler has to know, the same in the process that compiles.
pub(super) fn config(reservation: Option<u64>) -> Config {
    let mut config = Config::new();
    config.epoch_interruption(true);
    config.max_wasm_stack(WASM_STACK).async_stack_size(FIBRE);
    if let Some(reservation) = reservation {
        config.memory_reservation(reservation);
    }
    config
}
