//! Does to an answer what a fault asks for. Knows no store.

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http::{HeaderValue, Response, header};
use http_body_util::BodyExt;

use super::accept;
use super::answer::{self, Body, Cut};
use super::connection::{Connection, Order};
use super::faults::Act;
use super::list::gzip;
use super::options::Options;

/// The answer that a fault gives instead of the server's, if it does.
pub(crate) async fn instead(act: &Act, accept: &str, options: &Options) -> Option<Response<Body>> {
    match act {
        Act::Refuse(status) => Some(answer::status(status, accept, options)),
        Act::TooManyRequests { retry_after } => Some(answer::too_many_requests(*retry_after)),
        Act::ErrorEvent(status) => {
            let encoding = accept::encoding_of_errors(accept, options);
            let event = Bytes::from(status.event(encoding));
            Some(answer::events(encoding, answer::open(stream::iter([Ok(event)]))))
        }
        Act::Silence => std::future::pending().await,
        Act::Replay(exchange) => Some(exchange.answer()),
        _ => None,
    }
}

/// Changes an answer.
pub(crate) fn apply(act: Act, response: Response<Body>, connection: &Connection) -> Response<Body> {
    let (mut head, body) = response.into_parts();
    if !matches!(act, Act::GoAway) {
        // The length is no longer what it was.
        head.headers.remove(header::CONTENT_LENGTH);
    }
    let chunks = chunks(body);
    let body = match act {
        Act::Before(bytes) => answer::open(stream::iter([Ok(bytes)]).chain(chunks)),
        Act::Cut { after } => answer::open(stop(chunks, after, Stop::Cut)),
        Act::End { after } => answer::open(stop(chunks, after, Stop::End)),
        Act::Stall { after } => answer::open(stop(chunks, after, Stop::Stall)),
        Act::Reset { after } => answer::open(stop(chunks, after, Stop::Reset(connection.clone()))),
        Act::Trickle { bytes, pause } => {
            answer::open(chunks.flat_map(move |chunk| stream::iter(pieces(chunk, bytes))).then(
                move |piece| async move {
                    #[expect(
                        clippy::disallowed_methods,
                        reason = "the pause is the fault that is asked for"
                    )]
                    tokio::time::sleep(pause).await;
                    piece
                },
            ))
        }
        Act::GzipPerChunk => {
            head.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            answer::open(chunks.map(|chunk| chunk.map(|bytes| Bytes::from(gzip([bytes])))))
        }
        Act::Date(date) => {
            head.headers.insert(header::DATE, date);
            answer::open(chunks)
        }
        Act::GoAway => {
            connection.order(Order::GoAway);
            answer::open(chunks)
        }
        _ => answer::open(chunks),
    };
    Response::from_parts(head, body)
}

fn chunks(body: Body) -> impl Stream<Item = Result<Bytes, Cut>> + Send {
    body.into_data_stream()
}

fn pieces(chunk: Result<Bytes, Cut>, length: usize) -> Vec<Result<Bytes, Cut>> {
    match chunk {
        Ok(mut bytes) => {
            let mut pieces = Vec::new();
            while !bytes.is_empty() {
                pieces.push(Ok(bytes.split_to(bytes.len().min(length.max(1)))));
            }
            pieces
        }
        Err(cut) => vec![Err(cut)],
    }
}

enum Stop {
    Cut,
    End,
    Stall,
    Reset(Connection),
}

/// The chunks up to `after` bytes, then the stop.
fn stop(
    chunks: impl Stream<Item = Result<Bytes, Cut>> + Send,
    after: usize,
    how: Stop,
) -> impl Stream<Item = Result<Bytes, Cut>> + Send {
    let state = (Box::pin(chunks), after, how);
    stream::unfold(state, |(mut chunks, left, how)| async move {
        if left > 0
            && let Some(chunk) = chunks.next().await
        {
            let chunk = chunk.map(|mut bytes| bytes.split_to(bytes.len().min(left)));
            let left = left - chunk.as_ref().map_or(left, Bytes::len);
            return Some((chunk, (chunks, left, how)));
        }
        if left > 0 {
            return None;
        }
        // What was given so far must be on its way before the connection ends.
        tokio::task::yield_now().await;
        match how {
            Stop::End => None,
            Stop::Cut => Some((Err(Cut), (chunks, 0, Stop::End))),
            Stop::Stall => std::future::pending().await,
            Stop::Reset(connection) => {
                connection.order(Order::Reset);
                std::future::pending().await
            }
        }
    })
}
