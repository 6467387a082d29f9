//! Replaces secrets in texts with `***`: passwords before the host of a URL, and parameters whose name says that
//! they are one. It must never change anything else of a text.

use std::borrow::Cow;

use dubbo_k8s_codec::query_escape;
use percent_encoding::percent_decode_str;

/// What stands for a secret.
const HIDDEN: &str = "***";

/// A parameter is a secret when its name, without punctuation and in lower case, contains one of these.
const NAMES: [&str; 9] = [
    "password",
    "passwd",
    "pwd",
    "token",
    "secret",
    "accesskey",
    "apikey",
    "privatekey",
    "credential",
];

/// Without any of these, in any case, a text holds no secret. Most texts end here.
const SIGNS: [&str; 8] = ["pass", "pwd", "token", "secret", "key", "credential", "@", "%40"];

/// How often one URL may be escaped as a parameter of another.
const DEEPEST: usize = 4;

/// A text without its secrets: a URL, a key of the registry, a list of parameters, or a sentence with such words.
pub(super) fn hide(text: &str) -> Cow<'_, str> {
    if !may_hold(text) {
        return Cow::Borrowed(text);
    }
    let hidden = if is_one_word(text) { in_word(text, 0) } else { in_sentence(text) };
    hidden.map_or(Cow::Borrowed(text), Cow::Owned)
}

/// JSON without the secrets in its strings, and without the members whose name says that they are one. It need not
/// be valid.
pub(super) fn hide_in_json(json: &str) -> Cow<'_, str> {
    if !may_hold(json) {
        return Cow::Borrowed(json);
    }
    let parts = between_quotes(json);
    let text = |index: usize| {
        let part = parts.get(index).copied().unwrap_or_default();
        serde_json::from_str::<String>(&format!("\"{part}\"")).ok()
    };
    let is_hidden_member = |index: usize| {
        let name = index.checked_sub(2).filter(|name| name % 2 == 1);
        name.is_some_and(|name| parts.get(name + 1).is_some_and(|colon| colon.trim() == ":"))
            && name.and_then(text).is_some_and(|name| is_secret(&name))
    };
    let mut hidden = Vec::with_capacity(parts.len());
    for (index, part) in parts.iter().enumerate() {
        hidden.push(match text(index).filter(|_| index % 2 == 1) {
            Some(_) if is_hidden_member(index) => Cow::Borrowed(HIDDEN),
            Some(text) => in_literal(part, &text),
            None => hide(part),
        });
    }
    if hidden.iter().all(|part| matches!(part, Cow::Borrowed(part) if *part != HIDDEN)) {
        return Cow::Borrowed(json);
    }
    Cow::Owned(hidden.join("\""))
}

/// What is between the quotes of a string, given as it is and as it is meant.
fn in_literal<'a>(literal: &'a str, text: &str) -> Cow<'a, str> {
    let Cow::Owned(hidden) = hide(text) else { return Cow::Borrowed(literal) };
    let quoted = serde_json::to_string(&hidden).unwrap_or_default();
    let inside = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    Cow::Owned(inside.unwrap_or_default().to_owned())
}

/// The parts of JSON between quotes: those with an odd index are strings, as they are.
fn between_quotes(json: &str) -> Vec<&str> {
    let (mut parts, mut start, mut escaped) = (Vec::new(), 0, false);
    for (at, byte) in json.bytes().enumerate() {
        let is_quote = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        if is_quote {
            parts.extend(json.get(start..at));
            start = at + 1;
        }
    }
    parts.extend(json.get(start..));
    parts
}

/// Whether a parameter of this name is a secret.
fn is_secret(name: &str) -> bool {
    let name: String = name.chars().filter(|char| char.is_alphanumeric()).collect();
    let name = name.to_ascii_lowercase();
    NAMES.iter().any(|secret| name.contains(secret))
}

fn may_hold(text: &str) -> bool {
    let text = text.as_bytes();
    text.iter().enumerate().any(|(at, byte)| {
        // Where none of the signs begins, which is nearly everywhere.
        if !matches!(byte.to_ascii_lowercase(), b'p' | b't' | b's' | b'k' | b'c' | b'@' | b'%') {
            return false;
        }
        let rest = text.get(at..).unwrap_or_default();
        let begins = |sign: &[u8]| {
            rest.get(..sign.len()).is_some_and(|start| start.eq_ignore_ascii_case(sign))
        };
        SIGNS.iter().any(|sign| begins(sign.as_bytes()))
    })
}

