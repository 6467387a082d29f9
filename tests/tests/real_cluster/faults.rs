//! What happens to real servers, and what a subscriber of the registry sees of it: after each fault exactly the
//! difference, nothing lost and nothing twice. Pods are written by requests, never by way of the registry.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use dubbo_k8s_engine::RelistReason;
use dubbo_k8s_tests::control_plane::{ControlPlane, Programs, free_port};
use dubbo_k8s_tests::program::Running;
use dubbo_k8s_tests::relay::{Flow, Relay};

use crate::churn::Churn;
use crate::cluster::{Cluster, soon};
use crate::real_servers;
use crate::scenarios::{key, pod};
use crate::view::View;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_befalls_a_server_loses_nothing() {
    let Some(programs) = real_servers("faults of a real server").first().cloned() else { return };
    let mut server = start_beside_others(&programs).await;
    let cluster = Cluster::of_kubeconfig(server.kubeconfig());
    a_killed_server_and_a_compaction(&mut server, &cluster).await;
    an_etcd_that_stands_still_and_a_new_certificate(&mut server, &cluster).await;
    a_watch_cache_that_was_outrun(&mut server, &cluster).await;
    a_server_that_went_back_is_noticed(&mut server, &cluster).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_control_plane_that_cannot_start_says_why_and_the_way_out() {
    let Some(programs) = real_servers("a control plane").first().cloned() else { return };
    let absent = Programs { etcd: "/absent".into(), ..programs.clone() };
    let error = ControlPlane::try_start(&absent, &[], free_port).await.err().unwrap().to_string();
    assert!(error.starts_with("cannot run /absent/etcd: "), "{error}");
    assert!(error.ends_with("`cargo xtask setup` builds it"), "{error}");

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = || taken.local_addr().unwrap().port();
    let error = ControlPlane::try_start(&programs, &[], port).await.err().unwrap().to_string();
    assert!(error.starts_with("no port of 127.0.0.1 stayed free in 5 attempts; "), "{error}");

    let refused = ControlPlane::try_start(&programs, &["--no-such-flag"], free_port).await;
    let error = refused.err().unwrap().to_string();
    assert!(error.starts_with("kube-apiserver ended before it was ready; "), "{error}");
    assert!(error.contains("unknown flag: --no-such-flag"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_program_ends_its_servers_at_sigterm_while_its_input_stays_open() {
    let Some(programs) = real_servers("the control plane's program").first().cloned() else {
        return;
    };
    let mut command = Command::new(env!("CARGO_BIN_EXE_control_plane"));
    command.arg("--etcd").arg(&programs.etcd);
    command.arg("--kube-apiserver").arg(&programs.kube_apiserver);
    let (input, open) = std::io::pipe().unwrap();
    command.stdin(input);
    let running = Running::start(command);
    let line = running.line();
    assert!(line.starts_with("kube-apiserver  https://127.0.0.1:"), "{line}");
    let line = running.line();
    let kubeconfig = Path::new(line.strip_prefix("kubeconfig      ").unwrap());
    assert!(kubeconfig.exists(), "{line}");
    assert_eq!(running.end("-TERM").status, Some(0));
    assert!(!kubeconfig.exists(), "{line}");
    drop(open);
}

/// Starts one whose first choice of ports is taken by another program.
async fn start_beside_others(programs: &Programs) -> ControlPlane {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut first = [taken.local_addr().unwrap().port()].into_iter();
    let port = || first.next().unwrap_or_else(free_port);
    ControlPlane::try_start(programs, &[], port).await.unwrap()
}

async fn a_killed_server_and_a_compaction(server: &mut ControlPlane, cluster: &Cluster) {
    let namespace = cluster.namespace("killed").await;
    let mut view = View::of(&namespace);
    namespace.create(&pod("a", Some(&key("a")))).await;
    view.becomes(&["a"]).await;

    server.kill_apiserver();
    server.start_apiserver().await;
    namespace.create(&pod("b", Some(&key("b")))).await;
    view.becomes(&["a", "b"]).await;

    server.kill_apiserver();
    server.start_apiserver().await;
    namespace.delete("a").await;
    namespace.create(&pod("c", Some(&key("c")))).await;
    let list = namespace.list("limit=1", "application/json").await;
    let version = list["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    server.etcdctl(&["compact", &version]);
    view.becomes(&["b", "c"]).await;
}

async fn an_etcd_that_stands_still_and_a_new_certificate(
    server: &mut ControlPlane,
    cluster: &Cluster,
) {
    let namespace = cluster.namespace("etcd").await;
    let mut view = View::of(&namespace);
    namespace.create(&pod("a", Some(&key("a")))).await;
    view.becomes(&["a"]).await;

    server.pause_etcd();
    let body = pod("b", Some(&key("b")));
    let created = namespace.create(&body);
    tokio::pin!(created);
    let waits = tokio::time::timeout(std::time::Duration::from_millis(300), &mut created).await;
    assert!(waits.is_err(), "a write waits for etcd");
    server.resume_etcd();
    soon("the write that waited", created).await;
    view.becomes(&["a", "b"]).await;

    server.kill_apiserver();
    server.write_server_certificate();
    server.start_apiserver().await;
    namespace.create(&pod("c", Some(&key("c")))).await;
    view.becomes(&["a", "b", "c"]).await;
}

/// A client that was away while the server's watch cache lost what it missed: a new cache begins at the present.
async fn a_watch_cache_that_was_outrun(server: &mut ControlPlane, cluster: &Cluster) {
    let namespace = cluster.namespace("outrun").await;
    let relay = Relay::start(cluster.address()).await.unwrap();
    let mut view = View::by(cluster.config_through(relay.address()), &[&namespace.name]);
    for name in ["a", "b"] {
        namespace.create(&pod(name, Some(&key(name)))).await;
    }
    view.becomes(&["a", "b"]).await;
    relay.set(Flow::Cut);
    namespace.delete("a").await;
    namespace.create(&pod("c", Some(&key("c")))).await;
    server.kill_apiserver();
    server.start_apiserver().await;
    relay.set(Flow::Pass);
    view.becomes(&["b", "c"]).await;
    view.until("a new list", |seen| seen.relists == [RelistReason::Expired]).await;
}

async fn a_server_that_went_back_is_noticed(server: &mut ControlPlane, cluster: &Cluster) {
    let namespace = cluster.namespace("back").await;
    let mut view = View::of(&namespace);
    namespace.create(&pod("a", Some(&key("a")))).await;
    view.becomes(&["a"]).await;
    let saved = server.save();
    for name in ["b", "c", "d", "e"] {
        namespace.create(&pod(name, Some(&key(name)))).await;
    }
    namespace.delete("a").await;
    view.becomes(&["b", "c", "d", "e"]).await;
    server.restore(&saved).await;
    view.becomes(&["a"]).await;
    namespace.create(&pod("f", Some(&key("f")))).await;
    view.becomes(&["a", "f"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_streaming_lists_the_watcher_follows_by_pages() {
    let Some(programs) = real_servers("no streaming list").last().cloned() else { return };
    let server = ControlPlane::start(&programs, &["--feature-gates=WatchList=false"]).await;
    let cluster = Cluster::of_kubeconfig(server.kubeconfig());
    let namespace = cluster.namespace("pages").await;
    namespace.create(&pod("a", Some(&key("a")))).await;
    let mut view = View::of(&namespace);
    view.becomes(&["a"]).await;
    namespace.delete("a").await;
    view.becomes(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_changes_between_kills_add_up_to_the_truth() {
    let Some(programs) = real_servers("churn").first().cloned() else { return };
    let mut server = ControlPlane::start(&programs, &[]).await;
    let cluster = Cluster::of_kubeconfig(server.kubeconfig());
    let namespace = cluster.namespace("churn").await;
    let mut view = View::of(&namespace);
    let mut churn = Churn::new(0x6b38_7300);
    for round in 0..5 {
        if round > 0 {
            server.kill_apiserver();
            server.start_apiserver().await;
        }
        for _ in 0..80 {
            churn.step(&namespace).await;
        }
        let truth = churn.truth();
        view.becomes(&truth.iter().map(String::as_str).collect::<Vec<_>>()).await;
    }
}
