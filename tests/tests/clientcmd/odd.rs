//! Odd kubeconfigs, one oddity each: every member with every kind of value, members that come twice, servers in every
//! form, credentials beside one another, and files in several encodings, or several files.

use std::fs;

use tempfile::TempDir;

use crate::case::Case;
use crate::generate;

/// What may stand behind a colon.
const VALUES: &[&str] = &[
    "",
    "null",
    "~",
    "''",
    "' '",
    "x",
    "'true'",
    "true",
    "'1'",
    "1",
    "-1",
    "1.5",
    "1e3",
    "[]",
    "[x]",
    "[null]",
    "[[]]",
    "[{}]",
    "[{name: x}]",
    "{}",
    "{a: b}",
    "{a: null}",
    "{a: [b]}",
    "{1: x}",
    "!!str 1",
    "!!str",
    "&a x",
    "*nowhere",
    "\"\\u0041\"",
    "\"a\\\n  b\"",
    "|-\n        x",
    "2020-01-01",
    "1.10.0",
    "99999999999999999999999",
    "x: y",
    "- x",
    "@x",
    "[x",
    "x]",
    "ünï",
    "x #y",
    "<<",
    "\u{1}",
    "x\t",
];

/// Places of a value outside of the entries that are used.
const PLACES: &[&str] = &[
    "apiVersion: VALUE\n",
    "kind: VALUE\n",
    "current-context: VALUE\n",
    "unknown: VALUE\n",
    "contexts: VALUE\n",
    "clusters: VALUE\n",
    "contexts:\n- VALUE\n- {name: c, context: {cluster: k, user: u}}\n",
    "clusters:\n- VALUE\n- {name: k, cluster: {server: 'https://h'}}\n",
    "users:\n- VALUE\n- {name: u, user: {token: t}}\n",
    "contexts:\n- {name: c, context: {cluster: k, user: u}}\n- name: VALUE\n",
    "clusters:\n- {name: k, cluster: {server: 'https://h'}}\n- name: VALUE\n",
    "users:\n- {name: u, user: {token: t}}\n- name: VALUE\n",
    "contexts:\n- {name: c, context: {cluster: k, user: u}}\n- name: d\n  context: VALUE\n",
    "clusters:\n- {name: k, cluster: {server: 'https://h'}}\n- name: l\n  cluster: VALUE\n",
    "users:\n- {name: u, user: {token: t}}\n- name: v\n  user: VALUE\n",
    "contexts:\n- name: c\n  context: VALUE\n",
    "clusters:\n- name: k\n  cluster: VALUE\n",
    "users:\n- name: u\n  user: VALUE\n",
    "users:\n- name: u\n  user:\n    VALUE: x\n    token: t\n",
    "users:\n- name: u\n  user:\n    as: eve\n    as-groups:\n      - VALUE\n",
    "users:\n- name: u\n  user:\n    as: eve\n    as-user-extra:\n      a:\n        - VALUE\n",
    "users:\n- name: u\n  user:\n    auth-provider:\n      name: VALUE\n",
    "users:\n- name: u\n  user:\n    token: t\n    auth-provider: {name: oidc, config: VALUE}\n",
    "clusters:\n- name: k\n  cluster:\n    server: https://h\n    extensions:\n    - name: x\n      extension: VALUE\n",
    "clusters:\n- name: k\n  cluster:\n    server: https://h\n    extensions:\n    - extension: x\n      name: VALUE\n",
];

const CONTEXT: &[&str] = &["cluster", "namespace", "unknown"];
const CLUSTER: &[&str] = &[
    "server",
    "tls-server-name",
    "insecure-skip-tls-verify",
    "certificate-authority",
    "certificate-authority-data",
    "proxy-url",
    "disable-compression",
    "extensions",
];
const USER: &[&str] = &[
    "client-certificate",
    "client-certificate-data",
    "client-key",
    "client-key-data",
    "token",
    "tokenFile",
    "username",
    "password",
    "as",
    "as-uid",
    "as-groups",
    "as-user-extra",
    "exec",
    "auth-provider",
];
const EXEC: &[&str] = &[
    "apiVersion",
    "command",
    "args",
    "env",
    "installHint",
    "provideClusterInfo",
    "interactiveMode",
];

