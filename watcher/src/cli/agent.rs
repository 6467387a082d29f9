//! `agent`: the registry for the applications of one Pod, on a Unix socket, until Ctrl-C or SIGTERM. What the server at
//! the other end does is reported on stderr; clients never are.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use dubbo_k8s_engine::registration::{RegistrarNotice, RegistrationError};
use dubbo_k8s_registry::{LogLimits, Registry};
use dubbo_k8s_watcher::agent::{Agent, News};
use dubbo_k8s_watcher::serve::{self, Access, Limits, Listener, Listeners, Options};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{
    arguments::Agent as Arguments,
    ended::Ended,
    explain::Situation,
    own_pod::{Desk, Manner, Place, Reporter, warn},
    plain::plain,
    serve::{listen, narrate},
    session::{FirstList, Session},
    signals::Signals,
    socket::{self, Bound},
    terminal,
};

/// The applications of one Pod are few.
pub(super) const THREADS: usize = 2;

/// What is kept for an application that is late: ten seconds at a hundred changes a second. One that is later gets
/// a snapshot.
const RECENT: LogLimits = LogLimits { entries: 1024, bytes: 4 << 20 };

/// Asks for small pages, before there are threads: it shares the memory of a Pod with an application, and of the huge pages
/// that the allocator asks for most would stay empty.
pub(super) fn keep_small() {
    // A wish: with huge pages it works too.
    #[cfg(target_os = "linux")]
    let _ = nix::sys::prctl::set_thp_disable(true);
}

pub(super) async fn run(arguments: &Arguments) -> Result<(), Ended> {
    let desk = desk(arguments)?;
    let session = Session::open(&arguments.reading, FirstList::InBulk)?;
    let (api, bound, address) = api(arguments).await?;
    let probes = match arguments.probe_bind {
        Some(bind) => Some(listen("--probe-bind", bind).await?),
        None => None,
    };
    let signals = Signals::new()?;
    let place = session.place();
    let Session { driver, config, .. } = session;
    let registry = Registry::follow(driver, RECENT);
    let (registrar, reporter) = Registrar::start(desk, arguments.keep);
    let pod = &reporter.pod;
    terminal::say(&format!("registering in Pod {pod}, reading {place}, serving on {address}"));
    if let Some((_, address)) = &probes {
        terminal::say(&format!("answering probes on http://{address}"));
    }
    let options = Options {
        stale_after: arguments.stale_after,
        limits: limits(),
        access: if bound.is_some() { Access::Trusted } else { Access::Everyone },
        agent: Some(registrar.agent.clone()),
        ..Options::default()
    };
    let (stop, mut stopped) = watch::channel(false);
    let shutdown = async move {
        let _ = stopped.wait_for(|stop| *stop).await;
    };
    let listeners = Listeners { api, probes: probes.map(|(listener, _)| listener) };
    let served = serve::run(listeners, &registry, options, shutdown);
    let situation = Situation { config: &config };
    let failing = narrate(registry.subscribe_all(), &situation);
    let ended = registrar.serve(served, failing, signals, stop).await;
    drop(bound);
    registry.close().await;
    ended
}

/// Who may change the Pod.
fn desk(arguments: &Arguments) -> Result<Desk, Ended> {
    let reading = &arguments.reading;
    let manner = Manner {
        label_value: arguments.label_value.clone(),
        leases: true,
        trust: (!arguments.force).then(|| reading.trusting.trust()),
        ..Manner::default()
    };
    let named = arguments.pod.as_deref();
    let (namespace, pod) = match named.and_then(|named| named.split_once('/')) {
        Some((namespace, pod)) => (Some(namespace), Some(pod)),
        None => (None, named),
    };
    Desk::open(&reading.connection, Place { pod, namespace }, manner)
}

/// The registrations, and the work that keeps them.
struct Registrar {
    agent: Agent,
    work: JoinHandle<Result<(), RegistrationError>>,
    reporter: Arc<Reporter>,
    keep: bool,
}

impl Registrar {
    fn start(desk: Desk, keep: bool) -> (Self, Arc<Reporter>) {
        let Desk { driver, uid, reporter } = desk;
        let reporter = Arc::new(reporter);
        let listener = Arc::clone(&reporter);
        let news = move |news: News<'_>| report(&listener, &news);
        let (agent, work) = Agent::new(driver, reporter.pod.clone(), uid, news);
        let work = tokio::spawn(work);
        (Self { agent, work, reporter: Arc::clone(&reporter), keep }, reporter)
    }

    /// Serves until a signal comes, or something ends that must not.
    async fn serve(
        mut self,
        served: impl Future<Output = io::Result<()>>,
        failing: impl Future<Output = ()>,
        mut signals: Signals,
        stop: watch::Sender<bool>,
    ) -> Result<(), Ended> {
        tokio::pin!(served);
        tokio::select! {
            served = &mut served => return served.map_err(Ended::from),
            lost = &mut self.work => {
                if let Ok(Err(error)) = lost {
                    self.reporter.say_failure(&error);
                }
                return Err(Ended::Failed);
            }
            () = failing => return Err(Ended::Failed),
            () = signals.next() => {}
        }
        stop.send_replace(true);
        if !self.keep {
            terminal::say(&format!("unregistering in Pod {}", self.reporter.pod));
        }
        tokio::select! {
            (closed, served) = async { tokio::join!(self.agent.close(self.keep), served) } => {
                if let Err(error) = closed {
                    self.reporter.say_failure(&error);
                    return Err(Ended::Failed);
                }
                served.map_err(Ended::from)
            }
            () = signals.next() => Err(Ended::Interrupted),
        }
    }
}

fn report(reporter: &Reporter, news: &News<'_>) {
    match news {
        News::Notice(RegistrarNotice::TakenOver(leases)) if !leases.is_empty() => {
            let many = if leases.len() == 1 { "registration" } else { "registrations" };
            terminal::say(&format!("took over {} {many} of an earlier agent", leases.len()));
        }
        News::Notice(notice) => reporter.say(notice),
        News::Unreadable(error) => reporter.say_failure(error),
        News::Ended { id } => {
            warn(&format!("registration {} ended: it was not renewed", plain(id)));
        }
        _ => {}
    }
}

/// Where it serves, and under which name.
async fn api(arguments: &Arguments) -> Result<(Listener, Option<Bound>, String), Ended> {
    if let Some(bind) = arguments.bind {
        let (listener, address): (_, SocketAddr) = listen("--bind", bind).await?;
        return Ok((listener.into(), None, format!("http://{address}")));
    }
    let path = &arguments.socket;
    let (listener, bound) =
        socket::bind(path, arguments.socket_group.as_deref()).map_err(|error| {
            terminal::say_error(&error);
            Ended::Failed
        })?;
    Ok((listener.into(), Some(bound), path.display().to_string()))
}

/// The processes of one Pod are one peer.
fn limits() -> Limits {
    let limits = Limits::default();
    Limits {
        clients_of_peer: limits.clients,
        streams_of_peer: limits.streams,
        bodies_of_peer: limits.bodies,
        ..limits
    }
}
