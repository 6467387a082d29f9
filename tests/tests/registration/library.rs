//! The library, as a Rust service uses it.

use dubbo_k8s_engine::registration::{PodName, RegistrarSettings, RegistrationError};
use dubbo_k8s_registry::kube::Client;
use dubbo_k8s_registry::kube::config::{Config, Environment, Overrides};
use dubbo_k8s_registry::{HoldState, RegisterError, Registration, Registrations};
use dubbo_k8s_tests::apiserver::{Act, Fault, Seen, Verb};

use super::rig::Rig;
use super::{KEY, URL, url};

/// A Pod, and a service that registers in it.
async fn start() -> (Rig, Registrations) {
    let rig = Rig::start().await;
    let registrations = registrations(&rig);
    (rig, registrations)
}

fn registrations(rig: &Rig) -> Registrations {
    let overrides =
        Overrides { kubeconfig: Some(rig.kubeconfig().to_owned()), ..Overrides::default() };
    let config = Config::load(&overrides, &Environment::empty([])).unwrap();
    let pod = PodName::new("shop", "user-0").unwrap();
    Registrations::new(Client::new(config).unwrap(), RegistrarSettings::new(pod))
}

/// Waits until two patches were taken.
async fn patched_twice(rig: &Rig) {
    let taken = |seen: &[Seen]| {
        let patches = seen.iter().filter(|one| one.verb == Verb::Patch);
        patches.filter(|one| one.status == Some(200)).count() == 2
    };
    rig.server.requests().wait_for(taken).await;
}

#[tokio::test]
async fn ten_services_share_one_pod_and_leave_it_as_it_was() {
    let rig = Rig::start().await;
    rig.set_keys(&["other"]);
    let services: Vec<_> = (0..10).map(|_| registrations(&rig)).collect();
    let urls: Vec<_> = (0..10).map(url).collect();
    let begun = services.iter().zip(&urls).map(|(service, url)| service.register(url));
    let held = futures_util::future::try_join_all(begun).await.unwrap();
    assert_eq!(rig.keys().len(), 11);
    futures_util::future::try_join_all(held.into_iter().map(Registration::close)).await.unwrap();
    assert_eq!(rig.keys(), ["other"]);
}

#[tokio::test]
async fn one_service_registers_many_with_few_requests() {
    let (rig, registrations) = start().await;
    let urls: Vec<_> = (0..20).map(url).collect();
    let begun = urls.iter().map(|url| registrations.register(url));
    let held = futures_util::future::try_join_all(begun).await.unwrap();
    assert_eq!(rig.keys().len(), 20);
    assert!(rig.patches() <= 2, "{}", rig.patches());
    drop(held);
}

#[tokio::test]
async fn what_is_overwritten_comes_back_by_itself() {
    let (rig, registrations) = start().await;
    let held = registrations.register(URL).await.unwrap();
    assert_eq!((held.url(), held.key()), (URL, KEY));
    rig.server.watches().wait_for(|open| *open == 1).await.unwrap();
    rig.set_keys(&["other"]);
    patched_twice(&rig).await;
    assert_eq!(rig.keys(), ["other", KEY]);
    held.close().await.unwrap();
    assert_eq!(rig.keys(), ["other"]);
    rig.server.watches().wait_for(|open| *open == 0).await.unwrap();
}

#[tokio::test]
async fn who_stops_waiting_leaves_nothing_behind() {
    let rig = Rig::start().await;
    rig.server.faults().add(Fault::on(Verb::Patch, Act::Stall { after: 0 }).once());
    let registrations = registrations(&rig);
    {
        let register = registrations.register(URL);
        tokio::pin!(register);
        tokio::select! {
            _ = &mut register => panic!("the answer stalls"),
            _ = rig.server.requests().wait_for_count(Verb::Patch, 1) => {}
        }
    }
    rig.server.reset_connections();
    patched_twice(&rig).await;
    assert!(rig.keys().is_empty());
}

#[tokio::test]
async fn a_dropped_registration_is_taken_out_while_the_runtime_lives() {
    let (rig, registrations) = start().await;
    drop(registrations.register(URL).await.unwrap());
    drop(registrations);
    patched_twice(&rig).await;
    assert!(rig.keys().is_empty());
}

#[tokio::test]
async fn a_pod_that_goes_takes_its_registrations_along() {
    let (rig, registrations) = start().await;
    let held = registrations.register(URL).await.unwrap();
    rig.server.watches().wait_for(|open| *open == 1).await.unwrap();
    rig.server.store().delete("shop", "user-0").unwrap();
    let mut state = registrations.state();
    let lost = |state: &HoldState| matches!(state, HoldState::Lost(RegistrationError::Gone(_)));
    state.wait_for(lost).await.unwrap();
    let error = registrations.register(URL).await.unwrap_err();
    assert!(matches!(error, RegisterError::Pod(RegistrationError::Gone(_))));
    held.close().await.unwrap();
}

#[tokio::test]
async fn a_bad_url_is_reported_without_a_request() {
    let rig = Rig::start().await;
    let error = registrations(&rig).register("dubbo://h/a.B").await.unwrap_err();
    assert!(matches!(error, RegisterError::Url(_)));
    assert!(rig.server.requests().all().is_empty());
}
