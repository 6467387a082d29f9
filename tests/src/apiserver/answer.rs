//! Answers: heads with the headers that a real server sends, and bodies of known or open length.
//! Decides nothing.

use std::convert::Infallible;
use std::fmt;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http::{HeaderValue, Response, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;

use super::accept;
use super::object::Encoding;
use super::options::Options;
use super::status::Status;

/// The body of an answer. Its error cuts the connection (HTTP/1.1) or resets the stream (HTTP/2).
pub(crate) type Body = UnsyncBoxBody<Bytes, Cut>;

/// The body ends here, in the middle.
#[derive(Debug)]
pub(crate) struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("cut on request")
    }
}

impl std::error::Error for Cut {}

/// Up to this length a real server sends Content-Length; what is longer comes in chunks.
const MAX_KNOWN_LENGTH: usize = 2048;

/// The Content-Type of protobuf.
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

/// A 200 with an object or a list.
pub(crate) fn ok(encoding: Encoding, body: Body) -> Response<Body> {
    let content_type = match encoding {
        Encoding::Json => "application/json",
        Encoding::Protobuf => PROTOBUF,
    };
    head(200, content_type, body)
}

/// A 200 with the events of a watch.
pub(crate) fn events(encoding: Encoding, body: Body) -> Response<Body> {
    let content_type = match encoding {
        Encoding::Json => "application/json",
        Encoding::Protobuf => "application/vnd.kubernetes.protobuf;stream=watch",
    };
    head(200, content_type, body)
}

/// A Status, over several lines where the server prints it so.
pub(crate) fn status(status: &Status, accept: &str, options: &Options) -> Response<Body> {
    // Nothing that was asked for could be served, and that is said in JSON.
    let encoding = match status.code {
        406 => Encoding::Json,
        _ => accept::encoding_of_errors(accept, options),
    };
    let mut response = match encoding {
        Encoding::Json => {
            let pretty = accept::is_pretty(accept, status.code);
            head(status.code, "application/json", json(status.body(pretty)))
        }
        Encoding::Protobuf => head(status.code, PROTOBUF, json(status.message_body())),
    };
    if let Some(details) = &status.details
        && details.retry_after_seconds > 0
    {
        retry_after(&mut response, details.retry_after_seconds);
    }
    if status.code == 403 {
        no_sniff(&mut response);
    }
    response
}

/// Plain text, as probes, the 404 of an unknown path and 429 have it.
pub(crate) fn text(code: u16, text: impl Into<Bytes>) -> Response<Body> {
    let mut response = head(code, "text/plain; charset=utf-8", known(text));
    no_sniff(&mut response);
    response
}

/// 429 as API priority and fairness gives it: no Status.
pub(crate) fn too_many_requests(seconds: u32) -> Response<Body> {
    let mut response = text(429, "Too many requests, please try again later.\n");
    retry_after(&mut response, seconds);
    response
}

/// Any head.
pub(crate) fn head(code: u16, content_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = http::StatusCode::from_u16(code).unwrap_or_default();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// A body of known length.
pub(crate) fn known(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never: Infallible| match never {}).boxed_unsync()
}

/// A body: with Content-Length when it is short, else in chunks.
pub(crate) fn json(bytes: impl Into<Bytes>) -> Body {
    let bytes = bytes.into();
    if bytes.len() <= MAX_KNOWN_LENGTH {
        return known(bytes);
    }
    open(stream::iter([Ok(bytes)]))
}

/// A body of open length; each item is one chunk.
pub(crate) fn open(chunks: impl Stream<Item = Result<Bytes, Cut>> + Send + 'static) -> Body {
    StreamBody::new(chunks.map(|chunk| chunk.map(Frame::data))).boxed_unsync()
}

pub(crate) fn retry_after(response: &mut Response<Body>, seconds: u32) {
    response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
}

fn no_sniff(response: &mut Response<Body>) {
    let value = HeaderValue::from_static("nosniff");
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, value);
}
