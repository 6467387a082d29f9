//! `list`: what is registered now. It ends when every namespace has been read, or cannot be, or
//! the time is up; what could be read is shown whatever happened to the rest.

use std::{
    io::{self, Write},
    pin::pin,
    time::{Duration, SystemTime},
};

use dubbo_k8s_engine::catalog::{Catalog, Scope};
use dubbo_k8s_engine::{Cause, Failure, Notice, TransportErrorKind};
use dubbo_k8s_registry::contract::View;
use dubbo_k8s_registry::host;
use dubbo_k8s_registry::kube::config::Namespaces;

use super::{
    arguments::{List, ListOutput},
    ended::Ended,
    explain::{explain, in_short, is_final},
    figures::{clock, counted},
    listing,
    plain::plain,
    session::{self, FirstList, Session},
    signals,
    terminal::{self, Progress},
    why::Why,
};

/// A server that refuses connections this many times is not there.
const TRIES: usize = 3;

pub(super) async fn run(arguments: &List) -> Result<(), Ended> {
    let mut session = Session::open(&arguments.reading, FirstList::Once)?;
    let outcome = load(&mut session, arguments.timeout).await?;
    let read = session.driver.engine().status().scopes.iter().any(|scope| scope.synced);
    let missing = if read {
        let asked = session.ask_for_namespaces();
        session::missing(asked).await
    } else {
        Vec::new()
    };
    let well = match &arguments.why {
        Some(consumer) if read => show_why(&session, arguments, consumer)?,
        _ if read => show(&session, arguments, &missing).map(|()| true)?,
        _ => true,
    };
    let unknown = !missing.is_empty() && session.driver.engine().catalog().pods() == 0;
    if !missing.is_empty() {
        terminal::say_error(&session::missing_message(&missing));
    }
    for message in outcome.messages(&session, arguments.timeout) {
        terminal::say_error(&message);
    }
    if outcome.is_whole() && !unknown && well { Ok(()) } else { Err(Ended::Failed) }
}

/// How loading ended.
#[derive(Debug, Default)]
struct Outcome {
    attempts: Vec<Attempts>,
    timed_out: bool,
}

/// The failures of one scope in a row.
#[derive(Debug)]
struct Attempts {
    last: Failure,
    count: usize,
}

impl Attempts {
    /// Whether trying on is of no use.
    fn is_hopeless(&self) -> bool {
        let unreachable = match &self.last.cause {
            Cause::Transport(error) => {
                matches!(error.kind, TransportErrorKind::Connect | TransportErrorKind::Resolve)
            }
            _ => false,
        };
        is_final(&self.last) || (unreachable && self.count >= TRIES)
    }
}

impl Outcome {
    fn note(&mut self, failure: Failure) {
        match self.attempts.iter_mut().find(|it| it.last.scope == failure.scope) {
            Some(attempts) => {
                attempts.count += 1;
                attempts.last = failure;
            }
            None => self.attempts.push(Attempts { last: failure, count: 1 }),
        }
    }

    fn of(&self, scope: &Scope) -> Option<&Attempts> {
        self.attempts.iter().find(|attempts| attempts.last.scope == *scope)
    }

    fn is_whole(&self) -> bool {
        self.attempts.is_empty() && !self.timed_out
    }

    /// What to say about it: one message for each different cause.
    fn messages(&self, session: &Session, timeout: Duration) -> Vec<String> {
        let mut messages: Vec<String> = Vec::new();
        for attempts in &self.attempts {
            let message = explain(&attempts.last, &session.situation());
            if !messages.contains(&message) {
                messages.push(message);
            }
        }
        if self.timed_out && messages.is_empty() {
            messages.push(format!(
                "the list was not complete after {} seconds; --timeout gives it longer\n  \
                 server: {} (from {})",
                timeout.as_secs(),
                session.config.server,
                plain(&session.config.origin)
            ));
        }
        messages
    }
}

