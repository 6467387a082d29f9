//! `/version` and the probes, which need no rights.

use http::Response;
use serde_json::json;

use super::answer::{self, Body};
use super::json;
use super::object::Encoding;

/// `/version`, as of the server whose behaviour is scripted.
pub(crate) fn version() -> Response<Body> {
    let version = json!({
        "major": "1",
        "minor": "36",
        "emulationMajor": "1",
        "emulationMinor": "36",
        "minCompatibilityMajor": "1",
        "minCompatibilityMinor": "35",
        "gitVersion": "v1.36.0-scripted",
        "gitCommit": "",
        "gitTreeState": "",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": "",
        "platform": "",
    });
    answer::ok(Encoding::Json, answer::known(json::pretty(&version)))
}

/// `/healthz`, `/livez`, `/readyz`.
pub(crate) fn probe(name: &str, verbose: bool) -> Response<Body> {
    if verbose {
        return answer::text(200, format!("[+]ping ok\n[+]log ok\n{name} check passed\n"));
    }
    answer::text(200, "ok")
}
