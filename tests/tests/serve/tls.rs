//! TLS for clients, with a certificate that is replaced while the server runs.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use dubbo_k8s_tests::apiserver::{Authority, Identity};
use dubbo_k8s_tests::raw::Endpoint;
use dubbo_k8s_watcher::serve::{Options, Tls};

use crate::client::{connect_from, get, head};
use crate::rig::{Rig, provider};

pub(crate) fn write(folder: &Path, identity: &Identity) {
    fs::write(folder.join("tls.crt"), &identity.certificate_pem).unwrap();
    fs::write(folder.join("tls.key"), &identity.key_pem).unwrap();
}

pub(crate) fn tls(folder: &Path) -> Tls {
    Tls::new(folder.join("tls.crt"), folder.join("tls.key")).unwrap()
}

/// The status of an answer to a client that trusts this authority; `None` if there is no handshake.
async fn status(address: SocketAddr, authority: &Authority) -> Option<u16> {
    let url = format!("https://{address}");
    let endpoint = Endpoint::new(&url, Some(&authority.pem()), None, None).unwrap();
    endpoint.get("/v1/snapshot", "*/*").await.ok().map(|reply| reply.status)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_read_again_when_it_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (Authority::new().unwrap(), Authority::new().unwrap());
    write(folder.path(), &first.server().unwrap());
    let options = Options { tls: Some(tls(folder.path())), ..Options::default() };
    let rig = Rig::with(&[("one", &[provider("a.B", 1)])], options).await;
    assert_eq!(status(rig.address, &first).await, Some(200));
    assert_eq!(status(rig.address, &second).await, None);

    // Half of the new pair is there: the old one is still good.
    let next = second.server().unwrap();
    fs::write(folder.path().join("tls.crt"), &next.certificate_pem).unwrap();
    assert_eq!(status(rig.address, &first).await, Some(200));
    fs::write(folder.path().join("tls.key"), &next.key_pem).unwrap();
    assert_eq!(status(rig.address, &second).await, Some(200));
    assert_eq!(status(rig.address, &first).await, None);

    // What cannot be used at all changes nothing.
    fs::write(folder.path().join("tls.crt"), "no certificate").unwrap();
    assert_eq!(status(rig.address, &second).await, Some(200));
    fs::remove_file(folder.path().join("tls.key")).unwrap();
    assert_eq!(status(rig.address, &second).await, Some(200));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_served_in_plain_beside_tls_but_probes() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &Authority::new().unwrap().server().unwrap());
    let options = Options { tls: Some(tls(folder.path())), ..Options::default() };
    let rig = Rig::with(&[("one", &[provider("a.B", 1)])], options).await;
    let mut plain = connect_from(1, rig.address).await;
    let answer = head(&mut plain, "/v1/snapshot").await;
    assert!(!answer.contains("HTTP/1.1"), "{answer}");
    assert_eq!(get(rig.probes, "/readyz", &[]).await.status, 200);
}

/// A client that connects and says nothing keeps its place for a while, and no other client waits for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handshake_that_does_not_go_on_holds_up_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Arc::new(Authority::new().unwrap());
    write(folder.path(), &authority.server().unwrap());
    let options = Options { tls: Some(tls(folder.path())), ..Options::default() };
    let rig = Rig::with(&[("one", &[provider("a.B", 1)])], options).await;
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(connect_from(2, rig.address).await);
    }
    assert_eq!(status(rig.address, &authority).await, Some(200));
}

#[test]
fn a_pair_that_cannot_be_used_is_refused_with_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (Authority::new().unwrap(), Authority::new().unwrap());
    let (one, two) = (one.server().unwrap(), two.server().unwrap());
    let refused = || {
        let path = folder.path();
        let error = Tls::new(path.join("tls.crt"), path.join("tls.key")).unwrap_err();
        error.to_string()
    };
    assert!(refused().starts_with("cannot read ") && refused().contains("tls.crt"));
    write(folder.path(), &one);
    fs::write(folder.path().join("tls.key"), &two.key_pem).unwrap();
    assert!(refused().starts_with("the certificate and its key cannot be used"), "{}", refused());
    fs::write(folder.path().join("tls.key"), "").unwrap();
    assert!(refused().starts_with("there is no private key in "), "{}", refused());
    assert!(!refused().contains(one.key_pem.lines().nth(1).unwrap()));
}
