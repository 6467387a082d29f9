//! What Envoy says of a configuration that it does not run (`--mode validate`): extensions are made, wasm is compiled
//! and configured, and nothing listens.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::{Error, failed};

/// Has Envoy check a whole configuration.
///
/// # Errors
///
/// When Envoy refuses it, with the end of its log; or when Envoy cannot be run.
pub fn validate(program: &Path, configuration: &Value) -> Result<(), Error> {
    let folder = tempfile::Builder::new().prefix("envoy-").tempdir();
    let folder = folder.map_err(failed("make a folder for Envoy"))?;
    let file = folder.path().join("envoy.json");
    std::fs::write(&file, configuration.to_string()).map_err(failed("write its configuration"))?;
    let mut command = Command::new(program);
    command.args(["--mode", "validate", "--log-level", "warning", "--config-path"]).arg(&file);
    let output = command.stdin(Stdio::null()).output().map_err(failed("start Envoy"))?;
    if output.status.success() {
        return Ok(());
    }
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(Error::Ended { status: output.status, log })
}
