//! `GET /healthz` and `GET /readyz`: is the process alive; is the registry worth asking.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State as Shared;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CACHE_CONTROL;

use super::app::App;
use super::refusal::Refusal;
use dubbo_k8s_registry::feed::State;

/// Alive: the process answers, and the task that follows the Pods still runs.
pub(super) async fn healthz(Shared(app): Shared<Arc<App>>) -> Result<Response, Refusal> {
    if app.reader.is_live() { Ok(fine()) } else { Err(not("The watcher has ended.")) }
}

/// Ready: all Pods were read once, and the last news of them are not too old.
pub(super) async fn readyz(Shared(app): Shared<Arc<App>>) -> Result<Response, Refusal> {
    if !app.reader.is_live() {
        return Err(not("The watcher has ended."));
    }
    if *app.closing.borrow() {
        return Err(not("The server is shutting down."));
    }
    unready(&app.reader.state(), app.stale_after).map_or_else(|| Ok(fine()), |why| Err(not(why)))
}

fn unready(state: &State, stale_after: Duration) -> Option<String> {
    let Some(age) = state.age() else {
        return Some("Not all Pods have been read yet.".to_owned());
    };
    (age > stale_after).then(|| {
        let (age, limit) = (age.as_secs(), stale_after.as_secs());
        format!("The API server was last heard {age} s ago; the limit is {limit} s.")
    })
}

fn fine() -> Response {
    ([(CACHE_CONTROL, "no-store")], "ok\n").into_response()
}

fn not(why: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, why)
}
