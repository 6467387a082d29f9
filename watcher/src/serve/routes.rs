//! Which path is whose, and what every answer has in common.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{MatchedPath, Request, State as Shared};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use http::{HeaderValue, StatusCode};

use super::access::Access;
use super::app::App;
use super::refusal::{Quoted, Refusal};
use super::{
    annotations, authorize, events, gate, inspector, metrics, page, probes, registrations, snapshot,
};

/// The description of the API, as `GET /openapi.json` gives it.
pub(super) const OPENAPI: &str = include_str!("openapi.json");

pub(super) fn router(app: Arc<App>) -> Router {
    // What shows something that is registered needs a view; what is not in here shows nothing of it.
    let seen = Router::new()
        .route("/status", get(page::page))
        .route("/v1/snapshot", get(snapshot::snapshot))
        .route("/v1/annotations", get(annotations::annotations))
        .route("/v1/events", get(events::events));
    // Without the inspector the status page is in its place.
    let (seen, open) = if inspector::is_built_in() {
        (seen, Router::new().route("/", get(inspector::index)))
    } else {
        (seen.route("/", get(page::page)), Router::new())
    };
    let seen = seen.route_layer(middleware::from_fn_with_state(Arc::clone(&app), authorize::seen));
    let figures = Router::new()
        .route("/metrics", get(metrics::metrics))
        .route_layer(middleware::from_fn_with_state(Arc::clone(&app), authorize::figures));
    let secrets = matches!(app.access, Access::Trusted);
    let agent = app.agent.clone().map(|agent| registrations::routes(agent, secrets));
    open.merge(seen)
        .merge(agent.unwrap_or_default())
        .merge(figures)
        .route("/assets/{name}", get(inspector::asset))
        .route("/icon.svg", get(inspector::icon))
        .route(page::STYLE_PATH, get(page::style))
        .route("/healthz", get(probes::healthz))
        .route("/readyz", get(probes::readyz))
        .route("/openapi.json", get(openapi))
        .fallback(not_found)
        .layer(middleware::from_fn_with_state(Arc::clone(&app), all))
        .with_state(app)
}

/// What probes ask, and nothing else.
pub(super) fn probes(app: Arc<App>) -> Router {
    Router::new()
        .route("/healthz", get(probes::healthz))
        .route("/readyz", get(probes::readyz))
        .fallback(not_found)
        .layer(middleware::from_fn_with_state(Arc::clone(&app), all))
        .with_state(app)
}

async fn openapi(Shared(app): Shared<Arc<App>>) -> Response {
    let json = [(CONTENT_TYPE, "application/json")];
    match app.agent {
        Some(_) => (json, registrations::described(OPENAPI)).into_response(),
        None => (json, OPENAPI).into_response(),
    }
}

async fn not_found(request: Request) -> Refusal {
    let path = Quoted(request.uri().path());
    let detail = format!("There is nothing at {path}; /openapi.json says what there is.");
    Refusal::new(StatusCode::NOT_FOUND, detail)
}

/// Around every request: the gate, the headers that make browsers careful, the latency.
async fn all(
    Shared(app): Shared<Arc<App>>,
    path: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Response {
    let start = Instant::now();
    let method = request.method().clone();
    let may_change = app.agent.is_some() && registrations::is_changeable(request.uri().path());
    let mut response = match check(&app, &request, may_change) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refuse(refusal, may_change),
    };
    secure(&mut response);
    if app.agent.is_some() {
        registrations::name_api(response.headers_mut());
    }
    let path = path.as_ref().map_or("other", MatchedPath::as_str);
    app.meters.request(path, &method, response.status(), start.elapsed());
    response
}

fn check(app: &App, request: &Request, may_change: bool) -> Result<(), Refusal> {
    gate::check(&app.hosts, request, may_change)?;
    match app.agent {
        Some(_) => registrations::check_api(request.headers()),
        None => Ok(()),
    }
}

/// What did not pass the gate may be half a request: the connection ends with it.
fn refuse(refusal: Refusal, may_change: bool) -> Response {
    let status = refusal.status;
    let mut response = refusal.into_response();
    let headers = response.headers_mut();
    headers.insert(http::header::CONNECTION, HeaderValue::from_static("close"));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        let allowed = if may_change { "GET, HEAD, PUT, DELETE" } else { "GET, HEAD" };
        headers.insert(http::header::ALLOW, HeaderValue::from_static(allowed));
    }
    response
}

/// No script, no frame, no guess about types, no other origin; a page that needs more says so.
fn secure(response: &mut Response) {
    const POLICY: &str = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'";
    let fixed: [(HeaderName, &str); 5] = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
}

impl From<QueryRejection> for Refusal {
    fn from(rejection: QueryRejection) -> Self {
        Self::bad_request(format!("The parameters are not as expected: {}.", rejection.body_text()))
    }
}
