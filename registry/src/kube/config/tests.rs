//! The rules of precedence, merging and refusal, each on files in a fresh folder.

use std::{fs, path::PathBuf};

use tempfile::TempDir;

use super::{
    Config, ConfigError, Credential, Environment, ExecVersion, Kubeconfig, Material, Overrides,
    Trust,
};

const PLAIN: &str = "
current-context: one
contexts:
- {name: one, context: {cluster: c1, user: u1, namespace: shop}}
- {name: two, context: {cluster: c2, user: u2}}
clusters:
- {name: c1, cluster: {server: 'https://one.example:6443'}}
- {name: c2, cluster: {server: 'https://two.example/k8s/clusters/c-x'}}
users:
- {name: u1, user: {token: tok-one}}
- {name: u2, user: {username: ada, password: s3cr3t}}
";

#[test]
fn the_current_context_is_used_and_context_overrides_it() {
    let folder = Folder::new(&[("config", PLAIN)]);
    let one = folder.load(&Overrides::default()).unwrap();
    assert_eq!(
        (one.server.as_str(), one.namespace.as_str()),
        ("https://one.example:6443/", "shop")
    );
    assert_eq!(token(&one), "tok-one");
    assert_eq!(one.origin, format!("context `one` of {}", folder.path("config").display()));

    let two = folder.load(&context("two")).unwrap();
    assert_eq!(two.server.as_str(), "https://two.example/k8s/clusters/c-x");
    assert_eq!(two.namespace, "default");
    assert!(matches!(two.credential, Credential::Basic { username, .. } if username == "ada"));
}

#[test]
fn names_that_do_not_exist_are_listed_with_those_that_do() {
    let folder = Folder::new(&[("config", PLAIN)]);
    let error = folder.load(&context("three")).unwrap_err();
    assert_eq!(error.to_string(), "the kubeconfig has no context `three`; it has: one, two");

    let folder = Folder::new(&[("config", &PLAIN.replace("current-context: one", ""))]);
    let error = folder.load(&Overrides::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the kubeconfig has no current-context; choose one with --context: one, two"
    );

    let folder = Folder::new(&[("config", &PLAIN.replace("user: u1", "user: nobody"))]);
    let error = folder.load(&Overrides::default()).unwrap_err();
    assert_eq!(error.to_string(), "the kubeconfig has no user `nobody`; it has: u1, u2");
}

#[test]
fn a52_of_several_files_the_first_wins_for_each_name_and_the_missing_are_skipped() {
    let second = "
current-context: two
contexts: [{name: one, context: {cluster: other, user: other}}]
clusters: [{name: c1, cluster: {server: 'https://evil.example'}}]
users:
- {name: u1, user: {username: someone}}
- {name: u3, user: {token: three}}
";
    let folder = Folder::new(&[("a", PLAIN), ("b", second)]);
    let list = format!(
        "{}:{}::{}",
        folder.path("missing").display(),
        folder.path("a").display(),
        folder.path("b").display()
    );
    let environment = Environment::empty([("KUBECONFIG", list.as_str())]);
    let config = Config::load(&Overrides::default(), &environment).unwrap();
    assert_eq!(config.server.as_str(), "https://one.example:6443/");
    // The entry is taken whole: the username of the second file does not leak into the first.
    assert_eq!(token(&config), "tok-one");
}

#[test]
fn a52_an_explicit_file_must_exist_and_is_the_only_one() {
    let folder = Folder::new(&[("config", PLAIN)]);
    let missing = Overrides { kubeconfig: Some(folder.path("nowhere")), ..Overrides::default() };
    let error = folder.load(&missing).unwrap_err();
    assert!(matches!(error, ConfigError::Missing { .. }), "{error}");

    let explicit = Overrides { kubeconfig: Some(folder.path("config")), ..Overrides::default() };
    let environment = Environment::empty([("KUBECONFIG", "/does/not/matter")]);
    assert_eq!(token(&Config::load(&explicit, &environment).unwrap()), "tok-one");
}

