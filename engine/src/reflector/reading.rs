//! What an answer brings: events of a watch, items of a list, and the ends of both.

use alloc::borrow::ToOwned as _;
use alloc::string::String;
use alloc::string::ToString as _;
use dubbo_k8s_codec::{Found, WatchEvent};

use super::{Cause, Context, Effect, Notice, Phase, Reflector, RelistReason, State, Step, Verb};

impl Reflector {
    /// Takes in a piece of a watch.
    pub(super) fn events(&mut self, cx: &mut Context<'_>, mut bytes: &[u8]) {
        loop {
            let State::Open(exchange) = &mut self.state else { return };
            let Phase::Events(events) = &mut exchange.phase else { return };
            let raw = match events.next(&mut bytes) {
                Ok(Some(raw)) => raw,
                Ok(None) => return,
                Err(what) => return self.not_a_watch(cx, what),
            };
            exchange.spoken = true;
            let effect = self.replica.event(cx, raw.event());
            self.apply(cx, effect);
        }
    }

    /// A stream may end in a last line without its end; a line that was cut does not parse, and
    /// comes again, because its version was not committed. True if it broke the watch off.
    pub(super) fn last_line(&mut self, cx: &mut Context<'_>) -> bool {
        let State::Open(exchange) = &mut self.state else { return true };
        let Phase::Events(events) = &mut exchange.phase else { return false };
        let stream = exchange.stream;
        if let Some(rest) = events.take_rest() {
            let effect = self.replica.event(cx, WatchEvent::parse(&rest));
            self.apply(cx, effect);
        }
        !matches!(&self.state, State::Open(exchange) if exchange.stream == stream)
    }

    fn apply(&mut self, cx: &mut Context<'_>, effect: Effect) {
        let State::Open(exchange) = &mut self.state else { return };
        match effect {
            Effect::Nothing => {}
            Effect::News => exchange.news = true,
            Effect::PlainBookmark => exchange.expects_end(),
            Effect::Older => self.older(cx),
            Effect::Synced => {
                exchange.becomes_watch();
                self.streaming.cut = 0;
                self.synced(cx);
                self.regained(cx);
            }
            Effect::Error(refusal) => self.watch_error(cx, refusal),
        }
    }

    /// The body is no watch: JSON where protobuf was named or the reverse, a page for people, or
    /// frames that are out of step. Nothing is lost, because only what was applied counts.
    fn not_a_watch(&mut self, cx: &mut Context<'_>, what: String) {
        let Some(exchange) = self.close(cx) else { return };
        cx.cancel(exchange.stream);
        match exchange.step {
            Step::StreamingList => self.cut(cx, Cause::NotAWatch(what)),
            _ => self.struck(cx, Cause::NotAWatch(what), None),
        }
    }

    /// What the server has is older than what is held.
    fn older(&mut self, cx: &mut Context<'_>) {
        let Some(exchange) = self.close(cx) else { return };
        cx.cancel(exchange.stream);
        self.replica.refuse_version();
        self.read_anew(cx, RelistReason::Rewound);
    }

    /// Takes in a piece of a list.
    pub(super) fn items(&mut self, cx: &mut Context<'_>, mut bytes: &[u8]) {
        let State::Open(exchange) = &mut self.state else { return };
        let Phase::Items(reader) = &mut exchange.phase else { return };
        let error = loop {
            match reader.next(&mut bytes) {
                Ok(Some(item)) => self.replica.item(cx, item),
                Ok(None) => return,
                Err(error) => break error,
            }
        };
        if let Some(exchange) = self.close(cx) {
            cx.cancel(exchange.stream);
        }
        let cause = Cause::NotAList(error.to_string());
        self.fail(cx, Verb::List, cause, self.sync_step(cx), None);
    }

    /// A page is over: the next one, or the watch from the list's version.
    pub(super) fn page_ended(&mut self, cx: &mut Context<'_>, phase: Phase, step: Step) {
        let Phase::Items(reader) = phase else {
            return self.fail(cx, Verb::List, Cause::CutShort, step, None);
        };
        let meta = match reader.finish() {
            Ok(meta) => meta,
            Err(error) => {
                let cut = error.found == Found::End;
                let cause = if cut { Cause::CutShort } else { Cause::NotAList(error.to_string()) };
                return self.fail(cx, Verb::List, cause, step, None);
            }
        };
        self.replica.page(&meta.resource_version);
        if let Some(token) = meta.continue_token {
            if !self.replica.goes_on(&token) {
                let cause = Cause::NotAList("its pages do not come to an end".to_owned());
                return self.fail(cx, Verb::List, cause, Step::FIRST_PAGE, None);
            }
            return self.send(cx, Step::Page { token, whole: false });
        }
        if self.replica.commit(cx) {
            self.synced(cx);
            if cx.settings.follow {
                self.send(cx, Step::Watch);
            } else {
                self.state = State::Done;
            }
        } else {
            let cause = Cause::NotAList("it has no resourceVersion".to_owned());
            self.fail(cx, Verb::List, cause, Step::FIRST_PAGE, None);
        }
    }

    /// The catalog holds a new state of the scope.
    fn synced(&mut self, cx: &mut Context<'_>) {
        self.strikes = 0;
        if self.replica.took_older_list() {
            self.reason = Some(RelistReason::Rewound);
        }
        if let Some(reason) = self.reason.take() {
            cx.notice(Notice::Relisted { scope: self.replica.scope.clone(), reason });
        }
    }

    /// A watch is open.
    pub(super) fn regained(&mut self, cx: &mut Context<'_>) {
        self.followed = true;
        if core::mem::take(&mut self.lost) {
            cx.notice(Notice::Reconnected { scope: self.replica.scope.clone() });
        }
    }
}
