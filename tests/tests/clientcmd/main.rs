//! kubeconfigs that are made up, read by us and by kubectl's own loader (`tests/go/clientcmd`): the same server, the
//! same credential, the same refusal. Where we mean to differ is a list, which fails when it is stale.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod case;
mod generate;
mod odd;
mod oracle;

use proptest::prop_assert;
use proptest::test_runner::{Config as Runs, TestRunner};

use self::case::Case;
use self::oracle::{Answer, Oracle};

/// At least; `PROPTEST_CASES` says how many more.
const CASES: u32 = 500;

#[test]
fn a_kubeconfig_means_what_it_means_to_kubectl() {
    let Some(oracle) = Oracle::build("a_kubeconfig_means_what_it_means_to_kubectl") else { return };
    let folder = tempfile::tempdir().unwrap();
    let cases = Runs::default().cases.max(CASES);
    let runs = Runs { cases, failure_persistence: None, ..Runs::default() };
    let (mut taken, mut refused) = (0, 0);
    let strategy = generate::case();
    TestRunner::new(runs)
        .run(&strategy, |case| {
            let ours = case.read(folder.path());
            let theirs = oracle.ask(&case, folder.path());
            prop_assert!(
                difference(&theirs, &ours) != Unknown,
                "kubectl: {theirs:?}\nwe: {ours:?}"
            );
            Ok(())
        })
        .unwrap_or_else(|failed| panic!("{failed}"));
    // The generator makes both kinds in earnest.
    let mut runner = TestRunner::deterministic();
    for _ in 0..200 {
        let case = proptest::strategy::Strategy::new_tree(&strategy, &mut runner).unwrap();
        let case = proptest::strategy::ValueTree::current(&case);
        *(if case.read(folder.path()).is_ok() { &mut taken } else { &mut refused }) += 1;
    }
    assert!(taken > 20 && refused > 20, "{taken} taken, {refused} refused");
}

#[test]
fn each_member_takes_the_values_that_it_takes_for_kubectl() {
    compare("each_member_takes_the_values_that_it_takes_for_kubectl", odd::values());
}

#[test]
fn servers_credentials_encodings_and_lists_of_files_mean_what_they_mean_to_kubectl() {
    let name = "servers_credentials_encodings_and_lists_of_files_mean_what_they_mean_to_kubectl";
    let unseen = compare(name, odd::forms());
    assert!(unseen.is_empty(), "nothing differs any more by {unseen:?}");
}

/// Compares the verdicts of many; gives the known differences that were not met.
fn compare(test: &str, cases: Vec<Case>) -> Vec<&'static str> {
    let Some(oracle) = Oracle::build(test) else { return Vec::new() };
    let folder = odd::folder();
    let mut unseen: Vec<_> =
        ONLY_KUBECTL_TAKES.iter().chain(ONLY_WE_TAKE).map(|(words, _)| *words).collect();
    let mut unknown = Vec::new();
    for case in cases {
        let ours = case.read(folder.path());
        let theirs = oracle.ask(&case, folder.path());
        match difference(&theirs, &ours) {
            Same => {}
            Known(known) => unseen.retain(|words| *words != known),
            Unknown => unknown.push(format!("kubectl: {theirs:?}\nwe: {ours:?}\n{case:?}")),
        }
    }
    assert!(unknown.is_empty(), "{} differ:\n{}", unknown.len(), unknown.join("\n"));
    unseen
}

/// Whether two answers differ, and by the words of which known difference.
#[derive(PartialEq, Eq)]
enum Comparison {
    Same,
    Known(&'static str),
    Unknown,
}
use Comparison::{Known, Same, Unknown};

/// Compares two answers.
fn difference(theirs: &Result<Answer, String>, ours: &Result<Answer, String>) -> Comparison {
    let by = |known: &[(&'static str, &str)], why: &str| {
        let mut words = known.iter().map(|(words, _)| *words);
        words.find(|words| why.contains(words)).map_or(Unknown, Known)
    };
    match (theirs, ours) {
        (Ok(theirs), Ok(ours)) if theirs == ours => Same,
        (Ok(theirs), Ok(ours)) => {
            // Plain http with nothing of ours, to any server that has no scheme.
            let plain = theirs.server.replacen("http:", "https:", 1) == ours.server;
            if plain && theirs.credential.is_empty() { Known("http") } else { Unknown }
        }
        (Ok(_), Err(why)) => by(ONLY_KUBECTL_TAKES, why),
        (Err(why), Ok(_)) => by(ONLY_WE_TAKE, why),
        (Err(_), Err(_)) => Same,
    }
}

/// Words of our refusals where kubectl's loader does not refuse, and why that is so.
const ONLY_KUBECTL_TAKES: &[(&str, &str)] = &[
    ("has no user `", "it asks anonymously, and the server refuses it without a reason"),
    ("cannot be a namespace", "the server refuses it, or finds nothing there"),
    ("the token file", "it says so with the first request"),
    ("holds no PEM certificate", "it says so with the first request"),
    ("there is no terminal to ask on", "it says so with the first request"),
    ("neither an id-token nor a refresh-token", "it says so with the first request"),
    ("only http and https are known", "it says so with the first request"),
    ("invalid port number", "it says so with the first request"),
    ("proxy-url is not a URL", "it says so with the first request"),
    ("invalid international domain name", "it says so with the first request"),
    ("invalid IPv6 address", "with a zone, which our URLs do not have"),
    ("plain http is for `kubectl proxy`", "what comes would be read by everyone on the way"),
];

/// Words of kubectl's refusals where we do not refuse.
const ONLY_WE_TAKE: &[(&str, &str)] = &[
    ("both specified", "of a file and data the data count, as its message says"),
    ("unknown escape character", "JSON has `\\/`"),
    ("incompatible YAML document", "YAML 1.2"),
    ("illegal base64", "white space, and what an entry has that is not used"),
    ("no server defined", "a file of nothing but a byte-order mark"),
    ("did not find expected", "`...` and nothing else, or a member without a name"),
    ("unsupported map key", "a member without a name"),
    ("control characters are not allowed", "behind the first document"),
];

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
    let folder = tempfile::tempdir().unwrap();
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
        // What only YAML 1.1 takes for a number or a truth value is text, and truth values may be texts.
        (WeTake, file(h, "token: 007", "")),
        (WeTake, file(h, "token: yes", "")),
        (WeTake, file(&and("insecure-skip-tls-verify: 'yes'"), "", "")),
        // Of a file and data the data count, which is what kubectl's message says as well.
        (WeTake, file(h, &format!("{}, client-key: nowhere", generate::identity()), "")),
        // What is not used is not looked at.
        (WeTake, file(h, "", "preferences: {colors: 3}\n")),
        (WeTake, file(h, "", "- {name: other, user: {client-key-data: '!'}}\n")),
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
        let case = Case::of(text.as_str());
        let ours = case.read(folder.path());
        let theirs = oracle.ask(&case, folder.path());
        let as_listed = match differs {
            WeTake => theirs.is_err() && ours.is_ok(),
            WeRefuse => theirs.is_ok() && ours.is_err(),
        };
        assert!(as_listed, "kubectl: {theirs:?}\nwe: {ours:?}\n{text}");
    }
}
