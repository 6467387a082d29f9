//! kubeconfigs as people, scripts and merges leave them: entries that are missing, null, doubled or unused, members in
//! every form that YAML has, and files in several encodings. They hold nothing in which we mean to differ from kubectl.

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use proptest::sample::select;
use rcgen::{CertificateParams, KeyPair};

use crate::case::Case;

/// The rarity of members of a wrong type.
const WRONG: u32 = 31;

/// A valid id-token: {"exp":4102444800}.
const JWT: &str = "e30.eyJleHAiOjQxMDI0NDQ4MDB9.c2ln";

pub(crate) fn case() -> impl Strategy<Value = Case> {
    let flag = |names: &'static [&'static str]| prop_oneof![8 => Just(None), 1 => select(names).prop_map(|name| Some(name.to_owned()))];
    let flags = (
        flag(&["c", "d", "none"]),
        flag(&["k", "l", "none"]),
        flag(&["u", "v", "none"]),
        flag(&["https://flag:1", "https://flag/p"]),
    );
    (text(), select(&["plain", "plain", "plain", "bom", "crlf", "little", "big"][..]), flags)
        .prop_map(|(text, encoding, (context, cluster, user, server))| Case {
            kubeconfig: encode(&text, encoding),
            context,
            cluster,
            user,
            server,
            ..Case::default()
        })
}

fn encode(text: &str, encoding: &str) -> Vec<u8> {
    let wide = || text.encode_utf16();
    match encoding {
        "bom" => [b"\xef\xbb\xbf", text.as_bytes()].concat(),
        "crlf" => text.replace('\n', "\r\n").into_bytes(),
        "little" => [0xff, 0xfe].into_iter().chain(wide().flat_map(u16::to_le_bytes)).collect(),
        "big" => [0xfe, 0xff].into_iter().chain(wide().flat_map(u16::to_be_bytes)).collect(),
        _ => text.as_bytes().to_vec(),
    }
}

fn text() -> impl Strategy<Value = String> {
    let head = select(
        &[
            "apiVersion: v1\nkind: Config\n",
            "apiVersion: v1\nkind: Config\npreferences: {}\n",
            "",
            "",
            "# a comment\n---\n",
            "kind: null\npreferences: null\nextensions: null\n",
            "kind: Config\nkind: Config\n",
            "apiVersion: v2\n",
            "kind: Pod\napiVersion: v1\n",
            "unknown: {a: [1]}\n",
        ][..],
    );
    let current = select(
        &[
            "current-context: c\n",
            "current-context: c\n",
            "current-context: c\n",
            "current-context: \"c\"\n",
            "current-context: d\ncurrent-context: c\n",
            "current-context: d\n",
            "current-context: null\n",
            "current-context: ''\n",
            "current-context: none\n",
            "",
        ][..],
    );
    let contexts = list("contexts", ["c", "d"], "context", members(CONTEXT.to_vec()));
    let clusters = list("clusters", ["k", "l"], "cluster", members(cluster()));
    let users = list("users", ["u", "v"], "user", members(user()));
    let tail = select(&["", "", "", "---\nnot: [read\n", "...\n"][..]);
    (head, current, contexts, clusters, users, tail).prop_map(
        |(head, current, contexts, clusters, users, tail)| {
            [head, current, &contexts, &clusters, &users, tail].concat()
        },
    )
}

const CONTEXT: &[(u32, &str)] = &[
    (0, "cluster: k, user: u"),
    (3, "namespace: shop"),
    (8, "namespace: null"),
    (8, "cluster: l"),
    (8, "user: v"),
    (8, "user: ''"),
    (8, "extensions: [{name: x, extension: {a: 1}}]"),
    (20, "cluster: none"),
    (20, "cluster: null"),
];

/// Members with their rarity: 0 is always there.
fn cluster() -> Vec<(u32, &'static str)> {
    static AUTHORITY: OnceLock<String> = OnceLock::new();
    let authority = AUTHORITY
        .get_or_init(|| format!("certificate-authority-data: {}", STANDARD.encode(&pair().0)));
    vec![
        (0, "server: https://h:6443"),
        (6, "server: 'https://other/path'"),
        (6, "server: \"https://k.example:1/\""),
        (20, "server: null"),
        (20, "server: ''"),
        (6, "insecure-skip-tls-verify: yes"),
        (8, "insecure-skip-tls-verify: No"),
        (8, "insecure-skip-tls-verify: on"),
        (8, "insecure-skip-tls-verify: OFF"),
        (8, "insecure-skip-tls-verify: True"),
        (8, "insecure-skip-tls-verify: null"),
        (WRONG, "insecure-skip-tls-verify: 1"),
        (8, authority),
        (8, "certificate-authority-data: null"),
        (8, "certificate-authority-data: ''"),
        (30, "certificate-authority-data: aGVsbG8="),
        (30, "certificate-authority-data: '!'"),
        (12, "certificate-authority: ''"),
        (30, "certificate-authority: nowhere.crt"),
        (8, "tls-server-name: kube"),
        (8, "tls-server-name: null"),
        (8, "proxy-url: 'http://p:1'"),
        (8, "proxy-url: socks5://p"),
        (8, "proxy-url: ~"),
        (30, "proxy-url: ftp://p"),
        (8, "disable-compression: null"),
        (8, "disable-compression: y"),
        (8, "extensions: null"),
        (8, "extensions: [{name: x}]"),
        (WRONG, "extensions: [1]"),
        (8, "unknown: [null]"),
        (12, "<<: {tls-server-name: merged}"),
        (20, "<<: [{tls-server-name: a, proxy-url: 'http://m'}, {tls-server-name: b}]"),
        (WRONG, "server: [https://h]"),
    ]
}

