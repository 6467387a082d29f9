//! One request and the response to it, as the host hands it over. Dropping it ends it: the host
//! closes what belongs to it.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

use super::{
    bindings::{Answer, Asking, Piece},
    fault::Fault,
    reactor,
};
use crate::kube::Event;
use dubbo_k8s_engine::{TransportError, TransportErrorKind};

/// One request and the response to it, as it comes.
pub struct Exchange {
    phase: Phase,
    server: Arc<str>,
}

enum Phase {
    Broken(TransportError),
    Asking(Asking),
    Answering(Answer),
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
            let waiting = match &self.phase {
                Phase::Over => return None,
                Phase::Broken(error) => {
                    let error = error.clone();
                    return Some(self.end(Event::Failed(error)));
                }
                Phase::Asking(asking) => match asking.answer() {
                    None => asking.pollable(),
                    Some(Ok(answer)) => {
                        if let Some(fault) = unreadable(&answer) {
                            return Some(self.fail(fault));
                        }
                        let event = head(&answer);
                        self.phase = Phase::Answering(answer);
                        return Some(event);
                    }
                    Some(Err(fault)) => return Some(self.fail(fault)),
                },
                Phase::Answering(answer) => match answer.read() {
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

/// What nobody asked for and nobody here can take apart.
fn unreadable(answer: &Answer) -> Option<Fault> {
    let coding = answer.header("content-encoding")?;
    let is_plain = matches!(coding.trim(), "" | "identity");
    let said = coding.escape_debug().take(50).collect::<String>();
    (!is_plain).then(|| {
        Fault::Other(format!("the answer is compressed ({said}), which was not asked for"))
    })
}

fn head(answer: &Answer) -> Event {
    let retry_after = answer.header("retry-after").and_then(|text| text.trim().parse().ok());
    Event::Head {
        status: answer.status(),
        retry_after: retry_after.map(Duration::from_secs),
        content_type: answer.header("content-type").unwrap_or_default().into(),
    }
}