async fn load(session: &mut Session, timeout: Duration) -> Result<Outcome, Ended> {
    let mut outcome = Outcome::default();
    let mut progress = Progress::new();
    let mut notices = Vec::new();
    let mut deadline = pin!(host::sleep(timeout));
    loop {
        tokio::select! {
            () = session.driver.next(&mut notices) => {}
            () = deadline.as_mut() => outcome.timed_out = true,
            () = signals::ctrl_c() => {
                progress.clear();
                return Err(Ended::Interrupted);
            }
        }
        for notice in notices.drain(..) {
            match notice {
                Notice::Progress { pods, .. } => progress.show(&format!("reading: {pods} Pods")),
                Notice::Failed { error, .. } | Notice::Disconnected { error, .. } => {
                    progress.show(&format!("{}; trying again", in_short(&error)));
                    outcome.note(error);
                }
                _ => {}
            }
        }
        let status = session.driver.engine().status();
        let synced = |scope: &Scope| status.scopes.iter().any(|it| it.synced && it.scope == *scope);
        let settled = status
            .scopes
            .iter()
            .all(|it| it.synced || outcome.of(&it.scope).is_some_and(Attempts::is_hopeless));
        if settled || outcome.timed_out {
            outcome.attempts.retain(|attempts| !synced(&attempts.last.scope));
            return Ok(outcome);
        }
    }
}

fn show(session: &Session, arguments: &List, missing: &[String]) -> Result<(), Ended> {
    let engine = session.driver.engine();
    let catalog = engine.catalog();
    if arguments.output == ListOutput::Json {
        let mut out = terminal::data();
        let snapshot = View::of(engine, session.driver.now());
        serde_json::to_writer(&mut *out, &snapshot).map_err(io::Error::from)?;
        writeln!(out)?;
        return Ok(out.flush()?);
    }
    let mut out = terminal::stdout();
    let wide = arguments.output == ListOutput::Wide;
    let one_namespace = matches!(&session.namespaces, Namespaces::These(names) if names.len() == 1);
    let listing = listing::Listing::of(catalog, wide, !one_namespace);
    if listing.is_empty() {
        if missing.is_empty() {
            terminal::say(&session::nothing_message(&session.place(), &arguments.reading));
        }
    } else {
        terminal::say(&caption(&listing, catalog, &session.short_place()));
        let columns = if wide { None } else { terminal::stdout_columns() };
        listing.write(&mut out, columns)?;
        out.flush()?;
    }
    say_problems(catalog);
    Ok(())
}

/// Shows what the consumers of a Pod do; whether there are some and each calls a provider.
fn show_why(session: &Session, arguments: &List, consumer: &str) -> Result<bool, Ended> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let now_ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
    let why = Why::of(session.driver.engine().catalog(), consumer, now_ms);
    if arguments.output == ListOutput::Json {
        let mut out = terminal::data();
        serde_json::to_writer(&mut *out, &why).map_err(io::Error::from)?;
        writeln!(out)?;
        out.flush()?;
    } else {
        let mut out = terminal::stdout();
        why.write(&mut *out)?;
        out.flush()?;
    }
    let place = session.place();
    if why.is_empty() {
        terminal::say_error(&format!("no Pod {} consumes anything in {place}", plain(consumer)));
    } else if why.lacks_a_provider() && !matches!(session.namespaces, Namespaces::All) {
        terminal::say(&format!("only {place} was read; with -A all namespaces are"));
    }
    Ok(!why.is_empty() && why.is_well())
}

fn caption(listing: &listing::Listing, catalog: &Catalog, place: &str) -> String {
    format!(
        "{0}{1} in {2}, {place}, as of {3}{0:#}",
        terminal::DIM,
        listing.summary(),
        counted(catalog.pods(), "Pod"),
        clock(SystemTime::now()),
    )
}

fn say_problems(catalog: &Catalog) {
    const SHOWN: usize = 20;
    let problems: Vec<_> = catalog.problems().collect();
    if problems.is_empty() {
        return;
    }
    terminal::say(&format!("{0}{1}:{0:#}", terminal::WARNING, counted(problems.len(), "problem")));
    for problem in problems.iter().take(SHOWN) {
        let (namespace, pod) = (plain(&problem.holder.namespace), plain(&problem.holder.pod));
        terminal::say(&format!("  {namespace}/{pod}: {}", plain(&problem.error.to_string())));
    }
    if problems.len() > SHOWN {
        terminal::say(&format!("  … and {} more; -o json has them", problems.len() - SHOWN));
    }
}
