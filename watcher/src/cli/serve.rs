//! `serve`: the registry over HTTP, until Ctrl-C or SIGTERM. What the server at the other end does
//! is told on stderr; clients never are.

use std::{net::SocketAddr, time::Duration};

use dubbo_k8s_engine::Failure;
use dubbo_k8s_registry::{LogLimits, Registry, Subscription, Update};
#[cfg(feature = "sandbox")]
use dubbo_k8s_watcher::handlers::Handlers;
use dubbo_k8s_watcher::serve::{self, Limits, Listeners, Options};
use futures_util::StreamExt as _;
use tokio::net::TcpListener;

#[cfg(feature = "sandbox")]
use super::handlers;
use super::{
    Ended,
    arguments::Serve,
    explain::{Situation, explain},
    list::counted,
    plain::plain,
    session::{FirstList, Session},
    signals::Signals,
    terminal,
};

pub(super) async fn run(arguments: &Serve) -> Result<(), Ended> {
    #[cfg(feature = "sandbox")]
    let prepared = handlers::prepare(&arguments.handling).await?;
    let session = Session::open(&arguments.reading, FirstList::InBulk)?;
    let (api, address) = listen("--bind", arguments.bind).await?;
    let probes = match arguments.probe_bind {
        Some(bind) => Some(listen("--probe-bind", bind).await?),
        None => None,
    };
    let place = session.place();
    let Session { driver, config, .. } = session;
    let mut signals = Signals::new()?;
    let registry = Registry::follow(driver, LogLimits::default());
    terminal::say(&format!("serving {place} on http://{address}"));
    if let Some((_, address)) = &probes {
        terminal::say(&format!("answering probes on http://{address}"));
    }
    if !address.ip().is_loopback() {
        terminal::say("anybody who reaches this address can read the registry");
    }
    #[cfg_attr(not(feature = "sandbox"), expect(unused_mut, reason = "only handlers add to them"))]
    let mut options = options(arguments);
    #[cfg(feature = "sandbox")]
    let handlers = prepared.map(|prepared| handlers::start(prepared, &registry));
    #[cfg(feature = "sandbox")]
    {
        options.handlers = handlers.as_ref().map(Handlers::meters);
    }
    let listeners = Listeners { api, probes: probes.map(|(listener, _)| listener) };
    let served = serve::run(listeners, &registry, options, async move { signals.next().await });
    let situation = Situation { config: &config };
    let ended = tokio::select! {
        served = served => served.map_err(Ended::from),
        () = narrate(registry.subscribe_all(), &situation) => Err(Ended::Failed),
    };
    registry.close().await;
    ended
}

async fn listen(flag: &str, bind: SocketAddr) -> Result<(TcpListener, SocketAddr), Ended> {
    let listening = async {
        let listener = TcpListener::bind(bind).await?;
        let address = listener.local_addr()?;
        Ok::<_, std::io::Error>((listener, address))
    };
    listening.await.map_err(|error| {
        terminal::say_error(&format!("cannot serve on {bind}: {error}\n  {flag} takes another"));
        Ended::Failed
    })
}

fn options(arguments: &Serve) -> Options {
    let clients = usize::from(arguments.max_clients);
    let of_peer = arguments.max_clients_per_peer.map_or((clients / 4).max(1), usize::from);
    // The rest of them is for short requests.
    let streams = |clients: usize| (clients * 3 / 4).max(1);
    Options {
        allowed_hosts: arguments.names.clone(),
        stale_after: arguments.stale_after,
        limits: Limits {
            clients,
            clients_of_peer: of_peer,
            streams: streams(clients),
            streams_of_peer: streams(of_peer),
            ..Limits::default()
        },
        ..Options::default()
    }
}

/// Says how it stands with the server, until the registry ends.
async fn narrate(mut updates: Subscription, situation: &Situation<'_>) {
    let mut explained = String::new();
    while let Some(update) = updates.next().await {
        match update {
            Update::Synced { pods, records } => {
                let (pods, records) = (counted(pods, "Pod"), counted(records, "record"));
                terminal::say(&format!("in sync: {records} of {pods}"));
                explained.clear();
            }
            Update::Disconnected { error, retry_in, .. } => {
                terminal::say(&format!(
                    "lost the server: {}; {}",
                    plain(&error.to_string()),
                    again(retry_in)
                ));
            }
            Update::Failed { error, .. } => explain_once(&error, situation, &mut explained),
            Update::Reconnected { .. } => {
                terminal::say("the server is back");
                explained.clear();
            }
            Update::Relisted { reason, .. } => {
                terminal::say(&format!("read anew: {}", plain(&reason.to_string())));
            }
            _ => {}
        }
    }
}

/// Explains a failure at length, unless that was the last thing said.
fn explain_once(error: &Failure, situation: &Situation<'_>, explained: &mut String) {
    let message = explain(error, situation);
    if *explained != message {
        terminal::say_error(&format!("{message}\n  Trying again until it works."));
        *explained = message;
    }
}

fn again(retry_in: Duration) -> String {
    format!("trying again in {:.1} s", retry_in.as_secs_f64())
}
