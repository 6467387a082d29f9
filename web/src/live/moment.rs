//! One change of one Pod: what it carried and what was known of it, before and after.
//!
//! Of the two annotations it keeps only where they differ, so that minutes of them take little room.

use dubbo_k8s_codec::problem::Problem;

use crate::model::Pod;
use crate::pod::Value;

/// What is known of a Pod beside its annotation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) label: Option<Box<str>>,
    pub(super) ready: Option<bool>,
    pub(super) reported: Vec<Problem>,
}

impl Facts {
    pub(super) fn of(pod: &Pod) -> Self {
        Self {
            label: pod.text.label.clone(),
            ready: pod.text.ready,
            reported: pod.reported.clone(),
        }
    }
}

/// The part of two annotations in which they differ; none where there is no annotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Splice {
    at: usize,
    before: Option<Box<str>>,
    after: Option<Box<str>>,
}

impl Splice {
    pub(super) fn between(before: Option<&str>, after: Option<&str>) -> Self {
        let (Some(old), Some(new)) = (before, after) else {
            return Self { at: 0, before: before.map(Box::from), after: after.map(Box::from) };
        };
        let at = same(old.chars(), new.chars());
        let rest = |text: &'_ str| text.get(at..).unwrap_or_default().to_owned();
        let (old, new) = (rest(old), rest(new));
        let end = same(old.chars().rev(), new.chars().rev());
        let part = |text: &str| text.get(..text.len() - end).map(Box::from);
        Self { at, before: part(&old), after: part(&new) }
    }

    /// The annotation after it, of the one before it; `backwards` the other way round.
    pub(super) fn apply(&self, text: Option<&str>, backwards: bool) -> Option<String> {
        let (old, new) =
            if backwards { (&self.after, &self.before) } else { (&self.before, &self.after) };
        let new = new.as_deref()?;
        let (Some(text), Some(old)) = (text, old) else { return Some(new.to_owned()) };
        let head = text.get(..self.at)?;
        let tail = text.get(self.at + old.len()..)?;
        Some([head, new, tail].concat())
    }

    pub(super) fn is_change(&self) -> bool {
        self.before != self.after
    }

    fn size(&self) -> usize {
        [&self.before, &self.after].into_iter().flatten().map(|text| text.len()).sum()
    }
}

/// Bytes at which two texts begin alike.
fn same(one: impl Iterator<Item = char>, other: impl Iterator<Item = char>) -> usize {
    one.zip(other).take_while(|(one, other)| one == other).map(|(char, _)| char.len_utf8()).sum()
}

/// A change of a Pod.
#[derive(Clone, Debug)]
pub struct Moment {
    /// When, in milliseconds.
    pub(super) time: u64,
    /// The Pod, by its place.
    pub(super) pod: usize,
    pub(super) annotation: Splice,
    /// Before and after, where something else has changed.
    pub(super) facts: Option<Box<[Facts; 2]>>,
    /// Whether it was there before, and is after.
    pub(super) there: [bool; 2],
}

/// `ready`, `label` or `problem`, and what it was before and is after.
pub type Fact = (&'static str, String, String);

/// What a moment takes beside its texts.
const OVERHEAD: usize = 160;

impl Moment {
    /// When it happened, in milliseconds.
    pub const fn time(&self) -> u64 {
        self.time
    }

    /// The Pod, by its place.
    pub const fn pod(&self) -> usize {
        self.pod
    }

    /// The bytes that it takes.
    pub fn size(&self) -> usize {
        let problems = self.facts.iter().flat_map(|both| both.iter()).map(|it| it.reported.len());
        OVERHEAD + self.annotation.size() + problems.sum::<usize>() * OVERHEAD
    }

    /// The annotation before it, by the one after it.
    pub fn before(&self, after: Option<&str>) -> Option<String> {
        self.annotation.apply(after, true)
    }

    /// What happened to the Pod: `new`, `gone` or `changed`.
    pub const fn what(&self) -> &'static str {
        match self.there {
            [false, _] => "new",
            [_, false] => "gone",
            _ => "changed",
        }
    }

    /// What else has changed of a Pod that stays: readiness, label, and what is not believed.
    pub fn facts(&self) -> Vec<Fact> {
        let (Some(both), [true, true]) = (&self.facts, self.there) else { return Vec::new() };
        let [before, after] = &**both;
        let mut facts = Vec::new();
        if before.ready != after.ready {
            let ready = |of: &Facts| match of.ready {
                Some(true) => "yes",
                Some(false) => "no",
                None => "",
            };
            facts.push(("ready", ready(before).to_owned(), ready(after).to_owned()));
        }
        if before.label != after.label {
            let label = |of: &Facts| of.label.as_deref().unwrap_or_default().to_owned();
            facts.push(("label", label(before), label(after)));
        }
        let code = |problem: &Problem| problem.code.as_str().to_owned();
        let over = before.reported.iter().filter(|it| !after.reported.contains(it));
        let raised = after.reported.iter().filter(|it| !before.reported.contains(it));
        facts.extend(over.map(|problem| ("problem", code(problem), String::new())));
        facts.extend(raised.map(|problem| ("problem", String::new(), code(problem))));
        facts
    }

    /// Makes it so, or takes it back.
    pub(super) fn apply(&self, pod: &mut Pod, backwards: bool) {
        let now = self.annotation.apply(pod.text.value(""), backwards);
        pod.text.annotation = now.map(value);
        if let Some(both) = &self.facts {
            let [before, after] = &**both;
            let facts = if backwards { before } else { after };
            pod.text.label.clone_from(&facts.label);
            pod.text.ready = facts.ready;
            pod.reported.clone_from(&facts.reported);
        }
        let [before, after] = self.there;
        pod.over = !(if backwards { before } else { after });
    }
}

fn value(text: String) -> Value {
    Value { span: 0..0, text: Some(text.into()), linked: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_splice_goes_both_ways_and_keeps_only_what_differs() {
        let texts =
            [None, Some(""), Some("abcdef"), Some("abXdef"), Some("abdef"), Some("é"), Some("è")];
        for before in texts {
            for after in texts {
                let splice = Splice::between(before, after);
                assert_eq!(splice.apply(before, false).as_deref(), after, "{before:?} {after:?}");
                assert_eq!(splice.apply(after, true).as_deref(), before, "{before:?} {after:?}");
                assert_eq!(splice.is_change(), before != after);
            }
        }
        assert_eq!(Splice::between(Some("abcdef"), Some("abXdef")).size(), 2);
        assert_eq!(Splice::between(Some("aaa"), Some("aaaa")).size(), 1);
    }

    #[test]
    fn a_splice_of_another_text_gives_none_and_never_panics() {
        let splice = Splice::between(Some("abcdef"), Some("abXdef"));
        assert_eq!(splice.apply(Some("é"), false), None);
    }
}
