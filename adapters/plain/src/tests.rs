//! What each function answers, in both units and both languages.

extern crate std;

use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

use dubbo_k8s_codec::Found;
use dubbo_k8s_codec::problem::Language;

use super::*;

const UTF16: Codec = Codec { units: Units::Utf16, language: Language::English };
const BYTES: Codec = Codec { units: Units::Bytes, language: Language::Chinese };
const URL: &str = "tri://u:p@10.0.0.1:50051/a.B?group=g&version=1&weight=50&note=用户&note=2";

#[test]
fn url_that_is_encoded_is_decoded_as_the_record_that_it_becomes() {
    let key = UTF16.key_of(URL).unwrap();
    let annotation = UTF16.encode([(&*key, ""), ("/dubbo/a.B", "v")]);
    let decoded = UTF16.decode(&annotation).unwrap();
    let record = &decoded.records[0];
    assert_eq!(record.url.as_deref(), Some(URL));
    assert_eq!((record.interface.as_deref(), record.category), (Some("a.B"), Some("providers")));
    let record = &decoded.records[1];
    assert_eq!((&*record.key, &*record.value, &record.url), ("/dubbo/a.B", "v", &None));
    assert!(decoded.warnings.is_empty());
}

#[test]
fn url_is_taken_apart() {
    let url = BYTES.parse_url(URL).unwrap();
    assert_eq!((&*url.protocol, &*url.host, url.port), ("tri", "10.0.0.1", Some(50051)));
    assert_eq!((url.userinfo.as_deref(), &*url.path), (Some("u:p"), "a.B"));
    assert_eq!((&*url.service.key, url.weight, url.enabled), ("g/a.B:1", 50, true));
    let notes: Vec<_> = url.parameters.iter().filter(|(name, _)| name == "note").collect();
    assert_eq!(notes, [&("note".to_string(), "用户".to_string()), &("note".into(), "2".into())]);
    let v6 = BYTES.parse_url("tri://[fd00::1]:1/a.B").unwrap();
    assert_eq!((&*v6.host, v6.port, v6.userinfo), ("fd00::1", Some(1), None));
}

#[test]
fn what_is_refused_has_its_place_in_either_unit() {
    let fault = UTF16.decode("W3siayI6IjEiLCJ2Ijo").unwrap_err();
    assert_eq!((fault.code, &*fault.expected, fault.found), ("not-json", "value", Found::End));
    assert!(fault.decoded_offset.is_some() && fault.message.starts_with("expected "));
    let url = "tri://用户:x/a.B";
    let (units, bytes) = (UTF16.parse_url(url).unwrap_err(), BYTES.parse_url(url).unwrap_err());
    assert_eq!((units.offset, bytes.offset), (9, 13));
    assert_eq!(
        (bytes.code, &*bytes.expected, bytes.found),
        ("url-malformed", "port-number", Found::Byte(b'x'))
    );
    assert!(bytes.message.starts_with("应为"));
    assert_eq!(UTF16.key_of(url).unwrap_err(), units);
    let odd = UTF16.encode([("no key", "")]);
    assert_eq!(
        UTF16.decode(&odd).unwrap().records[0].key,
        "no key",
        "what it says is not looked at"
    );
}

#[test]
fn oddities_of_an_annotation_are_warnings_with_their_place() {
    let decoded = UTF16.decode("W3siayI6Ij8/PyIsInYiOiIifV0=").unwrap();
    let warning = &decoded.warnings[0];
    assert_eq!((warning.code, warning.offset), ("standard-alphabet", 11));
    assert!(!warning.message.is_empty());
}

fn codes(problems: &[Problem]) -> Vec<&str> {
    problems.iter().map(|problem| problem.code).collect()
}

#[test]
fn problems_of_pods_name_the_pod_and_those_between_them_are_found() {
    let of = |url: &str| UTF16.encode([(&*UTF16.key_of(url).unwrap(), "")]);
    let (provider, consumer) = (of("tri://10.0.0.1:1/a.B"), of("consumer://10.0.0.2/a.C"));
    let pod = |name: &str, value: &str| {
        format!(
            "kind: Pod\nmetadata:\n  name: {name}\n  namespace: n\n  labels: {{dubbo.io/label: \
             dubbo.io-value}}\n  annotations: {{dubbo.io/annotation: '{value}'}}\n---\n"
        )
    };
    let text = pod("p", &provider) + &pod("c", &consumer) + &pod("bad", "!!");
    let found = UTF16.problems(text.as_bytes());
    assert_eq!(codes(&found), ["consumer-without-provider", "not-base64"]);
    assert_eq!((found[0].pod.as_deref(), found[0].record), (Some("c"), Some(0)));
    let bad = &found[1];
    assert_eq!(
        (bad.pod.as_deref(), bad.offset, bad.place),
        (Some("bad"), Some(0), Place::Annotation)
    );
    assert_eq!((bad.expected.as_deref(), bad.found), (Some("base64"), Some(Found::Byte(b'!'))));
}

#[test]
fn text_that_breaks_off_is_a_problem_at_its_place_in_either_unit() {
    let text = "[{\"kind\":\"用户\"},";
    for (codec, end) in [(UTF16, 15), (BYTES, 19)] {
        let found = codec.problems(text.as_bytes());
        assert_eq!(codes(&found), ["source-syntax", "not-a-pod"]);
        assert_eq!((found[0].offset, found[0].place), (Some(end), Place::Text));
        assert_eq!(found[0].found, Some(Found::End));
    }
    let describe = UTF16.problems(b"Name:         p\nNamespace:    n\nPriority:     0\n");
    assert_eq!(codes(&describe), ["source-printed"]);
    assert!(describe[0].message.contains("kubectl get pod p -n n -o yaml"));
    let java = UTF16.problems(br#"{"dubbo.endpoints":"[]"}"#);
    assert_eq!(codes(&java), ["java-metadata"]);
    assert_eq!(codes(&UTF16.problems(b"\x1f\x8b\x08")), ["source-refused"]);
    assert_eq!(codes(&UTF16.problems(b"")), [""; 0]);
    assert_eq!(codes(&UTF16.problems(b"\xff")), ["source-syntax"]);
}
