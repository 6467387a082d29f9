//! Versions of Kubernetes' objects. Since 1.35 (KEP-5504) they are decimal numbers that may be compared; what
//! is none stays opaque, so nothing may ever follow from a comparison that could not be made.

/// Whether a version is older than another; never where one of them is not a number.
pub(super) fn is_older(version: &str, than: &str) -> bool {
    let number = |text: &str| {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        digits && !text.is_empty() && !text.starts_with('0')
    };
    number(version) && number(than) && (version.len(), version) < (than.len(), than)
}

#[cfg(test)]
mod tests {
    use super::is_older;

    #[test]
    fn numbers_are_compared_whatever_their_length_and_nothing_else_is() {
        for (version, than) in
            [("9", "10"), ("27318", "27319"), ("99", "340282366920938463463374607431768211456")]
        {
            assert!(is_older(version, than) && !is_older(than, version), "{version} {than}");
        }
        for (version, than) in
            [("7", "7"), ("", "7"), ("0", "7"), ("07", "8"), ("a1", "b2"), ("1", "2x"), ("-1", "2")]
        {
            assert!(!is_older(version, than) && !is_older(than, version), "{version} {than}");
        }
    }
}
