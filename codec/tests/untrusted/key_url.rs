//! Any text as a key and as a URL: no panic, what was read is printed the same, and a change can be
//! read back.

use dubbo_k8s_codec::{Key, Service, Url};

pub(crate) fn check(text: &str) {
    if let Ok(key) = Key::parse(text) {
        let printed = key.to_string();
        assert_eq!(Key::parse(&printed).unwrap(), key);
    }
    let _ = Key::place_in_url(text, text.len() / 2);
    let service = Service::parse(text);
    assert_eq!(Service::parse(&service.to_string()).to_string(), service.to_string());

    let Ok(mut url) = Url::parse(text) else { return };
    assert_eq!(url.to_string(), text);
    assert!(url.hosts().count() > 0 && !url.host().is_empty());
    let _ = (url.service().to_string(), url.weight(Some("m")), url.timestamp_ms(), url.warmup_ms());
    let other: Vec<_> = url
        .params()
        .filter(|p| p.name() != "x")
        .map(|p| (p.raw_name.to_owned(), p.raw_value.to_owned()))
        .collect();
    url.set("x", text);
    assert_eq!(Url::parse(url.as_str()).unwrap(), url);
    assert_eq!(url.params().find(|p| p.name() == "x").unwrap().value_once(), text);
    url.remove("x");
    let left: Vec<_> =
        url.params().map(|p| (p.raw_name.to_owned(), p.raw_value.to_owned())).collect();
    assert_eq!(left, other);
}
