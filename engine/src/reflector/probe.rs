//! Whether the server has the version that a silent watch started from.
//!
//! A watch from a version of the future is answered with 200 and then with nothing, not even
//! bookmarks, until it ends; after an etcd restore that would be every watch, and the catalog would
//! stay as it was before the restore. A list that must not be older than that version is answered
//! with an error at once. So such a list of one Pod is asked for beside a watch that has been silent for
//! longer than a minute and a half, where servers send a bookmark every minute; and after two seconds beside
//! the first watch after an outage, because a server that was away may have come back from a backup.
//!
//! It cannot tell once the restored server has come as far as that version with other content:
//! versions do not say which history they belong to.

use super::{Context, Duration, Kind, Question, Reflector, Refused, RelistReason, State, StreamId};

/// The list of one Pod, under way beside the watch.
#[derive(Debug)]
pub(super) struct Probe {
    pub(super) stream: StreamId,
    pub(super) due: Duration,
    refused: Option<Refused>,
}

/// A server takes three seconds to find out that it is behind.
const PATIENCE: Duration = Duration::from_secs(30);

impl Reflector {
    pub(super) fn probe(&mut self, cx: &mut Context<'_>) {
        let State::Open(exchange) = &mut self.state else { return };
        exchange.spoken = true;
        let question =
            Question::Page { limit: Some(1), not_older_than: self.replica.version(), token: "" };
        let request = question.request(&self.replica.scope, cx.settings);
        let stream = cx.send(request);
        self.probe = Some(Probe { stream, due: cx.now + PATIENCE, refused: None });
    }

    pub(super) fn is_probe(&self, stream: StreamId) -> bool {
        self.probe.as_ref().is_some_and(|probe| probe.stream == stream)
    }

    pub(super) fn probe_head(&mut self, cx: &mut Context<'_>, refused: Option<Refused>) {
        if refused.is_none() {
            self.drop_probe(cx);
        } else if let Some(probe) = &mut self.probe {
            probe.refused = refused;
        }
    }

    pub(super) fn probe_body(&mut self, bytes: &[u8]) {
        if let Some(refused) = self.probe.as_mut().and_then(|probe| probe.refused.as_mut()) {
            refused.keep(bytes);
        }
    }

    /// Any other refusal says nothing about the version: a role may allow no list at all.
    pub(super) fn probe_end(&mut self, cx: &mut Context<'_>) {
        let Some(refused) = self.probe.take().and_then(|probe| probe.refused) else { return };
        if refused.refusal().kind == Kind::TooLarge {
            if let Some(exchange) = self.close(cx) {
                cx.cancel(exchange.stream);
            }
            self.replica.refuse_version();
            self.read_anew(cx, RelistReason::Rewound);
        }
    }

    pub(super) fn drop_probe(&mut self, cx: &mut Context<'_>) {
        if let Some(probe) = self.probe.take() {
            cx.cancel(probe.stream);
        }
    }
}
