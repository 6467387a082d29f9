//! Changes that the page asks for, and what they are called in its requests.
//!
//! What a change does is decided by `editing`.

use super::{Request, Session, Summary};
use crate::editing::{Edits, Operation, Owned, Refusal, new_key};

impl Session {
    pub(super) fn edit(&mut self, request: Request) -> Result<Summary, &'static str> {
        let (pod, _) = request.target();
        let field = (request.record.unwrap_or(usize::MAX), request.field.clone());
        let operation = operation(request).map_err(Refusal::as_str)?;
        let value = self.model.value(pod, &self.source).unwrap_or_default().to_owned();
        let of = self.model.pods.get_mut(pod).ok_or(Refusal::NoRecord.as_str())?;
        let edits = of.edits.get_or_insert_with(|| Edits::new(&value));
        let done = if field.1.is_empty() {
            edits.apply(operation)
        } else {
            edits.type_into(field, operation)
        };
        if !edits.is_used() {
            of.edits = None;
        }
        done.map_err(Refusal::as_str)?;
        self.model.read(pod, &self.source);
        self.settle();
        Ok(self.summary())
    }
}

fn operation(request: Request) -> Result<Operation, Refusal> {
    let Request { op, key, value, name, url, interface, category, to, .. } = request;
    let at = request.record.unwrap_or(usize::MAX);
    let to = to.and_then(|to| usize::try_from(to).ok()).unwrap_or(at);
    Ok(match op.as_str() {
        "record" => Operation::Record(at, Owned { key, value }),
        "parameter" => Operation::Parameter(at, name, value),
        "without" => Operation::Without(at, name),
        "url" => Operation::Url(at, url),
        "add" => Operation::Add(at, new_key(&interface, &category, &url)?),
        "remove" => Operation::Remove(at),
        "move" => Operation::Move(at, to),
        "deduplicate" => Operation::Deduplicate,
        "repair" => Operation::Repair,
        "undo" => Operation::Undo,
        "redo" => Operation::Redo,
        "reset" => Operation::Reset,
        _ => return Err(Refusal::NoRecord),
    })
}
