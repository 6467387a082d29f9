//! Continue tokens, in the form that etcd's storage layer gives them:
//! `{"v":"meta.k8s.io/v1","rv":N,"start":"/name\u0000"}` in unpadded URL-safe base64.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD, URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use super::status::Status;

/// As Go reads base64: what is left over in the last character does not matter.
const LENIENT: GeneralPurpose =
    GeneralPurpose::new(&URL_SAFE, NO_PAD.with_decode_allow_trailing_bits(true));

#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Token {
    v: String,
    /// The version of the first page; -1 continues at whatever is newest.
    rv: i64,
    start: String,
}

impl Token {
    /// Continues after `key` (relative to the listed prefix) at `version`.
    pub(crate) fn after(key: &str, version: u64) -> Self {
        let rv = i64::try_from(version).unwrap_or(i64::MAX);
        Self { v: "meta.k8s.io/v1".to_owned(), rv, start: format!("/{key}\0") }
    }

    /// The same place in the newest state.
    pub(crate) fn inconsistent(&self) -> Self {
        let start = self.start.trim_start_matches('/').to_owned();
        Self { v: self.v.clone(), rv: -1, start }
    }

    /// The version to go on with; `None` for the newest.
    pub(crate) fn version(&self) -> Option<u64> {
        u64::try_from(self.rv).ok()
    }

    /// The first key that was not given yet, relative to the prefix.
    pub(crate) fn start(&self) -> &str {
        self.start.trim_start_matches('/')
    }

    pub(crate) fn encode(&self) -> String {
        let text = super::json::compact(&serde_json::to_value(self).unwrap_or_default());
        URL_SAFE_NO_PAD.encode(text)
    }

    pub(crate) fn decode(text: &str) -> Result<Self, Status> {
        let invalid = |why: String| {
            Status::bad_request(format!("invalid continue token: continue key is not valid: {why}"))
        };
        let bytes = LENIENT.decode(text.trim_end_matches('=')).map_err(|error| {
            let offset = match error {
                base64::DecodeError::InvalidByte(offset, _)
                | base64::DecodeError::InvalidLastSymbol { offset, .. } => offset,
                _ => text.len(),
            };
            invalid(format!("illegal base64 data at input byte {offset}"))
        })?;
        let token: Self = serde_json::from_slice(&bytes).map_err(|error| match bytes.first() {
            Some(byte) if error.column() <= 1 => invalid(format!(
                "invalid character '{}' looking for beginning of value",
                byte.escape_ascii()
            )),
            _ => invalid(error.to_string()),
        })?;
        if token.rv == 0 {
            return Err(invalid(format!(
                "incorrect encoded start resourceVersion (version {})",
                token.v
            )));
        }
        if token.start.is_empty() {
            return Err(invalid(format!("encoded start key empty (version {})", token.v)));
        }
        Ok(token)
    }
}

#[cfg(test)]
mod tests {
    use super::Token;

    #[test]
    fn as_a_real_server_encodes_it() {
        let token = Token::after("order-consumer-5f6c7d8b9c-k8jwq", 25_131);
        let text = "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MjUxMzEsInN0YXJ0IjoiL29yZGVyLWNvbnN1bWVyLTVmNmM3ZDhiOWMtazhqd3FcdTAwMDAifQ";
        assert_eq!(token.encode(), text);
        let token = Token::decode(text).unwrap();
        assert_eq!(token.version(), Some(25_131));
        assert_eq!(token.start(), "order-consumer-5f6c7d8b9c-k8jwq\0");
        assert_eq!(token.inconsistent().version(), None);
    }

    #[test]
    fn refuses_what_is_no_token() {
        for text in ["not-a-token", "%", "e30", ""] {
            assert_eq!(Token::decode(text).unwrap_err().code, 400, "{text}");
        }
    }
}
