//! Requests by `wasi:http`, and everything that is seen of the answers.

use std::fmt::Write as _;

use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    Fields, IncomingResponse, Method, OutgoingBody, OutgoingRequest, Scheme,
};
use wasip2::io::streams::StreamError;

/// Asks, and reports everything: status, fields, body; or the error.
pub(crate) fn ask(method: &str, url: &str, fields: &[&str]) -> String {
    match open(method, url, fields) {
        Ok(answer) => report(&answer),
        Err(error) => format!("error {error}"),
    }
}

/// Asks and waits for the head of the answer. `fields` are `name=value`.
pub(crate) fn open(method: &str, url: &str, fields: &[&str]) -> Result<IncomingResponse, String> {
    let request = OutgoingRequest::new(headers(fields)?);
    let (scheme, rest) = url.split_once("://").ok_or("no scheme")?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let scheme = match scheme {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        other => Scheme::Other(other.to_owned()),
    };
    request.set_scheme(Some(&scheme)).map_err(|()| "scheme")?;
    request.set_authority(Some(authority)).map_err(|()| "authority")?;
    request.set_path_with_query(Some(path)).map_err(|()| "path")?;
    request.set_method(&self::method(method)).map_err(|()| "method")?;
    let body = request.body().map_err(|()| "body")?;
    OutgoingBody::finish(body, None).map_err(|error| error.to_string())?;
    let coming = outgoing_handler::handle(request, None).map_err(|error| error.to_string())?;
    coming.subscribe().block();
    let answer = coming.get().ok_or("not ready")?.map_err(|()| "taken")?;
    answer.map_err(|error| error.to_string())
}

fn headers(fields: &[&str]) -> Result<Fields, String> {
    let headers = Fields::new();
    for field in fields {
        let (name, value) = field.split_once('=').ok_or("no field")?;
        headers.append(name, value.as_bytes()).map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(headers)
}

fn method(name: &str) -> Method {
    match name {
        "GET" => Method::Get,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "PATCH" => Method::Patch,
        "DELETE" => Method::Delete,
        other => Method::Other(other.to_owned()),
    }
}

fn report(answer: &IncomingResponse) -> String {
    let mut report = format!("status {}\n", answer.status());
    for (name, value) in answer.headers().entries() {
        let _ = writeln!(report, "field {name}: {}", String::from_utf8_lossy(&value));
    }
    let Ok(body) = answer.consume() else { return report + "no body" };
    let Ok(stream) = body.stream() else { return report + "no stream" };
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(64 << 10) {
            Ok(chunk) => bytes.extend_from_slice(&chunk),
            Err(StreamError::Closed) => break,
            Err(StreamError::LastOperationFailed(error)) => {
                return report + "broken " + &error.to_debug_string();
            }
        }
    }
    report + "body " + &String::from_utf8_lossy(&bytes)
}
