//! `register` and `unregister`: the records of one Pod. With `--hold` it stays until a signal asks it to
//! end, and takes its records out then.

use std::io::Write as _;
use std::sync::Arc;

use dubbo_k8s_engine::Wire;
use dubbo_k8s_engine::registration::{Edit, Outcome, RegistrarNotice, RegistryUrl};

use super::{
    arguments::{Register, Unregister},
    ended::Ended,
    own_pod::{Desk, Manner, TIMEOUT, check, warn},
    plain::plain,
    signals::Signals,
    terminal,
};

pub(super) async fn run(arguments: &Register) -> Result<(), Ended> {
    let urls = check(&arguments.urls, RegistryUrl::parse)?;
    for (url, text) in &urls {
        url.warnings().iter().for_each(|warning| warn(&format!("{}: {warning}", plain(text))));
    }
    let manner = Manner {
        label_value: arguments.label_value.clone(),
        hold: arguments.hold,
        dry_run: arguments.dry_run,
        trust: (!arguments.force).then(|| arguments.trusting.trust()),
        ..Manner::default()
    };
    let mut desk = Desk::open(&arguments.own.connection, arguments.own.place(), manner)?;
    let mut signals = Signals::new()?;
    let keys: Vec<Arc<str>> = urls.iter().map(|(url, _)| Arc::clone(url.key())).collect();
    // Held until a signal: a server that is away at the start is waited for.
    let timeout = (!arguments.hold).then_some(TIMEOUT);
    let ticket = desk.driver.submit(Edit::Add(keys.clone()), timeout);
    let outcome = tokio::select! {
        outcome = desk.settle(ticket) => outcome,
        () = signals.next() => return give_up(desk, keys, signals).await,
    };
    let outcome = outcome.map_err(|error| {
        desk.reporter.say_failure(&error);
        Ended::Failed
    })?;
    tell_patch(&outcome, arguments.dry_run)?;
    report(&desk, &urls, &outcome, arguments.dry_run, ["registered", "was registered already"])?;
    if let Some(value) = outcome.overlooked_label() {
        warn(&format!(
            "the Pod's label is dubbo.io/label={}: who reads the registry without -l does not look \
             there\n  --label-value dubbo.io-value changes it.",
            plain(value)
        ));
    }
    if arguments.hold && !arguments.dry_run {
        return hold(desk, keys, signals).await;
    }
    Ok(())
}

pub(super) async fn unregister(arguments: &Unregister) -> Result<(), Ended> {
    let urls = check(&arguments.urls, RegistryUrl::registered)?;
    let manner = Manner { dry_run: arguments.dry_run, ..Manner::default() };
    let mut desk = Desk::open(&arguments.own.connection, arguments.own.place(), manner)?;
    let edit = if arguments.all {
        Edit::Clear
    } else {
        Edit::Remove(urls.iter().map(|(url, _)| Arc::clone(url.key())).collect())
    };
    let ticket = desk.driver.submit(edit, Some(TIMEOUT));
    let outcome = desk.settle(ticket).await.map_err(|error| {
        desk.reporter.say_failure(&error);
        Ended::Failed
    })?;
    tell_patch(&outcome, arguments.dry_run)?;
    if !arguments.all {
        return report(
            &desk,
            &urls,
            &outcome,
            arguments.dry_run,
            ["unregistered", "was not registered"],
        );
    }
    let mut out = terminal::stdout();
    let would = if arguments.dry_run { "would be " } else { "" };
    match (&outcome.patch, outcome.cleared) {
        (None, _) => writeln!(out, "nothing was registered in Pod {}", desk.reporter.pod)?,
        (Some(_), 0) => {
            writeln!(out, "the annotation of Pod {} {would}removed", desk.reporter.pod)?;
        }
        (Some(_), count) => {
            writeln!(out, "all {count} records of Pod {} {would}unregistered", desk.reporter.pod)?;
        }
    }
    Ok(out.flush()?)
}

/// Keeps what was registered until a signal comes or the Pod goes.
async fn hold(mut desk: Desk, keys: Vec<Arc<str>>, mut signals: Signals) -> Result<(), Ended> {
    let many = if keys.len() == 1 { "the URL" } else { "the URLs" };
    terminal::say(&format!("holding {many} in Pod {} until Ctrl-C or SIGTERM", desk.reporter.pod));
    let mut notices = Vec::new();
    loop {
        tokio::select! {
            () = desk.driver.next(&mut notices) => {}
            () = signals.next() => return give_up(desk, keys, signals).await,
        }
        for notice in notices.drain(..) {
            if let RegistrarNotice::Lost(error) = &notice {
                desk.reporter.say_failure(error);
                return Err(Ended::Failed);
            }
            desk.reporter.say(&notice);
        }
    }
}

/// Takes out what was registered, or may have been. A second signal ends it at once.
async fn give_up(mut desk: Desk, keys: Vec<Arc<str>>, mut signals: Signals) -> Result<(), Ended> {
    terminal::say(&format!("unregistering in Pod {}", desk.reporter.pod));
    let ticket = desk.driver.submit(Edit::Remove(keys), Some(TIMEOUT));
    tokio::select! {
        outcome = desk.settle(ticket) => match outcome {
            Ok(_) => Ok(()),
            Err(error) => {
                desk.reporter.say_failure(&error);
                Err(Ended::Failed)
            }
        },
        () = signals.next() => Err(Ended::Interrupted),
    }
}

/// The patch of a dry run, as it would be sent.
fn tell_patch(outcome: &Outcome, dry_run: bool) -> Result<(), Ended> {
    let Some(patch) = outcome.patch.as_ref().filter(|_| dry_run) else { return Ok(()) };
    let mut out = terminal::stdout();
    let request = patch.request(Wire::default());
    writeln!(out, "{} {}", request.verb.method(), request.target)?;
    writeln!(out, "Content-Type: {}\n", request.content_type.unwrap_or_default())?;
    out.write_all(&request.body)?;
    writeln!(out)?;
    Ok(out.flush()?)
}

/// What became of each URL. A dry run's are messages, its patch is the data.
fn report(
    desk: &Desk,
    urls: &[(RegistryUrl, &str)],
    outcome: &Outcome,
    dry_run: bool,
    [done, not_needed]: [&str; 2],
) -> Result<(), Ended> {
    let mut out = terminal::stdout();
    for (url, text) in urls {
        let (changed, text) = (outcome.changed.contains(url.key()), plain(text));
        let (interface, pod) = (plain(url.interface()), &desk.reporter.pod);
        match (dry_run, changed) {
            (true, true) => terminal::say(&format!("would be {done} in Pod {pod}: {text}")),
            (true, false) => terminal::say(&format!("{not_needed} in Pod {pod}: {text}")),
            (false, true) => {
                writeln!(out, "{done} in Pod {pod}: {} {interface}  {text}", url.category())?;
            }
            (false, false) => {
                writeln!(out, "{not_needed} in Pod {pod}: {} {interface}  {text}", url.category())?;
            }
        }
    }
    Ok(out.flush()?)
}
