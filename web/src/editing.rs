//! Changes to the records of one Pod, and their way back.
//!
//! It never touches the text that was pasted: the annotation before stays beside the one after.

use dubbo_k8s_codec::lint::duplicates;
use dubbo_k8s_codec::repair::repair;
use dubbo_k8s_codec::{Annotation, Category, Key, Record, Url, encode};

/// A record that owns its text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owned {
    /// The key.
    pub key: String,
    /// The value.
    pub value: String,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Writes key and value of a record.
    Record(usize, Owned),
    /// Sets a parameter of a record's URL; a new one comes last.
    Parameter(usize, String, String),
    /// Removes a parameter of a record's URL.
    Without(usize, String),
    /// Writes the URL of a record.
    Url(usize, String),
    /// Adds a record at this place.
    Add(usize, Owned),
    /// Removes a record.
    Remove(usize),
    /// Moves a record to another place.
    Move(usize, usize),
    /// Removes records that stand there twice.
    Deduplicate,
    /// Repairs the form of the annotation.
    Repair,
    /// One step back.
    Undo,
    /// The last step back again.
    Redo,
    /// Back to what was read.
    Reset,
}

/// Why a change cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such record.
    NoRecord,
    /// The record has no URL that could be changed.
    NoUrl,
    /// What was read cannot be changed record by record; it may be repaired.
    Unreadable,
    /// The text is no URL.
    BadUrl,
    /// The text is no key.
    BadKey,
}

impl Refusal {
    /// The name in the protocol of the page.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoRecord => "no-record",
            Self::NoUrl => "no-url",
            Self::Unreadable => "unreadable",
            Self::BadUrl => "bad-url",
            Self::BadKey => "bad-key",
        }
    }
}

/// Steps that can be taken back.
const HISTORY: usize = 100;

/// The annotation of a Pod after changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edits {
    value: String,
    history: Vec<String>,
    /// What was taken back, the last one last.
    future: Vec<String>,
    /// The field in which the last step was typed.
    field: Option<Field>,
}

/// A field of the page: what is typed into it, letter by letter, is one step.
pub type Field = (usize, String);

impl Edits {
    /// No change yet.
    pub fn new(value: &str) -> Self {
        Self { value: value.to_owned(), ..Self::default() }
    }

    /// The annotation after the changes.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Whether there is a step to take back.
    pub const fn is_changed(&self) -> bool {
        !self.history.is_empty()
    }

    /// How many steps can be taken back.
    pub const fn steps(&self) -> usize {
        self.history.len()
    }

    /// Whether there is a step to take back, or one to make again.
    pub const fn is_used(&self) -> bool {
        !self.history.is_empty() || !self.future.is_empty()
    }

    /// How many steps can be made again.
    pub const fn undone(&self) -> usize {
        self.future.len()
    }

    /// Makes a change that is typed into a field: one step until another one is made.
    ///
    /// # Errors
    /// Why it cannot be made; nothing has changed then.
    pub fn type_into(&mut self, field: Field, operation: Operation) -> Result<(), Refusal> {
        let again = self.field.as_ref() == Some(&field);
        let steps = self.history.len();
        self.apply(operation)?;
        if again && self.history.len() > steps {
            self.history.pop();
            if self.history.last().is_some_and(|first| *first == self.value) {
                self.history.pop();
                return Ok(());
            }
        }
        self.field = Some(field);
        Ok(())
    }

    /// Makes a change.
    ///
    /// # Errors
    /// Why it cannot be made; nothing has changed then.
    pub fn apply(&mut self, operation: Operation) -> Result<(), Refusal> {
        let next = match operation {
            Operation::Undo => {
                step(&mut self.history, &mut self.value, &mut self.future);
                self.field = None;
                return Ok(());
            }
            Operation::Redo => {
                step(&mut self.future, &mut self.value, &mut self.history);
                self.field = None;
                return Ok(());
            }
            Operation::Reset => {
                if let Some(first) = self.history.drain(..).next() {
                    self.value = first;
                }
                (self.future, self.field) = (Vec::new(), None);
                return Ok(());
            }
            Operation::Repair => match repair(&self.value).pop() {
                Some(last) => last.value,
                None => return Ok(()),
            },
            other => {
                let mut records = self.records()?;
                change(&mut records, other)?;
                encode(records.iter().map(|r| Record { key: &r.key, value: &r.value }))
            }
        };
        if next != self.value {
            if self.history.len() >= HISTORY {
                self.history.remove(1);
            }
            self.history.push(std::mem::replace(&mut self.value, next));
            self.future.clear();
        }
        self.field = None;
        Ok(())
    }

