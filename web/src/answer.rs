//! An answer to the page as JSON.
//!
//! It never fails: what is answered has no member that JSON could not hold.

use serde::Serialize;

/// Why a request is not answered.
#[derive(Serialize)]
struct Refused {
    refused: &'static str,
}

/// The answer as JSON.
pub(crate) fn text(answer: &impl Serialize) -> String {
    serde_json::to_string(answer).unwrap_or_default()
}

/// The answer as JSON, or why there is none.
pub(crate) fn answer(answer: Result<impl Serialize, &'static str>) -> String {
    match answer {
        Ok(answer) => text(&answer),
        Err(refused) => text(&Refused { refused }),
    }
}
