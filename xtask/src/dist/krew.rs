//! The manifest by which krew installs `kubectl dubbo`, and krew's own validator.

use std::fmt::Write as _;
use std::path::Path;

use super::platform::{VERSION, archive_name};
use super::{digest, platform};
use crate::gotool;
use crate::process::{Failure, Result, Tool};
use crate::say;

/// The manifest for the archives in a folder, which will be below `url`.
pub(super) fn manifest(url: &str, homepage: Option<&str>, folder: &Path) -> Result<String> {
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
    for target in &platform::ALL {
        let name = format!("{}.tar.gz", archive_name(*target));
        let archive = folder.join(&name);
        if !archive.is_file() {
            continue;
        }
        let digest = digest::of_file(&archive)?;
        let (os, arch, program) = (target.os, target.arch, target.program());
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
    if text.ends_with("platforms:\n") {
        return Err(Failure::new(format!("there is no archive in {}", folder.display())));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_archive_that_is_there_is_a_platform_with_its_digest() {
        let folder = tempfile::tempdir().unwrap();
        let none = manifest("https://x", None, folder.path()).unwrap_err();
        assert!(none.to_string().starts_with("there is no archive in"), "{none}");
        let target = platform::named("aarch64-apple-darwin").unwrap();
        let archive = format!("{}.tar.gz", archive_name(target));
        std::fs::write(folder.path().join(&archive), "bytes").unwrap();
        let text = manifest("https://x/", Some("https://home"), folder.path()).unwrap();
        let digest = digest::sha256(b"bytes");
        for part in ["os: darwin", "arch: arm64", &format!("uri: https://x/{archive}"), &digest] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
        assert_eq!(text.matches("selector").count(), 1);
    }
}