/// A URL or a key may have a blank in it; a sentence has one before any URL.
fn is_one_word(text: &str) -> bool {
    let Some(blank) = text.find(char::is_whitespace) else { return true };
    text.starts_with('/') || text.find("://").is_some_and(|scheme| scheme < blank)
}

fn in_sentence(text: &str) -> Option<String> {
    let words = text.split_inclusive(char::is_whitespace);
    changed(words.map(|word| {
        let end = word.trim_end().len();
        let (word, blank) = word.split_at(end);
        (word, in_word(word, 0), blank)
    }))
}

/// One URL, key or list of parameters. `None` if it holds no secret.
fn in_word(word: &str, depth: usize) -> Option<String> {
    let segments = word.split_inclusive(['?', '&', ';', '#']);
    changed(segments.map(|segment| {
        let end = segment.trim_end_matches(['?', '&', ';', '#']).len();
        let (segment, delimiter) = segment.split_at(end);
        (segment, in_segment(segment, depth), delimiter)
    }))
}

/// Puts parts together again, if any of them has changed: the part, what it has become, what follows it.
fn changed<'a>(parts: impl Iterator<Item = (&'a str, Option<String>, &'a str)>) -> Option<String> {
    let (mut all, mut any) = (String::new(), false);
    for (part, hidden, rest) in parts {
        any |= hidden.is_some();
        all.push_str(hidden.as_deref().unwrap_or(part));
        all.push_str(rest);
    }
    any.then_some(all)
}

/// What is before the first `?`, or one parameter.
fn in_segment(segment: &str, depth: usize) -> Option<String> {
    let Some((name, value)) = segment.split_once('=') else { return in_path(segment, depth) };
    let last = name.rsplit('/').next().unwrap_or(name);
    if is_secret(&unescaped(last)) {
        return (!value.is_empty()).then(|| format!("{name}={HIDDEN}"));
    }
    changed([(name, in_path(name, depth), "="), (value, in_path(value, depth), "")].into_iter())
}

/// Text that may begin with a scheme and an authority, and whose parts may be URLs that are escaped.
fn in_path(text: &str, depth: usize) -> Option<String> {
    let plain = without_password(text);
    let text = plain.as_deref().unwrap_or(text);
    let parts = text.split_inclusive('/').map(|part| {
        let (part, slash) = part.split_at(part.trim_end_matches('/').len());
        (part, escaped(part, depth), slash)
    });
    changed(parts).or(plain)
}

/// The same with what is escaped in it.
fn escaped(part: &str, depth: usize) -> Option<String> {
    if depth == DEEPEST || !part.contains('%') {
        return None;
    }
    let hidden = in_word(&unescaped(part), depth + 1)?;
    Some(query_escape(&hidden).into_owned())
}

