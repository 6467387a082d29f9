//! The watch of one Pod: says when a look at it is due. It never decides what to do about it.
//!
//! It starts without a resourceVersion, so the server first sends the Pod as it is; every
//! re-connect is a look by itself and no version can be too old. For one object the order of those
//! first events, for which lists avoid this, does not matter.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use dubbo_k8s_codec::protobuf::{self, Message};
use dubbo_k8s_codec::random::Random;
use dubbo_k8s_codec::{PodError, WatchEvent};
use serde::Deserialize;

use super::own_pod::{Annotated, OwnPod, owned};
use super::{PodName, RegistrationError};
use crate::backoff::ServerBackoff;
use crate::exchange::Refused;
use crate::lines::Line;
use crate::refusal::Refusal;
use crate::wire::{Events, Form, Raw};
use crate::{Cause, Request, StreamId, TransportError, TransportErrorKind, Verb, Wire};

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

/// Follows one Pod.
#[derive(Debug)]
pub(super) struct PodWatch {
    state: State,
    backoff: ServerBackoff,
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
    /// Something came, or the end of what there was at first.
    begun: bool,
    body: Body,
}

#[derive(Debug)]
enum Body {
    Sent,
    Refused { status: u16, refused: Refused },
    Events(Events),
}

/// What a watch has observed.
#[derive(Debug)]
pub(super) enum Observation {
    /// The Pod, at some version: perhaps older than what is known.
    Pod(OwnPod),
    /// It has changed, and has to be read.
    Changed,
    /// The credential was not accepted.
    Unauthorized,
    /// The watch broke, and is tried again.
    Broke { error: RegistrationError, retry_in: Duration },
    /// The Pod may not be watched; it is read every half minute instead.
    Polls(RegistrationError),
}

/// What [`WatchEvent`] leaves out of an event in JSON.
#[derive(Deserialize)]
struct AnnotatedEvent {
    object: Annotated,
}

impl PodWatch {
    pub(super) fn new() -> Self {
        Self { state: State::Off, backoff: ServerBackoff::new() }
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
        wire: Wire,
        random: &mut Random,
    ) -> Request {
        let timeout = random.within(300, 600);
        let deadline = Duration::from_secs(timeout) + GRACE;
        let (due, end) = (now + HEAD, now + deadline);
        self.state =
            State::Open(Stream { id, opened: now, due, end, begun: false, body: Body::Sent });
        Request {
            verb: Verb::Watch,
            target: format!(
                "/api/v1/namespaces/{}/pods?watch=true&allowWatchBookmarks=true\
                 &fieldSelector=metadata.name%3D{}&timeoutSeconds={timeout}",
                pod.namespace(),
                pod.name()
            ),
            deadline,
            gzip: true,
            ..pod.request(wire)
        }
    }

