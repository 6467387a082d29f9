//! An exchange as it was recorded from a real server, answered again chunk by chunk.

use std::io;
use std::path::Path;

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderName, HeaderValue, Response, header};
use serde_json::Value;

use super::answer::{self, Body, Cut};
use super::json;

/// A recorded exchange: a folder of the captures.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The folder's name.
    pub name: String,
    /// The head of the request as it was sent, over HTTP/1.1.
    pub request_head: String,
    /// What was asked: method, then path and query.
    pub request: (String, String),
    /// The headers of the request as sent; a bearer token reads `REDACTED`.
    pub request_headers: Vec<(String, String)>,
    /// The body of the request; empty where there was none.
    pub request_body: Bytes,
    /// The status of the answer.
    pub status: u16,
    /// The headers of the answer.
    pub headers: Vec<(String, String)>,
    /// The body of the answer, still content-encoded.
    pub body: Bytes,
    /// The lengths of the chunks (HTTP/1.1) or DATA frames (HTTP/2); empty for an answer that
    /// came with Content-Length.
    pub chunks: Vec<usize>,
    /// Whether the client cut it in the middle.
    pub cut: bool,
    /// What is noted about it: version, identity, note and so on.
    pub meta: Value,
}

impl Exchange {
    /// Reads one folder.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let text = |name: &str| std::fs::read_to_string(folder.join(name));
        let optional = |name: &str| std::fs::read(folder.join(name)).unwrap_or_default();
        let request = text("request.http")?;
        let response = text("response.http")?;
        let meta: Value = serde_json::from_str(&text("meta.json")?)?;
        let chunks: Value =
            text("chunks.json").map_or(Ok(Value::Null), |text| serde_json::from_str(&text))?;
        let mut body = optional("body.bin");
        if body.is_empty() {
            body = optional("body.jsonl");
        }
        let (request_line, request_headers) = head(&request);
        let (status_line, headers) = head(&response);
        let status = status_line.split(' ').nth(1).and_then(|code| code.parse().ok());
        Ok(Self {
            name: folder.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            request: target(&request_line, &request_headers),
            request_head: request,
            request_headers,
            request_body: Bytes::from(optional("request-body.bin")),
            status: status.ok_or_else(|| io::Error::other("no status line"))?,
            headers,
            body: Bytes::from(body),
            chunks: lengths(&chunks),
            cut: json::text_at(&chunks, "/ended") == "cut-by-client",
            meta,
        })
    }

    /// The body of the request; those that are too long to be recorded are made as they were.
    pub fn whole_request_body(&self) -> Vec<u8> {
        let mut headers = self.request_headers.iter();
        let length = headers.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        let length = length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
        if length == 0 || self.request_body.len() == length {
            return self.request_body.to_vec();
        }
        let (before, after) = (r#"{"metadata":{"annotations":{"dubbo.io/annotation":""#, r#""}}}"#);
        let filled = length.saturating_sub(before.len() + after.len());
        let filling = b"eHh4".iter().cycle().take(filled);
        before.bytes().chain(filling.copied()).chain(after.bytes()).collect()
    }

    /// The value of a header of the answer.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The answer, in the chunks in which it came.
    pub(crate) fn answer(&self) -> Response<Body> {
        let body =
            if self.chunks.is_empty() { answer::known(self.body.clone()) } else { self.chunked() };
        let mut response = Response::new(body);
        *response.status_mut() = http::StatusCode::from_u16(self.status).unwrap_or_default();
        for (name, value) in &self.headers {
            let name = HeaderName::from_bytes(name.as_bytes());
            let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) else { continue };
            if name != header::TRANSFER_ENCODING {
                response.headers_mut().append(name, value);
            }
        }
        response
    }

    fn chunked(&self) -> Body {
        let mut rest = self.body.clone();
        let mut chunks: Vec<Result<Bytes, Cut>> = self
            .chunks
            .iter()
            .map(|length| rest.split_to(rest.len().min(*length)))
            .filter(|chunk| !chunk.is_empty())
            .map(Ok)
            .collect();
        if self.cut {
            chunks.push(Err(Cut));
        }
        answer::open(stream::unfold(chunks.into_iter(), |mut chunks| async move {
            let chunk = chunks.next()?;
            // One chunk a turn, as they came: hyper writes each on its own.
            tokio::task::yield_now().await;
            Some((chunk, chunks))
        }))
    }
}

fn head(text: &str) -> (String, Vec<(String, String)>) {
    let mut lines = text.lines();
    let mut first = lines.next().unwrap_or_default().to_owned();
    let mut headers = Vec::new();
    // HTTP/2 has no request line; its pseudo-headers stand where the others do.
    if first.starts_with(':') {
        headers.extend(
            first.rsplit_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        first.clear();
    }
    for line in lines {
        let Some((name, value)) =
            line.split_once(": ").or_else(|| Some((line.strip_suffix(':')?, "")))
        else {
            continue;
        };
        headers.push((name.to_owned(), value.to_owned()));
    }
    (first, headers)
}

fn target(line: &str, headers: &[(String, String)]) -> (String, String) {
    let pseudo = |name: &str| {
        let found = headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let mut words = line.split(' ');
    match (words.next(), words.next()) {
        (Some(method), Some(target)) if !method.is_empty() => {
            (method.to_owned(), target.to_owned())
        }
        _ => (pseudo(":method"), pseudo(":path")),
    }
}

fn lengths(chunks: &Value) -> Vec<usize> {
    json::at(chunks, "/chunks")
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|chunk| json::at(chunk, "/len").as_u64())
        .filter_map(|length| usize::try_from(length).ok())
        .filter(|length| *length > 0)
        .collect()
}
