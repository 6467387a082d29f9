//! A relay that stops forwarding: every sign of TCP says that the connection is well, and nothing
//! comes. HTTP/2 notices by its pings, HTTP/1.1 by the deadline of the watch.
//!
//! The clock is stopped only while nothing moves but time: what is on its way over a real socket
//! would come too late otherwise.

use std::net::SocketAddr;
use std::time::Duration;

use dubbo_k8s_engine::{Cause, Engine, Notice, Scopes, Settings, TransportErrorKind};
use dubbo_k8s_registry::kube::config::{Config, Environment, Overrides};
use dubbo_k8s_registry::kube::{Client, Driver};
use dubbo_k8s_tests::apiserver::{Options, Server};
use dubbo_k8s_tests::relay::{Flow, Relay};

use crate::pod;

fn driver(server: &Server, relay: SocketAddr) -> Driver {
    let folder = tempfile::tempdir().unwrap();
    let path = server.write_kubeconfig(folder.path()).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace(&server.url(), &format!("https://{relay}"))).unwrap();
    let overrides = Overrides { kubeconfig: Some(path), ..Overrides::default() };
    let config = Config::load(&overrides, &Environment::empty([])).unwrap();
    let settings = Settings::new(Scopes::namespaces(["default"]).unwrap());
    Driver::new(Client::new(config).unwrap(), Engine::new(settings, 1))
}

/// Runs the driver until it emits this.
async fn until(driver: &mut Driver, wanted: impl Fn(&Notice) -> bool) -> Notice {
    let mut notices = Vec::new();
    loop {
        driver.next(&mut notices).await;
        if let Some(found) = notices.drain(..).find(|notice| wanted(notice)) {
            return found;
        }
    }
}

/// Stalls the connection of a driver that is in sync, and returns how long it took to notice, and
/// how.
async fn stall(http2: bool) -> (Duration, TransportErrorKind) {
    let server = Server::start(Options { http2, ..Options::default() }).await.unwrap();
    let relay = Relay::start(server.address()).await.unwrap();
    let mut driver = driver(&server, relay.address());
    until(&mut driver, |notice| matches!(notice, Notice::Synced { .. })).await;
    // A word on the watch, so that its silence later is no reason to ask.
    server.store().create(pod("one")).unwrap();
    until(&mut driver, |notice| matches!(notice, Notice::Change(_))).await;
    assert_eq!(*relay.accepted().borrow(), 1);

    relay.set_open(Flow::Stall);
    tokio::time::pause();
    let stalled = tokio::time::Instant::now();
    let lost = until(&mut driver, |notice| matches!(notice, Notice::Disconnected { .. })).await;
    let noticed = stalled.elapsed();
    let Notice::Disconnected { error, retry_in, .. } = lost else { unreachable!() };
    let Cause::Transport(error) = error.cause else { panic!("{error:?}") };
    tokio::time::advance(retry_in).await;
    tokio::time::resume();

    server.store().create(pod("two")).unwrap();
    until(&mut driver, |notice| matches!(notice, Notice::Reconnected { .. })).await;
    while driver.engine().catalog().pods() < 2 {
        driver.next(&mut Vec::new()).await;
    }
    assert_eq!(*relay.accepted().borrow(), 2, "exactly one new connection");
    (noticed, error.kind)
}

#[tokio::test]
async fn a35_a_relay_that_stops_forwarding_is_noticed_by_pings_on_http_2() {
    let (noticed, _) = stall(true).await;
    assert!(noticed <= Duration::from_secs(46), "{noticed:?}");
}

#[tokio::test]
async fn a35_a_relay_that_stops_forwarding_is_noticed_by_the_deadline_on_http_1() {
    let (noticed, kind) = stall(false).await;
    assert_eq!(kind, TransportErrorKind::Deadline);
    assert!(noticed <= Duration::from_secs(605), "{noticed:?}");
}
