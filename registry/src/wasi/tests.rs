//! The transport over a host that is written down: order, time, ends, and what is let go of.

use std::{io::Write as _, pin::pin, time::Duration};

use flate2::{Compression, write::GzEncoder};

use super::{
    Client, Instant,
    bindings::{
        Step::{Bytes, End, Fault as Broken, Head},
        answer_with, asked, open, sleeps,
    },
    block_on,
    exchange::Exchange,
    fault::Fault,
    sleep_until,
};
use crate::kube::{
    Event,
    config::{Config, Environment, Overrides},
};
use dubbo_k8s_engine::{Request, TransportErrorKind, Verb};

const PROXY: &str = "http://127.0.0.1:8001";

fn config(overrides: &Overrides) -> Config {
    Config::load(overrides, &Environment::empty([])).unwrap()
}

fn at(server: &str) -> Overrides {
    Overrides { server: Some(server.to_owned()), ..Overrides::default() }
}

fn client() -> Client {
    Client::new(config(&at(PROXY))).unwrap()
}

fn get() -> Request {
    Request {
        verb: Verb::List,
        target: "/api/v1/pods?limit=1".to_owned(),
        accept: "application/json",
        gzip: true,
        content_type: None,
        body: Vec::new(),
        deadline: Duration::from_secs(1),
    }
}

/// Everything that comes of it, with the milliseconds at which it came.
async fn transcript(mut exchange: Exchange) -> Vec<String> {
    let started = Instant::now();
    let mut lines = Vec::new();
    while let Some(event) = exchange.next().await {
        let event = match event {
            Event::Head { status, retry_after, .. } => format!("{status} {retry_after:?}"),
            Event::Chunk(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
            Event::End => "end".to_owned(),
            Event::Failed(error) => error.to_string(),
        };
        lines.push(format!("{} {event}", started.elapsed().as_millis()));
    }
    lines
}

#[test]
fn an_answer_comes_as_the_host_has_it_and_is_let_go_of() {
    answer_with(&[
        (5, Head(429, &[("Retry-After", "7")])),
        (5, Bytes(b"one")),
        (5, Bytes(b"two")),
        (90, Bytes(b"three")),
        (90, End),
    ]);
    let exchange = client().send(Duration::ZERO, get());
    let lines = block_on(transcript(exchange)).unwrap();
    assert_eq!(lines, ["5 429 Some(7s)", "5 one", "5 two", "90 three", "90 end"]);
    assert_eq!(
        sleeps(),
        [5, 85].map(Duration::from_millis),
        "it sleeps only when nothing is there"
    );
    assert_eq!(open(), 0);
}

#[test]
fn packed_answer_is_unpacked_member_by_member() {
    let members = [packed("one"), packed("two")];
    let headers = &[("Content-Encoding", "GZIP")];
    let [first, second] = members;
    let (start, rest) = second.split_at(7);
    answer_with(&[
        (0, Head(200, headers)),
        (0, Bytes(first)),
        (5, Bytes(start)),
        (9, Bytes(rest)),
        (9, End),
    ]);
    let lines = block_on(transcript(client().send(Duration::ZERO, get()))).unwrap();
    assert_eq!(lines, ["0 200 None", "0 one", "9 two", "9 end"]);
    for (body, last) in
        [(&first[..first.len() - 3], "closed it"), (b"[]", "gzip encoding is damaged")]
    {
        answer_with(&[(0, Head(200, headers)), (0, Bytes(body)), (0, End)]);
        let lines = block_on(transcript(client().send(Duration::ZERO, get()))).unwrap();
        assert!(lines.last().unwrap().contains(last), "{lines:?}");
    }
    assert_eq!(open(), 0);
}

/// By gzip, for as long as the test runs.
fn packed(text: &str) -> &'static [u8] {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap().leak()
}

#[test]
fn answer_that_is_packed_in_another_way_is_refused_by_its_name() {
    answer_with(&[(0, Head(200, &[("Content-Encoding", "identity")])), (0, Bytes(b"a")), (0, End)]);
    let lines = block_on(transcript(client().send(Duration::ZERO, get()))).unwrap();
    assert_eq!(lines, ["0 200 None", "0 a", "0 end"]);
    answer_with(&[(0, Head(200, &[("Content-Encoding", "br")])), (0, Bytes(b"a")), (0, End)]);
    let lines = block_on(transcript(client().send(Duration::ZERO, get()))).unwrap();
    let expected = "the answer is compressed (br), which was not asked for";
    assert!(lines.len() == 1 && lines[0].contains(expected), "{lines:?}");
    assert_eq!(open(), 0);
}

#[test]
fn a_request_carries_what_it_says_and_asks_for_no_compression() {
    answer_with(&[(0, Head(200, &[])), (0, End)]);
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "s3cret\n").unwrap();
    let overrides = Overrides { token_file: Some(token), ..at("https://kube.example/cluster/a/") };
    let mut client = Client::new(config(&overrides)).unwrap();
    drop(client.send(Duration::ZERO, get()));
    let asked = asked();
    let mut lines: Vec<_> = asked[0].lines().collect();
    assert_eq!(lines.remove(0), "https://kube.example/cluster/a/api/v1/pods?limit=1");
    lines.sort_unstable();
    let agent = concat!("user-agent: dubbo-watcher/", env!("CARGO_PKG_VERSION"));
    let expected = [
        "accept-encoding: identity",
        "accept: application/json",
        "authorization: Bearer s3cret",
        agent,
    ];
    assert_eq!(lines, expected);
    assert!(!format!("{client:?}").contains("s3cret"));
    assert_eq!(open(), 0, "dropped before its answer");
}