#[test]
fn a52_paths_are_relative_to_their_own_file_and_data_beats_a_file() {
    let text = "
current-context: x
contexts: [{name: x, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: 'https://h', certificate-authority: pki/ca.crt}}]
users: [{name: u, user: {client-certificate: me.crt, client-key: /abs/me.key,
  client-certificate-data: LS0tLS1CRUdJTg==, tokenFile: tok}}]
";
    let folder = Folder::new(&[("sub/config", text), ("sub/tok", " fresh\n")]);
    let explicit =
        Overrides { kubeconfig: Some(folder.path("sub/config")), ..Overrides::default() };
    let config = folder.load(&explicit).unwrap();
    let Trust::Authorities(Material::File(ca)) = &config.trust else { panic!("{config:?}") };
    assert_eq!(ca, &folder.path("sub/pki/ca.crt"));
    let identity = config.identity.unwrap();
    let Material::Inline(pem) = identity.certificate else { panic!("data must win") };
    assert_eq!(pem.reveal(), "-----BEGIN");
    assert!(matches!(identity.key, Material::File(path) if path.ends_with("/abs/me.key")));
    assert!(
        matches!(config.credential, Credential::TokenFile(path) if path == folder.path("sub/tok"))
    );
}

#[test]
fn a_readable_token_file_beats_an_inline_token() {
    let with = |file: &str| {
        PLAIN.replace("{token: tok-one}", &format!("{{token: inline, tokenFile: {file}}}"))
    };
    let folder =
        Folder::new(&[("config", &with("tok")), ("tok", "fresh"), ("bad", &with("missing"))]);
    let config = folder.load(&Overrides::default()).unwrap();
    assert!(matches!(config.credential, Credential::TokenFile(_)));
    let explicit = Overrides { kubeconfig: Some(folder.path("bad")), ..Overrides::default() };
    assert_eq!(token(&folder.load(&explicit).unwrap()), "inline");
}

#[test]
fn contradictions_and_what_is_not_supported_are_refused_without_showing_a_secret() {
    let user = |yaml: &str| PLAIN.replace("{token: tok-one}", yaml);
    let cluster = |yaml: &str| PLAIN.replace("{server: 'https://one.example:6443'}", yaml);
    let table = [
        (
            user("{token: s3cr3t, username: ada, password: s3cr3t}"),
            "the user `u1` of the kubeconfig has both a token and a username or a password; keep one of them",
        ),
        (
            cluster(
                "{server: 'https://h', insecure-skip-tls-verify: true, certificate-authority: x}",
            ),
            "the cluster `c1` of the kubeconfig has both a certificate authority and \
             insecure-skip-tls-verify; keep one of them",
        ),
        (
            cluster("{server: 'http://h:8080'}"),
            "cannot use the server `http://h:8080`: plain http is for `kubectl proxy` on this \
             machine only; use https",
        ),
        (
            cluster("{server: 'https://ada:s3cr3t@h'}"),
            "cannot use the server `…@h`: user information does not belong into it",
        ),
        (cluster("{}"), "the cluster `c1` of the kubeconfig names no server"),
        (
            cluster("{server: 'https://h', proxy-url: 'ftp://ada:s3cr3t@proxy'}"),
            "the cluster `c1` of the kubeconfig: proxy-url must be http://, https:// or socks5://",
        ),
        (
            user("{exec: {command: aws, env: [{name: X, value: s3cr3t}]}}"),
            "the user `u1` of the kubeconfig: exec.apiVersion must be \
             client.authentication.k8s.io/v1 or client.authentication.k8s.io/v1beta1 (v1alpha1 is \
             gone)",
        ),
        (
            user("{exec: {apiVersion: client.authentication.k8s.io/v1, command: aws}}"),
            "the user `u1` of the kubeconfig: exec.interactiveMode must be Never, IfAvailable or \
             Always",
        ),
        (
            user(
                "{exec: {apiVersion: client.authentication.k8s.io/v1, command: aws, \
                 interactiveMode: Always, args: [s3cr3t]}}",
            ),
            "the user `u1` of the kubeconfig: exec.interactiveMode is Always, but there is no \
             terminal to ask on",
        ),
        (
            user("{exec: {apiVersion: client.authentication.k8s.io/v1beta1}}"),
            "the user `u1` of the kubeconfig: exec.command is missing",
        ),
        (
            user(
                "{exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: aws, \
                 env: [{name: 'a=b', value: s3cr3t}]}}",
            ),
            "the user `u1` of the kubeconfig: exec.env has an entry without a usable name",
        ),
        (
            user("{auth-provider: {name: gcp, config: {access-token: s3cr3t}}}"),
            "the user `u1` of the kubeconfig needs the auth-provider `gcp`, which dubbo-watcher \
             does not support; Kubernetes removed it in 1.26: install gke-gcloud-auth-plugin and \
             run `gcloud container clusters get-credentials`",
        ),
        (
            user("{client-key-data: s3cr3t!}"),
            "the user `u1` of the kubeconfig: client-key-data is not base64 of PEM text",
        ),
        (
            user("{client-certificate: x.crt}"),
            "the user `u1` of the kubeconfig: client-certificate has no client-key beside it",
        ),
        (
            user("{token: s3cr3t, password: s3cr3t}"),
            "the user `u1` of the kubeconfig has both a token and a username or a password; keep \
             one of them",
        ),
        (
            user("{auth-provider: {name: other, config: {x: s3cr3t}}}"),
            "the user `u1` of the kubeconfig needs the auth-provider `other`, which dubbo-watcher \
             does not support; kubectl does not know it either: use an exec plugin or a --token-file",
        ),
        (
            user("{as-groups: [g]}"),
            "the user `u1` of the kubeconfig: as is missing, but as-uid, as-groups or \
             as-user-extra is there",
        ),
    ];
    for (text, expected) in table {
        let error = Folder::new(&[("config", &text)]).load(&Overrides::default()).unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert!(!format!("{error:?}").contains("s3cr3t"), "{error:?}");
    }
}

