//! SHA-256 as people compare it.

use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::process::{Context as _, Result};

/// The digest in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

/// The digest of a file.
pub(crate) fn of_file(path: &Path) -> Result<String> {
    Ok(sha256(&std::fs::read(path).context(|| format!("reading {}", path.display()))?))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_digest_of_a_known_text_is_the_known_one() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(super::sha256(b""), empty);
    }
}