fn user() -> Vec<(u32, &'static str)> {
    static IDENTITY: OnceLock<(String, String)> = OnceLock::new();
    static WHOLE: OnceLock<String> = OnceLock::new();
    static OIDC: OnceLock<String> = OnceLock::new();
    let identity = IDENTITY.get_or_init(|| {
        let (certificate, key) = pair();
        (
            format!("client-certificate-data: {}", STANDARD.encode(certificate)),
            format!("client-key-data: {}", STANDARD.encode(key)),
        )
    });
    let whole = WHOLE.get_or_init(|| format!("{}, {}", identity.0, identity.1));
    let oidc = OIDC.get_or_init(|| {
        format!(
            "auth-provider: {{name: oidc, config: {{idp-issuer-url: i, client-id: k, id-token: {JWT}}}}}"
        )
    });
    vec![
        (3, "token: abc"),
        (8, "token: \"a:b\""),
        (WRONG, "token: 7"),
        (20, "<<: {as: mallory}"),
        (8, "token: null"),
        (8, "token: ''"),
        (8, "Token: other"),
        (12, "tokenFile: ''"),
        (30, "tokenFile: nowhere"),
        (6, "username: ada"),
        (8, "username: null"),
        (6, "password: s"),
        (12, "password: ''"),
        (6, "as: eve"),
        (12, "as: null"),
        (16, "as-groups: [g]"),
        (12, "as-groups: null"),
        (20, "as-groups: [null]"),
        (12, "as-user-extra: {a: null}"),
        (20, "as-uid: x"),
        (12, "as-uid: ''"),
        (8, "exec: null"),
        (6, "exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: aws}"),
        (
            8,
            "exec: {apiVersion: client.authentication.k8s.io/v1, command: gke, interactiveMode: Never, \
             args: null, env: [{name: A}, {name: B, value: null}], provideClusterInfo: no}",
        ),
        (30, "exec: {apiVersion: client.authentication.k8s.io/v1, command: gke}"),
        (30, "exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: null}"),
        (30, "exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: x}"),
        (30, "exec: {command: x}"),
        (30, "exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: x, env: [{}]}"),
        (
            30,
            "exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: x, interactiveMode: s}",
        ),
        (8, "auth-provider: null"),
        (8, oidc),
        (30, "auth-provider: {name: oidc, config: {client-id: k}}"),
        (30, "auth-provider: {name: gcp}"),
        (30, "auth-provider: {name: other, config: null}"),
        (8, whole),
        (12, &identity.1),
        (30, &identity.0),
        (8, "client-certificate-data: null"),
        (12, "client-certificate: ''"),
        (30, "client-certificate: nowhere.crt, client-key: nowhere.key"),
        (8, "unknown: yes"),
        (WRONG, "token: [a]"),
    ]
}

/// A whole client certificate, inline.
pub(crate) fn identity() -> String {
    let (certificate, key) = pair();
    let (certificate, key) = (STANDARD.encode(certificate), STANDARD.encode(key));
    format!("client-certificate-data: {certificate}, client-key-data: {key}")
}

/// A certificate and its key, both PEM.
pub(crate) fn pair() -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::default().self_signed(&key).unwrap();
    (certificate.pem(), key.serialize_pem())
}

/// An object of some of these members, in any order, as a flow mapping.
fn members(known: Vec<(u32, &'static str)>) -> BoxedStrategy<String> {
    let chosen = known.into_iter().map(|(rarity, member)| {
        let member = (rarity == WRONG, member);
        let there = if rarity == 0 { 0.95 } else { 0.4 / f64::from(rarity) };
        proptest::option::weighted(there, Just(member))
    });
    let chosen: Vec<_> = chosen.collect();
    let some = chosen.prop_map(|found| found.into_iter().flatten().collect::<Vec<_>>());
    prop_oneof![
        40 => some.prop_shuffle().prop_map(|members| format!("{{{}}}", alone(&members).join(", "))),
        1 => Just("null".to_owned()),
        1 => Just("[]".to_owned()),
    ]
    .boxed()
}

/// Of members with the name of one of a wrong type only that one: kubectl passes over it where another follows.
fn alone(members: &[(bool, &'static str)]) -> Vec<&'static str> {
    let name = |member: &'static str| member.split(':').next();
    let wrong: Vec<_> =
        members.iter().filter(|(wrong, _)| *wrong).map(|(_, member)| name(member)).collect();
    let stays =
        |(is_wrong, member): &&(bool, &'static str)| *is_wrong || !wrong.contains(&name(member));
    members.iter().filter(stays).map(|(_, member)| *member).collect()
}

/// A list of two entries and now and then more, or what stands in its place.
fn list(
    name: &'static str,
    names: [&'static str; 2],
    kind: &'static str,
    members: BoxedStrategy<String>,
) -> impl Strategy<Value = String> {
    let entry = move |name: String| {
        let whole = name.clone();
        let with =
            members.clone().prop_map(move |one| format!("- {{name: {whole}, {kind}: {one}}}\n"));
        prop_oneof![20 => with, 1 => Just(format!("- name: {name}\n"))]
    };
    let more = prop_oneof![
        20 => Just(String::new()),
        1 => Just("- null\n".to_owned()),
        1 => Just("- {}\n".to_owned()),
        1 => entry(names[0].to_owned()),
        1 => entry("other".to_owned()),
    ];
    let (first, second) = (entry(names[0].to_owned()), entry(names[1].to_owned()));
    prop_oneof![
        30 => (first, second, more).prop_map(move |(first, second, more)| {
            format!("{name}:\n{first}{second}{more}")
        }),
        1 => Just(format!("{name}: null\n")),
        1 => Just(format!("{name}: []\n")),
        1 => Just(format!("{name}: {{}}\n")),
        1 => Just(String::new()),
    ]
}