#[test]
fn a_malformed_file_is_named_with_its_place_and_never_quoted() {
    let folder = Folder::new(&[("config", "users:\n- name: u\n  user: s3cr3t\n")]);
    let error = folder.load(&Overrides::default()).unwrap_err();
    let ConfigError::Malformed { line, .. } = &error else { panic!("{error:?}") };
    assert_eq!(*line, 3);
    assert!(!format!("{error} {error:?}").contains("s3cr3t"), "{error}");
}

#[test]
fn what_is_wrong_has_its_line_and_column() {
    for (text, at) in [
        ("users:\n- name: u\n  user: s3cr3t\n", (3, 9)),
        ("clusters:\n- {name: c, cluster: {insecure-skip-tls-verify: [1]}}\n", (2, 49)),
        ("contexts: [\n", (1, 11)),
        ("# 注释\ncurrent-context: {名: *b}\n", (2, 22)),
        ("users: [{name: []}]\n", (1, 10)),
        ("users: [{name: 1}]\n", (1, 16)),
        ("users:\n- user: {password: 1234}\n", (2, 20)),
        ("\"\\xff\"", (1, 1)),
    ] {
        let error = Folder::new(&[("config", text)]).load(&Overrides::default()).unwrap_err();
        let ConfigError::Malformed { line, column, .. } = error else {
            panic!("{text}: {error:?}")
        };
        assert_eq!((line, column), at, "{text}");
    }
}

#[test]
fn anchors_and_merges_are_read_as_kubectl_reads_them_and_the_first_document_counts() {
    let text = "
current-context: '2024'
contexts:
- {name: '2024', context: {cluster: '1', user: &u '007', namespace: '42'}}
clusters:
- {name: '1', cluster: &shared {server: 'https://h', insecure-skip-tls-verify: True}}
- {name: '2', cluster: {<<: *shared, server: 'https://other'}}
users:
- {name: *u, user: {username: '1.10', password: '1234', as: x, as-groups: ['1'], as-user-extra: {a: ['true']}}}
---
this: is not read
";
    let folder = Folder::new(&[("config", text)]);
    let config = folder.load(&Overrides::default()).unwrap();
    assert_eq!((config.server.as_str(), config.namespace.as_str()), ("https://h/", "42"));
    let Credential::Basic { username, password } = &config.credential else { panic!("{config:?}") };
    assert_eq!((username.as_str(), password.reveal()), ("1.10", "1234"));
    let path = folder.path("config");
    let kubeconfig = Kubeconfig::load(Some(&path), &Environment::empty([])).unwrap();
    assert_eq!(kubeconfig.clusters["2"].server, "https://other");
    assert!(kubeconfig.clusters["2"].insecure_skip_tls_verify);
    assert_eq!(kubeconfig.users["007"].impersonate_groups, Some(vec!["1".to_owned()]));
    let extra = kubeconfig.users["007"].impersonate_extra.as_ref().unwrap();
    assert_eq!(extra["a"], ["true"]);
}