    /// Time has passed: the exchange to cancel, and what is due.
    pub(super) fn wake(
        &mut self,
        now: Duration,
        pod: &PodName,
        random: &mut Random,
    ) -> Option<(Option<StreamId>, Observation)> {
        match &mut self.state {
            State::Polling { at } if now >= *at => {
                *at = now + POLL;
                Some((None, Observation::Changed))
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

    pub(super) fn head(&mut self, status: u16, retry_after: Option<Duration>, form: Form) {
        let State::Open(stream) = &mut self.state else { return };
        stream.body = if status == 200 {
            stream.due = stream.end;
            Body::Events(Events::new(form, LINE_LIMIT))
        } else {
            Body::Refused { status, refused: Refused::new(status, retry_after, form) }
        };
    }

    /// What these bytes bring, in order, and the exchange to cancel if they end it.
    pub(super) fn chunk(
        &mut self,
        now: Duration,
        mut bytes: &[u8],
        pod: &PodName,
        random: &mut Random,
        observations: &mut Vec<Observation>,
    ) -> Option<StreamId> {
        let State::Open(stream) = &mut self.state else { return None };
        let id = stream.id;
        let mut broken = None;
        match &mut stream.body {
            Body::Sent => {}
            Body::Refused { refused, .. } => refused.keep(bytes),
            Body::Events(events) => loop {
                let raw = match events.next(&mut bytes) {
                    Ok(Some(raw)) => raw,
                    Ok(None) => break,
                    Err(what) => {
                        broken = Some((Cause::NotAWatch(what), None));
                        break;
                    }
                };
                let first = !core::mem::replace(&mut stream.begun, true);
                match observation(raw, first) {
                    Ok(observation) => observations.extend(observation),
                    Err(refusal) => {
                        let retry_after = refusal.retry_after;
                        broken = Some((refusal.into_cause(), retry_after));
                        break;
                    }
                }
            },
        }
        let (cause, retry_after) = broken?;
        observations.push(self.broke(now, pod, cause, retry_after, random));
        Some(id)
    }

    /// The exchange ended, properly or not.
    pub(super) fn end(
        &mut self,
        now: Duration,
        error: Option<TransportError>,
        pod: &PodName,
        random: &mut Random,
    ) -> Option<Observation> {
        let State::Open(stream) = &mut self.state else { return None };
        if let Some(error) = error {
            return Some(self.broke(now, pod, Cause::Transport(error), None, random));
        }
        match core::mem::replace(&mut stream.body, Body::Sent) {
            Body::Refused { status, refused } => {
                Some(self.refused(now, status, pod, refused.refusal(), random))
            }
            _ if !stream.begun || now.saturating_sub(stream.opened) < SHORT => {
                Some(self.broke(now, pod, Cause::ShortWatch, None, random))
            }
            _ => {
                self.state = State::Waiting { until: now + ServerBackoff::spread(random) };
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
    ) -> Observation {
        let retry_after = refusal.retry_after;
        match status {
            401 => {
                let delay = self.backoff.after_failure(now, retry_after, random);
                self.state = State::Waiting { until: now + delay };
                Observation::Unauthorized
            }
            429 | 500.. => self.broke(now, pod, refusal.into_cause(), retry_after, random),
            _ => {
                self.state = State::Polling { at: now + POLL };
                Observation::Polls(error(pod, refusal.into_cause()))
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
    ) -> Observation {
        let retry_in = self.backoff.after_failure(now, retry_after, random);
        self.state = State::Waiting { until: now + retry_in };
        Observation::Broke { error: error(pod, cause), retry_in }
    }
}

fn error(pod: &PodName, cause: Cause) -> RegistrationError {
    RegistrationError::Request { pod: pod.clone(), verb: Verb::Watch, cause }
}

/// What one event brings, or the refusal that ends the watch.
fn observation(raw: Raw<'_>, first: bool) -> Result<Option<Observation>, Refusal> {
    match raw {
        Raw::Line(line) => observation_of_line(line, first),
        Raw::Frame(frame) => observation_of_frame(frame, first),
    }
}

fn observation_of_frame(frame: Message<'_>, first: bool) -> Result<Option<Observation>, Refusal> {
    let event = protobuf::Event::open(frame);
    observation_of(event.event(), first, || Some(owned(event.object().annotations())))
}

fn observation_of_line(line: Line<'_>, first: bool) -> Result<Option<Observation>, Refusal> {
    let Line::Whole(line) = line else { return Ok(Some(Observation::Changed)) };
    observation_of(WatchEvent::parse(line), first, || {
        let event = serde_json::from_slice::<AnnotatedEvent>(line).ok()?;
        Some(event.object.metadata.annotations.unwrap_or_default())
    })
}

fn observation_of(
    event: Result<WatchEvent<'_>, PodError>,
    first: bool,
    annotations: impl FnOnce() -> Option<BTreeMap<String, String>>,
) -> Result<Option<Observation>, Refusal> {
    Ok(match event {
        Ok(WatchEvent::Added(pod) | WatchEvent::Modified(pod)) => {
            let pod = annotations().and_then(|annotations| OwnPod::new(&pod, annotations).ok());
            Some(pod.map_or(Observation::Changed, Observation::Pod))
        }
        // The first event is the Pod, if there is one.
        Ok(WatchEvent::Bookmark { .. }) => first.then_some(Observation::Changed),
        Ok(WatchEvent::Error(status)) => return Err(Refusal::of_event(&status)),
        _ => Some(Observation::Changed),
    })
}
