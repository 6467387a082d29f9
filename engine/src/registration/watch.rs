//! The watch of one Pod: says when a look at it is due. It never decides what to do about it.
//!
//! It starts without a resourceVersion, so the server first tells the Pod as it is; every
//! re-connect is a look by itself and no version can be too old. For one object the order of those
//! first events, for which lists avoid this, does not matter.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use dubbo_k8s_codec::WatchEvent;
use serde::Deserialize;

use super::own_pod::{Object, OwnPod};
use super::{PodName, RegistrationError};
use crate::backoff::Backoff;
use crate::lines::{Line, Lines};
use crate::patch::METADATA;
use crate::random::Random;
use crate::refusal::Refusal;
use crate::{Cause, Request, StreamId, TransportError, TransportErrorKind, Verb};

/// How often the Pod is read where it may not be watched.
const POLL: Duration = Duration::from_secs(30);
/// Beyond `timeoutSeconds` nothing is owed by a server.
const GRACE: Duration = Duration::from_secs(5);
/// How long the head of an answer may take. kube-apiserver queues a request for 15 s at most.
const HEAD: Duration = Duration::from_secs(30);
/// A watch that ends sooner than this counts as an error.
const SHORT: Duration = Duration::from_secs(1);
/// Kubernetes keeps no object of more than 1.5 MiB.
const LINE_LIMIT: usize = 4 << 20;
const ERROR_LIMIT: usize = 64 << 10;

/// Follows one Pod.
#[derive(Debug)]
pub(super) struct PodWatch {
    state: State,
    backoff: Backoff,
}

#[derive(Debug)]
enum State {
    Off,
    Waiting {
        until: Duration,
    },
    Open(Stream),
    /// Watching is not allowed: look from time to time.
    Polling {
        at: Duration,
    },
}

#[derive(Debug)]
struct Stream {
    id: StreamId,
    opened: Duration,
    /// When the present phase is overdue.
    due: Duration,
    /// When the whole of it is.
    end: Duration,
    /// Something was told, or the end of what there was to tell at first.
    told: bool,
    body: Body,
}

#[derive(Debug)]
enum Body {
    Sent,
    Refused { status: u16, retry_after: Option<Duration>, text: Vec<u8> },
    Events(Lines),
}

/// What a watch has to tell.
#[derive(Debug)]
pub(super) enum Sight {
    /// The Pod, at some version: perhaps older than what is known.
    Pod(OwnPod),
    /// Something happened to it: read it.
    Doubt,
    /// The credential was not accepted.
    Unauthorized,
    /// The watch broke, and is tried again.
    Broke { error: RegistrationError, retry_in: Duration },
    /// The Pod may not be watched; it is read every half minute instead.
    Polls(RegistrationError),
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    object: Object,
}

impl PodWatch {
    pub(super) fn new() -> Self {
        Self { state: State::Off, backoff: Backoff::new() }
    }

    /// Whether this exchange is the watch's.
    pub(super) fn owns(&self, id: StreamId) -> bool {
        matches!(&self.state, State::Open(stream) if stream.id == id)
    }

    /// Ends it; the exchange to cancel, if one is open.
    pub(super) fn stop(&mut self) -> Option<StreamId> {
        match core::mem::replace(&mut self.state, State::Off) {
            State::Open(stream) => Some(stream.id),
            _ => None,
        }
    }

    /// Whether a request is to be sent now.
    pub(super) fn wants_to_open(&self, now: Duration) -> bool {
        match self.state {
            State::Off => true,
            State::Waiting { until } => now >= until,
            State::Open(_) | State::Polling { .. } => false,
        }
    }

    pub(super) fn open(
        &mut self,
        now: Duration,
        id: StreamId,
        pod: &PodName,
        random: &mut Random,
    ) -> Request {
        let timeout = random.within(300, 600);
        let deadline = Duration::from_secs(timeout) + GRACE;
        let (due, end) = (now + HEAD, now + deadline);
        self.state =
            State::Open(Stream { id, opened: now, due, end, told: false, body: Body::Sent });
        Request {
            verb: Verb::Watch,
            target: format!(
                "/api/v1/namespaces/{}/pods?watch=true&allowWatchBookmarks=true\
                 &fieldSelector=metadata.name%3D{}&timeoutSeconds={timeout}",
                pod.namespace(),
                pod.name()
            ),
            accept: METADATA,
            deadline,
            ..pod.request()
        }
    }

    /// Time has passed: the exchange to cancel, and what is due.
    pub(super) fn wake(
        &mut self,
        now: Duration,
        pod: &PodName,
        random: &mut Random,
    ) -> Option<(Option<StreamId>, Sight)> {
        match &mut self.state {
            State::Polling { at } if now >= *at => {
                *at = now + POLL;
                Some((None, Sight::Doubt))
            }
            State::Open(stream) if now >= stream.due => {
                let id = stream.id;
                let kind = TransportErrorKind::Deadline;
                let error = TransportError::new(kind, "");
                Some((Some(id), self.broke(now, pod, Cause::Transport(error), None, random)))
            }
            _ => None,
        }
    }