#[test]
fn a_name_twice_in_one_file_is_refused_and_in_two_files_the_first_counts() {
    for (kind, line) in [
        ("cluster", "- {name: c1, cluster: {server: 'https://other'}}\nusers:"),
        ("context", "- {name: one}\nclusters:"),
        ("user", "- {name: u2}\n"),
    ] {
        let list = line.rsplit('\n').next().unwrap();
        let text =
            if list.is_empty() { PLAIN.to_owned() + line } else { PLAIN.replace(list, line) };
        let folder = Folder::new(&[("config", &text)]);
        let error = folder.load(&Overrides::default()).unwrap_err();
        let name = line.split([':', ',', '}']).nth(1).unwrap().trim();
        assert_eq!(
            error.to_string(),
            format!(
                "the kubeconfig {} has the {kind} `{name}` twice; remove or rename one of them",
                folder.path("config").display()
            )
        );
    }
}

#[test]
fn null_is_absent_a_member_twice_counts_as_written_last_and_unused_entries_do_not_matter() {
    let text = "
preferences: null
current-context: one
contexts:
- {name: one, context: {cluster: wrong, cluster: c1, user: u1, namespace: null, extensions: null}}
- {name: none, context: null}
- null
clusters:
- name: c1
  cluster:
    server: https://wrong
    server: https://one
    certificate-authority-data: null
    insecure-skip-tls-verify: null
    disable-compression: null
    proxy-url: null
    tls-server-name: null
    extensions: null
- {name: unused, cluster: {server: null, disable-compression: null}}
- {cluster: null}
users:
- name: u1
  user:
    token: null
    client-certificate-data: null
    as-groups: null
    as-user-extra: null
    auth-provider: null
    exec:
      apiVersion: client.authentication.k8s.io/v1beta1
      command: sh
      args: [null]
      env: [{name: A, value: null}, {name: B}]
      installHint: null
      interactiveMode: null
      provideClusterInfo: null
- {name: unused, user: {exec: {command: null}, auth-provider: {name: gone}, client-key-data: '!'}}
- {name: empty}
";
    let config = Folder::new(&[("config", text)]).load(&Overrides::default()).unwrap();
    assert_eq!((config.server.as_str(), config.namespace.as_str()), ("https://one/", "default"));
    assert!(matches!(config.trust, Trust::System));
    let Credential::Exec(plugin) = &config.credential else { panic!("{config:?}") };
    let variables: Vec<_> =
        plugin.variables.iter().map(|(name, value)| (name.as_str(), value.reveal())).collect();
    assert_eq!(variables, [("A", ""), ("B", "")]);
    assert_eq!(plugin.arguments.len(), 1);
}

#[test]
fn a_truth_value_is_one_of_yaml_1_1() {
    for (word, insecure) in
        [("yes", true), ("On", true), ("TRUE", true), ("y", true), ("no", false), ("OFF", false)]
    {
        let with = format!("6443', insecure-skip-tls-verify: {word}}}");
        let folder = Folder::new(&[("config", &PLAIN.replace("6443'}", &with))]);
        let config = folder.load(&Overrides::default()).unwrap();
        assert_eq!(matches!(config.trust, Trust::Anyone), insecure, "{word}");
    }
}

