//! The codec as a wasm guest of the tests: what it answers to an annotation and to records, as JSON.
//! The same answers are computed natively and inside wasm, and must be equal byte for byte. It must
//! never correct or interpret what the codec says.

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
mod abi;

use dubbo_k8s_codec::{Annotation, DecodeError, Record, Warning};
use serde::Serialize;

#[derive(Serialize)]
#[serde(untagged)]
enum Answer<'a> {
    Decoded { records: Vec<Record<'a>>, warnings: &'a [Warning] },
    Encoded { annotation: String },
    Error { error: &'a DecodeError },
}

/// The records and warnings of an annotation, or its error.
pub fn decode(annotation: &[u8]) -> Vec<u8> {
    match &Annotation::decode_bytes(annotation) {
        Ok(read) => {
            json(&Answer::Decoded { records: read.records().collect(), warnings: read.warnings() })
        }
        Err(error) => json(&Answer::Error { error }),
    }
}

/// The annotation of a JSON list of records, or the list's error.
pub fn encode(records: &[u8]) -> Vec<u8> {
    match &Annotation::from_json(records) {
        Ok(read) => json(&Answer::Encoded { annotation: read.encode() }),
        Err(error) => json(&Answer::Error { error }),
    }
}

fn json(answer: &Answer<'_>) -> Vec<u8> {
    // Strings and numbers only: there is nothing in an answer that JSON could not hold.
    serde_json::to_vec(answer).unwrap_or_default()
}
