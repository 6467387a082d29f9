//! One request and the response to it, as the host hands it over, unpacked where it is packed. Dropping it ends
//! it: the host closes what belongs to it.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

use super::{
    bindings::{Answer, Asking, Piece},
    fault::Fault,
    reactor,
};
use crate::kube::{Event, gunzip::Gunzip};
use dubbo_k8s_engine::{TransportError, TransportErrorKind};

/// One request and the response to it, as it comes.
pub struct Exchange {
    phase: Phase,
    server: Arc<str>,
}

enum Phase {
    Broken(TransportError),
    Asking(Asking),
    /// The answer, and what unpacks it.
    Answering(Answer, Option<Box<Gunzip>>),
    Over,
}

impl Exchange {
    pub(super) fn new(asked: Result<Asking, Fault>, server: Arc<str>) -> Self {
        let phase = match asked {
            Ok(asking) => Phase::Asking(asking),
            Err(fault) => Phase::Broken(fault.in_words(&server)),
        };
        Self { phase, server }
    }

    /// A request that this transport does not carry.
    pub(super) fn unsupported(server: Arc<str>) -> Self {
        let kind = TransportErrorKind::Protocol;
        let phase = Phase::Broken(TransportError::new(kind, "a component only reads"));
        Self { phase, server }
    }

    /// What comes next; `None` after the end. Cancellation safe: nothing is lost when the future is
    /// dropped before it is ready.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            let waiting = match &mut self.phase {
                Phase::Over => return None,
                Phase::Broken(error) => {
                    let error = error.clone();
                    return Some(self.end(Event::Failed(error)));
                }
                Phase::Asking(asking) => match asking.answer() {
                    None => asking.pollable(),
                    Some(Ok(answer)) => {
                        let gunzip = match coding(&answer) {
                            Ok(gunzip) => gunzip,
                            Err(fault) => return Some(self.fail(fault)),
                        };
                        let event = head(&answer);
                        self.phase = Phase::Answering(answer, gunzip);
                        return Some(event);
                    }
                    Some(Err(fault)) => return Some(self.fail(fault)),
                },
                Phase::Answering(answer, gunzip) => match next_piece(answer, gunzip.as_deref_mut())
                {
                    Piece::None => answer.pollable(),
                    Piece::Bytes(bytes) => return Some(Event::Chunk(Bytes::from(bytes))),
                    Piece::End => return Some(self.end(Event::End)),
                    Piece::Fault(fault) => return Some(self.fail(fault)),
                },
            };
            reactor::ready(waiting).await;
        }
    }

    fn fail(&mut self, fault: Fault) -> Event {
        let error = fault.in_words(&self.server);
        self.end(Event::Failed(error))
    }

    /// Lets go of what the host holds for it.
    fn end(&mut self, event: Event) -> Event {
        self.phase = Phase::Over;
        event
    }
}

/// The next piece of the body, unpacked.
fn next_piece(answer: &Answer, gunzip: Option<&mut Gunzip>) -> Piece {
    let Some(gunzip) = gunzip else { return answer.read() };
    loop {
        match gunzip.piece() {
            Ok(Some(piece)) => return Piece::Bytes(piece.into()),
            Ok(None) => {}
            Err(error) => return Piece::Fault(Fault::Other(error.to_string())),
        }
        match answer.read() {
            Piece::Bytes(bytes) => gunzip.feed(bytes.into()),
            Piece::End if !gunzip.is_complete() => return Piece::Fault(Fault::Cut),
            other => return other,
        }
    }
}

/// What unpacks the answer; one that is packed in another way was not asked for, and cannot be taken apart here.
fn coding(answer: &Answer) -> Result<Option<Box<Gunzip>>, Fault> {
    let coding = answer.header("content-encoding").unwrap_or_default();
    match coding.trim() {
        "" | "identity" => Ok(None),
        gzip if gzip.eq_ignore_ascii_case("gzip") => Ok(Some(Box::new(Gunzip::new()))),
        other => {
            let said = other.escape_debug().take(50).collect::<String>();
            let text = format!("the answer is compressed ({said}), which was not asked for");
            Err(Fault::Other(text))
        }
    }
}

fn head(answer: &Answer) -> Event {
    let retry_after = answer.header("retry-after").and_then(|text| text.trim().parse().ok());
    Event::Head {
        status: answer.status(),
        retry_after: retry_after.map(Duration::from_secs),
        content_type: answer.header("content-type").unwrap_or_default().into(),
    }
}