#[test]
fn a_file_is_read_in_the_encodings_of_windows_too() {
    let units = || PLAIN.encode_utf16();
    let little: Vec<u8> = units().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = units().flat_map(u16::to_be_bytes).collect();
    for bytes in [
        [b"\xef\xbb\xbf", PLAIN.as_bytes()].concat(),
        [b"\xff\xfe", &*little].concat(),
        [b"\xfe\xff", &*big].concat(),
        little,
        PLAIN.replace('\n', "\r\n").into_bytes(),
    ] {
        let folder = Folder::new(&[]);
        fs::write(folder.path("config"), bytes).unwrap();
        assert_eq!(token(&folder.load(&Overrides::default()).unwrap()), "tok-one");
    }
}

#[test]
fn what_is_of_another_kind_is_no_kubeconfig() {
    for (line, found) in
        [("apiVersion: v2", "v2"), ("kind: Pod", "Pod"), ("kind: Pod\napiVersion: v1", "v1 Pod")]
    {
        let folder = Folder::new(&[("config", &format!("{line}{PLAIN}"))]);
        let error = folder.load(&Overrides::default()).unwrap_err().to_string();
        let path = folder.path("config");
        assert_eq!(
            error,
            format!(
                "{} is not a kubeconfig (`v1 Config`): it says that it is `{found}`",
                path.display()
            )
        );
    }
}

#[test]
fn an_oidc_token_is_used_as_long_as_it_is_valid_and_a_token_of_the_entry_wins() {
    // {"exp":4102444800}
    let jwt = "e30.eyJleHAiOjQxMDI0NDQ4MDB9.c2ln";
    let user = |more: &str, config: &str| {
        let provider = format!("{{auth-provider: {{name: oidc, config: {config}}}{more}}}");
        Folder::new(&[("config", &PLAIN.replace("{token: tok-one}", &provider))])
            .load(&Overrides::default())
    };
    let whole = format!("{{idp-issuer-url: 'https://i', client-id: k, id-token: {jwt}}}");
    assert_eq!(token(&user("", &whole).unwrap()), jwt);
    assert_eq!(token(&user(", token: mine", &whole).unwrap()), "mine");
    for (more, config, expected) in [
        ("", "{client-id: k}".to_owned(), ": auth-provider oidc has no idp-issuer-url"),
        (", token: t", "{idp-issuer-url: i}".to_owned(), ": auth-provider oidc has no client-id"),
        ("", whole.replace("eyJleHAiOjQxMDI0NDQ4MDB9", "eyJleHAiOjF9"), "give a --token-file"),
        (
            ", exec: {apiVersion: client.authentication.k8s.io/v1, command: x}",
            whole,
            " has both an exec plugin and an auth-provider; keep one of them",
        ),
    ] {
        let error = user(more, &config).unwrap_err().to_string();
        assert!(error.ends_with(expected), "{error}");
    }
}

#[test]
fn flags_choose_another_cluster_or_user_and_whom_to_act_as() {
    let folder = Folder::new(&[("config", PLAIN)]);
    let text = |text: &str| Some(text.to_owned());
    let overrides = Overrides {
        cluster: text("c2"),
        user: text("u2"),
        impersonate: text("eve"),
        impersonate_groups: vec!["g".to_owned()],
        impersonate_uid: text("7"),
        tls_server_name: text("n"),
        ..Overrides::default()
    };
    let config = folder.load(&overrides).unwrap();
    assert_eq!(config.server.as_str(), "https://two.example/k8s/clusters/c-x");
    assert_eq!((config.namespace.as_str(), config.server_name.as_deref()), ("shop", Some("n")));
    assert!(matches!(config.credential, Credential::Basic { .. }));
    let who = config.impersonation.unwrap();
    assert_eq!((who.user.as_str(), who.uid.as_deref()), ("eve", Some("7")));
    assert_eq!(who.groups, ["g"]);

    for (overrides, expected) in [
        (
            Overrides { cluster: text("c3"), ..Overrides::default() },
            "the kubeconfig has no cluster `c3`; it has: c1, c2",
        ),
        (
            Overrides { user: text("u3"), ..Overrides::default() },
            "the kubeconfig has no user `u3`; it has: u1, u2",
        ),
        (
            Overrides { impersonate_groups: vec!["g".to_owned()], ..Overrides::default() },
            "the user `u1` of the kubeconfig: as is missing, but as-uid, as-groups or \
             as-user-extra is there",
        ),
    ] {
        assert_eq!(folder.load(&overrides).unwrap_err().to_string(), expected);
    }

    let without = PLAIN.replace("current-context: one", "");
    let folder = Folder::new(&[("config", &without)]);
    let overrides = Overrides { cluster: text("c1"), user: text("u1"), ..Overrides::default() };
    let config = folder.load(&overrides).unwrap();
    assert_eq!((config.server.as_str(), token(&config)), ("https://one.example:6443/", "tok-one"));
}

