//! `watch`: events as they come, through outages, until the user ends it.

use std::io::Read as _;

use dubbo_k8s_tests::apiserver::Grant;
use dubbo_k8s_tests::program::piped;

use super::rig::{Rig, annotation, provider};

#[tokio::test(flavor = "multi_thread")]
async fn every_change_is_a_line_of_json_at_once() {
    let rig = Rig::start().await;
    let key = provider("a.B", "10.0.0.1:20880", "&version=1.0.0");
    rig.create("shop", "a-1", std::slice::from_ref(&key));
    let watching = rig.watch(&["-o", "jsonl"]);
    let added = watching.event();
    for (member, value) in [
        ("event", "added"),
        ("key", key.as_str()),
        ("value", ""),
        ("category", "providers"),
        ("service", "a.B:1.0.0"),
        ("url", "dubbo://10.0.0.1:20880/a.B?interface=a.B&version=1.0.0"),
        ("namespace", "shop"),
        ("pod", "a-1"),
    ] {
        assert_eq!(added[member], value, "{member}");
    }
    assert!(added["uid"].is_string() && added["resourceVersion"].is_string());
    let synced = watching.event();
    assert_eq!(
        (&synced["event"], &synced["pods"], &synced["records"]),
        (&"synced".into(), &1.into(), &1.into())
    );

    let other = provider("a.B", "10.0.0.1:20880", "&version=2.0.0");
    rig.annotate("a-1", std::slice::from_ref(&other));
    let changes = [watching.event(), watching.event()];
    let mut changes = changes.map(|it| (it["event"].to_string(), it["key"].to_string()));
    changes.sort();
    let quoted = |text: &str| format!("{text:?}");
    assert_eq!(changes[0], (quoted("added"), quoted(&other)));
    assert_eq!(changes[1], (quoted("removed"), quoted(&key)));

    rig.server.store().delete("shop", "a-1").unwrap();
    let removed = watching.event();
    assert_eq!((&removed["event"], &removed["key"]), (&"removed".into(), &other.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn people_read_sentences() {
    let rig = Rig::start().await;
    rig.provide("a-1", "a.B", "10.0.0.1:20880");
    let watching = rig.watch(&[]);
    let sentence = |line: String| line.split_once("Z ").unwrap().1.to_owned();
    assert_eq!(
        sentence(watching.line()),
        "= provider of a.B is there at dubbo://10.0.0.1:20880 on Pod a-1"
    );
    let line = sentence(watching.error_line());
    assert_eq!(line, "That is all for now: 1 record in 1 Pod. Ctrl-C ends.");
    for (keys, expected) in [
        (
            vec![provider("a.B", "10.0.0.1:20880", "&weight=50")],
            "~ provider of a.B changed at dubbo://10.0.0.1:20880 on Pod a-1: weight 50 is new",
        ),
        (
            vec![provider("a.B", "10.0.0.1:20880", "&weight=5")],
            "~ provider of a.B changed at dubbo://10.0.0.1:20880 on Pod a-1: weight 50 → 5",
        ),
        (vec![], "- provider of a.B left at dubbo://10.0.0.1:20880 on Pod a-1"),
        (
            vec![provider("a.C", "10.0.0.1:1", "")],
            "+ provider of a.C appeared at dubbo://10.0.0.1:1 on Pod a-1",
        ),
    ] {
        rig.annotate("a-1", &keys);
        assert_eq!(sentence(watching.line()), expected);
    }
    let broken = Some("W10");
    rig.server.store().annotate("shop", "a-1", "dubbo.io/annotation", Some("W3s!")).unwrap();
    assert_eq!(
        sentence(watching.line()),
        "- provider of a.C left at dubbo://10.0.0.1:1 on Pod a-1"
    );
    let problem = sentence(watching.line());
    assert!(problem.starts_with("! Pod a-1 cannot be read: base64: expected"), "{problem}");
    rig.server.store().annotate("shop", "a-1", "dubbo.io/annotation", broken).unwrap();
    assert_eq!(sentence(watching.line()), "! Pod a-1: a problem is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_that_dubbo_go_refuses_is_no_pod_that_cannot_be_read() {
    let rig = Rig::start().await;
    rig.create("shop", "a-1", &[provider("a.B", "10.0.0.1:20880", "&filter=echo;token")]);
    let watching = rig.watch(&[]);
    let lines = [watching.line(), watching.line()];
    let sentence = |part: &str| lines.iter().any(|line| line.contains(part));
    assert!(
        sentence("Z = provider of a.B is there at dubbo://10.0.0.1:20880 on Pod a-1"),
        "{lines:?}"
    );
    assert!(sentence("Z ! Pod a-1: shape: URL that dubbo-go refuses: "), "{lines:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_reported_and_what_it_hid_is_delivered() {
    let mut rig = Rig::start().await;
    rig.provide("a-1", "a.B", "10.0.0.1:1");
    rig.provide("a-2", "a.B", "10.0.0.2:1");
    let watching = rig.watch(&["-o", "jsonl"]);
    watching.until("synced");
    rig.server.stop().await;
    let lost = watching.until("disconnected");
    assert_eq!(lost["namespace"], "shop");
    assert!(lost["error"].as_str().unwrap().contains("pods in namespace shop"), "{lost}");
    assert_eq!((&lost["code"], lost.get("status")), (&"transport".into(), None));
    rig.server.store().delete("shop", "a-1").unwrap();
    rig.provide("a-3", "a.B", "10.0.0.3:1");
    rig.server.resume().await.unwrap();
    watching.until("reconnected");
    let changes = [watching.event(), watching.event()];
    let mut pods = changes.map(|it| format!("{} {}", it["event"], it["pod"]));
    pods.sort();
    assert_eq!(pods, ["\"added\" \"a-3\"", "\"removed\" \"a-1\""]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compacted_history_is_read_again() {
    let mut rig = Rig::start().await;
    rig.provide("a-1", "a.B", "10.0.0.1:1");
    let watching = rig.watch(&["-o", "jsonl"]);
    watching.until("synced");
    rig.server.stop().await;
    rig.server.store().delete("shop", "a-1").unwrap();
    rig.server.store().compact();
    rig.server.resume().await.unwrap();
    let removed = watching.until("removed");
    assert_eq!(removed["pod"], "a-1");
    let relisted = watching.until("relisted");
    assert_eq!(relisted["reason"], "the server no longer has the changes since the last one seen");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_token_is_read_again_when_the_old_one_is_refused() {
    let rig = Rig::start().await;
    rig.provide("a-1", "a.B", "10.0.0.1:1");
    for token in ["old", "new"] {
        rig.server.access().add_token(token, "ada");
    }
    rig.server.access().grant(Grant::all("ada"));
    let path = rig.write("token", "old").unwrap();
    let watching = rig.watch(&["-o", "jsonl", "--token-file", path.to_str().unwrap()]);
    watching.until("synced");
    rig.write("token", "new").unwrap();
    rig.server.access().revoke_token("old");
    rig.server.end_watches();
    rig.provide("a-2", "a.B", "10.0.0.2:1");
    let next = watching.event();
    assert_eq!((&next["event"], &next["pod"]), (&"added".into(), &"a-2".into()), "{next}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_explained_once_and_tried_again_until_it_is_lifted() {
    let rig = Rig::start().await;
    rig.provide("a-1", "a.B", "10.0.0.1:1");
    rig.server.access().add_token("t0ken", "ada");
    let path = rig.write("token", "t0ken").unwrap();
    let watching = rig.watch(&["-o", "jsonl", "--token-file", path.to_str().unwrap()]);
    let refused = watching.event();
    assert_eq!(refused["event"], "disconnected");
    assert!(refused["error"].as_str().unwrap().contains("forbidden"), "{refused}");
    assert_eq!((&refused["code"], &refused["status"]), (&"refused".into(), &403.into()));
    let line = watching.error_line();
    assert!(line.starts_with("error: not allowed to ") && line.ends_with(" (403)"), "{line}");
    rig.server.access().grant(Grant::all("ada"));
    assert_eq!(watching.until("added")["pod"], "a-1");
    let ran = watching.end("-INT");
    assert_eq!(ran.stderr.matches("not allowed").count(), 0, "said once: {}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_be_read_is_complete_without_what_may_not() {
    let rig = Rig::start().await;
    rig.create("open", "p", &[provider("a.B", "10.0.0.1:1", "")]);
    let path = rig.reader_of("open");
    let watching = rig.watch(&["-o", "jsonl", "-n", "open", "-n", "closed", "--token-file", &path]);
    let synced = watching.until("synced");
    assert_eq!((&synced["pods"], &synced["records"]), (&1.into(), &1.into()));
    // Once it may be read, the whole is.
    rig.may_read("closed");
    assert_eq!(watching.until("synced")["pods"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_and_sigterm_end_it_quietly() {
    for signal in ["-INT", "-TERM"] {
        let rig = Rig::start().await;
        rig.provide("a-1", "a.B", "10.0.0.1:1");
        let watching = rig.watch(&["-o", "jsonl"]);
        watching.until("synced");
        let ran = watching.end(signal);
        assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr.as_str()), (Some(0), "", ""));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_pipe_ends_it_quietly() {
    let rig = Rig::start().await;
    rig.provide("a-1", "a.B", "10.0.0.1:1");
    let (child, mut stdout) = piped(rig.watch_command(&["-o", "jsonl"]));
    let ended = tokio::task::block_in_place(|| {
        let mut byte = [0];
        stdout.read_exact(&mut byte).unwrap();
        drop(stdout);
        rig.provide("a-2", "a.B", "10.0.0.2:1");
        child.wait_with_output().unwrap()
    });
    assert_eq!((ended.status.code(), ended.stderr.len()), (Some(0), 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_stalls_gets_where_everything_ended() {
    let rig = Rig::start().await;
    let (mut child, mut stdout) = piped(rig.watch_command(&["-o", "jsonl"]));
    rig.provide("last", "a.B", "10.0.0.9:1");
    // Far more than a pipe holds, while its reader does not read.
    let padding = "x".repeat(2000);
    for round in 0..200 {
        let key = provider("a.B", "10.0.0.1:1", &format!("&round={round}&padding={padding}"));
        match round {
            0 => rig.create("shop", "busy", std::slice::from_ref(&key)),
            _ => rig.annotate("busy", std::slice::from_ref(&key)),
        }
    }
    let value = annotation(&[provider("a.Z", "10.0.0.9:1", "")]);
    rig.server.store().annotate("shop", "last", "dubbo.io/annotation", Some(&value)).unwrap();
    let seen = tokio::task::block_in_place(|| {
        let mut seen = Vec::new();
        let mut piece = [0; 4 * 1024];
        while !String::from_utf8_lossy(&seen).contains("\"service\":\"a.Z\"") {
            let length = stdout.read(&mut piece).unwrap();
            assert!(length > 0, "it ended early");
            seen.extend_from_slice(&piece[..length]);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        String::from_utf8(seen).unwrap()
    });
    // Every line but the last, which may be cut, is whole, and the net of them is one busy key.
    let mut busy = 0;
    for line in seen.lines().take_while(|line| line.ends_with('}')) {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        if event["pod"] == "busy" {
            busy += if event["event"] == "added" { 1 } else { -1 };
        }
    }
    assert_eq!(busy, 1);
}