/// Every member with every value, by name.
pub(crate) fn values() -> Vec<Case> {
    let mut cases = Vec::new();
    for value in VALUES {
        let mut add = |text: String| cases.push(Case::of(file(&text.replace("VALUE", value))));
        for place in PLACES {
            add((*place).to_owned());
        }
        for member in CONTEXT {
            let rest = without(member, &["cluster: k", "user: u"], 4);
            add(format!("contexts:\n- name: c\n  context:\n    {member}: VALUE\n{rest}"));
        }
        // To Go, a list of numbers is data too.
        let is_data = |member: &&&str| member.ends_with("-data") && value.starts_with('[');
        for member in CLUSTER.iter().filter(|member| !is_data(member)) {
            let rest = without(member, &["server: https://h"], 4);
            add(format!("clusters:\n- name: k\n  cluster:\n    {member}: VALUE\n{rest}"));
        }
        for member in USER.iter().filter(|member| !is_data(member)) {
            add(format!("users:\n- name: u\n  user:\n    {member}: VALUE\n"));
        }
        for member in EXEC {
            let rest = without(member, &PLUGIN, 6);
            add(format!("users:\n- name: u\n  user:\n    exec:\n      {member}: VALUE\n{rest}"));
        }
        let plugin = without("", &PLUGIN, 6);
        for of in [
            "args:\n        - VALUE",
            "env:\n        - VALUE",
            "env:\n        - name: A\n          value: VALUE",
        ] {
            add(format!("users:\n- name: u\n  user:\n    exec:\n{plugin}      {of}\n"));
        }
    }
    cases
}

const PLUGIN: [&str; 3] =
    ["apiVersion: client.authentication.k8s.io/v1", "command: x", "interactiveMode: Never"];

/// Lines of an object but the one of this member.
fn without(member: &str, lines: &[&str], indentation: usize) -> String {
    let others = lines.iter().filter(|line| line.split(':').next() != Some(member));
    let lines: Vec<_> = others.map(|line| format!("{}{line}\n", " ".repeat(indentation))).collect();
    lines.concat()
}

/// A whole file: what is not given of it is plain.
pub(crate) fn file(given: &str) -> String {
    let first = given.split(':').next().unwrap_or_default();
    let list = |name: &str, kind: &str, entry: &str, value: &str| {
        let plain = format!("{name}:\n- name: {entry}\n  {kind}: {{{value}}}\n");
        if first == name { String::new() } else { plain }
    };
    let current = if first == "current-context" { "" } else { "current-context: c\n" };
    [
        given,
        current,
        &list("contexts", "context", "c", "cluster: k, user: u"),
        &list("clusters", "cluster", "k", "server: 'https://h'"),
        &list("users", "user", "u", "token: t"),
    ]
    .concat()
}

fn cluster(members: &str) -> Case {
    Case::of(file(&format!("clusters:\n- {{name: k, cluster: {{{members}}}}}\n")))
}

fn user(members: &str) -> Case {
    Case::of(file(&format!("users:\n- {{name: u, user: {{{members}}}}}\n")))
}

/// What is not one value in one place.
pub(crate) fn forms() -> Vec<Case> {
    let mut cases = Vec::new();
    for server in SERVERS {
        for more in [
            "",
            ", insecure-skip-tls-verify: true",
            ", certificate-authority: ca.crt",
            ", proxy-url: 'http://p:1'",
        ] {
            cases.push(cluster(&format!("server: '{server}'{more}")));
        }
        if server.is_empty() {
            continue;
        }
        let flag = Case { server: Some((*server).to_owned()), ..Case::of(file("")) };
        cases.push(Case { insecure: true, ..flag.clone() });
        cases.push(Case { kubeconfig: Vec::new(), insecure: true, ..flag.clone() });
        cases.push(flag);
    }
    for proxy in PROXIES {
        cases.push(cluster(&format!("server: 'https://h', proxy-url: '{proxy}'")));
    }
    for name in ["kube", "127.0.0.1", "::1", "kube.example.", "KUBE", "my_server", "*.x"] {
        cases.push(cluster(&format!("server: 'https://h', tls-server-name: '{name}'")));
        cases.push(Case { tls_server_name: Some(name.to_owned()), ..Case::of(file("")) });
        let case = cluster("server: 'https://h', tls-server-name: 'other'");
        cases.push(Case { tls_server_name: Some(name.to_owned()), ..case.clone() });
        cases.push(Case { server: Some(format!("https://{name}")), ..case });
    }
    for members in credentials() {
        cases.push(user(&members));
        cases.push(Case { impersonate: Some("flag".to_owned()), ..user(&members) });
    }
    cases.extend(
        AUTHORITIES.iter().map(|members| cluster(&format!("server: 'https://h', {members}"))),
    );
    cases.push(user("null: x, token: t"));
    cases.push(user("client-key-data: ' '"));
    let context = "contexts:\n- {name: c, context: {cluster: k, user: u, namespace: A_B}}\n";
    cases.push(Case::of(file(context)));
    cases.extend(twice());
    cases.extend(encodings());
    cases.extend(lists());
    cases
}

