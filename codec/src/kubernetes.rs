//! What Kubernetes says of the names and sizes that the registry writes, and the label values that readers of the
//! registry select. It must never be written down a second time.

/// The label value of the article (dubbo-go 1.4), which is written unless a Pod has one already.
pub const LABEL_VALUE: &str = "dubbo.io-value";

/// The label values that a registry selects: the article's (dubbo-go 1.4), and dubbo-go 1.5's two.
pub const LABEL_VALUES: [&str; 3] = [LABEL_VALUE, "dubbo.io.provider", "dubbo.io.consumer"];

/// The most that the server accepts of all annotations of an object, names and values together
/// (`totalAnnotationSizeLimitB` of Kubernetes).
pub const ANNOTATIONS_LIMIT: usize = 262_144;

/// A DNS label (RFC 1123), as the names of namespaces are.
pub fn is_label(name: &str) -> bool {
    let edge = |byte: Option<u8>| {
        byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    name.len() <= 63
        && edge(name.bytes().next())
        && edge(name.bytes().last())
        && name.bytes().all(|byte| edge(Some(byte)) || byte == b'-')
}

/// A DNS subdomain (RFC 1123), as the names of Pods are.
pub fn is_name(name: &str) -> bool {
    let label = |label: &str| is_label(label) || (label.len() > 63 && is_long_label(label));
    name.len() <= 253 && name.split('.').all(label)
}

/// Kubernetes checks the length of a subdomain as a whole, not of its labels.
fn is_long_label(label: &str) -> bool {
    label.as_bytes().chunks(60).all(|chunk| {
        chunk.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-')
    }) && !label.starts_with('-')
        && !label.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_kubernetes() {
        for name in ["a", "a-1", "shop.v1-0", &"a".repeat(253)] {
            assert!(is_name(name), "{name}");
        }
        for name in [
            "",
            "-a",
            "a-",
            "A",
            "a_b",
            "a..b",
            "$(id)",
            "a b",
            "'; rm -rf /",
            "é",
            &"a".repeat(254),
        ] {
            assert!(!is_name(name), "{name}");
        }
        assert!(is_label(&"a".repeat(63)) && !is_label(&"a".repeat(64)) && !is_label("a.b"));
    }
}