    fn records(&self) -> Result<Vec<Owned>, Refusal> {
        if self.value.is_empty() {
            return Ok(Vec::new());
        }
        let annotation = Annotation::decode(&self.value).map_err(|_| Refusal::Unreadable)?;
        let own = |record: Record<'_>| Owned {
            key: record.key.to_owned(),
            value: record.value.to_owned(),
        };
        Ok(annotation.records().map(own).collect())
    }
}

/// Goes to the last value of one list, and notes the one before in the other.
fn step(from: &mut Vec<String>, value: &mut String, to: &mut Vec<String>) {
    if let Some(next) = from.pop() {
        to.push(std::mem::replace(value, next));
    }
}

fn change(records: &mut Vec<Owned>, operation: Operation) -> Result<(), Refusal> {
    match operation {
        Operation::Record(at, record) => {
            Key::parse(&record.key).map_err(|_| Refusal::BadKey)?;
            *records.get_mut(at).ok_or(Refusal::NoRecord)? = record;
        }
        Operation::Parameter(at, name, value) => {
            return rewrite(records.get_mut(at), |url| url.set(&name, &value));
        }
        Operation::Without(at, name) => {
            return rewrite(records.get_mut(at), |url| url.remove(&name));
        }
        Operation::Url(at, text) => {
            let new = Url::parse(text).map_err(|_| Refusal::BadUrl)?;
            return rewrite(records.get_mut(at), |url| *url = new);
        }
        Operation::Add(at, record) => {
            Key::parse(&record.key).map_err(|_| Refusal::BadKey)?;
            records.insert(at.min(records.len()), record);
        }
        Operation::Remove(at) => {
            records.get(at).ok_or(Refusal::NoRecord)?;
            records.remove(at);
        }
        Operation::Move(from, to) => {
            records.get(from).ok_or(Refusal::NoRecord)?;
            let record = records.remove(from);
            records.insert(to.min(records.len()), record);
        }
        Operation::Deduplicate => {
            let list = records.iter().map(|r| Record { key: &r.key, value: &r.value });
            let again: Vec<_> =
                duplicates(list).into_iter().map(|problem| problem.record).collect();
            let mut at = 0;
            records.retain(|_| {
                at += 1;
                !again.contains(&Some(at - 1))
            });
        }
        Operation::Repair | Operation::Undo | Operation::Redo | Operation::Reset => {}
    }
    Ok(())
}