const SERVERS: &[&str] = &[
    "https://h",
    "https://h/",
    "https://h//",
    "https://h:6443",
    "https://h:6443/a/b",
    "https://h:6443/a/b/",
    "https://h/a//b",
    "https://h/a%20b",
    "https://h/ä",
    "https://10.0.0.1",
    "https://[fd00::1]",
    "https://[fd00::1]:6443/p",
    "https://[fd00::1%25eth0]:1",
    "https://fd00::1",
    "HTTPS://H",
    "https:///p",
    "https://",
    "https:",
    "https:h",
    "h",
    "h:6443",
    "h/p",
    "h:6443/p",
    "//h",
    "/h",
    "10.0.0.1",
    "10.0.0.1:6443",
    "[fd00::1]:6443",
    "localhost",
    "localhost:8001",
    "127.0.0.1:8001",
    "http://localhost:8001",
    "http://127.0.0.1:8001/p",
    "http://[::1]:8001",
    "ftp://h",
    "unix:///run/k",
    "https://h:0",
    "https://h:99999",
    "https://h:x",
    "https://h:",
    "https://h h",
    "https://h^",
    "http://h:8080",
    "x]",
    "https://*",
    "https://a_b",
    "https://bücher.example",
    "https://1.2.3",
    "https://0x7f.1",
    "",
];

const PROXIES: &[&str] = &[
    "http://p",
    "http://p:3128",
    "https://p",
    "https://p:443/",
    "socks5://p",
    "socks5://p:1",
    "socks5h://p",
    "SOCKS5://p",
    "HTTP://p:1",
    "http://u:p@p:1",
    "http://u@p:1",
    "http://u:p%40q@p:1",
    "socks5://u:p@p:1",
    "p",
    "p:3128",
    "//p:1",
    "ftp://p",
    "http://",
    "http:///x",
    "http:p",
    "http://p:x",
    "http://[::1]:1",
    "http://[::1",
    "http://p/path",
    "socks4://p",
    "",
];

const AUTHORITIES: &[&str] = &[
    "certificate-authority: ca.crt",
    "certificate-authority: ./sub/../ca.crt",
    "certificate-authority: sub",
    "certificate-authority: blank",
    "certificate-authority: nowhere",
    "certificate-authority: token",
    "certificate-authority: ca.crt, insecure-skip-tls-verify: true",
    "certificate-authority: '', insecure-skip-tls-verify: true",
    "certificate-authority: nowhere, insecure-skip-tls-verify: true",
    "certificate-authority-data: '', certificate-authority: ca.crt",
    "certificate-authority-data: LS0t",
    "certificate-authority-data: 'LS0'",
    "certificate-authority-data: '####'",
    "certificate-authority-data: LS0t, insecure-skip-tls-verify: true",
];

/// Members of a user, beside one another.
fn credentials() -> Vec<String> {
    let identity = generate::identity();
    let (certificate, key) = identity.split_once(", ").unwrap();
    let exec =
        "exec: {apiVersion: client.authentication.k8s.io/v1, command: x, interactiveMode: Never}";
    let mode = |version: &str, mode: &str| {
        format!(
            "exec: {{apiVersion: client.authentication.k8s.io/{version}, command: x, interactiveMode: {mode}}}"
        )
    };
    let parts = [
        "token: t",
        "tokenFile: token",
        "tokenFile: nowhere",
        "tokenFile: blank",
        "username: ada",
        "password: p",
        exec,
        "auth-provider: {name: gcp}",
        "auth-provider: {name: oidc, config: {idp-issuer-url: i, client-id: k}}",
        "as: eve",
        "as-uid: '1'",
        "as-groups: [g, h]",
        "as-user-extra: {a: [b, c], D: []}",
        "client-certificate: me.crt, client-key: me.key",
        "client-certificate: me.crt",
        "client-key: me.key",
        "client-certificate: me.key, client-key: me.crt",
        "client-certificate: sub, client-key: me.key",
        certificate,
        key,
        &identity,
    ];
    let mut all = vec![String::new()];
    for (at, first) in parts.iter().enumerate() {
        all.push((*first).to_owned());
        all.extend(parts.iter().skip(at + 1).map(|second| format!("{first}, {second}")));
    }
    for version in ["v1", "v1beta1", "v1alpha1", "v2", "V1", ""] {
        let modes = ["Never", "IfAvailable", "Always", "never", "''", "null"];
        all.extend(modes.iter().map(|name| mode(version, name)));
    }
    for command in ["aws", "./aws", "bin/aws", "/bin/aws", "'a b'", "'.'", "~/aws"] {
        all.push(exec.replace("command: x", &format!("command: {command}")));
    }
    all
}