#[test]
fn a_token_file_is_read_again_and_a_half_written_one_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "one").unwrap();
    let overrides = Overrides { token_file: Some(token.clone()), ..at("https://kube.example") };
    let mut client = Client::new(config(&overrides)).unwrap();
    for (text, seconds, expected) in
        [("two", 59, "Bearer one"), ("", 60, "Bearer one"), ("three", 120, "Bearer three")]
    {
        std::fs::write(&token, text).unwrap();
        answer_with(&[(0, Head(200, &[])), (0, End)]);
        drop(client.send(Duration::from_secs(seconds), get()));
        assert!(asked().last().unwrap().contains(expected), "{text}");
    }
}

#[test]
fn an_exchange_that_waits_is_dropped_with_all_that_the_host_holds() {
    for steps in [&[][..], &[(1, Head(200, &[]))], &[(1, Head(200, &[])), (2, Bytes(b"a"))]] {
        answer_with(steps);
        let exchange = client().send(Duration::ZERO, get());
        let deadline = Instant::now() + Duration::from_secs(1);
        block_on(async {
            let lines = pin!(transcript(exchange));
            tokio::select! {
                lines = lines => panic!("{lines:?}"),
                () = sleep_until(Some(deadline)) => {}
            }
        })
        .unwrap();
        assert_eq!(open(), 0, "{steps:?}");
        assert_eq!(Instant::now(), deadline);
    }
}

#[test]
fn several_wait_side_by_side() {
    answer_with(&[(10, Head(200, &[])), (30, End)]);
    answer_with(&[(20, Head(201, &[])), (40, End)]);
    let mut client = client();
    let (one, two) = (client.send(Duration::ZERO, get()), client.send(Duration::ZERO, get()));
    let (one, two) =
        block_on(futures_util::future::join(transcript(one), transcript(two))).unwrap();
    assert_eq!(
        (one, two),
        (
            vec!["10 200 None".to_owned(), "30 end".to_owned()],
            vec!["20 201 None".to_owned(), "40 end".to_owned()],
        )
    );
    assert_eq!(sleeps().len(), 4);
}

#[test]
fn what_breaks_is_said_with_its_kind_and_ends_the_exchange() {
    use TransportErrorKind as Kind;
    for (fault, kind, text) in [
        (Fault::Unknown, Kind::Resolve, "127.0.0.1:8001: the host finds no address for it"),
        (Fault::Refused, Kind::Connect, "127.0.0.1:8001 refused the connection"),
        (Fault::Forbidden, Kind::Connect, "the host of this component does not let it ask"),
        (
            Fault::Certificate,
            Kind::Tls,
            "cannot bring an authority of its own: run `kubectl proxy`",
        ),
        (Fault::Late, Kind::Deadline, "gave up waiting"),
        (Fault::Cut, Kind::Interrupted, "127.0.0.1:8001 closed it"),
        (Fault::Other("odd".to_owned()), Kind::Protocol, "odd"),
    ] {
        for steps in [
            vec![(0, Broken(fault.clone()))],
            vec![(3, Broken(fault.clone()))],
            vec![(3, Head(200, &[])), (4, Bytes(b"a")), (5, Broken(fault.clone()))],
        ] {
            answer_with(&steps);
            let mut exchange = client().send(Duration::ZERO, get());
            let failed = block_on(async {
                loop {
                    match exchange.next().await {
                        Some(Event::Failed(error)) => {
                            break (error, exchange.next().await.is_none());
                        }
                        Some(_) => {}
                        None => panic!("it ended well"),
                    }
                }
            });
            let (error, over) = failed.unwrap();
            assert_eq!(error.kind, kind);
            assert!(error.text.contains(text), "{error}");
            assert!(over && open() == 0);
        }
    }
}

#[test]
fn waiting_for_nothing_is_an_error_and_not_a_trap() {
    assert!(block_on(sleep_until(None)).is_err());
}

#[test]
fn what_only_a_native_connection_can_do_is_refused_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let write = |cluster: &str, user: &str| {
        let text = format!(
            "clusters: [{{name: c, cluster: {{server: 'https://10.0.0.1:6443'{cluster}}}}}]\n\
             users: [{{name: u, user: {{{user}}}}}]\n\
             contexts: [{{name: x, context: {{cluster: c, user: u}}}}]\ncurrent-context: x\n"
        );
        let path = folder.path().join("kubeconfig");
        std::fs::write(&path, text).unwrap();
        config(&Overrides { kubeconfig: Some(path), ..Overrides::default() })
    };
    for (cluster, user, feature) in [
        (", certificate-authority: ca.crt", "token: a", "a certificate authority of its own"),
        (", insecure-skip-tls-verify: true", "token: a", "insecure-skip-tls-verify"),
        (", tls-server-name: kube", "token: a", "tls-server-name"),
        ("", "client-certificate: a.crt, client-key: a.key", "a client certificate"),
    ] {
        let error = Client::new(write(cluster, user)).unwrap_err().to_string();
        assert!(error.contains(&format!(" has {feature}, which a WASI component")), "{error}");
        assert!(error.contains("--server http://127.0.0.1:8001"), "{error}");
    }
    assert!(Client::new(write("", "token: a")).is_ok(), "the host's authorities, and a token");
}