#[test]
fn nothing_secret_is_in_the_debug_output_of_a_configuration() {
    let user = "{token: s3cr3t, client-certificate-data: czNjcjN0, client-key-data: czNjcjN0}";
    let folder = Folder::new(&[("config", &PLAIN.replace("{token: tok-one}", user))]);
    let shown = format!("{:?}", folder.load(&Overrides::default()).unwrap());
    assert!(!shown.contains("s3cr3t") && !shown.contains("czNjcjN0"), "{shown}");
}

#[test]
fn a_plugin_is_found_beside_its_kubeconfig_and_asked_only_without_a_token() {
    let exec = |command: &str, more: &str| {
        let user = format!(
            "{{exec: {{apiVersion: client.authentication.k8s.io/v1beta1, command: {command}}}{more}}}"
        );
        Folder::new(&[("config", &PLAIN.replace("{token: tok-one}", &user))])
    };
    for (command, relative) in [("aws", false), ("./aws", true), ("bin/aws", true)] {
        let folder = exec(command, "");
        let config = folder.load(&Overrides::default()).unwrap();
        let Credential::Exec(plugin) = &config.credential else { panic!("{config:?}") };
        let expected = if relative { folder.path(command) } else { PathBuf::from(command) };
        assert_eq!(
            plugin.command.components().collect::<PathBuf>(),
            expected.components().collect::<PathBuf>()
        );
        assert_eq!(plugin.version, ExecVersion::V1Beta1);
        assert!(!plugin.interactive, "nobody is there to ask");
    }
    let config = exec("aws", ", token: mine").load(&Overrides::default()).unwrap();
    assert_eq!(token(&config), "mine");
}

#[test]
fn the_entry_s_own_proxy_wins_over_the_environment_s() {
    let with = PLAIN.replace("6443'}", "6443', proxy-url: 'socks5://ada:s3cr3t@own:1'}");
    let folder = Folder::new(&[("config", &with), ("plain", PLAIN)]);
    let load = |name: &str, more: &[(&'static str, &'static str)]| {
        let file = Overrides { kubeconfig: Some(folder.path(name)), ..Overrides::default() };
        let config = Config::load(&file, &Environment::empty(more.iter().copied())).unwrap();
        assert!(!format!("{config:?}").contains("s3cr3t"));
        config.proxy.map(|proxy| format!("{proxy} {}", proxy.origin()))
    };
    let environment = [("HTTPS_PROXY", "http://ada:s3cr3t@env:2"), ("NO_PROXY", "x")];
    let except = [environment[0], ("NO_PROXY", "one.example")];
    assert_eq!(load("config", &environment).as_deref(), Some("socks5://own:1 proxy-url"));
    assert_eq!(load("config", &except).as_deref(), Some("socks5://own:1 proxy-url"));
    assert_eq!(load("plain", &environment).as_deref(), Some("http://env:2 HTTPS_PROXY"));
    assert_eq!(load("plain", &except), None);
    assert_eq!(load("plain", &[]), None);
}

