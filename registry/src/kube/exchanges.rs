//! The exchanges of one machine of the core that are under way. It moves what arrives, and never
//! looks into it.

use std::{collections::BTreeMap, pin::Pin};

use futures_util::{
    Stream, StreamExt as _,
    stream::{self, AbortHandle, SelectAll},
};

use super::{Event, Exchange};
use dubbo_k8s_engine::StreamId;

type Events = Pin<Box<dyn Stream<Item = (StreamId, Event)> + Send>>;

/// Exchanges by their names. Dropping it drops them all.
#[derive(Default)]
pub(super) struct Exchanges {
    open: SelectAll<Events>,
    handles: BTreeMap<StreamId, AbortHandle>,
}

impl Exchanges {
    /// Starts one.
    pub(super) fn start(&mut self, stream: StreamId, exchange: Exchange) {
        let (events, handle) = stream::abortable(events(stream, exchange));
        self.open.push(Box::pin(events));
        self.handles.insert(stream, handle);
    }

    /// Drops one; nothing more comes of it.
    pub(super) fn cancel(&mut self, stream: StreamId) {
        if let Some(handle) = self.handles.remove(&stream) {
            handle.abort();
        }
    }

    /// What happens next in any of them; waits for ever when there is none. Cancellation safe.
    pub(super) async fn next(&mut self) -> (StreamId, Event) {
        loop {
            let Some((stream, event)) = self.open.next().await else {
                return std::future::pending().await;
            };
            let cancelled = !self.handles.contains_key(&stream);
            if matches!(event, Event::End | Event::Failed(_)) {
                self.handles.remove(&stream);
            }
            if !cancelled {
                return (stream, event);
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.handles.len()
    }
}

fn events(stream: StreamId, exchange: Exchange) -> impl Stream<Item = (StreamId, Event)> + Send {
    stream::unfold(exchange, move |mut exchange| async move {
        exchange.next().await.map(|event| ((stream, event), exchange))
    })
}
