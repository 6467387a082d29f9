//! A proxy between us and the server: the kubeconfig's and the environment's, each kind of them
//! that kubectl knows, with a password, and with a name to expect behind it.

use std::time::Duration;

use dubbo_k8s_engine::TransportErrorKind;
use dubbo_k8s_registry::kube::Client;
use dubbo_k8s_tests::proxy::{Proxy, ProxyRequest};

use crate::rig::{Rig, ask};

fn asked(how: &'static str, target: &str, credentials: Option<&str>) -> ProxyRequest {
    ProxyRequest { how, target: target.to_owned(), credentials: credentials.map(str::to_owned) }
}

#[tokio::test]
async fn every_kind_of_proxy_leads_to_the_server() {
    let rig = Rig::start().await;
    for (scheme, how) in [("http", "CONNECT"), ("https", "CONNECT over TLS"), ("socks5", "SOCKS5")]
    {
        let credentials = "ada:s3cr3t";
        let proxy = Proxy::before(&rig.server, Some(credentials)).await.unwrap();
        let url = format!("{scheme}://{credentials}@{}", proxy.address());
        // No address of ours: only the proxy can know where that is.
        let cluster = "server: 'https://kubernetes.default.svc'";
        rig.kubeconfig(&format!("{cluster}, proxy-url: '{url}'"), &rig.admin());
        let answer = ask(&mut rig.client(), Duration::ZERO).await;
        assert_eq!(answer, Ok(200), "{scheme}");
        let expected = asked(how, "kubernetes.default.svc:443", Some(credentials));
        assert_eq!(proxy.asked(), [expected], "{scheme}");
    }
    assert!(rig.server.requests().all().iter().all(|seen| seen.http2), "through a tunnel too");
}

#[tokio::test]
async fn a_name_to_expect_is_checked_behind_a_proxy_too() {
    let rig = Rig::start().await;
    let proxy = Proxy::before(&rig.server, None).await.unwrap();
    for (name, accepted) in [("kubernetes", true), ("127.0.0.1", true), ("else.example", false)] {
        let cluster = format!(
            "server: 'https://kube.example:6443', tls-server-name: {name}, proxy-url: 'http://{}'",
            proxy.address()
        );
        rig.kubeconfig(&cluster, &rig.admin());
        let answer = ask(&mut rig.client(), Duration::ZERO).await;
        assert_eq!(answer.is_ok(), accepted, "{name}: {answer:?}");
        if let Err(error) = answer {
            assert_eq!(error.kind, TransportErrorKind::Tls, "{error}");
        }
        // The proxy learns where to go, not what to expect there.
        assert_eq!(proxy.asked().pop().unwrap().target, "kube.example:6443");
    }
}

#[tokio::test]
async fn the_environment_s_proxy_is_used_unless_it_is_excepted() {
    let rig = Rig::start().await;
    let proxy = Proxy::before(&rig.server, None).await.unwrap();
    let url = format!("http://{}", proxy.address());
    rig.kubeconfig("server: 'https://kubernetes.default.svc'", &rig.admin());
    let environment = [("HTTPS_PROXY", url.as_str())];
    let mut client = Client::new(rig.config(&environment)).unwrap();
    assert_eq!(ask(&mut client, Duration::ZERO).await, Ok(200));
    assert_eq!(proxy.asked(), [asked("CONNECT", "kubernetes.default.svc:443", None)]);

    // This machine is never asked for by way of a proxy of the environment.
    rig.kubeconfig(&rig.here(), &rig.admin());
    let mut client = Client::new(rig.config(&environment)).unwrap();
    assert_eq!(ask(&mut client, Duration::ZERO).await, Ok(200));
    assert_eq!(proxy.asked().len(), 1);
}

#[tokio::test]
async fn a_proxy_that_refuses_or_is_not_there_is_named_without_its_password() {
    let rig = Rig::start().await;
    let proxy = Proxy::before(&rig.server, Some("ada:right")).await.unwrap();
    let address = proxy.address();
    for (scheme, what) in [("http", "proxy authorization required"), ("socks5", "")] {
        let cluster =
            format!("server: 'https://kube.example', proxy-url: '{scheme}://ada:s3cr3t@{address}'");
        rig.kubeconfig(&cluster, &rig.admin());
        let error = ask(&mut rig.client(), Duration::ZERO).await.unwrap_err();
        assert_eq!(error.kind, TransportErrorKind::Connect, "{error}");
        let named = format!("the proxy {scheme}://{address} (from proxy-url)");
        assert!(error.text.starts_with(&named), "{error}");
        assert!(error.text.contains(what) && !error.text.contains("s3cr3t"), "{error}");
    }
    drop(proxy);
    let error = ask(&mut rig.client(), Duration::ZERO).await.unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Connect, "{error}");
    assert!(error.text.contains(&format!("{address}")), "{error}");
}
