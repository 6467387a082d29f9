//! The Helm chart as an archive, and what Helm says of it.

use std::path::Path;

use super::archive::{Entry, entry, files_below};
use crate::gotool;
use crate::process::{Result, Tool, root};
use crate::say;

/// The files of the chart, in the folder that Helm expects.
pub(super) fn entries() -> Result<Vec<Entry>> {
    let files = files_below(&root().join("charts/dubbo-watcher"))?;
    files.iter().map(|(name, path)| Ok(entry(name, path)?.below("dubbo-watcher"))).collect()
}

/// Has Helm lint and render it, where Go can build that.
pub(super) fn check(archive: &Path) -> Result {
    let helm = match gotool::HELM.bring() {
        Ok(helm) => helm,
        Err(failure) => {
            say::note(&format!("the chart is not linted: {failure}"));
            return Ok(());
        }
    };
    Tool::new(&helm).args(["lint", "--strict"]).arg(archive).read()?;
    let render = Tool::new(&helm).args(["template", "dubbo", "--kube-version", "1.36.0"]);
    render.arg(archive).read().map(drop)
}
