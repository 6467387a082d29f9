//! What every step of the check may ask for.

use super::report::Outcome;
use crate::toolchain::Toolchain;

/// What every step may ask for.
pub(super) struct Ground {
    pub(super) wasm: std::result::Result<Toolchain, String>,
    /// On CI only tests against a real cluster may be skipped.
    pub(super) ci: bool,
}

impl Ground {
    /// The wasm toolchain, or how a step that needs it ends without.
    pub(super) fn wasm(&self) -> std::result::Result<&Toolchain, Outcome> {
        self.wasm.as_ref().map_err(|why| {
            if self.ci { Outcome::Failed(why.clone()) } else { Outcome::Skipped(why.clone()) }
        })
    }
}
