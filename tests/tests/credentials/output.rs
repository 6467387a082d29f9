//! What the program itself writes, on both streams, when a credential is accepted and when it is refused:
//! the credential must not be in it.

use dubbo_k8s_tests::proxy::Proxy;
use serde_json::json;

use crate::plugins;
use crate::rig::Rig;

const SECRET: &str = "s3cr3t";
const URL: &str = "dubbo://10.0.0.1:20880/a.B?interface=a.B";

/// Every verb that ends by itself, and how each of them ends: well or not.
async fn written(rig: &Rig) -> (String, usize) {
    let (mut written, mut good) = (String::new(), 0);
    for verb in [
        &["list"][..],
        &["doctor", "--needs", "read"],
        &["register", URL, "--pod", "none", "--dry-run"],
        &["unregister", URL, "--pod", "none"],
    ] {
        let ran = rig.run(verb).await;
        assert!(!(ran.stdout.is_empty() && ran.stderr.is_empty()), "{verb:?} says something");
        good += usize::from(ran.status == Some(0));
        written.push_str(&ran.stdout);
        written.push_str(&ran.stderr);
    }
    (written, good)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_credential_is_in_what_the_program_writes() {
    let rig = Rig::start().await;
    let token = format!("{{token: {SECRET}}}");
    let proxy = Proxy::before(&rig.server, Some(&format!("ada:{SECRET}"))).await.unwrap();
    let through = format!("{}, proxy-url: 'http://ada:{SECRET}@{}'", rig.here(), proxy.address());
    for accepted in [false, true] {
        if accepted {
            rig.server.access().add_token(SECRET, "ada");
        }
        let mut all = Vec::new();
        rig.kubeconfig(&rig.here(), &token);
        all.push(written(&rig).await);
        rig.kubeconfig(&through, &token);
        all.push(written(&rig).await);
        plugins::plugin(&rig);
        plugins::credential(&rig, &json!({"token": SECRET}));
        all.push(written(&rig).await);
        for (text, good) in all {
            // There is no such Pod, so that two of the four never end well.
            assert_eq!(good, if accepted { 2 } else { 0 }, "{text}");
            assert!(!text.contains(SECRET), "{text}");
        }
    }
}