/// Every member of every kind of entry twice: plain and null, another and plain.
fn twice() -> Vec<Case> {
    let mut cases = Vec::new();
    let members = [
        ("server: 'https://h'", "server: 'https://other'"),
        ("server: 'https://h'", "server: null"),
        ("insecure-skip-tls-verify: true", "insecure-skip-tls-verify: false"),
        ("tls-server-name: a", "tls-server-name: b"),
        ("certificate-authority: ca.crt", "certificate-authority: ''"),
        ("proxy-url: 'http://p'", "proxy-url: ''"),
        ("extensions: []", "extensions: null"),
    ];
    for (first, second) in members {
        for (first, second) in [(first, second), (second, first)] {
            let server = if first.starts_with("server") { "" } else { "server: 'https://h', " };
            cases.push(cluster(&format!("{server}{first}, {second}")));
        }
    }
    let members = [
        ("token: a", "token: b"),
        ("token: a", "token: null"),
        ("username: a", "username: ''"),
        ("as: a", "as: null"),
        ("as: a, as-groups: [a]", "as-groups: [b]"),
        ("as: a, as-user-extra: {a: [b]}", "as-user-extra: {c: [d]}"),
        (
            "exec: {apiVersion: client.authentication.k8s.io/v1, command: x}",
            "exec: {interactiveMode: Never}",
        ),
        ("exec: {command: x}", "exec: null"),
    ];
    for (first, second) in members {
        cases.push(user(&format!("{first}, {second}")));
        cases.push(user(&format!("{second}, {first}")));
    }
    for list in ["contexts", "clusters", "users"] {
        cases.push(Case::of(file(&format!("{list}: []\n")) + &format!("{list}: null\n")));
        let whole = file("");
        cases.push(Case::of(format!("{whole}{list}: []\n")));
        cases.push(Case::of(format!("{whole}{list}: null\n")));
        cases.push(Case::of(format!("{whole}{whole}")));
        cases.push(Case::of(format!("{list}: [{{name: other}}]\n{whole}")));
    }
    for name in ["c", "k", "u", "''", "other"] {
        for (list, kind) in [("contexts", "context"), ("clusters", "cluster"), ("users", "user")] {
            let plain = file("");
            let more = plain.replace(
                &format!("{list}:\n"),
                &format!("{list}:\n- {{name: {name}, {kind}: {{}}}}\n- {{name: {name}}}\n"),
            );
            cases.push(Case::of(more));
            cases.push(Case::of(plain.replace(
                &format!("{list}:\n"),
                &format!("{list}:\n- {{name: {name}, {kind}: null}}\n"),
            )));
        }
    }
    cases
}

