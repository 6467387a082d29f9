//! Any text as YAML: no panic, JSON comes out of it, not much more than went in, and every place is in the text.

use dubbo_k8s_codec::yaml::{MAX_REPEATED, documents, source};

pub(crate) fn check(text: &str) {
    let mut written = 0;
    for (index, json) in documents(text).enumerate() {
        let Ok(json) = json else { break };
        serde_json::from_slice::<serde::de::IgnoredAny>(&json).unwrap();
        assert!(source(text, index, json.len() / 2) <= text.len());
        written += json.len();
    }
    // A character becomes `\u0000` at most, an empty value `null`, and a list item needs brackets around it.
    assert!(written <= 16 * text.len() + MAX_REPEATED + 16);
}
