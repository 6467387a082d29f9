//! Changes that the page asks for, and what they are called in its questions.
//!
//! What a change does is decided by `editing`.

use super::{Ask, Session};
use crate::answer::{Json, json};
use crate::editing::{Edits, Operation, Owned, Refusal, new_key};

impl Session {
    pub(super) fn edit(&mut self, ask: &Ask<'_>) -> Json {
        let (pod, record) = ask.target();
        let operation = match operation(ask, record.unwrap_or(usize::MAX)) {
            Ok(operation) => operation,
            Err(refusal) => return json!({"refused": refusal.as_str()}),
        };
        let value = self.model.value(pod, &self.source).unwrap_or_default().to_owned();
        let Some(of) = self.model.pods.get_mut(pod) else {
            return json!({"refused": Refusal::NoRecord.as_str()});
        };
        let edits = of.edits.get_or_insert_with(|| Edits::new(&value));
        let done = edits.apply(operation);
        if !edits.is_changed() {
            of.edits = None;
        }
        if let Err(refusal) = done {
            return json!({"refused": refusal.as_str()});
        }
        self.model.read(pod, &self.source);
        self.settle();
        self.summary()
    }
}

fn operation(ask: &Ask<'_>, at: usize) -> Result<Operation, Refusal> {
    let owned = |name: &str| ask.text(name).to_owned();
    Ok(match ask.text("op") {
        "record" => Operation::Record(at, Owned { key: owned("key"), value: owned("value") }),
        "parameter" => Operation::Parameter(at, owned("name"), owned("value")),
        "without" => Operation::Without(at, owned("name")),
        "url" => Operation::Url(at, owned("url")),
        "add" => Operation::Add(
            at,
            new_key(ask.text("interface"), ask.text("category"), ask.text("url"))?,
        ),
        "remove" => Operation::Remove(at),
        "move" => Operation::Move(at, ask.number("to").unwrap_or(at)),
        "deduplicate" => Operation::Deduplicate,
        "repair" => Operation::Repair,
        "undo" => Operation::Undo,
        "reset" => Operation::Reset,
        _ => return Err(Refusal::NoRecord),
    })
}
