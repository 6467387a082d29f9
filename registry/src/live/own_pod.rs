//! Registering in the Pod that this process runs in, by the connection of its registry.

use super::register::{RegisterError, Registration, Registrations};
use super::registry::Registry;
use crate::kube::Client;
use crate::kube::config::{Environment, ThisPod};
use dubbo_k8s_engine::registration::RegistrarSettings;

impl Registry {
    /// Registers a URL in the Pod of this process, which is `$HOSTNAME` in `$NAMESPACE`, and keeps
    /// it there; see [`Registrations::register`]. With [`Registrations`] of your own you choose
    /// the Pod and the label.
    ///
    /// Cancellation safe, as that is.
    ///
    /// # Errors
    /// As [`Registrations::register`], and if the Pod of this process is not known.
    pub async fn register(&self, url: &str) -> Result<Registration, RegisterError> {
        self.own_registrations()?.register(url).await
    }

    fn own_registrations(&self) -> Result<&Registrations, RegisterError> {
        if let Some(own) = self.own.get() {
            return Ok(own);
        }
        let connection = self.connection();
        let environment = Environment::of_process();
        let pod = ThisPod::find(None, None, &environment, &connection.namespace)?;
        let trust = Some(self.trust.clone());
        let settings =
            RegistrarSettings { uid: pod.uid, trust, ..RegistrarSettings::new(pod.name) };
        let client = Client::new(connection.clone())?;
        Ok(self.own.get_or_init(|| Registrations::new(client, settings)))
    }
}
