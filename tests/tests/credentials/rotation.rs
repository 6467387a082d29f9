//! Tokens, authorities and client certificates that change while the watcher
//! works.

use std::time::Duration;

use dubbo_k8s_engine::TransportErrorKind;
use dubbo_k8s_tests::apiserver::Verb;

use crate::rig::{Rig, ask};

const ZERO: Duration = Duration::ZERO;

#[tokio::test]
async fn a49_a_new_authority_is_trusted_as_soon_as_the_old_one_fails() {
    let mut rig = Rig::start().await;
    rig.kubeconfig(&rig.here(), &rig.admin());
    let mut client = rig.client();
    assert_eq!(ask(&mut client, ZERO).await, Ok(200));

    rig.server.rotate_authority().await.unwrap();
    let error = ask(&mut client, ZERO).await.unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Tls, "the new one is not trusted before: {error}");
    // Half written: the old one stays in use, which is refused still.
    rig.write("ca.crt", "-----BEGIN CERTIFICATE-----\nMII");
    assert_eq!(ask(&mut client, ZERO).await.unwrap_err().kind, TransportErrorKind::Tls);

    rig.write("ca.crt", &rig.server.ca_pem());
    assert_eq!(ask(&mut client, ZERO).await, Ok(200), "without waiting for the minute");
}

#[tokio::test]
async fn a50_a_client_certificate_is_rotated_under_load() {
    let rig = Rig::start().await;
    let old = rig.server.client_certificate("ada").unwrap();
    rig.write("ada.crt", &old.certificate_pem);
    rig.write("ada.key", &old.key_pem);
    rig.kubeconfig(&rig.here(), "{client-certificate: ada.crt, client-key: ada.key}");
    let mut client = rig.client();

    let new = rig.server.client_certificate("ada").unwrap();
    for round in 0..30_u64 {
        let now = Duration::from_mins(round);
        match round {
            // The certificate first: it does not belong to the key, so the old pair goes on.
            10 => drop(rig.write("ada.crt", &new.certificate_pem)),
            15 => drop(rig.write("ada.key", &new.key_pem)),
            20 => rig.server.access().revoke_certificate(&old),
            _ => {}
        }
        let several: Vec<_> = (0..4).map(|_| send(&mut client, now)).collect();
        for answer in futures_util::future::join_all(several).await {
            assert_eq!(answer, Some(200), "round {round}");
        }
    }
    let seen = rig.server.requests().of(Verb::List);
    let connections: std::collections::BTreeSet<_> =
        seen.iter().map(|seen| seen.connection).collect();
    assert_eq!(connections.len(), 2, "one of each certificate");
}

fn send(
    client: &mut dubbo_k8s_registry::kube::Client,
    now: Duration,
) -> impl Future<Output = Option<u16>> + use<> {
    let mut exchange = client.send(now, crate::rig::list());
    async move {
        match exchange.next().await {
            Some(dubbo_k8s_registry::kube::Event::Head { status, .. }) => Some(status),
            _ => None,
        }
    }
}

#[tokio::test]
async fn a48_a_token_file_is_read_again_by_the_minute() {
    let rig = Rig::start().await;
    for token in ["old", "new"] {
        rig.server.access().add_token(token, "ada");
    }
    rig.write("token", "old\n");
    rig.kubeconfig(&rig.here(), "{tokenFile: token}");
    let mut client = rig.client();
    assert_eq!(ask(&mut client, ZERO).await, Ok(200));
    rig.write("token", "new\n");
    rig.server.access().revoke_token("old");
    assert_eq!(ask(&mut client, Duration::from_secs(59)).await, Ok(401));
    assert_eq!(ask(&mut client, Duration::from_mins(1)).await, Ok(200));
}
