//! One POST by `wasi:http`, and what came of it in words.

use wasip2::http::outgoing_handler;
use wasip2::http::types::{Fields, Method, OutgoingBody, OutgoingRequest, Scheme};

/// Bytes that a stream takes at once without being asked.
const PIECE: usize = 4096;

/// Posts JSON; anything but 2xx is an error.
pub(crate) fn post(url: &str, json: &[u8]) -> Result<(), String> {
    let request = request(url)?;
    let body = request.body().map_err(|()| "the request has no body")?;
    let coming =
        outgoing_handler::handle(request, None).map_err(|error| format!("cannot post: {error}"))?;
    write(body, json)?;
    coming.subscribe().block();
    let answer = coming.get().and_then(Result::ok).ok_or("no answer came")?;
    let status = answer.map_err(|error| format!("cannot post: {error}"))?.status();
    if (200..300).contains(&status) { Ok(()) } else { Err(format!("the hook answered {status}")) }
}

fn request(url: &str) -> Result<OutgoingRequest, String> {
    let bad = || "the URL is not http://… or https://…".to_owned();
    let (scheme, rest) = url.split_once("://").ok_or_else(bad)?;
    let scheme = match scheme {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        _ => return Err(bad()),
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let headers = Fields::new();
    headers
        .set("content-type", &[b"application/json".to_vec()])
        .map_err(|error| error.to_string())?;
    let request = OutgoingRequest::new(headers);
    request.set_method(&Method::Post).map_err(|()| bad())?;
    request.set_scheme(Some(&scheme)).map_err(|()| bad())?;
    request.set_authority(Some(authority)).map_err(|()| bad())?;
    request
        .set_path_with_query(Some(if path.is_empty() { "/" } else { path }))
        .map_err(|()| bad())?;
    Ok(request)
}

fn write(body: OutgoingBody, bytes: &[u8]) -> Result<(), String> {
    let stream = body.write().map_err(|()| "the body cannot be written")?;
    for piece in bytes.chunks(PIECE) {
        stream.blocking_write_and_flush(piece).map_err(|error| format!("cannot post: {error}"))?;
    }
    drop(stream);
    OutgoingBody::finish(body, None).map_err(|error| format!("cannot post: {error}"))
}
