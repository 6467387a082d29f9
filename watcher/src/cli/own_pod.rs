//! What `register` and `unregister` share: from flags to a driver for one Pod, and what to say
//! when it fails.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use dubbo_k8s_codec::trust::Trust;
use dubbo_k8s_engine::catalog::Scope;
use dubbo_k8s_engine::{
    Failure,
    registration::{
        PodName, Registrar, RegistrarNotice, RegistrarSettings, RegistrationError, RegistryUrl,
        RegistryUrlError, Ticket,
    },
};
use dubbo_k8s_registry::kube::{
    RegistrarDriver,
    config::{Config, Environment, ThisPod},
};

use super::{
    arguments::OwnPod,
    connection::Connection,
    ended::Ended,
    explain::{Situation, explain},
    plain::{plain, plain_lines},
    session::connect,
    terminal,
};

/// How long failures that may pass are borne with.
pub(super) const TIMEOUT: Duration = Duration::from_secs(10);

/// One Pod, and who may change it.
pub(super) struct Desk {
    pub(super) driver: RegistrarDriver,
    /// Its uid, where that is known beforehand.
    #[cfg_attr(not(unix), expect(dead_code, reason = "an agent shows it"))]
    pub(super) uid: Option<String>,
    pub(super) reporter: Reporter,
}

/// Reports what happens to one Pod.
pub(super) struct Reporter {
    pub(super) pod: PodName,
    config: Config,
}

/// Which Pod, as the command line names it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) pod: Option<&'a str>,
    pub(super) namespace: Option<&'a str>,
}

impl OwnPod {
    pub(super) fn place(&self) -> Place<'_> {
        Place { pod: self.pod.as_deref(), namespace: self.namespace.as_deref() }
    }
}

/// How the machine behaves, apart from the Pod.
#[derive(Debug, Default)]
pub(super) struct Manner {
    pub(super) label_value: Option<String>,
    pub(super) hold: bool,
    pub(super) dry_run: bool,
    /// What is believed: nothing else is registered. None registers everything.
    pub(super) trust: Option<Trust>,
    /// Leases are written down in the Pod.
    pub(super) leases: bool,
}

impl Desk {
    /// Finds the configuration and the Pod; says what is wrong with them.
    pub(super) fn open(
        connection: &Connection,
        place: Place<'_>,
        manner: Manner,
    ) -> Result<Self, Ended> {
        let failed = |text: String, ended| {
            terminal::say_error(&plain_lines(&text));
            ended
        };
        let environment = Environment::of_process();
        let config = Config::load(&connection.overrides(), &environment)
            .map_err(|error| failed(error.to_string(), Ended::Failed))?;
        let ThisPod { name, uid, .. } =
            ThisPod::find(place.pod, place.namespace, &environment, &config.namespace)
                .map_err(|error| failed(error.to_string(), Ended::Misused))?;
        let Manner { label_value, hold, dry_run, trust, leases } = manner;
        let (pod, wire) = (name.clone(), connection.wire());
        let settings = RegistrarSettings {
            pod,
            uid: uid.clone(),
            label_value,
            hold,
            dry_run,
            wire,
            trust,
            leases,
        };
        let client =
            connect(config.clone()).map_err(|error| failed(error.to_string(), Ended::Failed))?;
        // Differs for each process; the hasher's keys come from the system's randomness.
        let seed = RandomState::new().hash_one(std::process::id());
        let driver = RegistrarDriver::new(client, Registrar::new(settings, seed));
        Ok(Self { driver, uid, reporter: Reporter { pod: name, config } })
    }

    /// Works until this change is done or given up. Reports what is tried again meanwhile, and hands
    /// everything else to `other`.
    pub(super) async fn settle(
        &mut self,
        wanted: Ticket,
    ) -> Result<dubbo_k8s_engine::registration::Outcome, RegistrationError> {
        let mut notices = Vec::new();
        loop {
            self.driver.next(&mut notices).await;
            for notice in notices.drain(..) {
                match notice {
                    RegistrarNotice::Done { ticket, outcome } if ticket == wanted => {
                        return Ok(outcome);
                    }
                    RegistrarNotice::Failed { ticket, error } if ticket == wanted => {
                        return Err(error);
                    }
                    notice => self.reporter.say(&notice),
                }
            }
        }
    }
}

impl Reporter {
    /// Says what a person wants to know while something goes on.
    pub(super) fn say(&self, notice: &RegistrarNotice) {
        match notice {
            RegistrarNotice::Retrying { error, retry_in } => {
                let seconds = retry_in.as_secs_f64();
                warn(&format!("{}; trying again in {seconds:.1} s", plain(&error.to_string())));
            }
            RegistrarNotice::Recovered => {
                terminal::say(&format!("Pod {} is as it should be", self.pod));
            }
            RegistrarNotice::PutBack { records, label } => {
                let label = if *label { " and the label" } else { "" };
                let count = records.len();
                warn(&format!(
                    "another writer overwrote Pod {}: put {count} records{label} back",
                    self.pod
                ));
            }
            RegistrarNotice::Polling(error) => warn(&format!(
                "{}\n  Looking every 30 s instead. To notice at once what another writer overwrites, \
                 allow `watch` on pods.",
                plain(&error.to_string())
            )),
            _ => {}
        }
    }

    /// Says why it failed, and the way out.
    pub(super) fn say_failure(&self, error: &RegistrationError) {
        let RegistrationError::Request { pod, verb, cause } = error else {
            let mut text = plain_lines(&error.to_string());
            for line in error.advice().iter().flat_map(|advice| advice.lines()) {
                text += "\n  ";
                text += &plain(line);
            }
            return terminal::say_error(&text);
        };
        let scope = Scope::Namespace(Arc::from(pod.namespace()));
        let failure = Failure { verb: *verb, scope, cause: cause.clone() };
        let situation = Situation { config: &self.config };
        terminal::say_error(&explain(&failure, &situation));
    }
}

/// Checks all URLs before anything is sent, and says what is wrong with each.
///
/// # Errors
/// Wrong use, if one of them is not what `read` takes.
pub(super) fn check(
    urls: &[String],
    read: impl Fn(&str) -> Result<RegistryUrl, RegistryUrlError>,
) -> Result<Vec<(RegistryUrl, &str)>, Ended> {
    let mut checked = Vec::new();
    let mut wrong = false;
    for text in urls {
        match read(text) {
            Ok(url) => checked.push((url, text.as_str())),
            Err(error) => {
                wrong = true;
                let underlined = error.underlined();
                let (url, marks) = underlined.split_once('\n').unwrap_or((&underlined, ""));
                terminal::say_error(&format!("{error}\n  {}\n  {marks}", plain(url)));
            }
        }
    }
    if wrong { Err(Ended::Misused) } else { Ok(checked) }
}

pub(super) fn warn(text: &str) {
    terminal::say(&format!("{0}warning:{0:#} {text}", terminal::WARNING));
}
