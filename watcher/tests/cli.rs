//! The binary on its own: `decode`, `encode`, wrong use, and what needs no server. Asserts exit
//! status, stdout and stderr as a shell sees them.

#![cfg(test)]

use std::{
    io::Write as _,
    process::{Command, Output, Stdio},
};

/// `[{"k":"/dubbo/a.B/providers/dubbo%3A%2F%2F10.0.0.1%3A20880%2Fa.B%3Fgroup%3Dg%26weight%3D50","v":""}]`
const PROVIDER: &str = "W3siayI6Ii9kdWJiby9hLkIvcHJvdmlkZXJzL2R1YmJvJTNBJTJGJTJGMTAuMC4wLjElM0EyMDg4\
                        MCUyRmEuQiUzRmdyb3VwJTNEZyUyNndlaWdodCUzRDUwIiwidiI6IiJ9XQ==";
/// `[{"k":"/dubbo"x"}]`
const BROKEN: &str = "W3siayI6Ii9kdWJibyJ4In1d";

#[test]
fn an_annotation_is_shown_to_people() {
    let ran = run(&["decode"], PROVIDER);
    assert_eq!(
        text(&ran.stdout),
        "1 record\n\
         \n\
         provider  g/a.B\n  \
         dubbo://10.0.0.1:20880/a.B\n    \
         group   g\n    \
         weight  50\n"
    );
    assert_eq!((ran.status.code(), text(&ran.stderr)), (Some(0), String::new()));
}

#[test]
fn an_annotation_as_json_has_the_shape_of_the_contract() {
    let ran = run(&["decode", "-", "-o", "json"], PROVIDER.replace("==", ""));
    assert_eq!(
        text(&ran.stdout),
        "{\"records\":[{\"k\":\"/dubbo/a.B/providers/dubbo%3A%2F%2F10.0.0.1%3A20880%2Fa.B%3Fgroup\
         %3Dg%26weight%3D50\",\"v\":\"\"}],\"warnings\":[{\"code\":\"missing-padding\",\"message\":\
         \"base64 without its padding (=); dubbo-go refuses it\",\"offset\":134}]}\n"
    );
    assert_eq!(ran.status.code(), Some(0));
}

#[test]
fn a_bad_annotation_is_underlined() {
    let ran = run(&["decode"], BROKEN);
    assert_eq!(
        text(&ran.stderr),
        "error: json: expected \",\" or \"}\" after a member, found \"x\" at byte 18 (byte 14 of \
         the decoded text)\n\n  \
         annotation  W3siayI6Ii9kdWJibyJ4In1d\n                                ^\n  \
         decoded     [{\"k\":\"/dubbo\"x\"}]\n                            ^\n\n  \
         not-json: The decoded annotation is not JSON. The whole Pod is skipped. A value that ends \
         early was cut; otherwise the place shows what is wrong.\n"
    );
    assert_eq!((ran.status.code(), text(&ran.stdout)), (Some(1), String::new()));

    let ran = run(&["decode", "-o", "json"], BROKEN);
    assert_eq!(
        text(&ran.stderr),
        "{\"error\":{\"code\":\"not-json\",\"stage\":\"json\",\"offset\":18,\"decodedOffset\":14,\
         \"expected\":\"comma-after-member\",\"found\":{\"byte\":120},\"message\":\
         \"expected \\\",\\\" or \\\"}\\\" after a member, found \\\"x\\\"\"}}\n"
    );
    assert_eq!((ran.status.code(), text(&ran.stdout)), (Some(1), String::new()));
}

#[test]
fn what_is_not_even_text_is_an_error_in_its_place() {
    let ran = run(&["decode", "-o", "json"], b"W3si\xff\xfe" as &[u8]);
    assert!(
        text(&ran.stderr)
            .starts_with("{\"error\":{\"code\":\"not-base64\",\"stage\":\"base64\",\"offset\":4,")
    );
    let ran = run(&["decode"], b"W3si\xff\xfe" as &[u8]);
    assert!(text(&ran.stderr).contains("annotation  W3si\\xff\\xfe\n"), "{}", text(&ran.stderr));
}

