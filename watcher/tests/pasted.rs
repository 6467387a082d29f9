//! `decode` of what people paste and save: what goes to stdout, what to stderr, and the exit status, which is 1
//! only when something could not be read.

#![cfg(test)]

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

/// `[{"k":"/dubbo/a.B/providers/dubbo%3A%2F%2F10.0.0.1%3A20880%2Fa.B%3Fgroup%3Dg%26weight%3D50","v":""}]`
const PROVIDER: &str = "W3siayI6Ii9kdWJiby9hLkIvcHJvdmlkZXJzL2R1YmJvJTNBJTJGJTJGMTAuMC4wLjElM0EyMDg4\
                        MCUyRmEuQiUzRmdyb3VwJTNEZyUyNndlaWdodCUzRDUwIiwidiI6IiJ9XQ==";
const KEY: &str =
    "/dubbo/a.B/providers/dubbo%3A%2F%2F10.0.0.1%3A20880%2Fa.B%3Fgroup%3Dg%26weight%3D50";

struct Ran {
    stdout: String,
    stderr: String,
    status: Option<i32>,
}

impl Ran {
    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or(Value::Null)
    }

    fn error(&self) -> Value {
        serde_json::from_str::<Value>(&self.stderr)
            .map_or(Value::Null, |said| said["error"].clone())
    }

    fn pods(&self) -> Vec<String> {
        let report = self.json();
        let pods = report["pods"].as_array().cloned().unwrap_or_default();
        pods.iter().map(|pod| pod["name"].as_str().unwrap().to_owned()).collect()
    }
}

fn decode(arguments: &[&str], input: impl AsRef<[u8]>) -> Ran {
    let mut child = Command::new(env!("CARGO_BIN_EXE_dubbo-watcher"))
        .arg("decode")
        .args(arguments)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_ref()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { stdout: text(output.stdout), stderr: text(output.stderr), status: output.status.code() }
}

fn as_json(input: impl AsRef<[u8]>) -> Ran {
    decode(&["-o", "json"], input)
}

fn pod(name: &str, annotation: &str) -> String {
    format!(
        "{{\"kind\":\"Pod\",\"metadata\":{{\"namespace\":\"shop\",\"name\":\"{name}\",\
         \"annotations\":{{\"dubbo.io/annotation\":\"{annotation}\"}}}}}}"
    )
}

macro_rules! file {
    ($name:literal) => {
        include_bytes!(concat!("../../codec/tests/data/pasted/", $name))
    };
}

#[test]
fn every_saved_file_is_decoded() {
    for (file, names) in [
        (&file!("jq_items.json")[..], &["greeter-0", "greeter-0"][..]),
        (file!("cluster_info_dump.txt"), &["greeter-0", "greeter-1"]),
        (file!("utf16le_pod.json"), &["greeter-0"]),
        (file!("utf16le_pod.yaml"), &["greeter-0"]),
        (file!("utf16be_pod.yaml"), &["greeter-0"]),
    ] {
        let ran = as_json(file);
        assert_eq!((ran.pods(), ran.status), (to_owned(names), Some(0)), "{}", ran.stderr);
        assert_eq!(ran.json()["pods"][0]["records"].as_array().unwrap().len(), 1);
    }
    for file in [&file!("items_null.json")[..], file!("items_null.yaml")] {
        let ran = as_json(file);
        assert_eq!((ran.json(), ran.status), (json!({"pods": []}), Some(0)));
        let ran = decode(&[], file);
        assert_eq!((ran.stderr.as_str(), ran.status), ("the list holds no Pods\n", Some(0)));
    }
    let ran = as_json(file!("utf16le_annotation.txt"));
    assert_eq!((ran.json()["records"].as_array().unwrap().len(), ran.status), (1, Some(0)));
}