    pub(super) fn next_wake(&self) -> Option<Duration> {
        match &self.state {
            State::Off => None,
            State::Waiting { until: at } | State::Polling { at } => Some(*at),
            State::Open(stream) => Some(stream.due),
        }
    }

    pub(super) fn head(&mut self, status: u16, retry_after: Option<Duration>) {
        let State::Open(stream) = &mut self.state else { return };
        stream.body = if status == 200 {
            stream.due = stream.end;
            Body::Events(Lines::new(LINE_LIMIT))
        } else {
            Body::Refused { status, retry_after, text: Vec::new() }
        };
    }

    /// What these bytes tell, in order, and the exchange to cancel if they end it.
    pub(super) fn chunk(
        &mut self,
        now: Duration,
        mut bytes: &[u8],
        pod: &PodName,
        random: &mut Random,
        sights: &mut Vec<Sight>,
    ) -> Option<StreamId> {
        let State::Open(stream) = &mut self.state else { return None };
        let id = stream.id;
        let mut refused = None;
        match &mut stream.body {
            Body::Sent => {}
            Body::Refused { text, .. } => {
                let room = ERROR_LIMIT.saturating_sub(text.len());
                text.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
            }
            Body::Events(lines) => {
                while let Some(line) = lines.next(&mut bytes) {
                    let first = !core::mem::replace(&mut stream.told, true);
                    match sight(line, first) {
                        Ok(sight) => sights.extend(sight),
                        Err(refusal) => {
                            refused = Some(refusal);
                            break;
                        }
                    }
                }
            }
        }
        let retry_after = refused.as_ref().and_then(|refusal| refusal.retry_after);
        let cause = refused?.into_cause();
        sights.push(self.broke(now, pod, cause, retry_after, random));
        Some(id)
    }

    /// The exchange ended, properly or not.
    pub(super) fn end(
        &mut self,
        now: Duration,
        error: Option<TransportError>,
        pod: &PodName,
        random: &mut Random,
    ) -> Option<Sight> {
        let State::Open(stream) = &mut self.state else { return None };
        if let Some(error) = error {
            return Some(self.broke(now, pod, Cause::Transport(error), None, random));
        }
        match core::mem::replace(&mut stream.body, Body::Sent) {
            Body::Refused { status, retry_after, text } => {
                let refusal = Refusal::of_response(status, retry_after, &text);
                Some(self.refused(now, status, pod, refusal, random))
            }
            _ if !stream.told || now.saturating_sub(stream.opened) < SHORT => {
                Some(self.broke(now, pod, Cause::ShortWatch, None, random))
            }
            _ => {
                self.state = State::Waiting { until: now + Backoff::spread(random) };
                None
            }
        }
    }

    fn refused(
        &mut self,
        now: Duration,
        status: u16,
        pod: &PodName,
        refusal: Refusal,
        random: &mut Random,
    ) -> Sight {
        let retry_after = refusal.retry_after;
        match status {
            401 => {
                let delay = self.backoff.after_failure(now, retry_after, random);
                self.state = State::Waiting { until: now + delay };
                Sight::Unauthorized
            }
            429 | 500.. => self.broke(now, pod, refusal.into_cause(), retry_after, random),
            _ => {
                self.state = State::Polling { at: now + POLL };
                Sight::Polls(error(pod, refusal.into_cause()))
            }
        }
    }

    fn broke(
        &mut self,
        now: Duration,
        pod: &PodName,
        cause: Cause,
        retry_after: Option<Duration>,
        random: &mut Random,
    ) -> Sight {
        let retry_in = self.backoff.after_failure(now, retry_after, random);
        self.state = State::Waiting { until: now + retry_in };
        Sight::Broke { error: error(pod, cause), retry_in }
    }
}

fn error(pod: &PodName, cause: Cause) -> RegistrationError {
    RegistrationError::Request { pod: pod.clone(), verb: Verb::Watch, cause }
}

/// What one line tells, or the refusal that ends the watch.
fn sight(line: Line<'_>, first: bool) -> Result<Option<Sight>, Refusal> {
    let Line::Whole(line) = line else { return Ok(Some(Sight::Doubt)) };
    let Ok(event) = serde_json::from_slice::<Event>(line) else { return Ok(Some(Sight::Doubt)) };
    Ok(match &*event.kind {
        "ADDED" | "MODIFIED" => {
            Some(OwnPod::try_from(event.object).map_or(Sight::Doubt, Sight::Pod))
        }
        // The first thing told is the Pod, if there is one.
        "BOOKMARK" => first.then_some(Sight::Doubt),
        "ERROR" => {
            return Err(match WatchEvent::parse(line) {
                Ok(WatchEvent::Error(status)) => Refusal::of_event(&status),
                _ => Refusal::of_response(event.object.code, None, b""),
            });
        }
        _ => Some(Sight::Doubt),
    })
}
