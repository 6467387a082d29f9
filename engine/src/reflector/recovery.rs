//! What follows from a refusal, a broken exchange, or one that came to nothing.

use super::{
    CUTS, Cause, Context, Duration, Exchange, Failure, Kind, Notice, Reflector, Refusal,
    RelistReason, STRIKES, ServerBackoff, State, Step, TransportError, TransportErrorKind, Verb,
};
use alloc::string::String;
use alloc::string::ToString as _;

impl Reflector {
    /// The server answered with an error status.
    pub(super) fn refused(&mut self, cx: &mut Context<'_>, exchange: Exchange, refusal: Refusal) {
        if refusal.kind == Kind::Unauthorized && !exchange.refreshed {
            cx.refresh_credential(exchange.stream);
            return self.open(cx, exchange.step, true);
        }
        match exchange.step {
            Step::StreamingList => self.streaming_refused(cx, refusal),
            Step::Page { token, whole } => self.page_refused(cx, token, whole, refusal),
            Step::Watch => self.watch_refused(cx, refusal),
        }
    }

    /// The server broke off a watch with an ERROR event.
    pub(super) fn watch_error(&mut self, cx: &mut Context<'_>, refusal: Refusal) {
        let Some(exchange) = self.close(cx) else { return };
        cx.cancel(exchange.stream);
        match (exchange.step, refusal.kind) {
            (Step::StreamingList, _) => self.streaming_refused(cx, refusal),
            (_, Kind::Server) => {
                self.read_anew(cx, RelistReason::WatchError(refusal.into_message()));
            }
            _ => self.watch_refused(cx, refusal),
        }
    }

    fn streaming_refused(&mut self, cx: &mut Context<'_>, refusal: Refusal) {
        match refusal.kind {
            Kind::Later | Kind::Unauthorized => {
                self.fail_refused(cx, Verb::Watch, Step::StreamingList, refusal);
            }
            Kind::Expired | Kind::TooLarge => {
                self.list_version_refused(cx, Step::StreamingList, refusal);
            }
            Kind::Request => {
                self.streaming.refused = true;
                self.send(cx, Step::FIRST_PAGE);
            }
            Kind::Forbidden | Kind::Server => self.send(cx, Step::FIRST_PAGE),
        }
    }

    fn page_refused(&mut self, cx: &mut Context<'_>, token: String, whole: bool, refusal: Refusal) {
        let later = !token.is_empty();
        match refusal.kind {
            // The token in such a Status would go on with another state than the one begun.
            Kind::Expired if later => {
                self.send(cx, Step::Page { token: String::new(), whole: true });
            }
            Kind::Expired | Kind::TooLarge => {
                self.list_version_refused(cx, Step::Page { token: String::new(), whole }, refusal);
            }
            Kind::Later | Kind::Unauthorized | Kind::Server => {
                let step =
                    if later || whole { Step::Page { token, whole } } else { self.sync_step(cx) };
                self.fail_refused(cx, Verb::List, step, refusal);
            }
            Kind::Forbidden | Kind::Request => {
                self.fail_refused(cx, Verb::List, self.sync_step(cx), refusal);
            }
        }
    }

    /// A list must be as new as what is held, and the server does not have that (any more): ask
    /// for the newest there is. A server that is behind gets time first.
    fn list_version_refused(&mut self, cx: &mut Context<'_>, step: Step, refusal: Refusal) {
        let asked = self.replica.refuse_version();
        match refusal.kind {
            Kind::Expired if asked => self.send(cx, step),
            Kind::TooLarge if asked && self.replica.synced => {
                self.reason = Some(RelistReason::Rewound);
                self.pause(cx, step);
            }
            _ => self.fail_refused(cx, step.verb(), step, refusal),
        }
    }

    fn watch_refused(&mut self, cx: &mut Context<'_>, refusal: Refusal) {
        match refusal.kind {
            Kind::Expired => self.read_anew(cx, RelistReason::Expired),
            Kind::TooLarge => {
                self.replica.refuse_version();
                self.read_anew(cx, RelistReason::Rewound);
            }
            Kind::Later | Kind::Unauthorized | Kind::Forbidden => {
                self.fail_refused(cx, Verb::Watch, Step::Watch, refusal);
            }
            Kind::Request => {
                self.reason = Some(RelistReason::WatchError(refusal.clone().into_message()));
                self.fail_refused(cx, Verb::Watch, self.sync_step(cx), refusal);
            }
            Kind::Server => {
                let retry_after = refusal.retry_after;
                self.struck(cx, refusal.into_cause(), retry_after);
            }
        }
    }