#[test]
fn flags_win_over_files() {
    let with_ca =
        PLAIN.replace("6443'}", "6443', certificate-authority: ca.crt, tls-server-name: n}");
    let folder = Folder::new(&[("config", &with_ca), ("tok", "mine")]);

    let insecure = Overrides { insecure_skip_tls_verify: true, ..Overrides::default() };
    assert!(matches!(folder.load(&insecure).unwrap().trust, Trust::Anyone));

    let ours = Overrides {
        server: Some("other:8443".to_owned()),
        certificate_authority: Some("mine.crt".into()),
        token_file: Some(folder.path("tok")),
        ..Overrides::default()
    };
    let config = folder.load(&ours).unwrap();
    assert_eq!(config.server.as_str(), "https://other:8443/");
    assert_eq!(config.server_name, None, "the name belonged to the other server");
    assert!(
        matches!(config.trust, Trust::Authorities(Material::File(p)) if p.ends_with("mine.crt"))
    );
    assert!(matches!(config.credential, Credential::TokenFile(p) if p == folder.path("tok")));
    assert_eq!(config.namespace, "shop", "the rest of the context stays");
}

#[test]
fn over_plain_http_no_credential_is_sent() {
    let file = |user: &str| {
        PLAIN
            .replace("https://one.example:6443", "http://127.0.0.1:8001")
            .replace("{token: tok-one}", user)
    };
    for user in [
        "{token: t}",
        "{username: ada, password: p, as: eve}",
        "{tokenFile: tok, as: eve}",
        "{client-certificate-data: aGk=, client-key-data: aGk=}",
        "{exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: x}}",
    ] {
        let folder = Folder::new(&[("config", &file(user)), ("tok", "mine"), ("https", PLAIN)]);
        let by_flag = Overrides {
            kubeconfig: Some(folder.path("https")),
            server: Some("http://localhost:8001".to_owned()),
            ..Overrides::default()
        };
        for overrides in [Overrides::default(), by_flag] {
            let config = folder.load(&overrides).unwrap();
            assert!(matches!(config.credential, Credential::None), "{user}");
            assert!(config.identity.is_none(), "{user}");
        }
        let config = folder.load(&Overrides::default()).unwrap();
        assert_eq!(config.impersonation.is_some(), user.contains("eve"), "as kubectl");
    }
    // What is wrong with an entry is said all the same.
    let folder = Folder::new(&[("config", &file("{token: t, username: u}"))]);
    assert!(matches!(folder.load(&Overrides::default()), Err(ConfigError::Contradiction { .. })));
}

#[test]
fn a_server_alone_needs_no_file() {
    for (server, url) in [
        ("http://localhost:8001", "http://localhost:8001/"),
        ("http://[::1]:8001", "http://[::1]:8001/"),
        ("10.0.0.1:6443", "https://10.0.0.1:6443/"),
        // As kubectl, for `kubectl proxy`.
        ("localhost:8001", "http://localhost:8001/"),
        ("127.0.0.1:8001", "http://127.0.0.1:8001/"),
        ("[::1]:8001", "http://[::1]:8001/"),
    ] {
        let overrides = Overrides { server: Some(server.to_owned()), ..Overrides::default() };
        let config = Config::load(&overrides, &Environment::empty([])).unwrap();
        assert_eq!(config.server.as_str(), url);
    }
    for (server, why) in [
        ("h/p", "it has a path and does not begin with https://"),
        ("https:///p", "it names no host"),
    ] {
        let overrides = Overrides { server: Some(server.to_owned()), ..Overrides::default() };
        let error = Config::load(&overrides, &Environment::empty([])).unwrap_err().to_string();
        assert_eq!(error, format!("cannot use the server `{server}`: {why}"));
    }
}

#[test]
fn a53_the_service_account_is_the_last_resort_and_must_be_whole() {
    let folder =
        Folder::new(&[("sa/token", "t\n"), ("sa/ca.crt", "pem"), ("sa/namespace", "n1\n")]);
    let vars = [("KUBERNETES_SERVICE_HOST", "fd00::1"), ("KUBERNETES_SERVICE_PORT", "443")];
    let pod = |vars: &[(&'static str, &'static str)]| {
        let environment =
            Environment::empty(vars.iter().copied()).with_service_account(folder.path("sa"));
        Config::load(&Overrides::default(), &environment)
    };
    let config = pod(&vars).unwrap();
    assert_eq!(config.server.as_str(), "https://[fd00::1]/");
    assert_eq!(config.namespace, "n1");
    assert!(
        matches!(&config.credential, Credential::TokenFile(path) if path.ends_with("sa/token"))
    );

    for (name, expected) in [("NAMESPACE", "n2"), ("POD_NAMESPACE", "n2")] {
        assert_eq!(pod(&[vars[0], vars[1], (name, "n2")]).unwrap().namespace, expected);
    }
    let error = pod(&vars[..1]).unwrap_err().to_string();
    assert!(
        error.starts_with("found no Kubernetes cluster to talk to: no ~/.kube/config"),
        "{error}"
    );

    fs::write(folder.path("sa/token"), " \n").unwrap();
    assert!(matches!(pod(&vars).unwrap_err(), ConfigError::EmptyToken { .. }));
    fs::remove_file(folder.path("sa/ca.crt")).unwrap();
    let error = pod(&vars).unwrap_err().to_string();
    assert!(error.contains("ca.crt is missing"), "{error}");
}