fn to_owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn what_breaks_off_gives_the_pods_before_the_break_and_the_error_with_its_place() {
    let file = file!("truncated_stream.json");
    let end = file.trim_ascii_end().len();
    let ran = as_json(file);
    assert_eq!((ran.pods(), ran.status), (vec!["greeter-0".to_owned()], Some(1)));
    let error = ran.error();
    assert_eq!((&error["code"], &error["offset"]), (&json!("not-json"), &json!(end)));
    assert_eq!((&error["found"], &error["expected"]), (&json!("end"), &json!("colon-after-name")));

    let ran = decode(&[], file);
    assert!(ran.stdout.starts_with("Pod shop/greeter-0\n  1 record\n"), "{}", ran.stdout);
    assert!(ran.stderr.starts_with("error: json: expected "), "{}", ran.stderr);
    assert!(ran.stderr.contains(&format!(" in line 2, at byte {end}\n")), "{}", ran.stderr);

    let list = format!("kind: PodList\nitems:\n- {}\n- [\n", pod("a", PROVIDER));
    let ran = decode(&[], list);
    assert!(ran.stdout.starts_with("Pod shop/a\n"), "{}", ran.stdout);
    assert!(ran.stderr.starts_with("error: json: not YAML: "), "{}", ran.stderr);
    assert_eq!(ran.status, Some(1));
}

#[test]
fn output_of_kubectl_for_people_is_recognised() {
    let run = "kubectl get pod greeter-0 -n shop -o yaml | dubbo-watcher decode";
    let ran = as_json(file!("describe.txt"));
    let error = ran.error();
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(1), ""));
    assert_eq!(
        (&error["run"], &error["found"]),
        (&json!(run), &json!({"thing": "kubectl-describe"}))
    );
    let ran = decode(&[], file!("describe.txt"));
    assert_eq!(
        ran.stderr,
        format!(
            "error: this is what `kubectl describe` prints, which shortens annotations\n  \
             Run this instead: {run}\n"
        )
    );
    let ran = decode(&["--lang", "zh"], "NAME   READY   STATUS\na   1/1   Running\n");
    assert!(ran.stderr.contains("请改为运行：kubectl get pods -o yaml"), "{}", ran.stderr);
}

#[test]
fn urls_and_keys_are_shown_as_the_records_that_they_would_be() {
    let url = "dubbo://10.0.0.1:20880/a.B?group=g&weight=50";
    let escaped = "dubbo%3A%2F%2F10.0.0.1%3A20880%2Fa.B%3Fgroup%3Dg%26weight%3D50";
    let records = format!("[{{\"k\":\"{KEY}\",\"v\":\"\"}}]");
    let escaped_json = serde_json::to_string(&records).unwrap();
    for text in [url, escaped, KEY, &records, &escaped_json, escaped_json.trim_matches('"')] {
        let ran = as_json(text);
        assert_eq!(
            (ran.json(), ran.status),
            (json!({"records": [{"k": KEY, "v": ""}], "warnings": []}), Some(0)),
            "{text}: {}",
            ran.stderr
        );
    }
    let ran = decode(&[], "tri://fd00:10:244::7:50051/a.B");
    assert!(ran.stdout.contains("error[dubbo-go-refuses-url]"), "{}", ran.stdout);
    let ran = decode(&[], format!("{url}\ntri://10.0.0.1:x/a.B\n"));
    assert!(ran.stdout.starts_with("1 record\n"), "{}", ran.stdout);
    assert!(
        ran.stderr.contains("expected a port number, found \"x\" in line 2, at byte 60"),
        "{}",
        ran.stderr
    );
    assert_eq!(ran.status, Some(1));
}

#[test]
fn annotations_are_read_out_of_what_holds_them() {
    for text in [
        format!("dubbo.io/annotation: {PROVIDER}\n"),
        format!("{{\"dubbo.io/annotation\":\"{PROVIDER}\"}}"),
        format!("dubbo.io/annotation=\"{PROVIDER}\"\n"),
        format!("\"{PROVIDER}\""),
    ] {
        let ran = as_json(&text);
        assert_eq!(ran.json()["records"], json!([{"k": KEY, "v": ""}]), "{text}");
        assert_eq!(ran.status, Some(0));
    }
    let ran = as_json(format!("{PROVIDER}\n{PROVIDER}\n"));
    assert_eq!((ran.json()["pods"].as_array().unwrap().len(), ran.status), (2, Some(0)));
    let ran = as_json("{\"dubbo.io/annotation\":\"W3si!\"}");
    assert_eq!((&ran.error()["code"], ran.status), (&json!("not-base64"), Some(1)));
}

