//! What this process has registered: the records of dubbo-rust's providers in its own Pod. It must never forget one that
//! is still there.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use dubbo::Url;
use dubbo::logger::tracing::{error, info, warn};
use dubbo_k8s_engine::registration::RegistrarSettings;
use dubbo_k8s_registry::kube::Client;
use dubbo_k8s_registry::kube::config::{Config, Environment, ThisPod};
use dubbo_k8s_registry::{HoldState, Registration, Registrations};
use tokio::net::UdpSocket;
use tokio::sync::watch;

use crate::provider::{listens_everywhere, record};
use crate::{Error, Parameters};

/// Those of every registry of this process.
static ALL: Mutex<Vec<Weak<Held>>> = Mutex::new(Vec::new());

/// What one registry holds in its Pod.
pub(crate) struct Held {
    parameters: Parameters,
    environment: Environment,
    connection: Config,
    registrations: OnceLock<Registrations>,
    /// By the URL as dubbo-rust gave it.
    urls: tokio::sync::Mutex<BTreeMap<String, Registration>>,
}

/// The URLs that this process has registered in its Pod, as they are registered.
pub async fn registered() -> Vec<String> {
    let mut urls = Vec::new();
    for held in all() {
        urls.extend(held.urls.lock().await.values().map(|held| held.url().to_owned()));
    }
    urls
}

/// Takes all that this process has registered out of its Pod: consumers leave. Call it before the process stops to
/// answer, and go on answering for a moment: dubbo-rust ends no registration by itself.
///
/// Cancellation safe: what was begun goes on in the background.
///
/// # Errors
///
/// The first URL that could not be taken out; the others are taken out all the same.
pub async fn leave() -> Result<(), Error> {
    let mut first = Ok(());
    for held in all() {
        let urls = std::mem::take(&mut *held.urls.lock().await);
        for registration in urls.into_values() {
            first = first.and(close(registration).await);
        }
    }
    first
}

fn all() -> Vec<Arc<Held>> {
    let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
    all.retain(|held| held.strong_count() > 0);
    all.iter().filter_map(Weak::upgrade).collect()
}

async fn close(registration: Registration) -> Result<(), Error> {
    let url = registration.url().to_owned();
    let closed = registration.close().await;
    closed.map_err(|source| Error::StillRegistered { url, source: source.into() })
}

impl Held {
    pub(crate) fn new(
        parameters: Parameters,
        environment: Environment,
        connection: Config,
    ) -> Arc<Self> {
        let (registrations, urls) = Default::default();
        let held = Arc::new(Self { parameters, environment, connection, registrations, urls });
        ALL.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&held));
        held
    }

    /// It is in the Pod when this returns.
    pub(crate) async fn register(&self, url: &Url) -> Result<(), Error> {
        let mut urls = self.urls.lock().await;
        if urls.contains_key(url.as_str()) {
            return Ok(());
        }
        let address = if listens_everywhere(url) { Some(self.address(url).await?) } else { None };
        let record = record(url, address.as_deref(), &self.parameters);
        let registered = self.registrations()?.register(&record).await;
        let registered = registered
            .map_err(|source| Error::NotRegistered { url: record, source: source.into() })?;
        urls.insert(url.as_str().to_owned(), registered);
        Ok(())
    }

    /// It is out of the Pod when this returns.
    pub(crate) async fn unregister(&self, url: &Url) -> Result<(), Error> {
        let registration = self.urls.lock().await.remove(url.as_str());
        match registration {
            Some(registration) => close(registration).await,
            None => Ok(()),
        }
    }

    fn registrations(&self) -> Result<&Registrations, Error> {
        if let Some(registrations) = self.registrations.get() {
            return Ok(registrations);
        }
        let named = self.parameters.pod.as_deref().map(|pod| match pod.split_once('/') {
            Some((namespace, name)) => (Some(namespace), name),
            None => (None, pod),
        });
        let (namespace, name) =
            (named.and_then(|(namespace, _)| namespace), named.map(|(_, it)| it));
        let configured = &self.connection.namespace;
        let pod = ThisPod::find(name, namespace, &self.environment, configured)?;
        let mut settings = RegistrarSettings::new(pod.name);
        settings.uid = pod.uid;
        settings.label_value.clone_from(&self.parameters.label_value);
        settings.trust = Some(self.parameters.trust.clone());
        let client = Client::new(self.connection.clone())?;
        Ok(self.registrations.get_or_init(|| {
            let registrations = Registrations::new(client, settings);
            tokio::spawn(log(registrations.state()));
            registrations
        }))
    }

    /// The address of this Pod: as it is configured, else the one from which it reaches the server.
    async fn address(&self, url: &Url) -> Result<String, Error> {
        let configured = self.parameters.host.as_deref().or_else(|| self.environment.get("POD_IP"));
        if let Some(address) = configured {
            return Ok(bracketed(address));
        }
        let failed = |source| Error::NoAddress { url: url.to_string(), source };
        let local = way_to(&self.connection).await.map_err(failed)?;
        Ok(bracketed(&local))
    }
}

/// Logs how it stands with what is held: dubbo-rust does not ask.
async fn log(mut state: watch::Receiver<HoldState>) {
    while state.changed().await.is_ok() {
        match &*state.borrow_and_update() {
            HoldState::Kept => info!("what is registered is in the Pod again"),
            HoldState::Troubled(failure) => {
                warn!("what is registered may not be in the Pod: {failure}");
            }
            HoldState::Lost(failure) => {
                error!("the Pod, and what was registered in it, is gone: {failure}");
            }
            _ => warn!("what is registered is in a state of which this version knows nothing"),
        }
    }
}

/// The address that this machine has on the way to the server. Nothing is sent.
async fn way_to(connection: &Config) -> std::io::Result<String> {
    let server = &connection.server;
    let port = server.port_or_known_default().unwrap_or_default();
    let host = server.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let any = if host.contains(':') { "[::]:0" } else { "0.0.0.0:0" };
    let socket = UdpSocket::bind(any).await?;
    socket.connect((host, port)).await?;
    Ok(socket.local_addr()?.ip().to_string())
}

/// An address as it stands in a URL.
fn bracketed(address: &str) -> String {
    let is_v6 = address.contains(':') && !address.starts_with('[');
    if is_v6 { format!("[{address}]") } else { address.to_owned() }
}
