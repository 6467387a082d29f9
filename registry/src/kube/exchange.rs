//! One request and what arrives of its answer, piece by piece. It decides nothing about what it means.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue, header};
use reqwest::Response;
use tokio::time::{Instant, timeout_at};

use super::Event;
use super::fault::{Peer, transport_error};
use super::gunzip::Gunzip;
use dubbo_k8s_engine::{TransportError, TransportErrorKind};

/// One request and the response to it, as it comes.
pub struct Exchange {
    phase: Phase,
    limit: Option<Limit>,
    peer: Arc<Peer>,
}

/// The bound that `--request-timeout` sets.
#[derive(Clone)]
struct Limit {
    time: Duration,
    end: Instant,
    /// A watch that is answered ends there, as if the server had ended it.
    is_watch: bool,
}

enum Phase {
    Asking(futures_util::future::BoxFuture<'static, Result<Response, TransportError>>),
    Answering(Box<Answer>),
    Over,
}

struct Answer {
    response: Response,
    gunzip: Option<Gunzip>,
}

impl Exchange {
    /// What comes of this request; it is sent when it is polled for the first time.
    pub(super) fn new(
        asking: impl Future<Output = Result<Response, TransportError>> + Send + 'static,
        peer: Arc<Peer>,
    ) -> Self {
        Self { phase: Phase::Asking(Box::pin(asking)), limit: None, peer }
    }

    /// The same, given up after this time. A watch that has been answered by then is over: the next one goes on.
    pub(super) fn within(self, time: Option<Duration>, is_watch: bool) -> Self {
        let limit = time.map(|time| Limit { time, end: Instant::now() + time, is_watch });
        Self { limit, ..self }
    }

    /// A header of the answer, between its head and its end.
    pub fn header(&self, name: HeaderName) -> Option<&HeaderValue> {
        match &self.phase {
            Phase::Answering(answer) => answer.response.headers().get(name),
            Phase::Asking(_) | Phase::Over => None,
        }
    }

    /// What comes next; `None` after the end. Cancellation safe: nothing is lost when the future
    /// is dropped before it is ready.
    pub async fn next(&mut self) -> Option<Event> {
        let Some(Limit { time, end, is_watch }) = self.limit.clone() else {
            return self.advance().await;
        };
        timeout_at(end, self.advance()).await.unwrap_or_else(|_| {
            let phase = std::mem::replace(&mut self.phase, Phase::Over);
            match phase {
                Phase::Over => None,
                Phase::Answering(_) if is_watch => Some(Event::End),
                Phase::Answering(_) | Phase::Asking(_) => {
                    let text = format!("no whole answer within {time:?} (--request-timeout)");
                    Some(Event::Failed(TransportError::new(TransportErrorKind::Deadline, text)))
                }
            }
        })
    }

    async fn advance(&mut self) -> Option<Event> {
        let event = match &mut self.phase {
            Phase::Over => return None,
            Phase::Asking(asking) => match asking.await {
                Ok(response) => {
                    let event = head(&response);
                    let gunzip = is_gzip(&response).then(Gunzip::new);
                    self.phase = Phase::Answering(Box::new(Answer { response, gunzip }));
                    return Some(event);
                }
                Err(error) => Event::Failed(error),
            },
            Phase::Answering(answer) => answer.next(&self.peer).await,
        };
        if !matches!(event, Event::Chunk(_)) {
            self.phase = Phase::Over;
        }
        Some(event)
    }
}

fn head(response: &Response) -> Event {
    let retry_after = response.headers().get(header::RETRY_AFTER);
    let seconds = retry_after.and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let content_type = response.headers().get(header::CONTENT_TYPE);
    Event::Head {
        status: response.status().as_u16(),
        retry_after: seconds.map(Duration::from_secs),
        content_type: content_type.and_then(|value| value.to_str().ok()).unwrap_or_default().into(),
    }
}

fn is_gzip(response: &Response) -> bool {
    response
        .headers()
        .get(header::CONTENT_ENCODING)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"gzip"))
}

impl Answer {
    /// The next piece of the body, or how it ended.
    async fn next(&mut self, peer: &Peer) -> Event {
        loop {
            if let Some(gunzip) = &mut self.gunzip {
                match gunzip.piece() {
                    Ok(Some(piece)) => return Event::Chunk(piece),
                    Ok(None) => {}
                    Err(error) => return broken(TransportErrorKind::Protocol, &error.to_string()),
                }
            }
            match (self.response.chunk().await, &mut self.gunzip) {
                (Ok(Some(bytes)), None) => return Event::Chunk(bytes),
                (Ok(Some(bytes)), Some(gunzip)) => gunzip.feed(bytes),
                (Ok(None), Some(gunzip)) if !gunzip.is_complete() => {
                    let text = "the answer ended in the middle";
                    return broken(TransportErrorKind::Interrupted, text);
                }
                (Ok(None), _) => return Event::End,
                (Err(error), _) => return Event::Failed(transport_error(&error, peer)),
            }
        }
    }
}

fn broken(kind: TransportErrorKind, text: &str) -> Event {
    Event::Failed(TransportError::new(kind, text))
}
