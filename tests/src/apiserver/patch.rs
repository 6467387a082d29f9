//! PATCH.

use std::sync::Arc;

use http::Response;

use super::Shared;
use super::answer::Body;
use super::request::Request;
use super::status::Status;

pub(crate) fn patch(
    _shared: &Arc<Shared>,
    _request: &Request,
    _namespace: &str,
    _name: &str,
) -> Result<Response<Body>, Status> {
    Err(Status::new(415, "UnsupportedMediaType", "415: Unsupported Media Type"))
}
