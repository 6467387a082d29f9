//! Envoy with the filter, whose providers are written into its configuration.

use std::net::SocketAddr;
use std::time::Duration;

use dubbo_k8s_tests::envoy::{Envoy, config};
use dubbo_k8s_tests::mesh::{INTERFACE, Programs, Service, destinations, ingress, local};
use dubbo_k8s_tests::skip;
use dubbo_k8s_tests::triple::{Answer, Call, Connection, Provider};
use serde_json::{Value, json};

/// Nothing here takes that long; a test that waits longer has failed.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

/// What a test needs, or the word that it is skipped.
pub(crate) fn programs(test: &str) -> Option<Programs> {
    match Programs::from_environment() {
        Ok(programs) => Some(programs),
        Err(why) => {
            skip::missing(test, &format!("{why}; cargo xtask test brings it"));
            None
        }
    }
}

/// Providers with the names `a`, `b` and so on.
pub(crate) async fn providers<const N: usize>() -> [Provider; N] {
    let mut started = Vec::new();
    for name in ["a", "b", "c", "d"].into_iter().take(N) {
        started.push(Provider::start(name).await.unwrap());
    }
    started.try_into().unwrap()
}

/// The call of every test that does not say otherwise.
pub(crate) fn hello() -> Call {
    Call::new(INTERFACE, "Hello")
}

pub(crate) struct Rig {
    pub(crate) envoy: Envoy,
}

impl Rig {
    /// One Envoy that knows these services, with a listener for each of these settings: members of the
    /// plugin configuration. All listeners share the compiled filter.
    pub(crate) async fn start(
        programs: &Programs,
        services: &[Service<'_>],
        settings: &[Value],
    ) -> Self {
        let annotations: Vec<String> = services.iter().map(Service::annotation).collect();
        let hosts: Vec<SocketAddr> = services.iter().map(|service| service.address).collect();
        Self::with(programs, &annotations, &hosts, settings, |listener| listener).await
    }

    /// With these annotations, and listeners that are changed before they are used.
    pub(crate) async fn with(
        programs: &Programs,
        annotations: &[String],
        hosts: &[SocketAddr],
        settings: &[Value],
        change: impl Fn(config::Listener) -> config::Listener,
    ) -> Self {
        let pod = |(number, annotation): (usize, &String)| json!({"namespace": "shop", "name": format!("pod-{number}"), "annotation": annotation});
        let pods: Vec<Value> = annotations.iter().enumerate().map(pod).collect();
        let listener = |(number, settings): (usize, &Value)| {
            let mut settings = local(settings);
            settings["annotations"] = pods.clone().into();
            change(ingress(programs, &number.to_string(), &settings)).value()
        };
        let listeners: Vec<Value> = settings.iter().enumerate().map(listener).collect();
        let configuration = config::bootstrap(&listeners, &destinations(hosts));
        let envoy = Envoy::start(&programs.envoy, &configuration).await.unwrap();
        Self { envoy }
    }

    /// A consumer at the listener of the settings of this number.
    pub(crate) async fn consumer(&self, number: usize) -> Consumer {
        let address = self.envoy.address(&number.to_string()).unwrap();
        Consumer { connection: Connection::open(address).await.unwrap() }
    }
}

#[derive(Clone)]
pub(crate) struct Consumer {
    connection: Connection,
}

impl Consumer {
    /// An answer, of whatever provider.
    pub(crate) async fn call(&mut self, call: &Call) -> Answer {
        self.connection.call(call).await.unwrap()
    }

    /// The name of the provider that answers.
    pub(crate) async fn who(&mut self, call: &Call) -> String {
        let answer = self.call(call).await;
        assert!(answer.is_good(), "{answer:?}");
        answer.provider().unwrap().to_owned()
    }

    /// Who answers how many of these calls, by name.
    pub(crate) async fn spread<const N: usize>(
        &mut self,
        call: &Call,
        calls: u32,
        names: [&str; N],
    ) -> [u32; N] {
        let mut counts = [0; N];
        for _ in 0..calls {
            let who = self.who(call).await;
            counts[names.iter().position(|name| *name == who).unwrap()] += 1;
        }
        counts
    }
}