#[test]
fn pods_are_decoded_side_by_side_and_a_bad_one_hides_no_good_one() {
    let list = format!(
        "{{\"kind\":\"PodList\",\"items\":[{},{},{{\"metadata\":{{\"name\":\"plain\"}}}}]}}",
        pod("good", PROVIDER),
        pod("bad", BROKEN)
    );
    let ran = run(&["decode", "-o", "json"], list.as_str());
    let report: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    let pods = report["pods"].as_array().unwrap();
    let names: Vec<_> = pods.iter().map(|pod| pod["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["good", "bad", "plain"]);
    assert_eq!(pods[0]["namespace"], "shop");
    assert_eq!(pods[0]["records"].as_array().unwrap().len(), 1);
    assert!(pods[0]["error"].is_null() && pods[0]["warnings"].as_array().unwrap().is_empty());
    assert_eq!(pods[1]["error"]["decodedOffset"], 14);
    assert!(pods[1]["records"].as_array().unwrap().is_empty());
    assert_eq!(ran.status.code(), Some(1));

    let ran = run(&["decode"], list.as_str());
    let shown = text(&ran.stdout);
    for part in [
        "Pod shop/good\n  1 record\n\n  provider  g/a.B\n    dubbo://10.0.0.1:20880/a.B\n",
        "Pod shop/bad\n  error: json: expected",
        "Pod plain\n  no dubbo.io/annotation: nothing is registered\n",
    ] {
        assert!(shown.contains(part), "{part}\n---\n{shown}");
    }
}

#[test]
fn yaml_of_several_kinds_gives_its_pods() {
    let yaml = format!(
        "---\nkind: Service\nmetadata: {{name: s}}\n---\nkind: Pod\nmetadata:\n  name: p\n  \
         annotations:\n    dubbo.io/annotation: {PROVIDER}\n"
    );
    let ran = run(&["decode"], yaml.as_str());
    assert!(text(&ran.stdout).starts_with("Pod p\n  1 record\n"), "{}", text(&ran.stdout));
    assert_eq!(text(&ran.stderr), "left out what is not a Pod: Service\n");
    assert_eq!(ran.status.code(), Some(0));

    let ran = run(&["decode", "-o", "json"], "kind: Role\n");
    assert_eq!(
        text(&ran.stderr),
        "{\"error\":{\"code\":\"wrong-shape\",\"stage\":\"shape\",\"offset\":0,\"decodedOffset\":null,\"message\":\"expected \
         Pods, found Role\"}}\n"
    );
    assert_eq!(ran.status.code(), Some(1));
}

#[test]
fn hostile_names_cannot_steer_the_terminal() {
    let annotation = run(&["encode"], r#"[{"k":"/dubbo/\u001b[2J\u202e","v":"\u0007"}]"#);
    let pod = pod("a\\u001b]0;owned\\u0007", text(&annotation.stdout).trim());
    for arguments in [&["decode"][..], &["decode", "-"]] {
        let ran = run(arguments, pod.as_str());
        let shown = text(&ran.stdout) + &text(&ran.stderr);
        assert!(shown.contains("a\\u{1b}]0;owned\\u{7}"), "{shown}");
        assert!(
            !shown.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'),
            "{shown:?}"
        );
    }
}

/// Three Pods on a bad day: a provider with another Pod's address and no label, a consumer that asks for
/// another group, and an annotation that is cut.
fn bad_day() -> String {
    let consumer = "W3siayI6Ii9kdWJiby9hLkIvY29uc3VtZXJzL2NvbnN1bWVyJTNBJTJGJTJGMTAuMC4wLjIlMkZhLkIlM0Zn\
                    cm91cCUzRGgiLCJ2IjoiIn1d";
    let pod = |name: &str, label: &str, annotation: &str, more: &str| {
        format!(
            "{{\"metadata\":{{\"namespace\":\"shop\",\"name\":\"{name}\",{label}\"annotations\":\
             {{\"dubbo.io/annotation\":\"{annotation}\"}}}}{more}}}"
        )
    };
    let label = "\"labels\":{\"dubbo.io/label\":\"dubbo.io-value\"},";
    let address = ",\"status\":{\"podIP\":\"10.9.9.9\",\"podIPs\":[{\"ip\":\"10.9.9.9\"}],\
                   \"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}]}";
    format!(
        "{{\"kind\":\"PodList\",\"items\":[{},{},{}]}}",
        pod("provider", "", PROVIDER, address),
        pod("consumer", label, consumer, ""),
        pod("cut", label, BROKEN, "")
    )
}

#[test]
fn problems_are_shown_with_their_codes_also_between_pods() {
    let ran = run(&["decode"], bad_day());
    let shown = text(&ran.stdout);
    for part in [
        "weight  50\n    error[address-not-pod]: The provider's address is not the Pod's \
         (10.0.0.1, 10.9.9.9)\n      A Pod is believed about its own addresses only",
        "\n\n  error[label-missing]: Annotation without the label dubbo.io/label\n    Nobody selects",
        "  error[group-or-version-mismatch]: Group or version does not match (h/a.B, other group: h ≠ g)\n",
        "\n    not-json: The decoded annotation is not JSON. The whole Pod is skipped.",
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
    assert_eq!(text(&ran.stderr), "3 Pods: 4 errors, 0 warnings, 0 notes\n");
    assert_eq!(ran.status.code(), Some(1));
}

#[test]
fn problems_are_explained_in_the_language_that_is_asked_for() {
    let ran = run(&["decode", "--lang", "zh"], bad_day());
    let shown = text(&ran.stdout);
    for part in
        ["错误[address-not-pod]：提供者地址不是该 Pod 的地址", "not-json：注解解码后不是 JSON。"]
    {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
    assert_eq!(text(&ran.stderr), "3 个 Pod：4 个错误，0 个警告，0 个提示\n");

    let refused = "dubbo.io/annotation";
    let ran = run(&["decode", "--lang", "zh"], refused);
    let said = text(&ran.stderr);
    for part in ["base64：应为：base64 字符（A-Z a-z 0-9 - _）；实际：“.”；位于字节 5", "  注解"]
    {
        assert!(said.contains(part), "{part}\n{said}");
    }
    let ran = run(&["decode", "--lang", "zh"], "kind: Pod\nmetadata: {name: [a\n");
    assert!(text(&ran.stderr).contains("json：不是 YAML：括号没有闭合；位于第 "));

    let mut of_locale = command(&["decode", "-o", "json"]);
    let ran = give(of_locale.env("LANG", "zh_CN.UTF-8"), PROVIDER.trim_end_matches('='));
    assert!(text(&ran.stdout).contains("\"message\":\"base64 缺少填充（=）\""));
    assert_eq!(run(&["decode", "--lang", "fr"], "").status.code(), Some(2));
}

#[test]
fn problems_in_json_stand_beside_the_shape_of_the_contract() {
    let ran = run(&["decode", "-o", "json"], bad_day());
    let report: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    let codes = |pod: usize| -> Vec<String> {
        let problems = report["pods"][pod]["problems"].as_array().unwrap();
        problems.iter().map(|it| it["code"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(codes(0), ["label-missing", "address-not-pod"]);
    assert_eq!(codes(1), ["group-or-version-mismatch"]);
    assert_eq!(codes(2), ["not-json"]);
    let lonely = &report["pods"][1]["problems"][0];
    assert_eq!((lonely["record"].as_u64(), lonely["severity"].as_str()), (Some(0), Some("error")));
    assert_eq!(report["pods"][1]["warnings"], serde_json::json!([]));
}

#[test]
fn encode_writes_what_go_writes_and_is_the_inverse_of_decode() {
    let decoded = run(&["decode", "-o", "json"], PROVIDER);
    let report: serde_json::Value = serde_json::from_slice(&decoded.stdout).unwrap();
    let ran = run(&["encode"], report["records"].to_string().as_str());
    assert_eq!(text(&ran.stdout), format!("{PROVIDER}\n"));
    assert_eq!((ran.status.code(), text(&ran.stderr)), (Some(0), String::new()));
}

#[test]
fn encode_is_strict_and_says_where() {
    let ran = run(&["encode"], "[\n  {\"k\": \"/dubbo\", \"value\": \"\"}\n]");
    assert_eq!(
        text(&ran.stderr),
        "error: line 2, column 25: unknown field `value`, expected `k` or `v`\n\n    \
         {\"k\": \"/dubbo\", \"value\": \"\"}\n                          ^\n"
    );
    assert_eq!((ran.status.code(), text(&ran.stdout)), (Some(1), String::new()));
}

#[test]
fn encode_warns_of_keys_that_no_reader_will_find() {
    let ran = run(&["encode"], r#"[{"k":"dubbo","v":""}]"#);
    assert_eq!(ran.status.code(), Some(0));
    assert!(text(&ran.stderr).starts_with("warning: record 0: "), "{}", text(&ran.stderr));
}

#[test]
fn a_file_can_be_named_and_must_be_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("annotation");
    std::fs::write(&path, PROVIDER).unwrap();
    assert_eq!(run(&["decode", path.to_str().unwrap()], "").status.code(), Some(0));

    let ran = run(&["decode", folder.path().join("none").to_str().unwrap()], "");
    assert!(text(&ran.stderr).starts_with("error: cannot read "), "{}", text(&ran.stderr));
    assert_eq!(ran.status.code(), Some(1));
}

#[test]
fn wrong_use_is_status_2_and_help_is_not_an_error() {
    for arguments in [
        &["no-such-verb"][..],
        &[],
        &["decode", "-o", "table"],
        &["list", "-n", "a", "-A"],
        &["list", "-n", "a,b", "--server", "http://127.0.0.1:1"],
        &["list", "--timeout", "soon"],
    ] {
        let ran = run(arguments, "");
        assert_eq!(ran.status.code(), Some(2), "{arguments:?}: {}", text(&ran.stderr));
        assert!(text(&ran.stdout).is_empty() && !ran.stderr.is_empty());
    }
    let ran = run(&["--help"], "");
    assert_eq!(ran.status.code(), Some(0));
    assert!(text(&ran.stdout).contains("decode"));
}

#[test]
fn colour_is_only_for_terminals() {
    let list = format!("{}{}", pod("a", PROVIDER), pod("b", BROKEN));
    let ran = run(&["decode"], list.as_str());
    assert!(!ran.stdout.contains(&0x1b) && !ran.stderr.contains(&0x1b));
}

fn pod(name: &str, annotation: &str) -> String {
    format!(
        "{{\"kind\":\"Pod\",\"metadata\":{{\"namespace\":\"shop\",\"name\":\"{name}\",\
         \"annotations\":{{\"dubbo.io/annotation\":\"{annotation}\"}}}}}}"
    )
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Runs the binary with nothing in its environment that could lead it to a cluster.
#[test]
fn an_address_that_others_reach_needs_to_know_who_may_read() {
    let open = ["serve", "--bind", "0.0.0.0:0"];
    let refused = |more: &[&str]| {
        let ran = run(&[&open[..], more].concat(), "");
        assert_eq!((ran.status.code(), text(&ran.stdout)), (Some(2), String::new()), "{ran:?}");
        text(&ran.stderr)
    };
    let said = refused(&[]);
    for part in
        ["error: 0.0.0.0:0 can be reached from elsewhere", "--auth kubernetes", "--auth none"]
    {
        assert!(said.contains(part), "{said}");
    }
    let said = refused(&["--auth", "kubernetes"]);
    assert!(said.contains("tokens must not cross the network in plain"), "{said}");
    assert!(refused(&["--auth", "none", "--auth-audience", "a"]).contains("--auth kubernetes"));
    assert!(refused(&["--auth", "none", "--tls-cert", "tls.crt"]).contains("--tls-key"));
    let missing = ["--auth", "kubernetes", "--tls-cert", "absent.crt", "--tls-key", "absent.key"];
    let ran = run(&[&open[..], &missing].concat(), "");
    assert_eq!(ran.status.code(), Some(1));
    assert!(text(&ran.stderr).starts_with("error: cannot read absent.crt: "), "{ran:?}");
}

fn run(arguments: &[&str], input: impl AsRef<[u8]>) -> Output {
    give(&mut command(arguments), input)
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dubbo-watcher"));
    command.args(arguments).env_clear();
    command
}

fn give(command: &mut Command, input: impl AsRef<[u8]>) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that does not read its input has closed the pipe already.
    let _ = child.stdin.take().unwrap().write_all(input.as_ref());
    child.wait_with_output().unwrap()
}
