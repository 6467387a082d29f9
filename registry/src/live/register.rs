//! Registering from a Rust service: URLs in its own Pod, kept there until they are closed.
//!
//! One task per [`Registrations`] does the work; handles only send it messages. It must never
//! outlive its runtime, and never keep a record that no handle holds any more.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use crate::kube::config::{ConfigError, ThisPodError};
use crate::kube::{Client, RegistrarDriver};
use dubbo_k8s_engine::registration::{
    Edit, Outcome, Registrar, RegistrarNotice, RegistrarSettings, RegistrationError, RegistryUrl,
    RegistryUrlError, Ticket,
};

/// How long a failure that may pass is borne with before a call fails.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Registers URLs in one Pod and keeps them there: what another writer overwrites is put back. Cheap to
/// clone; all clones work on the same Pod with one watch.
///
/// It needs the rights to get, patch and (to notice overwriting at once) watch the Pod; without
/// the last it looks every half minute.
///
/// ```no_run
/// use dubbo_k8s_engine::registration::{PodName, RegistrarSettings};
/// use dubbo_k8s_registry::kube::{Client, config::{Config, Environment, Overrides}};
/// use dubbo_k8s_registry::Registrations;
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let config = Config::load(&Overrides::default(), &Environment::of_process())?;
/// let pod = PodName::new(&config.namespace, &std::env::var("HOSTNAME")?)?;
/// let registrations = Registrations::new(Client::new(config)?, RegistrarSettings::new(pod));
/// let registration = registrations.register("dubbo://10.1.2.3:20880/com.example.Greeter").await?;
/// // … serve until it has to stop …
/// registration.close().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Registrations {
    commands: mpsc::UnboundedSender<Command>,
    state: watch::Receiver<HoldState>,
}

/// How it stands with what is held.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HoldState {
    /// As far as is known, everything is in the Pod.
    Kept,
    /// The last look, or putting back, failed; it goes on trying.
    Troubled(RegistrationError),
    /// The Pod is gone or was replaced, and all registrations with it. That is final.
    Lost(RegistrationError),
}

/// Why a URL was not registered, or not taken out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// It is not known which Pod this process runs in.
    #[error(transparent)]
    WhichPod(#[from] ThisPodError),
    /// The configuration will not do.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The URL will not do.
    #[error(transparent)]
    Url(#[from] RegistryUrlError),
    /// The Pod could not be changed.
    #[error(transparent)]
    Pod(#[from] RegistrationError),
    /// The runtime that the task ran on is shutting down.
    #[error("the runtime is shutting down")]
    Shutdown,
}

/// One registered URL. It stays registered until [`Registration::close`].
///
/// Dropping it asks for the same in the background, and nothing reports how that ends: when the
/// runtime shuts down first, the URL stays in the Pod until the Pod goes, and consumers find a
/// provider that no longer answers. So close it.
#[must_use = "dropping it takes the URL out again"]
pub struct Registration {
    key: Arc<str>,
    text: String,
    state: watch::Receiver<HoldState>,
    /// Taken by `close`.
    registrations: Option<Registrations>,
}

struct Command {
    edit: Edit,
    answer: oneshot::Sender<Result<Outcome, RegistrationError>>,
}

impl Registrations {
    /// Starts the task, on the current tokio runtime. Nothing is sent before the first URL.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn new(client: Client, settings: RegistrarSettings) -> Self {
        let settings = RegistrarSettings { hold: true, dry_run: false, leases: false, ..settings };
        // Differs for each process; the hasher's keys come from the system's randomness.
        let seed = RandomState::new().hash_one(std::process::id());
        let driver = RegistrarDriver::new(client, Registrar::new(settings, seed));
        let (commands, receiver) = mpsc::unbounded_channel();
        let (sender, state) = watch::channel(HoldState::Kept);
        tokio::spawn(
            Task { driver, commands: receiver, waiting: BTreeMap::new(), state: sender }.run(),
        );
        Self { commands, state }
    }

    /// Registers a URL: it is in the Pod when this returns. A URL may be registered several times;
    /// the last registration that is closed takes it out.
    ///
    /// A server that cannot be reached is tried again for 30 seconds; what does not pass (403, no
    /// such Pod, too large) is an error at once. The Pod is then left as it was.
    ///
    /// Cancellation safe: when the future is dropped before it is ready, the URL is taken out
    /// again in the background.
    ///
    /// # Errors
    /// [`RegisterError`] for a URL that consumers could not use, and for what the server refuses.
    pub async fn register(&self, url: &str) -> Result<Registration, RegisterError> {
        let parsed = RegistryUrl::parse(url)?;
        let key = Arc::clone(parsed.key());
        self.ask(Edit::Add(vec![Arc::clone(&key)])).await?;
        let registrations = Some(self.clone());
        Ok(Registration { key, text: url.to_owned(), state: self.state(), registrations })
    }

    /// How it stands with what is held; a new value whenever that changes.
    pub fn state(&self) -> watch::Receiver<HoldState> {
        self.state.clone()
    }

    async fn ask(&self, edit: Edit) -> Result<Outcome, RegisterError> {
        let (answer, answered) = oneshot::channel();
        self.commands.send(Command { edit, answer }).map_err(|_| RegisterError::Shutdown)?;
        Ok(answered.await.map_err(|_| RegisterError::Shutdown)??)
    }
}

impl fmt::Debug for Registrations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registrations")
            .field("state", &*self.state.borrow())
            .finish_non_exhaustive()
    }
}

