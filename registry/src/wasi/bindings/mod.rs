//! The one file that names the bindings of WASI 0.2: `wasi:http`, `wasi:io`, `wasi:clocks`. It
//! hands things on and decides nothing; the test's host beside it has the same surface.
//!
//! Fields are in the order in which the host wants them dropped: what belongs to something goes
//! before it.

use std::{sync::Arc, time::Duration};

use wasip2::{
    clocks::monotonic_clock,
    http::{
        outgoing_handler,
        types::{
            ErrorCode, Fields, FutureIncomingResponse, IncomingBody, IncomingResponse,
            OutgoingRequest, RequestOptions, Scheme, http_error_code,
        },
    },
    io::{
        self,
        streams::{InputStream, StreamError},
    },
};

use super::fault::Fault;

/// The most that is read at once; a host gives less when it has less.
const PIECE: u64 = 256 * 1024;

/// Something that the host makes ready.
#[derive(Debug)]
pub(super) struct Pollable(io::poll::Pollable);

/// Sleeps until one of them is ready: the places of those that are. The list is not empty.
pub(super) fn poll(list: &[&Pollable]) -> Vec<u32> {
    let list: Vec<_> = list.iter().map(|pollable| &pollable.0).collect();
    io::poll::poll(&list)
}

/// Ready after this time.
pub(super) fn timer(time: Duration) -> Pollable {
    Pollable(monotonic_clock::subscribe_duration(nanos(time)))
}

/// The host's monotonic clock.
pub(super) fn now() -> Duration {
    Duration::from_nanos(monotonic_clock::now())
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// A GET to be sent.
pub(super) struct Outgoing<'a> {
    /// TLS, by the host.
    pub(super) secure: bool,
    /// Host, and port if there is one.
    pub(super) authority: &'a str,
    /// Path and query.
    pub(super) target: &'a str,
    /// Names and values, each to be sent as it is.
    pub(super) headers: &'a [(&'a str, &'a str)],
    /// How long connecting may take.
    pub(super) connect: Duration,
}

/// Sends it.
pub(super) fn ask(outgoing: &Outgoing<'_>) -> Result<Asking, Fault> {
    let refused = |what: &str| Fault::Other(format!("the host does not take {what}"));
    let headers = Fields::new();
    for (name, value) in outgoing.headers {
        headers
            .append(name, value.as_bytes())
            .map_err(|_| refused(&format!("the header {name}")))?;
    }
    let request = OutgoingRequest::new(headers);
    let scheme = if outgoing.secure { Scheme::Https } else { Scheme::Http };
    request.set_scheme(Some(&scheme)).map_err(|()| refused("the scheme"))?;
    request.set_authority(Some(outgoing.authority)).map_err(|()| refused("the address"))?;
    request.set_path_with_query(Some(outgoing.target)).map_err(|()| refused("the path"))?;
    let options = RequestOptions::new();
    // A host that cannot do this does without.
    let _ = options.set_connect_timeout(Some(nanos(outgoing.connect)));
    let response = outgoing_handler::handle(request, Some(options)).map_err(fault)?;
    Ok(Asking { pollable: Arc::new(Pollable(response.subscribe())), response })
}

/// A request whose response has not begun.
pub(super) struct Asking {
    pollable: Arc<Pollable>,
    response: FutureIncomingResponse,
}

impl Asking {
    /// Ready when there is an answer.
    pub(super) fn pollable(&self) -> &Arc<Pollable> {
        &self.pollable
    }

    /// The answer, once, when it has begun.
    pub(super) fn answer(&self) -> Option<Result<Answer, Fault>> {
        let response = match self.response.get()? {
            Ok(Ok(response)) => response,
            Ok(Err(code)) => return Some(Err(fault(code))),
            Err(()) => return Some(Err(Fault::Other("it was answered already".to_owned()))),
        };
        Some(Answer::of(response).ok_or_else(|| Fault::Other("it has no body".to_owned())))
    }
}

/// A response that has begun.
pub(super) struct Answer {
    pollable: Arc<Pollable>,
    stream: InputStream,
    _body: IncomingBody,
    response: IncomingResponse,
}

/// What a response has to give now.
pub(super) enum Piece {
    /// Nothing yet.
    None,
    Bytes(Vec<u8>),
    End,
    Fault(Fault),
}

impl Answer {
    fn of(response: IncomingResponse) -> Option<Self> {
        let body = response.consume().ok()?;
        let stream = body.stream().ok()?;
        let pollable = Arc::new(Pollable(stream.subscribe()));
        Some(Self { pollable, stream, _body: body, response })
    }

    /// The HTTP status.
    pub(super) fn status(&self) -> u16 {
        self.response.status()
    }

    /// The first header of this name, if it is text.
    pub(super) fn header(&self, name: &str) -> Option<String> {
        let mut values = self.response.headers().get(name).into_iter();
        String::from_utf8(values.next()?).ok()
    }

    /// Ready when there is more.
    pub(super) fn pollable(&self) -> &Arc<Pollable> {
        &self.pollable
    }

    /// What there is now.
    pub(super) fn read(&self) -> Piece {
        match self.stream.read(PIECE) {
            Ok(bytes) if bytes.is_empty() => Piece::None,
            Ok(bytes) => Piece::Bytes(bytes),
            Err(StreamError::Closed) => Piece::End,
            // A body that breaks off is an internal error to some hosts.
            Err(StreamError::LastOperationFailed(error)) => {
                Piece::Fault(match http_error_code(&error).map(fault) {
                    None | Some(Fault::Other(_)) => Fault::Cut,
                    Some(fault) => fault,
                })
            }
        }
    }
}

fn fault(code: ErrorCode) -> Fault {
    match code {
        ErrorCode::DnsTimeout | ErrorCode::DnsError(_) | ErrorCode::DestinationNotFound => {
            Fault::Unknown
        }
        ErrorCode::ConnectionRefused => Fault::Refused,
        ErrorCode::DestinationUnavailable | ErrorCode::DestinationIpUnroutable => {
            Fault::Unreachable
        }
        ErrorCode::ConnectionTimeout => Fault::NotAnswered,
        ErrorCode::DestinationIpProhibited | ErrorCode::HttpRequestDenied => Fault::Forbidden,
        ErrorCode::TlsCertificateError => Fault::Certificate,
        ErrorCode::TlsProtocolError | ErrorCode::TlsAlertReceived(_) => Fault::Tls,
        ErrorCode::ConnectionReadTimeout
        | ErrorCode::ConnectionWriteTimeout
        | ErrorCode::HttpResponseTimeout => Fault::Late,
        // Wasmtime says `HttpProtocolError` of every body that broke off.
        ErrorCode::ConnectionTerminated
        | ErrorCode::HttpResponseIncomplete
        | ErrorCode::HttpProtocolError => Fault::Cut,
        ErrorCode::InternalError(Some(text)) => Fault::Other(text),
        other => Fault::Other(other.to_string()),
    }
}
