//! What `doctor` says of what stands between: a proxy, and a plugin that gives the credential. Of neither
//! it must show more than where it is.

use dubbo_k8s_tests::proxy::Proxy;

use crate::plugins;
use crate::rig::Rig;

const DOCTOR: [&str; 3] = ["doctor", "--needs", "read"];

#[tokio::test(flavor = "multi_thread")]
async fn it_names_the_proxy_without_its_password() {
    let rig = Rig::start().await;
    let proxy = Proxy::before(&rig.server, Some("ada:s3cr3t")).await.unwrap();
    let cluster = format!(
        "server: 'https://kubernetes.default.svc', proxy-url: 'http://ada:s3cr3t@{}'",
        proxy.address()
    );
    rig.kubeconfig(&cluster, &rig.admin());
    let ran = rig.run(&DOCTOR).await;
    assert_eq!(ran.status, Some(0), "{ran:?}");
    let way = format!("the way leads through http://{} (proxy-url)", proxy.address());
    assert!(ran.stdout.contains(&way), "{way} is not in:\n{}", ran.stdout);
    assert!(!format!("{ran:?}").contains("s3cr3t"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_names_the_plugin_and_not_what_it_gives() {
    let rig = Rig::start().await;
    rig.server.access().add_token("s3cr3t", "ada");
    plugins::plugin(&rig);
    plugins::credential(&rig, &serde_json::json!({"token": "s3cr3t"}));
    let ran = rig.run(&DOCTOR).await;
    assert_eq!(ran.status, Some(0), "{ran:?}");
    let given = "plugin` gives the credential (client.authentication.k8s.io/v1)\n";
    assert!(ran.stdout.contains(given), "{given} is not in:\n{}", ran.stdout);
    assert!(ran.stdout.contains("the server accepts the credentials as ada"), "{}", ran.stdout);
    assert!(!format!("{ran:?}").contains("s3cr3t"), "{ran:?}");
}