    /// The exchange broke. Whatever was begun goes on where it was; only initial events start again.
    pub(super) fn broken(
        &mut self,
        cx: &mut Context<'_>,
        exchange: Exchange,
        error: TransportError,
    ) {
        let answered = exchange.has_answered();
        let kind = error.kind;
        let cause = Cause::Transport(error);
        if kind != TransportErrorKind::Deadline {
            self.streaming.refused = false;
        }
        match exchange.step {
            Step::StreamingList if answered => self.cut(cx, cause),
            Step::StreamingList => self.fail(cx, Verb::Watch, cause, Step::StreamingList, None),
            Step::Page { token, whole } if token.is_empty() => {
                self.streaming.cut += u8::from(whole && answered);
                self.fail(cx, Verb::List, cause, self.sync_step(cx), None);
            }
            step @ Step::Page { .. } => self.fail(cx, Verb::List, cause, step, None),
            Step::Watch => self.fail(cx, Verb::Watch, cause, Step::Watch, None),
        }
    }

    /// A deadline has passed.
    pub(super) fn overdue(&mut self, cx: &mut Context<'_>) {
        let Some(exchange) = self.close(cx) else { return };
        cx.cancel(exchange.stream);
        if let Some(refusal) = exchange.phase.refusal() {
            return self.refused(cx, exchange, refusal);
        }
        if exchange.step == Step::StreamingList && exchange.has_answered() {
            self.streaming.refused = true;
            self.announce(cx, Verb::Watch, Cause::NoClosingBookmark, Duration::ZERO);
            return self.send(cx, Step::FIRST_PAGE);
        }
        let error = TransportError::new(TransportErrorKind::Deadline, "");
        self.broken(cx, exchange, error);
    }

    /// The initial events broke off before they were complete.
    pub(super) fn cut(&mut self, cx: &mut Context<'_>, cause: Cause) {
        self.streaming.cut += 1;
        let step = if self.streaming.cut < CUTS {
            Step::StreamingList
        } else {
            self.streaming.cut = 0;
            Step::FIRST_PAGE
        };
        self.fail(cx, Verb::Watch, cause, step, None);
    }

    /// The server closed a watch, as it does when it has lasted as long as was asked.
    pub(super) fn watch_ended(&mut self, cx: &mut Context<'_>, early: bool) {
        self.strikes = 0;
        let wait = if early { ServerBackoff::spread(&mut self.random) } else { Duration::ZERO };
        self.wait(cx.now + wait, Step::Watch);
        self.wake(cx);
    }

    /// A watch came to nothing. The same version is tried again, but not for ever.
    pub(super) fn struck(
        &mut self,
        cx: &mut Context<'_>,
        cause: Cause,
        retry_after: Option<Duration>,
    ) {
        self.strikes += 1;
        let mut step = Step::Watch;
        if self.strikes == STRIKES {
            self.strikes = 0;
            self.reason = Some(RelistReason::WatchError(cause.to_string()));
            step = self.sync_step(cx);
        }
        self.fail(cx, Verb::Watch, cause, step, retry_after);
    }

    /// The watch cannot go on from the version that is held. No failure: it is how the protocol
    /// catches up. But many clients learn it at the same moment, so it waits as well.
    pub(super) fn read_anew(&mut self, cx: &mut Context<'_>, reason: RelistReason) {
        self.reason = Some(reason);
        self.followed = false;
        self.pause(cx, self.sync_step(cx));
    }

    fn fail_refused(&mut self, cx: &mut Context<'_>, verb: Verb, step: Step, refusal: Refusal) {
        let retry_after = refusal.retry_after;
        self.fail(cx, verb, refusal.into_cause(), step, retry_after);
    }

    /// Reports a failure and tries `step` after a wait.
    pub(super) fn fail(
        &mut self,
        cx: &mut Context<'_>,
        verb: Verb,
        cause: Cause,
        step: Step,
        retry_after: Option<Duration>,
    ) {
        let retry_in = self.backoff.after_failure(cx.now, retry_after, &mut self.random);
        self.announce(cx, verb, cause, retry_in);
        self.wait(cx.now + retry_in, step);
    }

    fn announce(&mut self, cx: &mut Context<'_>, verb: Verb, cause: Cause, retry_in: Duration) {
        let scope = self.replica.scope.clone();
        let error = Failure { verb, scope: scope.clone(), cause };
        self.followed = false;
        let news = self.replica.synced && !core::mem::replace(&mut self.lost, self.replica.synced);
        cx.notice(if news {
            Notice::Disconnected { scope, error, retry_in }
        } else {
            Notice::Failed { error, retry_in }
        });
    }

    fn pause(&mut self, cx: &Context<'_>, step: Step) {
        let wait = self.backoff.after_failure(cx.now, None, &mut self.random);
        self.wait(cx.now + wait, step);
    }

    pub(super) fn wait(&mut self, until: Duration, step: Step) {
        self.state = State::Waiting { until, step };
    }
}
