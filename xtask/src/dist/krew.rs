//! The manifest by which krew installs `kubectl dubbo`, and krew's own validator.

use std::fmt::Write as _;
use std::path::Path;

use super::platform::Platform;
use super::{Made, VERSION};
use crate::gotool;
use crate::process::{Failure, Result, Tool};
use crate::say;

/// The manifest for archives that will be below `url`.
pub(super) fn manifest(
    url: &str,
    homepage: Option<&str>,
    targets: &[Platform],
    made: &[Made],
) -> Result<String> {
    let url = url.trim_end_matches('/');
    let homepage = homepage.unwrap_or(url);
    let mut text = format!(
        "apiVersion: krew.googlecontainertools.github.com/v1alpha2
kind: Plugin
metadata:
  name: dubbo
spec:
  version: v{VERSION}
  homepage: {homepage}
  shortDescription: Shows the Dubbo services that Pods registered
  description: |
    Lists which Dubbo services are registered in the annotations of Pods, by whom,
    and every change as it comes. Says what is wrong with a registration, and
    serves the registry over HTTP with an inspector for the browser.
  caveats: |
    Reading needs the rights to list and watch Pods: `kubectl dubbo doctor` says
    what is missing. To complete arguments, link kubectl_complete-dubbo to
    kubectl-dubbo in a folder of the PATH.
  platforms:
"
    );
    for target in targets {
        let name = format!("dubbo-watcher-{VERSION}-{}.tar.gz", target.triple);
        let archive = made.iter().find(|made| made.name == name);
        let archive = archive.ok_or_else(|| Failure::new(format!("{name} was not made")))?;
        let (os, arch, program, digest) =
            (target.os, target.arch, target.program(), &archive.digest);
        // Writing to a String does not fail.
        let _ = write!(
            text,
            "  - selector:
      matchLabels:
        os: {os}
        arch: {arch}
    uri: {url}/{name}
    sha256: {digest}
    bin: {program}
    files:
    - from: \"*/{program}\"
      to: .
    - from: \"*/LICENSE\"
      to: .
"
        );
    }
    Ok(text)
}

/// Has krew's validator read it, where Go can build that.
pub(super) fn check(manifest: &Path) -> Result {
    match gotool::KREW_VALIDATOR.bring() {
        Ok(program) => {
            Tool::new(program).arg("-manifest").arg(manifest).arg("-skip-install").read().map(drop)
        }
        Err(failure) => {
            say::note(&format!("the manifest for krew is not validated: {failure}"));
            Ok(())
        }
    }
}