/// One text in many encodings and dresses.
fn encodings() -> Vec<Case> {
    let text = file("");
    let json = r#"{"apiVersion":"v1","kind":"Config","current-context":"c","contexts":[{"name":"c","context":{"cluster":"k","user":"u"}}],
        "clusters":[{"name":"k","cluster":{"server":"https:\/\/h"}}],"users":[{"name":"u","user":{"token":"\u0074"}}]}"#;
    let mut cases = Vec::new();
    for text in [&text, json, &json.replace("        ", "\t\t"), &json.replace(',', ",\r\n\t")] {
        let wide: Vec<u16> = text.encode_utf16().collect();
        let little: Vec<u8> = wide.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let big: Vec<u8> = wide.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        let bytes = text.as_bytes().to_vec();
        cases.extend(
            [
                bytes.clone(),
                [b"\xef\xbb\xbf", &*bytes].concat(),
                [b"\xef\xbb\xbf\xef\xbb\xbf", &*bytes].concat(),
                [b"\xff\xfe", &*little].concat(),
                [b"\xfe\xff", &*big].concat(),
                [b"\xff\xfe", &*little, b"a"].concat(),
                [&*bytes, b"\0"].concat(),
                [b"\0", &*bytes].concat(),
                [&*bytes, b"# \xff\n"].concat(),
                [&*bytes, b"# \x01\n"].concat(),
                text.replace('\n', "\r\n").into_bytes(),
                text.replace('\n', "\r").into_bytes(),
                format!("# comment\n\n{text}\n\n").into_bytes(),
                format!("---\n{text}").into_bytes(),
                format!("%YAML 1.1\n---\n{text}").into_bytes(),
                format!("%YAML 1.2\n---\n{text}").into_bytes(),
                format!("%TAG ! tag:x,2000:\n---\n{text}").into_bytes(),
                format!("---\n---\n{text}").into_bytes(),
                format!("{text}---\n{text}").into_bytes(),
                format!("{text}...\n").into_bytes(),
                format!("  {}", text.replace('\n', "\n  ")).into_bytes(),
                text.replace("  ", "\t").into_bytes(),
                format!("{text}x").into_bytes(),
            ]
            .map(Case::of),
        );
    }
    for text in [
        "",
        " ",
        "\n",
        "---",
        "...",
        "# nothing",
        "null",
        "{}",
        "[]",
        "x",
        "1",
        "\u{feff}",
        "--- {}",
        "kind: Config\n",
        "apiVersion: v1\nkind: List\nitems: []\n",
    ] {
        cases.push(Case::of(text));
        cases.push(Case { server: Some("https://h".to_owned()), ..Case::of(text) });
        cases.push(Case { list: Some("DIR/config"), ..Case::of(text) });
        cases.push(Case { context: Some("c".to_owned()), ..Case::of(text) });
    }
    let anchors = "contexts:\n- &c {name: c, context: &x {cluster: k, user: u}}\n- {<<: *c, name: d}\n- {name: e, context: {<<: *x, user: none}}\n- {name: f, context: {<<: [*x, {namespace: shop}]}}\n";
    for context in ["c", "d", "e", "f"] {
        cases.push(Case { context: Some(context.to_owned()), ..Case::of(file(anchors)) });
    }
    cases
}

/// `$KUBECONFIG`, beside flags.
fn lists() -> Vec<Case> {
    let lists = [
        "DIR/config",
        "DIR/config:DIR/second",
        "DIR/second:DIR/config",
        "DIR/config:DIR/config",
        "DIR/nowhere:DIR/config",
        "DIR/nowhere",
        ":DIR/config:",
        "::",
        "DIR/sub/third:DIR/config",
        "DIR/config:DIR/sub/third",
        "DIR/sub:DIR/config",
        "DIR/config:DIR/sub",
        "DIR/broken:DIR/config",
        "DIR/config:DIR/broken",
        "DIR/config/x:DIR/second",
        "DIR//config",
        "DIR/empty:DIR/config",
    ];
    let mut cases = Vec::new();
    for list in lists {
        for context in [None, Some("c"), Some("second"), Some("third"), Some("none")] {
            for text in [
                file(""),
                file("current-context: none\n"),
                file("current-context: ''\n"),
                "clusters: []\n".to_owned(),
            ] {
                let case = Case {
                    list: Some(list),
                    context: context.map(str::to_owned),
                    ..Case::of(text)
                };
                cases.push(Case { user: Some("second".to_owned()), ..case.clone() });
                cases.push(Case { cluster: Some("third".to_owned()), ..case.clone() });
                cases.push(case);
            }
        }
    }
    cases
}

/// A folder with what kubeconfigs name.
pub(crate) fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = generate::pair();
    let second = "current-context: second\n\
        contexts: [{name: second, context: {cluster: second, user: second, namespace: two}}, {name: c, context: {cluster: second}}]\n\
        clusters: [{name: second, cluster: {server: 'https://second'}}, {name: k, cluster: {server: 'https://wrong'}}]\n\
        users: [{name: second, user: {token: second}}, {name: u, user: {username: second}}]\n";
    let third = "contexts: [{name: third, context: {cluster: third, user: third}}]\n\
        clusters: [{name: third, cluster: {server: 'https://third', certificate-authority: inner.crt}}]\n\
        users: [{name: third, user: {tokenFile: ../token}}]\n";
    fs::create_dir(folder.path().join("sub")).unwrap();
    for (name, text) in [
        ("x", &*certificate),
        ("me.crt", &certificate),
        ("me.key", &key),
        ("ca.crt", &certificate),
        ("sub/inner.crt", &certificate),
        ("token", " fresh\n"),
        ("blank", " \n"),
        ("empty", ""),
        ("second", second),
        ("sub/third", third),
        ("broken", "contexts: {"),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}
