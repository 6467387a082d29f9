//! Whether the server has the version that a silent watch started from.
//!
//! A watch from a version of the future is answered with 200 and then with nothing, not even
//! bookmarks, until it ends; after an etcd restore that would be every watch, and the catalog would
//! stay as it was before the restore. A list that must not be older than that version is answered
//! with an error at once. So such a list of one Pod is asked for beside a watch that has been silent for
//! longer than a minute and a half, where servers send a bookmark every minute; and after two seconds beside
//! the first watch after an outage, because a server that was away may have come back from a backup.
//!
//! It cannot know once the restored server has come as far as that version with other content:
//! versions do not say which history they belong to.

use super::probe::{Answer, Probe};
use super::{
    Context, Duration, Form, Items, Kind, PodsRequest, Reflector, Refused, RelistReason, State,
    StreamId,
};

/// A server takes three seconds to find out that it is behind.
const PROBE_TIMEOUT: Duration = Duration::from_secs(30);

impl Reflector {
    pub(super) fn probe(&mut self, cx: &mut Context<'_>) {
        let State::Open(exchange) = &mut self.state else { return };
        exchange.spoken = true;
        let pods_request =
            PodsRequest::Page { limit: Some(1), not_older_than: self.replica.version(), token: "" };
        let request = pods_request.request(&self.replica.scope, cx.settings);
        let stream = cx.send(request);
        self.probe = Some(Probe { stream, due: cx.now + PROBE_TIMEOUT, answer: Answer::Awaited });
    }

    pub(super) fn is_probe(&self, stream: StreamId) -> bool {
        self.probe.as_ref().is_some_and(|probe| probe.stream == stream)
    }

    pub(super) fn probe_head(&mut self, cx: &Context<'_>, form: Form, refused: Option<Refused>) {
        let list = || Answer::List(Items::new(form, cx.settings.object_limit));
        if let Some(probe) = &mut self.probe {
            probe.answer = refused.map_or_else(list, Answer::Refused);
        }
    }

    pub(super) fn probe_body(&mut self, mut bytes: &[u8]) {
        match self.probe.as_mut().map(|probe| &mut probe.answer) {
            Some(Answer::Refused(refused)) => refused.keep(bytes),
            // Only the version of the list counts; what is no list has none.
            Some(Answer::List(items)) => while matches!(items.next(&mut bytes), Ok(Some(_))) {},
            Some(Answer::Awaited) | None => {}
        }
    }

    /// Any other refusal says nothing about the version: a role may allow no list at all.
    pub(super) fn probe_end(&mut self, cx: &mut Context<'_>) {
        let refused = match self.probe.take().map(|probe| probe.answer) {
            Some(Answer::Refused(refused)) => refused,
            Some(Answer::List(items)) => {
                if let Ok(list) = items.finish() {
                    self.replica.saw(&list.resource_version);
                }
                return;
            }
            Some(Answer::Awaited) | None => return,
        };
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
