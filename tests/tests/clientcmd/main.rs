//! kubeconfigs that are made up, read by us and by kubectl's own loader (`tests/go/clientcmd`): the same server, the
//! same credential, the same refusal. Where we mean to differ is a list, which fails when it is stale.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod generate;
mod oracle;

use std::fs;

use dubbo_k8s_registry::kube::{
    Client,
    config::{Config, Credential, Environment, Overrides, Trust, Url},
};
use proptest::prop_assert;
use proptest::test_runner::{Config as Runs, TestRunner};
use tempfile::TempDir;

use self::generate::Case;
use self::oracle::{Answer, Oracle};

/// At least; `PROPTEST_CASES` says how many more.
const CASES: u32 = 500;

#[test]
fn a_kubeconfig_means_what_it_means_to_kubectl() {
    let Some(oracle) = Oracle::build("a_kubeconfig_means_what_it_means_to_kubectl") else { return };
    let reader = Reader::new();
    let cases = Runs::default().cases.max(CASES);
    let runs = Runs { cases, failure_persistence: None, ..Runs::default() };
    let (mut taken, mut refused) = (0, 0);
    let strategy = generate::case();
    TestRunner::new(runs)
        .run(&strategy, |case| {
            let (theirs, ours) = (oracle.ask(&case), reader.read(&case));
            let same = match (&theirs, &ours) {
                (Ok(theirs), Ok(ours)) => theirs == ours,
                (Ok(theirs), Err(why)) => theirs.credential.is_empty() && is_meant(why),
                (Err(why), Ok(_)) => {
                    ["both specified", "illegal base64"].iter().any(|said| why.contains(said))
                }
                (Err(_), Err(_)) => true,
            };
            prop_assert!(same, "kubectl: {theirs:?}\nwe: {ours:?}");
            Ok(())
        })
        .unwrap_or_else(|failed| panic!("{failed}"));
    // The generator makes both kinds in earnest.
    let mut runner = TestRunner::deterministic();
    for _ in 0..200 {
        let case = proptest::strategy::Strategy::new_tree(&strategy, &mut runner).unwrap();
        let case = proptest::strategy::ValueTree::current(&case);
        *(if reader.read(&case).is_ok() { &mut taken } else { &mut refused }) += 1;
    }
    assert!(taken > 20 && refused > 20, "{taken} taken, {refused} refused");
}

/// A user that does not exist is an anonymous one to kubectl, see below.
fn is_meant(refusal: &str) -> bool {
    refusal.starts_with("the kubeconfig has no user `")
}

/// Whether kubectl takes what we refuse, or the other way round.
#[derive(Clone, Copy)]
enum Differs {
    WeTake,
    WeRefuse,
}
use Differs::{WeRefuse, WeTake};

#[test]
fn we_differ_from_kubectl_where_we_mean_to() {
    let Some(oracle) = Oracle::build("we_differ_from_kubectl_where_we_mean_to") else { return };
    let reader = Reader::new();
    let file = |cluster: &str, user: &str, more: &str| {
        format!(
            "current-context: c\ncontexts:\n- {{name: c, context: {{cluster: k, user: u}}}}\n\
             clusters:\n- {{name: k, cluster: {{{cluster}}}}}\nusers:\n- {{name: u, user: {{{user}}}}}\n\
             {more}"
        )
    };
    let h = "server: 'https://h'";
    let and = |more: &str| format!("{h}, {more}");
    for (differs, text) in [
        // A text need not be quoted, and a truth value may be.
        (WeTake, file(h, "token: 007", "")),
        (WeTake, file(&and("insecure-skip-tls-verify: 'yes'"), "", "")),
        // Of a file and data the data count, which is what kubectl's message says as well.
        (WeTake, file(h, &format!("{}, client-key: nowhere", generate::identity()), "")),
        // What is not used is not looked at.
        (WeTake, file(h, "", "preferences: {colors: 3}\n")),
        (WeTake, file(h, "", "- {name: other, user: {client-key-data: '!'}}\n")),
        // kubectl leaves the credential out over plain http, and asks without one.
        (WeRefuse, file("server: 'http://127.0.0.1:1'", "token: t", "")),
        // kubectl sends what is in a URL, or leaves it out.
        (WeRefuse, file("server: 'https://u:p@h'", "", "")),
        (WeRefuse, file("server: 'https://h?a=b'", "", "")),
        // kubectl asks anonymously.
        (WeRefuse, file(h, "", "").replace("user: u}", "user: nobody}")),
        // Of a member that comes twice kubectl does not look at the first one's type.
        (WeRefuse, file(h, "token: [a], token: b", "")),
        // No variable can have this name.
        (
            WeRefuse,
            file(
                h,
                "exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: x, \
                 env: [{name: 'a=b'}]}",
                "",
            ),
        ),
    ] {
        let case = Case::of(&text);
        let (theirs, ours) = (oracle.ask(&case), reader.read(&case));
        let as_listed = match differs {
            WeTake => theirs.is_err() && ours.is_ok(),
            WeRefuse => theirs.is_ok() && ours.is_err(),
        };
        assert!(as_listed, "kubectl: {theirs:?}\nwe: {ours:?}\n{text}");
    }
}

/// Our side.
struct Reader {
    folder: TempDir,
}

impl Reader {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn read(&self, case: &Case) -> Result<Answer, String> {
        let path = self.folder.path().join("config");
        fs::write(&path, &case.kubeconfig).unwrap();
        let overrides = Overrides {
            kubeconfig: Some(path),
            context: case.context.clone(),
            cluster: case.cluster.clone(),
            user: case.user.clone(),
            server: case.server.clone(),
            ..Overrides::default()
        };
        let environment = Environment::empty([]);
        let config = Config::load(&overrides, &environment).map_err(|error| error.to_string())?;
        Client::new(config.clone()).map_err(|error| error.to_string())?;
        let credential = match &config.credential {
            Credential::None => String::new(),
            Credential::Token(token) => format!("token {}", token.reveal()),
            Credential::TokenFile(path) => format!("file {}", path.display()),
            Credential::Basic { username, password } => {
                format!("basic {username}:{}", password.reveal())
            }
            Credential::Exec(plugin) => format!("exec {}", plugin.command.display()),
        };
        Ok(Answer {
            server: Url::parse(config.server.as_str()).unwrap().to_string(),
            credential,
            namespace: config.namespace,
            insecure: matches!(config.trust, Trust::Anyone),
            impersonate: config.impersonation.map_or(String::new(), |who| who.user),
        })
    }
}
