//! The requests of one guest: counted, whole, and stripped of what is between this side and a server. It must never pass
//! on more of an answer than a guest may see.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::{HeaderName, Request, Response, header};
use http_body_util::{BodyExt as _, Limited};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use super::outgoing::{Answer, Outgoing, Refusal, Report};
use dubbo_k8s_engine::TransportErrorKind;

/// The largest body of a request; it is held until it is sent.
const BODY: usize = 1 << 20;
/// How many refusals of one guest are reported. The rest is the same, or a nuisance.
const MOST_REPORTS: usize = 10;

/// The requests of one guest.
pub(crate) struct Requests {
    to: Arc<dyn Outgoing>,
    room: Arc<Semaphore>,
    report: Report,
    reports: Arc<AtomicUsize>,
}

impl Requests {
    /// At most `most` of them at the same time.
    pub(crate) fn new(to: Arc<dyn Outgoing>, most: usize, report: Report) -> Self {
        let room = Arc::new(Semaphore::new(most));
        Self { to, room, report, reports: Arc::default() }
    }

    /// Reports why something came to nothing, a few times.
    fn reporter(&self) -> impl Fn(&Refusal) + Send + use<> {
        let (report, reports) = (Arc::clone(&self.report), Arc::clone(&self.reports));
        move |refusal| {
            if reports.fetch_add(1, Ordering::Relaxed) < MOST_REPORTS {
                report(refusal);
            }
        }
    }
}

type Sent = Result<(Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>), Error>;

impl WasiHttpHooks for Requests {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _processed: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let Ok(permit) = Arc::clone(&self.room).try_acquire_owned() else {
            return Box::new(std::future::ready(Err(Error::ConnectionLimitReached)));
        };
        let (to, report) = (Arc::clone(&self.to), self.reporter());
        let first_byte = options.and_then(|options| options.first_byte_timeout);
        Box::new(async move {
            let (head, body) = request.into_parts();
            let body = Limited::new(body, BODY).collect().await.map_err(|error| {
                error.downcast::<Error>().map_or(Error::HttpRequestBodySize(None), |error| *error)
            })?;
            let sending = to.send(Request::from_parts(head, body.to_bytes()));
            let sent = match first_byte {
                Some(limit) => tokio::time::timeout(limit, sending)
                    .await
                    .map_err(|_elapsed| Error::ConnectionReadTimeout)?,
                None => sending.await,
            };
            match sent {
                Ok(answer) => {
                    Ok((answered(answer, permit), Box::new(std::future::ready(Ok(()))) as _))
                }
                Err(refusal) => {
                    report(&refusal);
                    Err(code(&refusal))
                }
            }
        })
    }
}

/// What a guest sees of an answer. The permit is given back when it lets go of the body.
fn answered(answer: Answer, permit: OwnedSemaphorePermit) -> Response<WasiBody> {
    let (mut head, body) = answer.into_parts();
    for name in HIDDEN {
        head.headers.remove(name);
    }
    let body = body.map_err(|_error| Error::ConnectionTerminated).map_frame(move |frame| {
        let _held = &permit;
        frame
    });
    Response::from_parts(head, body.boxed_unsync())
}

/// Fields of answers that are between this side and the server, or could hold a credential.
const HIDDEN: [HeaderName; 6] = [
    header::AUTHORIZATION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::SET_COOKIE,
    header::WWW_AUTHENTICATE,
    HeaderName::from_static("alt-svc"),
];

/// What a guest gets of a refusal: a code, without the details that are for people.
fn code(refusal: &Refusal) -> Error {
    let Refusal::Failed(error) = refusal else { return Error::HttpRequestDenied };
    match error.kind {
        TransportErrorKind::Resolve => Error::DestinationNotFound,
        TransportErrorKind::Connect => Error::ConnectionRefused,
        TransportErrorKind::Tls => Error::TlsCertificateError,
        TransportErrorKind::Deadline => Error::ConnectionTimeout,
        TransportErrorKind::Protocol => Error::HttpProtocolError,
        _ => Error::ConnectionTerminated,
    }
}