#[test]
fn a_kubeconfig_wins_over_the_service_account() {
    let folder = Folder::new(&[("config", PLAIN), ("sa/token", "t"), ("sa/ca.crt", "pem")]);
    let list = folder.path("config").display().to_string();
    let environment = Environment::empty([
        ("KUBECONFIG", list.as_str()),
        ("KUBERNETES_SERVICE_HOST", "10.0.0.1"),
        ("KUBERNETES_SERVICE_PORT", "443"),
    ])
    .with_service_account(folder.path("sa"));
    let config = Config::load(&Overrides::default(), &environment).unwrap();
    assert_eq!(config.server.as_str(), "https://one.example:6443/");
}

mod namespaces {
    use super::super::{Environment, Namespaces};

    fn chosen(all: bool, named: &[&str], variables: &[(&str, &str)]) -> Result<String, String> {
        let flags: Vec<String> = named.iter().map(|&name| name.to_owned()).collect();
        let environment = Environment::empty(variables.iter().copied());
        match Namespaces::choose(all, &flags, &environment, "configured") {
            Ok(Namespaces::All) => Ok("*".to_owned()),
            Ok(Namespaces::These(list)) => Ok(list.join("+")),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn an_empty_list_of_namespaces_is_never_the_whole_cluster() {
        for names in [vec![], vec![String::new()]] {
            assert!(Namespaces::These(names).scopes().is_err());
        }
        assert!(Namespaces::These(vec!["a".to_owned()]).scopes().is_ok());
        assert!(Namespaces::All.scopes().is_ok());
    }

    #[test]
    fn the_order_of_precedence() {
        let variables = [("DUBBO_NAMESPACE", "a,b"), ("NAMESPACE", "own")];
        for (all, named, variables, expected) in [
            (true, vec![], &variables[..], "*"),
            (false, vec!["x", "y", "x"], &variables[..], "x+y"),
            (false, vec![], &variables[..], "a+b+own"),
            (false, vec![], &variables[1..], "own"),
            (false, vec![], &[("DUBBO_NAMESPACE", "a, b ,,a,")], "a+b"),
            (false, vec![], &[("DUBBO_NAMESPACE", ",")], "configured"),
            (false, vec![], &[], "configured"),
        ] {
            assert_eq!(chosen(all, &named, variables).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn what_cannot_be_a_namespace_never_gets_into_a_path() {
        for name in ["", "A", "a/b", "..", "a,b", "-a", "a-", "a?b", &"a".repeat(64)] {
            let error = chosen(false, &[name], &[]).unwrap_err();
            assert!(error.starts_with(&format!("`{name}` cannot be a namespace")), "{error}");
        }
    }
}

fn token(config: &Config) -> &str {
    let Credential::Token(token) = &config.credential else { panic!("{config:?}") };
    token.reveal()
}

fn context(name: &str) -> Overrides {
    Overrides { context: Some(name.to_owned()), ..Overrides::default() }
}

/// A folder with files in it; `config` among them is the one of `$KUBECONFIG`.
struct Folder(TempDir);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn load(&self, overrides: &Overrides) -> Result<Config, ConfigError> {
        let list = self.path("config").display().to_string();
        Config::load(overrides, &Environment::empty([("KUBECONFIG", list.as_str())]))
    }
}
