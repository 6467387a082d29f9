//! `watch`: every change as it comes, until Ctrl-C or a closed pipe. It never gives up on a server
//! and never lets a slow reader hold up the watch where there are threads (see `printer`).

use std::{
    pin::{Pin, pin},
    time::Duration,
};

use dubbo_k8s_engine::catalog::Scope;
use dubbo_k8s_engine::{Failure, Notice};
use dubbo_k8s_registry::host;
use dubbo_k8s_registry::kube::{Driver, config::Namespaces};

#[cfg(feature = "sandbox")]
use super::handlers;
use super::{
    arguments::{Reading, Watch, WatchOutput},
    ended::Ended,
    explain::{explain, is_final},
    narrator::{Jsonl, Narrator, Text},
    printer,
    queue::{Queue, What},
    session::{self, FirstList, Session},
    signals::Signals,
    terminal,
};

/// How long a reader has for the end of it.
const LAST_WORDS: Duration = Duration::from_millis(500);

pub(super) async fn run(arguments: &Watch) -> Result<(), Ended> {
    #[cfg(feature = "sandbox")]
    let prepared = handlers::prepare(&arguments.handling).await?;
    let mut session = Session::open(&arguments.reading, FirstList::EachKey)?;
    #[cfg(feature = "sandbox")]
    let mut fed = prepared.map(|prepared| handlers::Fed::start(prepared, &mut session.driver));
    #[cfg(feature = "sandbox")]
    let hand_on = |driver: &Driver, notices: &[Notice]| {
        if let Some(fed) = &mut fed {
            fed.publish(driver, notices);
        }
    };
    #[cfg(not(feature = "sandbox"))]
    let hand_on = |_: &Driver, _: &[Notice]| {};
    let mut signals = Signals::new()?;
    let queue = Queue::default();
    let narrator: Box<dyn Narrator + Send> = match arguments.output {
        WatchOutput::Text => Box::new(Text::new(names_needed(&session), &session.place())),
        WatchOutput::Jsonl => Box::new(Jsonl),
    };
    let mut printed = pin!(printer::print(queue.clone(), narrator));
    tokio::select! {
        () = follow(&mut session, &arguments.reading, &queue, hand_on) => {}
        printed = printed.as_mut() => return Ok(printed?),
        () = signals.next() => {}
    }
    // What is known already is still printed, if its reader reads within a moment.
    queue.close();
    Ok(host::timeout(LAST_WORDS, printed).await.unwrap_or(Ok(()))?)
}

/// Whether Pods are shown with their namespaces.
fn names_needed(session: &Session) -> bool {
    !matches!(&session.namespaces, Namespaces::These(names) if names.len() == 1)
}

/// Passes everything that happens on, to handlers and to the queue, with explanations of what a person can mend.
async fn follow(
    session: &mut Session,
    reading: &Reading,
    queue: &Queue,
    mut hand_on: impl FnMut(&Driver, &[Notice]),
) {
    let mut notices = Vec::new();
    let mut explained: Vec<(Scope, String)> = Vec::new();
    let mut refused = Refused::default();
    let mut asking: Option<Asking> = None;
    loop {
        tokio::select! {
            () = session.driver.next(&mut notices) => {}
            () = finished(&mut asking) => {
                asking = None;
                continue;
            }
        }
        hand_on(&session.driver, &notices);
        for notice in &notices {
            match notice {
                // A lost connection mends itself; what comes after may need a person.
                Notice::Failed { error, .. } => {
                    explain_once(session, error, queue, &mut explained);
                    refused.note(error);
                }
                Notice::Reconnected { scope } => explained.retain(|(known, _)| known != scope),
                Notice::Synced { .. } => {
                    explained.clear();
                    asking = Some(Box::pin(look_for_namespaces(session, reading, queue)));
                }
                _ => {}
            }
        }
        let shown = notices.drain(..).filter(|notice| !matches!(notice, Notice::Pod(_)));
        queue.push(shown.map(What::Notice));
        refused.report(session, queue);
        printer::turn().await;
    }
}

/// Something that is asked beside the watch.
type Asking = Pin<Box<dyn Future<Output = ()>>>;

async fn finished(asking: &mut Option<Asking>) {
    match asking {
        Some(asking) => asking.await,
        None => std::future::pending().await,
    }
}

/// The scopes that the server does not let us read. They are tried again for ever, so that the rest
/// would never be said to be complete.
#[derive(Default)]
struct Refused {
    scopes: Vec<Scope>,
    reported: bool,
}

impl Refused {
    fn note(&mut self, error: &Failure) {
        if is_final(error) && !self.scopes.contains(&error.scope) {
            self.scopes.push(error.scope.clone());
        }
    }

    /// Says once that everything else is there.
    fn report(&mut self, session: &Session, queue: &Queue) {
        let engine = session.driver.engine();
        let status = engine.status();
        let synced = status.scopes.iter().filter(|scope| scope.synced).count();
        let all = status.scopes.iter().all(|one| one.synced || self.scopes.contains(&one.scope));
        if self.reported || synced == 0 || synced == status.scopes.len() || !all {
            return;
        }
        self.reported = true;
        let (pods, records) = (engine.catalog().pods(), engine.catalog().records());
        queue.push([What::Notice(Notice::Synced { pods, records })]);
    }
}

/// Explains a failure at length, unless that was the last thing said about its scope.
fn explain_once(
    session: &Session,
    error: &Failure,
    queue: &Queue,
    explained: &mut Vec<(Scope, String)>,
) {
    let message = explain(error, &session.situation());
    if explained.iter().any(|(scope, said)| *scope == error.scope && *said == message) {
        return;
    }
    explained.retain(|(scope, _)| *scope != error.scope);
    explained.push((error.scope.clone(), message.clone()));
    let label = format!("{0}error:{0:#} ", terminal::ERROR);
    queue.push([What::Say(format!("{label}{message}\n  Trying again until it works."))]);
}

/// Says so if nothing is registered, and if that is because a namespace does not exist. Asking
/// takes its time beside the watch.
fn look_for_namespaces(
    session: &mut Session,
    reading: &Reading,
    queue: &Queue,
) -> impl Future<Output = ()> + use<> {
    let nothing = session.driver.engine().catalog().pods() == 0;
    let nothing = nothing.then(|| session::nothing_message(&session.place(), reading));
    let asked = session.ask_for_namespaces();
    let queue = queue.clone();
    async move {
        let missing = session::missing(asked).await;
        if !missing.is_empty() {
            let message = session::missing_message(&missing);
            let label = format!("{0}warning:{0:#} ", terminal::WARNING);
            queue.push([What::Say(format!("{label}{message}; watching for it anyway"))]);
        } else if let Some(nothing) = nothing {
            queue.push([What::Say(nothing)]);
        }
    }
}
