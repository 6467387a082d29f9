//! The extension that dubbo-rust loads for a `kubernetes://` URL. It only passes on: to the live registry, and to what is
//! held in this process's Pod.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_trait::async_trait;
use dubbo::extension::registry_extension::{DiscoverStream, Registry, RegistryExtension};
use dubbo::extension::{EXTENSIONS, Extension};
use dubbo::logger::tracing::error;
use dubbo::params::registry_param::{InterfaceName, RegistryUrl};
use dubbo::url::UrlParam as _;
use dubbo::{StdError, Url};
use dubbo_k8s_codec::{Query, Service};
use dubbo_k8s_registry::Config;
use tokio::task::AbortHandle;

use crate::discovery::discover;
use crate::error::Error;
use crate::held::Held;
use crate::parameters::{PROTOCOL, Parameters};

/// Makes `kubernetes://` URLs known to dubbo-rust, for `ClientBuilder::with_registry` and `Dubbo::add_registry`. Once,
/// before them.
///
/// # Errors
///
/// When dubbo-rust takes no extensions any more.
pub async fn install() -> Result<(), StdError> {
    EXTENSIONS.register::<RegistryExtension<KubernetesRegistry>>().await
}

/// A registry of Kubernetes Pods, as dubbo-rust uses one.
///
/// It talks to the server when it is first needed: a provider that calls no service lists no Pods, and a consumer that
/// provides none changes no Pod.
pub struct KubernetesRegistry {
    url: Url,
    parameters: Parameters,
    config: Config,
    live: OnceLock<dubbo_k8s_registry::Registry>,
    held: Arc<Held>,
    /// The tasks behind the subscriptions, by the URL that was subscribed to.
    subscriptions: Mutex<HashMap<String, Vec<AbortHandle>>>,
}

impl KubernetesRegistry {
    /// Opens the registry of a URL such as `kubernetes://in-cluster?namespace=shop`. Reads the configuration; the server
    /// is not asked yet.
    ///
    /// # Errors
    ///
    /// What is wrong with the URL or the configuration.
    pub fn open(url: Url) -> Result<Self, Error> {
        let parameters = Parameters::read(&url)?;
        let environment = parameters.environment();
        let config = parameters.config(&environment)?;
        let held = Held::new(parameters.clone(), environment, config.connection.clone());
        let (live, subscriptions) = Default::default();
        Ok(Self { url, parameters, config, live, held, subscriptions })
    }

    /// The live registry behind it, for what dubbo-rust does not ask. It begins to follow the Pods.
    ///
    /// # Errors
    ///
    /// What is wrong with the configuration.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn live(&self) -> Result<&dubbo_k8s_registry::Registry, Error> {
        if let Some(live) = self.live.get() {
            return Ok(live);
        }
        let live = dubbo_k8s_registry::Registry::connect(self.config.clone())?;
        Ok(self.live.get_or_init(|| live))
    }

    /// What a consumer's URL asks for. dubbo-rust gives the name of the service alone, which may be
    /// `[group/]interface[:version]`.
    fn query(&self, url: &Url) -> Result<Query<'static>, Error> {
        let interface = url.query::<InterfaceName>().map(|name| name.value()).unwrap_or_default();
        let named = Service::parse(&interface);
        if named.interface.is_empty() {
            return Err(Error::NoInterface { url: url.to_string() });
        }
        let given = |name: &str| url.query_param_by_key(name).filter(|value| !value.is_empty());
        let group = named.group().map(str::to_owned).or_else(|| given("group"));
        let version = named.version().map(str::to_owned).or_else(|| given("version"));
        let mut service = Service::new(named.interface.clone().into_owned());
        service.group = group.or_else(|| self.parameters.service_group.clone()).map(Into::into);
        service.version =
            version.or_else(|| self.parameters.service_version.clone()).map(Into::into);
        Ok(Query::from(service))
    }

    fn follow(&self, url: &Url) -> Result<DiscoverStream, Error> {
        let (stream, task) = discover(self.live()?.subscribe(self.query(url)?));
        let mut subscriptions = self.subscriptions.lock().unwrap_or_else(PoisonError::into_inner);
        subscriptions.entry(url.to_string()).or_default().push(task.abort_handle());
        Ok(stream)
    }
}

/// dubbo-rust drops the errors of what it asks for; so they are logged as well.
fn reported<T>(done: Result<T, Error>) -> Result<T, StdError> {
    done.map_err(|error| {
        error!("{error}");
        error.into()
    })
}

#[async_trait]
impl Registry for KubernetesRegistry {
    async fn register(&self, url: Url) -> Result<(), StdError> {
        reported(self.held.register(&url).await)
    }

    async fn unregister(&self, url: Url) -> Result<(), StdError> {
        reported(self.held.unregister(&url).await)
    }

    async fn subscribe(&self, url: Url) -> Result<DiscoverStream, StdError> {
        reported(self.follow(&url))
    }

    async fn unsubscribe(&self, url: Url) -> Result<(), StdError> {
        let mut subscriptions = self.subscriptions.lock().unwrap_or_else(PoisonError::into_inner);
        for task in subscriptions.remove(url.as_str()).unwrap_or_default() {
            task.abort();
        }
        Ok(())
    }

    fn url(&self) -> &Url {
        &self.url
    }
}

#[async_trait]
impl Extension for KubernetesRegistry {
    type Target = Box<dyn Registry + Send + Sync + 'static>;

    fn name() -> String {
        PROTOCOL.to_owned()
    }

    async fn create(url: Url) -> Result<Self::Target, StdError> {
        let registry = url.query::<RegistryUrl>().map(|url| url.value());
        let opened = registry.ok_or(Error::NoRegistry).and_then(Self::open);
        Ok(Box::new(reported(opened)?))
    }
}
