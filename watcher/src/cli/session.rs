//! From flags to a driver that is ready to go, and the few requests beside the engine's.

use std::{
    hash::{BuildHasher as _, Hasher as _, RandomState},
    time::Duration,
};

use dubbo_k8s_codec::Status;
use dubbo_k8s_engine::{Engine, Request, Settings, Verb};
use dubbo_k8s_registry::host;
use dubbo_k8s_registry::kube::{
    Client, Driver, Event, Exchange,
    config::{Config, ConfigError, Environment, Namespaces},
};

use super::{
    arguments::Reading,
    ended::Ended,
    explain::Situation,
    plain::{plain, plain_lines},
    terminal,
};

/// What a verb that reads from a server works with.
pub(super) struct Session {
    pub(super) driver: Driver,
    pub(super) config: Config,
    pub(super) namespaces: Namespaces,
}

/// How a verb hears of what is there at the start.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum FirstList {
    /// Key by key.
    EachKey,
    /// It looks into the catalog.
    #[cfg(not(target_os = "wasi"))]
    InBulk,
    /// It looks into the catalog once, and follows no change.
    Once,
}

impl Session {
    /// Finds the configuration; says what is wrong with it.
    pub(super) fn open(reading: &Reading, first: FirstList) -> Result<Self, Ended> {
        Self::new(reading, first, &Environment::of_process()).map_err(|error| {
            terminal::say_error(&plain_lines(&error.to_string()));
            let misused = matches!(error, ConfigError::BadNamespace { .. });
            if misused { Ended::Misused } else { Ended::Failed }
        })
    }

    fn new(
        reading: &Reading,
        first: FirstList,
        environment: &Environment,
    ) -> Result<Self, ConfigError> {
        let config = Config::load(&reading.connection.overrides(), environment)?;
        let Reading { all_namespaces, namespaces, .. } = reading;
        let namespaces =
            Namespaces::choose(*all_namespaces, namespaces, environment, &config.namespace)?;
        let mut settings = Settings::new(namespaces.scopes()?);
        settings.selector.clone_from(&reading.selector);
        settings.ready_only = reading.ready_only;
        settings.wire = reading.connection.wire();
        settings.follow = first != FirstList::Once;
        settings.bulk = first != FirstList::EachKey;
        settings.trust = reading.trusting.trust();
        // Differs for each process; the hasher's keys come from the system's randomness.
        let seed = RandomState::new().build_hasher().finish();
        let client = connect(config.clone())?;
        let driver = Driver::new(client, Engine::new(settings, seed));
        Ok(Self { driver, config, namespaces })
    }

    /// For messages about failures.
    pub(super) fn situation(&self) -> Situation<'_> {
        Situation { config: &self.config }
    }

    /// The names alone, for where there is little room.
    pub(super) fn short_place(&self) -> String {
        match &self.namespaces {
            Namespaces::All => "all namespaces".to_owned(),
            Namespaces::These(names) => names.join(", "),
        }
    }

    /// Whose namespaces are read, as part of a sentence.
    pub(super) fn place(&self) -> String {
        match &self.namespaces {
            Namespaces::All => "all namespaces".to_owned(),
            Namespaces::These(names) => match names.as_slice() {
                [name] => format!("namespace {name}"),
                names => format!("namespaces {}", names.join(", ")),
            },
        }
    }

    /// Starts asking whether the namespaces exist that no Pod was found in: a server answers the
    /// list of a namespace that does not exist with an empty one.
    pub(super) fn ask_for_namespaces(&mut self) -> Vec<(String, Exchange)> {
        const AT_MOST: usize = 8;
        let Namespaces::These(names) = &self.namespaces else { return Vec::new() };
        let engine = self.driver.engine();
        let empty: Vec<String> = names
            .iter()
            .filter(|name| {
                let mut pods = engine.catalog().pod_entries();
                !pods.any(|pod| *pod.holder().namespace == ***name)
            })
            .take(AT_MOST)
            .cloned()
            .collect();
        let now = self.driver.now();
        let client = self.driver.client();
        empty
            .into_iter()
            .map(|name| {
                let exchange = client.send(now, namespace_request(&name));
                (name, exchange)
            })
            .collect()
    }
}

/// A client for this server. Certificates of the authorities that cannot be read are not used, and said.
pub(super) fn connect(config: Config) -> Result<Client, ConfigError> {
    let client = Client::new(config)?;
    let skipped = client.skipped_authorities();
    if skipped > 0 {
        terminal::say(&format!(
            "{0}warning:{0:#} {skipped} of the certificates in the certificate authority cannot be \
             read, and {1} not used",
            terminal::WARNING,
            if skipped == 1 { "is" } else { "are" }
        ));
    }
    Ok(client)
}

/// Those that the server says do not exist. Who may not ask (403) gets no answer, and neither
/// does who waits too long.
pub(super) async fn missing(asked: Vec<(String, Exchange)>) -> Vec<String> {
    const TIMEOUT: Duration = Duration::from_secs(5);
    let mut missing = Vec::new();
    for (name, exchange) in asked {
        let answer = host::timeout(TIMEOUT, not_found(exchange)).await;
        // A proxy that does not know the path says 404 too, but not about this namespace.
        if answer.flatten().is_some_and(|message| message.contains(&format!("{name:?}"))) {
            missing.push(name);
        }
    }
    missing
}

/// The message of a 404 of kube-apiserver, if that is the answer.
async fn not_found(mut exchange: Exchange) -> Option<String> {
    const LONGEST: usize = 64 * 1024;
    let Some(Event::Head { status: 404, .. }) = exchange.next().await else { return None };
    let mut body = Vec::new();
    while let Some(Event::Chunk(bytes)) = exchange.next().await {
        body.extend_from_slice(&bytes);
        if body.len() > LONGEST {
            return None;
        }
    }
    let status = Status::parse(&body).ok()?;
    (status.reason == "NotFound").then_some(status.message)
}

/// The message about namespaces that do not exist.
pub(super) fn missing_message(names: &[String]) -> String {
    let many = names.len() != 1;
    format!(
        "{} {} {} not exist",
        if many { "the namespaces" } else { "the namespace" },
        names.join(", "),
        if many { "do" } else { "does" },
    )
}

/// What to say when nothing is registered.
pub(super) fn nothing_message(place: &str, reading: &Reading) -> String {
    let place = if reading.all_namespaces { "any namespace" } else { place };
    let mut said = format!(
        "no Dubbo service is registered in {place}\n  looked for Pods with -l '{}'",
        plain(&reading.selector)
    );
    if reading.ready_only {
        said.push_str(", and only those that are ready (--ready-only)");
    }
    if !reading.all_namespaces {
        said.push_str("\n  -n NAMESPACE looks elsewhere, -A everywhere");
    }
    said
}

fn namespace_request(name: &str) -> Request {
    Request {
        verb: Verb::Get,
        target: format!("/api/v1/namespaces/{name}"),
        accept: "application/json",
        gzip: false,
        content_type: None,
        body: Vec::new(),
        deadline: Duration::from_secs(5),
    }
}