fn unescaped(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

/// `scheme://user:password@host` with the password hidden.
fn without_password(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let authority = rest.split('/').next().unwrap_or(rest);
    let port = authority.rsplit(':').next().unwrap_or(authority);
    // With a slash in the password, what looks like the authority ends in no port.
    let all = if port.bytes().all(|byte| byte.is_ascii_digit()) { authority } else { rest };
    let (userinfo, _) = authority.rsplit_once('@').or_else(|| all.rsplit_once('@'))?;
    let (user, password) = userinfo.split_once(':')?;
    let host = rest.get(userinfo.len()..)?;
    (!password.is_empty()).then(|| format!("{scheme}://{user}:{HIDDEN}{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_replaced_wherever_they_are() {
        for (text, hidden) in [
            ("dubbo://u:p@10.0.0.1:20880/a.B", "dubbo://u:***@10.0.0.1:20880/a.B"),
            ("dubbo://u:p@ss@10.0.0.1/a.B", "dubbo://u:***@10.0.0.1/a.B"),
            ("dubbo://u:p/a@h:1/a.B", "dubbo://u:***@h:1/a.B"),
            ("dubbo://h/a.B?password=x&a=1", "dubbo://h/a.B?password=***&a=1"),
            ("dubbo://h/a.B?a=1&Access-Key=x=y", "dubbo://h/a.B?a=1&Access-Key=***"),
            (
                "dubbo://h/a.B?accessKeyId=x;secret.key=y",
                "dubbo://h/a.B?accessKeyId=***;secret.key=***",
            ),
            ("dubbo://h/a.B?pass%77ord=x", "dubbo://h/a.B?pass%77ord=***"),
            ("dubbo://h/a.B?token=a b&c=1", "dubbo://h/a.B?token=***&c=1"),
            (
                "/dubbo/a.B/providers/dubbo%3A%2F%2Fu%3Ap%40h%3A1%2Fa.B%3Ftoken%3Dx%2526y%26a%3D1",
                "/dubbo/a.B/providers/dubbo%3A%2F%2Fu%3A%2A%2A%2A%40h%3A1%2Fa.B%3Ftoken%3D%2A%2A%2A%26a%3D1",
            ),
            (
                "dubbo://h/a?registry=zookeeper%3A%2F%2Fu%3Ap%40z%3A2181",
                "dubbo://h/a?registry=zookeeper%3A%2F%2Fu%3A%2A%2A%2A%40z%3A2181",
            ),
            ("the URL dubbo://u:p@h/a is bad", "the URL dubbo://u:***@h/a is bad"),
            ("password=x", "password=***"),
        ] {
            assert_eq!(hide(text), hidden, "{text}");
        }
    }

    #[test]
    fn every_name_has_a_sign() {
        for name in NAMES.into_iter().chain(SIGNS) {
            assert!(may_hold(&format!("x{}", name.to_uppercase())), "{name}");
        }
    }

    #[test]
    fn what_is_no_secret_stays_as_it_is() {
        for text in [
            "",
            "dubbo://10.0.0.1:20880/a.B?methods=getToken,setPassword&interface=a.TokenService",
            "dubbo://u@h:1/a.B?timeout=3000",
            "dubbo://10.0.0.1:20880/a.B@v1?a=1",
            "dubbo://10.0.0.1:20880/a.B?key=1&password=&token=",
            "/dubbo/a.Secret/providers/dubbo%3A%2F%2Fh%2Fa.Secret%3Fa%3D1%252B1",
            "a token is not there",
        ] {
            assert!(matches!(hide(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    #[test]
    fn json_is_searched_by_strings_and_by_names_of_members() {
        let json =
            r#"{"url":"d://u:\"p@h?token=\u0061","params":{"token":"a","x":"1"},"password":""}"#;
        let hidden =
            r#"{"url":"d://u:***@h?token=***","params":{"token":"***","x":"1"},"password":"***"}"#;
        assert_eq!(hide_in_json(json), hidden);
        let broken = r#"[{"k":"d://u:p@h,"v":""},{"k":"/a?token=x"#;
        let hidden = hide_in_json(broken);
        assert!(!hidden.contains(":p@") && !hidden.contains("=x"), "{hidden}");
        for same in [r#"{"a":"b@c","key":1}"#, r#"["pass",{"a":"\"key\\"}]"#] {
            assert!(matches!(hide_in_json(same), Cow::Borrowed(_)), "{same}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_secret_is_left_in_a_url(secret in "[A-Z]{4}[ -~]{0,8}", before in "[a-z]{0,4}=[a-z%/:]{0,6}") {
            let mark: String = secret.chars().take(4).collect();
            let escaped = query_escape(&secret).into_owned();
            let url = format!("dubbo://user:{escaped}@10.0.0.1:1/a.B?{before}&token={escaped}&x=1");
            let key = format!("/dubbo/a.B/providers/{}", query_escape(&url));
            for text in [url, key] {
                let json = serde_json::to_string(&[&text]).unwrap();
                let (hidden, json) = (hide(&text).into_owned(), hide_in_json(&json).into_owned());
                proptest::prop_assert!(!hidden.contains(&mark), "{}", hidden);
                proptest::prop_assert!(!json.contains(&mark), "{}", json);
                proptest::prop_assert!(serde_json::from_str::<Vec<String>>(&json).is_ok());
            }
        }
    }
}