fn rewrite(
    record: Option<&mut Owned>,
    change: impl FnOnce(&mut Url<'static>),
) -> Result<(), Refusal> {
    let record = record.ok_or(Refusal::NoRecord)?;
    let key = Key::parse(&record.key).map_err(|_| Refusal::NoUrl)?;
    let text = key.url.as_deref().ok_or(Refusal::NoUrl)?.to_owned();
    let mut url = Url::parse(text.clone()).map_err(|_| Refusal::NoUrl)?;
    change(&mut url);
    if url.as_str() != text {
        let changed = Key { url: Some(url.as_str().into()), ..key.clone() }.to_string();
        record.key = changed;
    }
    Ok(())
}

/// The key of a new record.
///
/// # Errors
/// [`Refusal`] for a category or a URL that is none.
pub fn new_key(interface: &str, category: &str, url: &str) -> Result<Owned, Refusal> {
    let category = Category::from_name(category).ok_or(Refusal::BadKey)?;
    Url::parse(url).map_err(|_| Refusal::BadUrl)?;
    if interface.is_empty() {
        return Err(Refusal::BadKey);
    }
    Ok(Owned { key: Key::leaf(interface, category, url).to_string(), value: String::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "dubbo://10.0.0.1:20880/a.B?x=1&y=2";

    fn edits() -> Edits {
        let first = new_key("a.B", "providers", URL).unwrap();
        Edits::new(&encode(["/dubbo", &first.key, "/dubbo"].map(Record::new)))
    }

    fn keys(edits: &Edits) -> Vec<String> {
        edits.records().unwrap().into_iter().map(|record| record.key).collect()
    }

    fn url(edits: &Edits, at: usize) -> String {
        Key::parse(&keys(edits)[at]).unwrap().url.unwrap().into_owned()
    }

    #[test]
    fn parameters_are_changed_in_place() {
        let mut edits = edits();
        edits.apply(Operation::Parameter(1, "x".into(), "a b".into())).unwrap();
        edits.apply(Operation::Parameter(1, "z".into(), "用".into())).unwrap();
        edits.apply(Operation::Without(1, "y".into())).unwrap();
        assert_eq!(url(&edits, 1), "dubbo://10.0.0.1:20880/a.B?x=a+b&z=%E7%94%A8");
    }

    #[test]
    fn records_come_go_and_move() {
        let mut edits = edits();
        let new = new_key("c.D", "consumers", "consumer://h/c.D").unwrap();
        edits.apply(Operation::Add(99, new.clone())).unwrap();
        edits.apply(Operation::Move(3, 0)).unwrap();
        assert_eq!(keys(&edits)[0], new.key);
        edits.apply(Operation::Deduplicate).unwrap();
        assert_eq!(keys(&edits).len(), 3);
        edits.apply(Operation::Remove(0)).unwrap();
        edits.apply(Operation::Url(1, "tri://h:1/a.B".into())).unwrap();
        assert_eq!(url(&edits, 1), "tri://h:1/a.B");
    }

    #[test]
    fn every_step_can_be_taken_back() {
        let mut edits = edits();
        let start = edits.value().to_owned();
        edits.apply(Operation::Remove(0)).unwrap();
        edits.apply(Operation::Remove(0)).unwrap();
        edits.apply(Operation::Undo).unwrap();
        assert_eq!(keys(&edits).len(), 2);
        edits.apply(Operation::Remove(0)).unwrap();
        edits.apply(Operation::Reset).unwrap();
        assert_eq!(edits.value(), start);
        assert!(!edits.is_changed());
        edits.apply(Operation::Undo).unwrap();
        assert_eq!(edits.value(), start);
    }

    #[test]
    fn a_step_that_was_taken_back_can_be_made_again_until_another_one_is_made() {
        let mut edits = edits();
        let start = edits.value().to_owned();
        edits.apply(Operation::Remove(0)).unwrap();
        let after = edits.value().to_owned();
        edits.apply(Operation::Undo).unwrap();
        assert_eq!((edits.value(), edits.undone()), (&*start, 1));
        edits.apply(Operation::Redo).unwrap();
        assert_eq!((edits.value(), edits.undone(), edits.steps()), (&*after, 0, 1));
        edits.apply(Operation::Undo).unwrap();
        edits.apply(Operation::Parameter(1, "x".into(), "7".into())).unwrap();
        edits.apply(Operation::Redo).unwrap();
        assert_eq!(url(&edits, 1), "dubbo://10.0.0.1:20880/a.B?x=7&y=2");
    }

    #[test]
    fn what_is_typed_into_a_field_is_one_step() {
        let mut edits = edits();
        let start = edits.value().to_owned();
        let field = |name: &str| (1, name.to_owned());
        let set = |name: &str, value: &str| Operation::Parameter(1, name.into(), value.into());
        for value in ["3", "30", "300"] {
            edits.type_into(field("x"), set("x", value)).unwrap();
        }
        edits.type_into(field("y"), set("y", "9")).unwrap();
        assert_eq!(edits.steps(), 2);
        edits.apply(Operation::Undo).unwrap();
        assert_eq!(url(&edits, 1), "dubbo://10.0.0.1:20880/a.B?x=300&y=2");
        edits.apply(Operation::Undo).unwrap();
        assert_eq!(edits.value(), start);
        // Typed back to what it was, it is no step at all.
        edits.type_into(field("x"), set("x", "5")).unwrap();
        edits.type_into(field("x"), set("x", "1")).unwrap();
        assert_eq!((edits.value(), edits.steps()), (&*start, 0));
    }

    #[test]
    fn what_cannot_be_changed_is_refused_and_left_alone() {
        let mut edits = edits();
        let start = edits.clone();
        for (operation, refusal) in [
            (Operation::Remove(9), Refusal::NoRecord),
            (Operation::Parameter(0, "a".into(), "b".into()), Refusal::NoUrl),
            (Operation::Url(1, "nonsense".into()), Refusal::BadUrl),
            (
                Operation::Record(0, Owned { key: "x".into(), value: String::new() }),
                Refusal::BadKey,
            ),
        ] {
            assert_eq!(edits.apply(operation), Err(refusal));
        }
        assert_eq!(edits, start);
        let mut broken = Edits::new("!!");
        assert_eq!(broken.apply(Operation::Remove(0)), Err(Refusal::Unreadable));
    }

    #[test]
    fn a_repair_is_a_step_like_any_other() {
        let good = edits().value().to_owned();
        let mut broken = Edits::new(&format!("\"{good}\""));
        broken.apply(Operation::Repair).unwrap();
        assert_eq!(keys(&broken).len(), 2, "quotes and the duplicate are gone");
        broken.apply(Operation::Undo).unwrap();
        assert_eq!(broken.value(), format!("\"{good}\""));
    }
}
