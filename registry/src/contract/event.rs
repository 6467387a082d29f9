//! One thing that happened, as a line of `watch -o jsonl`.

use dubbo_k8s_engine::catalog::{Change, ProblemChange, ProblemKind, Scope};
use serde::Serialize;

use dubbo_k8s_engine::{Cause, Failure, Notice};

/// A notice of the core in the shape of the contract.
///
/// `added`, `updated` and `removed` are per key; `problem` and `resolved` per unreadable thing;
/// `synced`, `relisted`, `disconnected` and `reconnected` say how current the rest is. The
/// namespace of the latter is null when all namespaces are followed at once.
#[derive(Debug, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Event<'a> {
    /// `added`, `updated` or `removed`.
    Change(&'a Change),
    /// Everything else; the member `event` is its name.
    Other(Other<'a>),
}

/// An event that is not about a key.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "lowercase", rename_all_fields = "camelCase")]
pub enum Other<'a> {
    /// Something cannot be read.
    Problem {
        /// What, and whose.
        #[serde(flatten)]
        problem: &'a dubbo_k8s_engine::catalog::PodProblem,
    },
    /// That is over.
    Resolved {
        /// What it was.
        #[serde(flatten)]
        problem: &'a dubbo_k8s_engine::catalog::PodProblem,
    },
    /// Everything that was there at the start has been sent.
    Synced {
        /// Pods that carry records.
        pods: usize,
        /// Distinct records.
        records: usize,
    },
    /// A scope was read from the start again; what had changed came just before.
    Relisted {
        /// Which namespace.
        namespace: Option<&'a str>,
        /// Why, in a sentence.
        reason: String,
        /// Why, in a word that never changes its meaning.
        code: &'static str,
    },
    /// The server cannot be followed at present; it is tried again.
    Disconnected {
        /// Which namespace.
        namespace: Option<&'a str>,
        /// Why, in a sentence.
        error: String,
        /// Why, in a word that never changes its meaning.
        code: &'static str,
        /// The HTTP status, where the server refused.
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
        /// When the next attempt starts.
        retry_in_ms: u128,
    },
    /// It is followed again.
    Reconnected {
        /// Which namespace.
        namespace: Option<&'a str>,
    },
}

impl<'a> Event<'a> {
    /// The event of a notice; some notices are no event.
    pub fn of(notice: &'a Notice) -> Option<Self> {
        let other = match notice {
            Notice::Change(change) => return Some(Self::Change(change)),
            Notice::Problem(ProblemChange { kind: ProblemKind::Raised, problem }) => {
                Other::Problem { problem }
            }
            Notice::Problem(ProblemChange { kind: ProblemKind::Cleared, problem }) => {
                Other::Resolved { problem }
            }
            Notice::Synced { pods, records } => Other::Synced { pods: *pods, records: *records },
            Notice::Relisted { scope, reason } => Other::Relisted {
                namespace: namespace(scope),
                reason: reason.to_string(),
                code: reason.code(),
            },
            Notice::Disconnected { scope, error, retry_in } => {
                disconnected(scope, error, retry_in.as_millis())
            }
            Notice::Failed { error, retry_in } => {
                disconnected(&error.scope, error, retry_in.as_millis())
            }
            Notice::Reconnected { scope } => Other::Reconnected { namespace: namespace(scope) },
            // What only the driver, or a reader of the whole state, is concerned with.
            _ => return None,
        };
        Some(Self::Other(other))
    }

    /// Its name, as in the member `event`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Change(change) => change.kind.as_str(),
            Self::Other(Other::Problem { .. }) => "problem",
            Self::Other(Other::Resolved { .. }) => "resolved",
            Self::Other(Other::Synced { .. }) => "synced",
            Self::Other(Other::Relisted { .. }) => "relisted",
            Self::Other(Other::Disconnected { .. }) => "disconnected",
            Self::Other(Other::Reconnected { .. }) => "reconnected",
        }
    }
}

fn disconnected<'a>(scope: &'a Scope, error: &Failure, retry_in_ms: u128) -> Other<'a> {
    let status = match error.cause {
        Cause::Refused { status, .. } => Some(status),
        _ => None,
    };
    Other::Disconnected {
        namespace: namespace(scope),
        error: error.to_string(),
        code: error.cause.code(),
        status,
        retry_in_ms,
    }
}

fn namespace(scope: &Scope) -> Option<&str> {
    match scope {
        Scope::All => None,
        Scope::Namespace(name) => Some(name),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use dubbo_k8s_codec::{Pod, Record, encode};
    use dubbo_k8s_engine::catalog::{Catalog, Changes, Liveness};
    use dubbo_k8s_engine::{RelistReason, TransportError, TransportErrorKind, Verb};
    use serde_json::{Map, Value};

    use super::*;

    /// What a catalog reports of a Pod that carries a record, and then something that cannot be read, and then nothing.
    fn changes() -> Changes {
        let (mut catalog, mut changes) = (Catalog::new(Liveness::default()), Changes::default());
        let key = "/dubbo/a.B/providers/dubbo%3A%2F%2F10.0.0.1%3A20880%2Fa.B";
        for annotation in [encode([Record::new(key)]), "!".to_owned(), encode([])] {
            let pod = Pod {
                namespace: "shop".into(),
                name: "a".into(),
                uid: "1".into(),
                label: Some("dubbo.io-value".into()),
                annotation: Some(annotation.into()),
                ips: vec!["10.0.0.1".parse().unwrap()],
                ..Pod::default()
            };
            catalog.observe(&pod, &mut changes);
        }
        changes
    }

    #[test]
    fn each_event_has_the_members_that_programs_read() {
        let Changes { changes, problems, .. } = changes();
        let mut notices: Vec<Notice> = changes.into_iter().map(Notice::Change).collect();
        notices.extend(problems.into_iter().map(Notice::Problem));
        let scope = Scope::Namespace("shop".into());
        let refused = Cause::Refused { status: 403, reason: String::new(), message: String::new() };
        let cut = TransportError::new(TransportErrorKind::Interrupted, "cut");
        for cause in [refused, Cause::Transport(cut)] {
            let error = Failure { verb: Verb::Watch, scope: scope.clone(), cause };
            let retry_in = Duration::from_secs(1);
            notices.push(Notice::Disconnected { scope: scope.clone(), error, retry_in });
        }
        let reason = RelistReason::Expired;
        notices.extend([
            Notice::Reconnected { scope: scope.clone() },
            Notice::Relisted { scope, reason },
            Notice::Synced { pods: 1, records: 1 },
        ]);
        let members = notices.iter().map(|notice| {
            let event = Event::of(notice).unwrap();
            let json: Map<String, Value> =
                serde_json::from_str(&serde_json::to_string(&event).unwrap()).unwrap();
            assert_eq!(json["event"], event.name());
            let mut names: Vec<_> = json.keys().map(String::as_str).collect();
            names.sort_unstable();
            format!("{}: {}", event.name(), names.join(" "))
        });
        let change = "category event key namespace pod resourceVersion service uid url value";
        assert_eq!(
            members.collect::<Vec<_>>(),
            [
                &*format!("added: {change}"),
                &*format!("removed: {change}"),
                "problem: error event namespace pod uid",
                "resolved: error event namespace pod uid",
                "disconnected: code error event namespace retryInMs status",
                "disconnected: code error event namespace retryInMs",
                "reconnected: event namespace",
                "relisted: code event namespace reason",
                "synced: event pods records",
            ]
        );
    }
}