#[test]
fn of_a_saved_watch_the_last_state_counts_and_who_was_deleted_provides_nothing() {
    let event = |kind: &str, name: &str, annotation: &str| {
        format!("{{\"type\":\"{kind}\",\"object\":{}}}\n", pod(name, annotation))
    };
    let consumer = "W3siayI6Ii9kdWJiby9hLkIvY29uc3VtZXJzL2NvbnN1bWVyJTNBJTJGJTJGMTAuMC4wLjIlMkZhLkIlM0Zn\
                    cm91cCUzRGciLCJ2IjoiIn1d";
    let bookmark = "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"Pod\",\"metadata\":{\"resourceVersion\":\"9\"}}}\n";
    let before = event("ADDED", "provider", PROVIDER) + &event("ADDED", "consumer", "") + bookmark;
    let added = before + &event("MODIFIED", "consumer", consumer);
    let ran = as_json(&added);
    let changes: Vec<_> = (0..2).map(|at| ran.json()["pods"][at]["change"].clone()).collect();
    assert_eq!((changes, ran.status), (vec![json!("ADDED"), json!("MODIFIED")], Some(0)));
    assert!(!ran.stdout.contains("consumer-without-provider"), "{}", ran.stdout);

    let ran = decode(&[], added + &event("DELETED", "provider", PROVIDER));
    assert!(ran.stdout.contains("Pod shop/provider  (deleted)\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains("error[consumer-without-provider]"), "{}", ran.stdout);
    assert_eq!(ran.status, Some(0));
}

#[test]
fn metadata_of_dubbo_java_is_shown() {
    let metadata = r#"{"dubbo.metadata.revision":"7","dubbo.endpoints":"[{\"port\":20880,\"protocol\":\"dubbo\"}]"}"#;
    let ran = as_json(metadata);
    assert_eq!(ran.json()["endpoints"], json!([{"port": 20880, "protocol": "dubbo"}]));
    assert_eq!(
        (&ran.json()["metadata"]["dubbo.metadata.revision"], ran.status),
        (&json!("7"), Some(0))
    );
    let ran = decode(&[], metadata);
    assert!(
        ran.stdout.starts_with("Dubbo Java  dubbo:20880  (io.dubbo/metadata;"),
        "{}",
        ran.stdout
    );

    let in_pod = |metadata: &str| {
        json!({"kind": "Pod", "metadata": {"name": "a", "annotations": {"io.dubbo/metadata": metadata}}}).to_string()
    };
    let ran = as_json(in_pod(metadata));
    assert_eq!(ran.json()["pods"][0]["endpoints"][0]["port"], 20880);
    let ran = decode(&[], in_pod(metadata));
    assert!(ran.stdout.contains("\n  Dubbo Java  dubbo:20880"), "{}", ran.stdout);
    let ran = as_json(in_pod("{\"a\":1}"));
    assert_eq!(ran.json()["pods"][0]["metadataError"]["code"], "wrong-shape");
    assert_eq!(ran.status, Some(1));
}

#[test]
fn text_around_objects_is_left_out_and_counted() {
    let ran = decode(&[], file!("cluster_info_dump.txt"));
    assert!(ran.stderr.starts_with("left out 3 lines of other text\n"), "{}", ran.stderr);
    let pod = pod("a", PROVIDER);
    let ran = decode(&[], format!("$ kubectl get pod a -o json\n{pod}\n"));
    assert!(ran.stdout.starts_with("Pod shop/a\n"), "{}", ran.stdout);
    assert_eq!((ran.stderr.as_str(), ran.status), ("left out 1 line of other text\n", Some(0)));
}

/// `{"kind":"Pod","metadata":{"name":"a"}}`, and a line feed, by `gzip -n`.
const PACKED: &[u8] = include_bytes!("data/pod.json.gz");

#[test]
fn what_is_packed_is_unpacked_and_what_is_cut_gives_what_comes_before() {
    let ran = as_json(PACKED);
    assert_eq!((ran.pods(), ran.status), (vec!["a".to_owned()], Some(0)), "{}", ran.stderr);
    let ran = as_json([PACKED, PACKED].concat());
    assert_eq!((ran.pods().len(), ran.status), (2, Some(0)));
    let ran = as_json([PACKED, &PACKED[..PACKED.len() - 4]].concat());
    assert_eq!((ran.pods().len(), ran.status), (2, Some(1)));
    assert_eq!(ran.error()["message"], "the gzip data is cut short or damaged");
}

#[test]
fn what_dubbo_go_refuses_or_reads_otherwise_is_a_problem_with_its_reason_and_place() {
    let ran = as_json(file!("go_newurl_refuses.json"));
    assert_eq!(ran.status, Some(0));
    let report = ran.json();
    let problems = report["pods"][0]["problems"].as_array().unwrap();
    let of_dubbo_go: Vec<_> = problems
        .iter()
        .filter(|it| it["code"].as_str().unwrap().starts_with("dubbo-go-"))
        .map(|it| {
            (
                it["record"].as_u64().unwrap(),
                it["code"].as_str().unwrap(),
                it["reason"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        of_dubbo_go,
        [
            (0, "dubbo-go-refuses-url", "percent-escape"),
            (1, "dubbo-go-refuses-url", "semicolon"),
            (2, "dubbo-go-refuses-url", "percent-escape"),
            (5, "dubbo-go-refuses-url", "user-info"),
            (6, "dubbo-go-refuses-url", "control-character"),
        ]
    );
    let number = |value: &Value| usize::try_from(value.as_u64().unwrap()).unwrap();
    let key = |problem: &Value| {
        let record = &report["pods"][0]["records"][number(&problem["record"])];
        record["k"].as_str().unwrap().split_at(number(&problem["keyOffset"])).1.to_owned()
    };
    for (problem, place) in problems
        .iter()
        .filter(|it| it["reason"].is_string())
        .zip(["%25%26", "%3B", "%25zz", "+", "%0A"])
    {
        assert!(key(problem).starts_with(place), "{problem} at {}", key(problem));
    }

    let ran = as_json(file!("ipv6_unbracketed.json"));
    let report = ran.json();
    let problems = report["pods"][0]["problems"].as_array().unwrap();
    let found: Vec<_> =
        problems.iter().map(|it| (&it["record"], &it["code"], &it["reason"])).collect();
    assert_eq!(
        found,
        [
            (&json!(0), &json!("dubbo-go-refuses-url"), &json!("many-colons")),
            (&json!(1), &json!("dubbo-go-refuses-url"), &json!("many-colons")),
            (&json!(3), &json!("dubbo-go-reads-otherwise"), &json!("many-colons")),
        ]
    );
    assert_eq!(ran.status, Some(0));
    let ran = decode(&[], file!("ipv6_unbracketed.json"));
    for part in
        ["write `[fd00:10:244::7]:50051`) at byte ", "write `[fd00:10:244::7]:8080`) at byte "]
    {
        assert!(ran.stdout.contains(part), "{}", ran.stdout);
    }
}

/// The table of forms that the inspector's test has too.
const FORMS: &str = include_str!("../../codec/tests/data/pasted/forms.json");

#[test]
fn every_form_that_the_inspector_reads_is_decoded() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../codec/tests/data/pasted/");
    for case in serde_json::from_str::<Vec<Value>>(FORMS).unwrap() {
        let ran = match case["file"].as_str() {
            Some(file) => as_json(std::fs::read(folder.to_owned() + file).unwrap()),
            None => as_json(case["text"].as_str().unwrap()),
        };
        let error = ran.error();
        let place = if error.is_null() { error } else { json!([error["stage"], error["offset"]]) };
        assert_eq!(place, case["error"], "{case} {}", ran.stderr);
        let report = ran.json();
        let names = case.get("pods").cloned().unwrap_or(json!([]));
        match case["name"].as_str().unwrap() {
            "annotation" | "records" | "urls" => assert!(report["records"].is_array(), "{case}"),
            "metadata" => assert!(report["endpoints"].is_array(), "{case}"),
            _ => assert_eq!(json!(ran.pods()), names, "{case}"),
        }
    }
}
