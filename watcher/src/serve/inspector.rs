//! The inspector's page, built into the binary: files as they are, and the page itself marked that the
//! registry can be seen live. It adds nothing to them, and holds nothing that a Pod says.

use axum::extract::Path;
use axum::response::{Html, IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderName, StatusCode};

use super::refusal::{Quoted, Refusal};

/// Address and content of each file; none if the binary was built without the page.
static FILES: &[(&str, &[u8])] = &include!(concat!(env!("OUT_DIR"), "/inspector.rs"));

/// Its own scripts, style and wasm, its own origin, and text that can never become a script.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
     img-src 'self'; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types lit-html inspector";

/// Where the page looks for the address of live events, and what is put there.
const LIVE: [&str; 2] =
    ["name=\"dubbo-live\" content=\"\"", "name=\"dubbo-live\" content=\"v1/events\""];

/// What a build without the inspector says, and the way out; `None` where it is built in.
pub fn missing_inspector() -> Option<&'static str> {
    const MISSING: &str = "This build has no inspector. `cargo install dubbo-k8s-watcher` and the archives have it; in a \
         checkout run `cargo xtask wasm`, then build again.";
    (!is_built_in()).then_some(MISSING)
}

/// Whether there is a page.
pub(super) fn is_built_in() -> bool {
    file("index.html").is_some()
}

/// The page.
pub(super) async fn index() -> Response {
    let page = file("index.html").and_then(|page| std::str::from_utf8(page).ok());
    let live = page.unwrap_or_default().replace(LIVE[0], LIVE[1]);
    ([policy(), (CACHE_CONTROL, "no-cache")], Html(live)).into_response()
}

/// One file of the page; those under `assets` have names that change with their content.
pub(super) async fn asset(Path(name): Path<String>) -> Response {
    answer(&format!("assets/{name}"), "public, max-age=31536000, immutable")
}

/// The page's icon.
pub(super) async fn icon() -> Response {
    answer("icon.svg", "no-cache")
}

fn answer(address: &str, cache: &'static str) -> Response {
    let Some(content) = file(address) else {
        let detail = format!("There is no file {}.", Quoted(address));
        return Refusal::new(StatusCode::NOT_FOUND, detail).into_response();
    };
    let headers = [policy(), (CONTENT_TYPE, kind(address)), (CACHE_CONTROL, cache)];
    (headers, content).into_response()
}

fn file(address: &str) -> Option<&'static [u8]> {
    FILES.iter().find(|(known, _)| *known == address).map(|(_, content)| *content)
}

const fn policy() -> (HeaderName, &'static str) {
    (CONTENT_SECURITY_POLICY, POLICY)
}

fn kind(address: &str) -> &'static str {
    match address.rsplit('.').next() {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_that_is_built_in_can_be_marked_live() {
        // Without the page there is nothing to hold, and the status page is shown.
        let Some(page) = file("index.html") else { return assert!(FILES.is_empty()) };
        let page = std::str::from_utf8(page).unwrap();
        assert!(page.contains(LIVE[0]), "the page has no place for the address");
        for part in page.split(['"', '\'']).filter_map(|part| part.strip_prefix("./assets/")) {
            assert!(file(&format!("assets/{part}")).is_some(), "{part} is not built in");
        }
    }

    #[test]
    fn the_policy_lets_nothing_else_run() {
        assert!(!POLICY.contains("'unsafe-eval'") && !POLICY.contains("unsafe-inline"));
        assert!(!POLICY.contains("http") && POLICY.starts_with("default-src 'none'"));
    }
}