impl Registration {
    /// The URL as it was given.
    pub fn url(&self) -> &str {
        &self.text
    }

    /// The key of its record.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// How it stands with what this process holds in the Pod; a new value whenever that changes.
    pub fn state(&self) -> watch::Receiver<HoldState> {
        self.state.clone()
    }

    /// Takes the URL out of the Pod: it is gone when this returns without an error. In a Pod that
    /// is gone there is nothing to do. Close it before the service stops to answer, so that
    /// consumers leave in time.
    ///
    /// Cancellation safe: what was begun goes on in the background.
    ///
    /// # Errors
    /// [`RegisterError`] if the server refuses it, or cannot be reached for 30 seconds.
    pub async fn close(mut self) -> Result<(), RegisterError> {
        let Some(registrations) = self.registrations.take() else { return Ok(()) };
        registrations.ask(Edit::Remove(vec![Arc::clone(&self.key)])).await?;
        Ok(())
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        if let Some(registrations) = self.registrations.take() {
            let (answer, _) = oneshot::channel();
            let edit = Edit::Remove(vec![Arc::clone(&self.key)]);
            // A task that is gone has nothing to take out with.
            let _ = registrations.commands.send(Command { edit, answer });
        }
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration").field("key", &self.key).finish_non_exhaustive()
    }
}

/// Runs the driver, and answers who waits.
struct Task {
    driver: RegistrarDriver,
    commands: mpsc::UnboundedReceiver<Command>,
    waiting: BTreeMap<Ticket, Waiting>,
    state: watch::Sender<HoldState>,
}

struct Waiting {
    edit: Edit,
    answer: oneshot::Sender<Result<Outcome, RegistrationError>>,
}

impl Task {
    /// Ends when all handles are gone and what they left behind is done.
    async fn run(mut self) {
        let mut notices = Vec::new();
        let mut open = true;
        while open || !self.waiting.is_empty() {
            tokio::select! {
                command = self.commands.recv(), if open => match command {
                    Some(command) => self.submit(command.edit, command.answer),
                    None => open = false,
                },
                () = self.driver.next(&mut notices) => {}
            }
            for notice in notices.drain(..) {
                self.notice(notice);
            }
        }
    }

    fn submit(&mut self, edit: Edit, answer: oneshot::Sender<Result<Outcome, RegistrationError>>) {
        let ticket = self.driver.submit(edit.clone(), Some(TIMEOUT));
        self.waiting.insert(ticket, Waiting { edit, answer });
    }

    fn notice(&mut self, notice: RegistrarNotice) {
        match notice {
            RegistrarNotice::Done { ticket, outcome } => {
                self.report(HoldState::Kept);
                self.answer(ticket, Ok(outcome));
            }
            RegistrarNotice::Failed { ticket, error } => self.answer(ticket, Err(error)),
            RegistrarNotice::Retrying { error, .. } => self.report(HoldState::Troubled(error)),
            RegistrarNotice::PutBack { .. } | RegistrarNotice::Recovered => {
                self.report(HoldState::Kept);
            }
            RegistrarNotice::Lost(error) => self.report(HoldState::Lost(error)),
            _ => {}
        }
    }

    fn report(&self, state: HoldState) {
        self.state.send_if_modified(|known| {
            let news = *known != state && !matches!(known, HoldState::Lost(_));
            if news {
                *known = state;
            }
            news
        });
    }

    /// Answers who waits. What was added for a caller that no longer waits is taken out again.
    fn answer(&mut self, ticket: Ticket, result: Result<Outcome, RegistrationError>) {
        let Some(Waiting { edit, answer }) = self.waiting.remove(&ticket) else { return };
        if let (Edit::Add(keys), Err(Ok(_))) = (edit, answer.send(result)) {
            let (unheard, _) = oneshot::channel();
            self.submit(Edit::Remove(keys), unheard);
        }
    }
}
