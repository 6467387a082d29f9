//! `decode` and `encode`, of both builds.

use dubbo_k8s_tests::program::{self, Component};

use super::rig::{annotation, both_read, provider, same};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_decoded_and_what_cannot_be() {
    let Some(component) = Component::find("decode of both builds") else { return };
    let value = annotation(&[provider("a.B", "10.0.0.1:20880", "&application=用户&weight=5")]);
    let pod = format!(
        "kind: Pod\nmetadata:\n  name: a\n  namespace: b\n  annotations:\n    \
         dubbo.io/annotation: {value}\n"
    );
    let inputs = [
        (value.as_str(), Some(0)),
        (pod.as_str(), Some(0)),
        (r#"{"kind":"PodList","items":[{"metadata":{"name":"a"}}]}"#, Some(0)),
        ("W3siayI6Ii9kdWJibyJ4In1d", Some(1)),
        ("!", Some(1)),
        ("kind: [", Some(1)),
        (r#"{"kind":"Service"}"#, Some(1)),
        ("[", Some(1)),
    ];
    for (input, status) in inputs {
        for output in ["text", "json"] {
            let ran = both_read(&component, &["decode", "-o", output], input).await;
            assert_eq!(ran.status, status, "{input}: {ran:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_encoded_and_what_cannot_be() {
    let Some(component) = Component::find("encode of both builds") else { return };
    for (input, status) in [
        (r#"[{"k":"/dubbo","v":"<é>"}]"#, Some(0)),
        (r#"[{"k":"nowhere","v":""}]"#, Some(0)),
        (r#"[{"k":"a"}]"#, Some(1)),
        ("{", Some(1)),
    ] {
        let ran = both_read(&component, &["encode"], input).await;
        assert_eq!(ran.status, status, "{input}: {ran:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_read_where_the_host_gives_its_folder() {
    let Some(component) = Component::find("files of both builds") else { return };
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pod"), "W10=").unwrap();
    let path = folder.path().join("pod");
    let (folder, path) = (folder.path().to_str().unwrap(), path.to_str().unwrap());
    let mut native = program::bare(program::dubbo_watcher());
    native.args(["decode", path]);
    let given = component.command(&["--dir", folder], &["decode", path]);
    let ran = same(program::run(native).await, &program::run(given).await);
    assert_eq!(ran.stdout, "0 records\n");
    let ran = program::run(component.command(&[], &["decode", path])).await;
    assert!(ran.error().starts_with(&format!("cannot read {path}: ")), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_version_is_the_same() {
    let Some(component) = Component::find("the version of both builds") else { return };
    for arguments in [&["--version"][..], &["list", "--version"], &["decode", "--help"]] {
        let mut native = program::bare(program::dubbo_watcher());
        native.args(arguments);
        let component = component.command(&[], arguments);
        same(program::run(native).await, &program::run(component).await);
    }
}
