//! Tools of others that one `go install` makes, in the user's cache: Helm, and krew's validator. It must never make one that
//! is there already.

use std::path::PathBuf;

use crate::cache;
use crate::go;
use crate::process::{Failure, Result, Tool, on_path};
use crate::progress::Waiting;

/// One program.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GoTool {
    name: &'static str,
    package: &'static str,
    version: &'static str,
}

pub(crate) const HELM: GoTool =
    GoTool { name: "helm", package: "helm.sh/helm/v3/cmd/helm", version: "v3.22.0" };

pub(crate) const KREW_VALIDATOR: GoTool = GoTool {
    name: "validate-krew-manifest",
    package: "sigs.k8s.io/krew/cmd/validate-krew-manifest",
    version: "v0.5.0",
};

impl GoTool {
    /// The one on this machine, else the cache's, else built there.
    pub(crate) fn bring(&self) -> Result<PathBuf> {
        if on_path(self.name) {
            return Ok(self.name.into());
        }
        let dir = cache::folder(&format!("{}-{}", self.name, self.version))?;
        let program = dir.join(self.name);
        let make = |partial: &std::path::Path| {
            go::check_go().map_err(|why| Failure::new(format!("{}: {why}", self.name)))?;
            let _waiting = Waiting::on(&format!("building {} {} by Go", self.name, self.version));
            let module = format!("{}@{}", self.package, self.version);
            Tool::new("nice").args(["go", "install"]).arg(module).env("GOBIN", partial).read()?;
            Ok(())
        };
        cache::fill(&dir, || program.is_file(), make)?;
        Ok(program)
    }
}
