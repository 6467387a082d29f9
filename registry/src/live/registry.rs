//! A registry that is followed: the task that drives the engine and publishes its notices. It
//! must never wait for a reader: a server drops clients that read slowly.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use dubbo_k8s_codec::Query;
use dubbo_k8s_codec::trust::Trust;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::log::LogLimits;
use super::meters::Meters;
use super::publisher::Publisher;
use super::reader::Reader;
use super::register::Registrations;
use super::snapshot::Snapshot;
use super::subscription::Subscription;
use crate::kube::config::{self, ConfigError, Environment, Namespaces, Overrides};
use crate::kube::{Client, Driver};
use dubbo_k8s_engine::{Engine, Notice, Settings, Status};

/// Which Pods to follow, of which server, and how.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the server is, and who we are.
    pub connection: config::Config,
    /// Which Pods count.
    pub settings: Settings,
    /// How much of the recent past is kept for slow subscribers.
    pub log: LogLimits,
}

impl Config {
    /// This connection and these settings, with the default limits.
    pub fn new(connection: config::Config, settings: Settings) -> Self {
        Self { connection, settings, log: LogLimits::default() }
    }

    /// What the environment says: a kubeconfig or the service account of the Pod, and the
    /// namespaces of `DUBBO_NAMESPACE` and `NAMESPACE`, else the connection's own. Reads files.
    ///
    /// # Errors
    /// [`ConfigError`] if nothing is configured, or what is cannot be read.
    pub fn find() -> Result<Self, ConfigError> {
        let environment = Environment::of_process();
        let connection = config::Config::load(&Overrides::default(), &environment)?;
        let chosen = Namespaces::choose(false, &[], &environment, &connection.namespace)?;
        Ok(Self::new(connection, Settings::new(chosen.scopes()?)))
    }
}

/// A registry that is followed for as long as this lives.
///
/// Dropping it ends the connection to the server, and all subscriptions.
#[derive(Debug)]
pub struct Registry {
    reader: Reader,
    meters: Arc<Meters>,
    connection: config::Config,
    /// What is believed.
    pub(super) trust: Trust,
    /// What this process registers, from the first URL on.
    pub(super) own: OnceLock<Registrations>,
    /// `None` when the caller drives the driver.
    task: Option<Task>,
}

/// The writing end of a registry whose driver the caller drives.
#[derive(Debug)]
pub struct Feed {
    publisher: Publisher,
}

impl Feed {
    /// Publishes the notices of the driver, and empties it: right after
    /// [`Driver::next`](crate::kube::Driver::next), so that its catalog is the one they lead to.
    pub fn publish(&mut self, driver: &Driver, notices: &mut Vec<Notice>) {
        let status = driver.engine().status();
        let silent_since = silence(&status, driver.now());
        let catalog = driver.engine().catalog();
        self.publisher.publish(catalog, &status, silent_since, notices);
    }
}

/// The driver's task, which must not outlive the registry.
#[derive(Debug)]
struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Registry {
    /// Starts to follow the Pods, from a task of the current tokio runtime. It fails only for what
    /// is wrong with the configuration; whatever goes wrong with the server is reported to the
    /// subscribers and tried again, for ever.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    ///
    /// # Errors
    /// [`ConfigError`] as of [`Client::new`].
    pub fn connect(mut config: Config) -> Result<Self, ConfigError> {
        config.settings.bulk = true;
        let client = Client::new(config.connection)?;
        // Differs for each process; the hasher's keys come from the system's randomness.
        let seed = RandomState::new().build_hasher().finish();
        Ok(Self::follow(Driver::new(client, Engine::new(config.settings, seed)), config.log))
    }

    /// The same with a driver of one's own.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn follow(mut driver: Driver, log: LogLimits) -> Self {
        let meters = Arc::new(Meters::new());
        let connection = driver.client().config().clone();
        let content = driver.engine().catalog().content();
        let (publisher, reader) = Publisher::new(content, log, Arc::clone(&meters));
        let trust = driver.engine().catalog().trust().clone();
        let task = Some(Task(tokio::spawn(follow(driver, Feed { publisher }))));
        Self { reader, meters, connection, trust, own: OnceLock::new(), task }
    }

    /// A registry for a caller that drives the driver itself, and the end by which it feeds it. It
    /// ends with the feed.
    pub fn fed(driver: &mut Driver, log: LogLimits) -> (Self, Feed) {
        let meters = Arc::new(Meters::new());
        let connection = driver.client().config().clone();
        let content = driver.engine().catalog().content();
        let (publisher, reader) = Publisher::new(content, log, Arc::clone(&meters));
        let trust = driver.engine().catalog().trust().clone();
        let registry = Self { reader, meters, connection, trust, own: OnceLock::new(), task: None };
        (registry, Feed { publisher })
    }

    /// What is registered now. Takes no lock and costs the same however much there is.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::new(&self.reader.state(), None)
    }

    /// Everything that a query asks for: first a snapshot, then changes. Subscribers never slow
    /// each other down; one that is too slow itself gets a fresh snapshot instead of a gap.
    pub fn subscribe(&self, query: Query<'static>) -> Subscription {
        Subscription::new(&self.reader, Some(query), &self.meters)
    }

    /// Everything there is, directory keys included.
    pub fn subscribe_all(&self) -> Subscription {
        Subscription::new(&self.reader, None, &self.meters)
    }

    /// Waits until all Pods have been read once. False if the registry has ended before.
    /// Cancellation safe.
    pub async fn synced(&self) -> bool {
        let mut reader = self.reader.clone();
        reader.wait(|state| state.is_synced().then_some(())).await.is_some()
    }

    /// Ends the connection to the server and all subscriptions, and waits until that is done.
    /// Cancellation safe: dropping the future, or the registry, does the same without waiting.
    pub async fn close(mut self) {
        if let Some(task) = &mut self.task {
            task.0.abort();
            let _ = (&mut task.0).await;
        }
    }

    /// The server that is followed, and who we are to it.
    pub fn connection(&self) -> &config::Config {
        &self.connection
    }

    /// Reads what is published: for a program that serves the registry on.
    pub fn reader(&self) -> Reader {
        self.reader.clone()
    }

    /// What is counted, for a program that exports it.
    pub fn meters(&self) -> Arc<Meters> {
        Arc::clone(&self.meters)
    }
}

async fn follow(mut driver: Driver, mut feed: Feed) {
    let mut notices = Vec::new();
    loop {
        driver.next(&mut notices).await;
        feed.publish(&driver, &mut notices);
    }
}

/// When the server was last heard for the scope that was lost first; `None` if none is lost.
fn silence(status: &Status, now: Duration) -> Option<Instant> {
    let lost = status.scopes.iter().filter(|scope| !scope.followed);
    let last_contact = lost.map(|scope| scope.last_contact.unwrap_or_default()).min()?;
    Instant::now().checked_sub(now.saturating_sub(last_contact))
}
