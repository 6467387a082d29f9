//! `serve`: the registry over HTTP, until Ctrl-C or SIGTERM. What the server at the other end does
//! is reported on stderr; never to clients.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use dubbo_k8s_engine::Failure;
use dubbo_k8s_registry::kube::config::{Config, Namespaces};
use dubbo_k8s_registry::{LogLimits, Registry, Subscription, Update};
#[cfg(feature = "sandbox")]
use dubbo_k8s_watcher::handlers::Handlers;
use dubbo_k8s_watcher::serve::{self, Access, Limits, Listeners, Options, Reviewer, Tls};
use futures_util::StreamExt as _;
use tokio::net::TcpListener;

#[cfg(feature = "sandbox")]
use super::handlers;
use super::{
    arguments::{Auth, Serve},
    ended::Ended,
    explain::{Situation, explain},
    figures::counted,
    plain::{plain, plain_lines},
    session::{FirstList, Session, connect},
    signals::Signals,
    terminal,
};

pub(super) async fn run(arguments: &Serve) -> Result<(), Ended> {
    #[cfg(feature = "sandbox")]
    let prepared = handlers::prepare(&arguments.handling).await?;
    let guard = Guard::new(arguments)?;
    let session = Session::open(&arguments.reading, FirstList::InBulk)?;
    let (api, address) = listen("--bind", arguments.bind).await?;
    let probes = match arguments.probe_bind {
        Some(bind) => Some(listen("--probe-bind", bind).await?),
        None => None,
    };
    let place = session.place();
    let Session { driver, config, namespaces } = session;
    let access = guard.access(&config, namespaces)?;
    let mut signals = Signals::new()?;
    let registry = Registry::follow(driver, LogLimits::default());
    let scheme = if guard.tls.is_some() { "https" } else { "http" };
    terminal::say(&format!("serving {place} on {scheme}://{address}"));
    if let Some((_, address)) = &probes {
        terminal::say(&format!("answering probes on http://{address}"));
    }
    if let Some(missing) = serve::missing_inspector() {
        terminal::say(missing);
    }
    if !address.ip().is_loopback() && guard.auth == Auth::None {
        terminal::say("every client that reaches this address can read the registry (--auth none)");
    }
    let mut options = options(arguments);
    (options.access, options.tls) = (access, guard.tls);
    #[cfg(feature = "sandbox")]
    let handlers = prepared.map(|prepared| handlers::start(prepared, &registry));
    #[cfg(feature = "sandbox")]
    {
        options.handlers = handlers.as_ref().map(Handlers::meters);
    }
    let listeners = Listeners { api: api.into(), probes: probes.map(|(listener, _)| listener) };
    let served = serve::run(listeners, &registry, options, async move { signals.next().await });
    let situation = Situation { config: &config };
    let ended = tokio::select! {
        served = served => served.map_err(Ended::from),
        () = narrate(registry.subscribe_all(), &situation) => Err(Ended::Failed),
    };
    registry.close().await;
    ended
}

/// What stands between clients and the registry.
struct Guard {
    auth: Auth,
    audiences: Vec<String>,
    tls: Option<Tls>,
}

impl Guard {
    /// Refuses what would show the registry, or the tokens of callers, to others than the command line says.
    fn new(arguments: &Serve) -> Result<Self, Ended> {
        let misused = |message: &str| {
            terminal::say_error(message);
            Err(Ended::Misused)
        };
        let is_local = arguments.bind.ip().is_loopback();
        let auth = match arguments.auth {
            Some(auth) => auth,
            None if is_local => Auth::None,
            None => {
                return misused(&format!(
                    "{} can be reached from elsewhere: who may read?\n  \
                     --auth kubernetes lets callers see the namespaces in which they may list Pods\n  \
                     --auth none lets everybody see everything but secrets",
                    arguments.bind
                ));
            }
        };
        if auth == Auth::None && !arguments.audiences.is_empty() {
            return misused("--auth-audience is for --auth kubernetes");
        }
        let tls = match (&arguments.tls_cert, &arguments.tls_key) {
            (Some(certificate), Some(key)) => Some(Tls::new(certificate.clone(), key.clone())),
            _ if auth == Auth::Kubernetes && !is_local => {
                return misused(
                    "tokens must not cross the network in plain: --auth kubernetes needs --tls-cert \
                     and --tls-key here",
                );
            }
            _ => None,
        };
        let tls = tls.transpose().map_err(|error| {
            terminal::say_error(&plain_lines(&error.to_string()));
            Ended::Failed
        })?;
        Ok(Self { auth, audiences: arguments.audiences.clone(), tls })
    }

    fn access(&self, config: &Config, namespaces: Namespaces) -> Result<Access, Ended> {
        if self.auth == Auth::None {
            return Ok(Access::Everyone);
        }
        let client = connect(config.clone()).map_err(|error| {
            terminal::say_error(&plain_lines(&error.to_string()));
            Ended::Failed
        })?;
        let followed = match namespaces {
            Namespaces::All => None,
            Namespaces::These(names) => Some(names),
        };
        let reviewer = Reviewer::new(client, self.audiences.clone(), followed);
        Ok(Access::Kubernetes(Arc::new(reviewer)))
    }
}

pub(super) async fn listen(
    flag: &str,
    bind: SocketAddr,
) -> Result<(TcpListener, SocketAddr), Ended> {
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
pub(super) async fn narrate(mut updates: Subscription, situation: &Situation<'_>) {
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
