//! YAML as JSON, document after document: what reads JSON reads YAML by it.
//!
//! An alias becomes a copy of what it names, and `<<` merges mappings where it stands, as kubectl's reader does:
//! what is behind it counts more, and what is before it less. Together they add at most [`MAX_REPEATED`] bytes.
//! It keeps no map from JSON to YAML: [`source`] finds a place by reading once more.

use alloc::string::String;
use alloc::vec::Vec;
use core::mem;
use core::ops::Range;

use super::{Event, MAX_DEPTH, Parsed, ScalarStyle, SyntaxError, Yaml, scalar};
use crate::annotation::{ANNOTATION, escape};
use crate::json::Reader;
use crate::phrase::Phrase;

/// How many bytes of JSON the aliases and merges of a text may add to it.
pub const MAX_REPEATED: usize = 4 << 20;

/// The documents of a YAML text as JSON. The first error ends them.
pub struct Documents<'a> {
    yaml: Yaml<'a>,
    /// What aliases and merges have added so far.
    repeated: usize,
    failed: bool,
}

/// Reads the documents of `text`. Mappings become objects with names in the order that they have, one named
/// twice there too; a document that holds nothing is `null`.
pub fn documents(text: &str) -> Documents<'_> {
    Documents { yaml: Yaml::new(text), repeated: 0, failed: false }
}

/// The offset in `text` of what stands at `offset` in the JSON of a document, counted from 0.
pub fn source(text: &str, document: usize, offset: usize) -> usize {
    let mut documents = documents(text);
    for index in 0..=document {
        if !documents.yaml.next_document().unwrap_or_default() {
            break;
        }
        let until = if index == document { offset } else { usize::MAX };
        match Writer::new(&mut documents).run(until) {
            Ok(Some(place)) => return place,
            Ok(None) => {}
            Err(error) => return error.offset,
        }
    }
    text.len()
}

impl Iterator for Documents<'_> {
    /// JSON, which is UTF-8.
    type Item = Result<Vec<u8>, SyntaxError>;

    fn next(&mut self) -> Option<Self::Item> {
        let Traced { json, error, .. } = self.next_traced()?;
        Some(error.map_or(Ok(json), Err))
    }
}

/// A document as JSON, and what a reader of Pods needs to know of the YAML that it was.
pub(crate) struct Traced {
    /// All of it, or what comes before the error.
    pub(crate) json: Vec<u8>,
    pub(crate) places: Places,
    pub(crate) error: Option<SyntaxError>,
}

/// Where in the source some things stand that begin at a place in the JSON: the document, objects of Kubernetes, and
/// their registry annotations.
pub(crate) type Places = Ordered<Range<usize>>;

/// Values in the order of their numbers. They come almost in that order: what is around others comes after them.
pub(crate) struct Ordered<T>(Vec<(usize, T)>);

impl<T> Ordered<T> {
    const fn new() -> Self {
        Self(Vec::new())
    }

    /// The value of a number.
    pub(crate) fn get(&self, number: usize) -> Option<&T> {
        let at = self.0.binary_search_by_key(&number, |(known, _)| *known).ok()?;
        self.0.get(at).map(|(_, value)| value)
    }

    fn insert(&mut self, number: usize, value: T) {
        let at = self.0.partition_point(|(known, _)| *known < number);
        self.0.insert(at, (number, value));
    }

    /// Takes the last values out as long as they are these.
    fn pop_while(&mut self, is_one: impl Fn(usize, &T) -> bool) {
        while self.0.pop_if(|(number, value)| is_one(*number, value)).is_some() {}
    }
}

impl Documents<'_> {
    /// The next document, also one that breaks off. The first error ends them.
    pub(crate) fn next_traced(&mut self) -> Option<Traced> {
        if self.failed {
            return None;
        }
        let traced = match self.yaml.next_document() {
            Ok(false) => return None,
            Ok(true) => {
                let mut writer = Writer::new(self);
                let error = writer.run(usize::MAX).err();
                Traced { json: writer.out, places: writer.places, error }
            }
            Err(error) => Traced { json: Vec::new(), places: Places::new(), error: Some(error) },
        };
        self.failed = traced.error.is_some();
        Some(traced)
    }
}

/// The members that make a mapping one whose place is wanted.
const TRACED: [&str; 3] = ["metadata", "annotations", ANNOTATION];

/// What stands before the value of a registry annotation.
const VALUE_OF_ANNOTATION: &[u8] = b"\"dubbo.io/annotation\":";

/// Writes one document.
struct Writer<'w, 'a> {
    yaml: &'w mut Yaml<'a>,
    repeated: &'w mut usize,
    out: Vec<u8>,
    open: Vec<Level>,
    /// What has an anchor and is complete.
    anchored: Ordered<Anchored>,
    places: Places,
}

/// A collection that is being written.
struct Level {
    next: Next,
    empty: bool,
    /// Where its bracket stands in the JSON, and what it is made of in the YAML.
    at: usize,
    source: usize,
    anchor: usize,
    /// How many levels are in it.
    height: usize,
    /// Whether its place is wanted.
    traced: bool,
    /// While the value of `<<` is written: where that begins.
    merging: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Name,
    Value,
    Item,
}

/// Where something stands in the JSON, and how many levels it has.
struct Anchored {
    json: Range<usize>,
    height: usize,
}

impl<'w, 'a> Writer<'w, 'a> {
    fn new(documents: &'w mut Documents<'a>) -> Self {
        Self {
            yaml: &mut documents.yaml,
            repeated: &mut documents.repeated,
            out: Vec::new(),
            open: Vec::new(),
            anchored: Ordered::new(),
            places: Places::new(),
        }
    }

    /// Writes the document, or as much of it as goes beyond `until`: then it gives where in the source that is.
    fn run(&mut self, until: usize) -> Result<Option<usize>, SyntaxError> {
        loop {
            let (node, span) = self.yaml.node()?;
            let mut place = span.start;
            match node {
                Parsed::MappingStart(_, anchor, _) => self.enter(Next::Name, anchor, &span)?,
                Parsed::SequenceStart(_, anchor, _) => self.enter(Next::Item, anchor, &span)?,
                Parsed::Scalar(text, ScalarStyle::Plain, ..) if text == "<<" && self.is_name() => {
                    self.begin_merge();
                }
                Parsed::Scalar(text, style, anchor, tag) => {
                    self.scalar(&scalar(text, style, tag.as_deref()), anchor, &span)?;
                }
                Parsed::Alias(anchor) => self.alias(anchor, &span)?,
                Parsed::UnresolvedAlias(name) => {
                    let alias = String::from("*") + &name;
                    return Err(SyntaxError::wrong_of(span.start, alias, Phrase::NoAnchor));
                }
                _ => place = self.close(&span)?,
            }
            if self.out.len() > until {
                return Ok(Some(place));
            }
            if self.open.is_empty() {
                return Ok(None);
            }
        }
    }

    /// What stands between the last node and the next one.
    fn part(&mut self) {
        let level = self.open.last_mut().filter(|level| level.next != Next::Value);
        if level.is_some_and(|level| !mem::take(&mut level.empty)) {
            self.out.push(b',');
        }
    }

    /// A node of this height has been written, from `start` on.
    fn written(
        &mut self,
        start: usize,
        height: usize,
        anchor: usize,
        source: usize,
    ) -> Result<(), SyntaxError> {
        if anchor != 0 {
            self.anchored.insert(anchor, Anchored { json: start..self.out.len(), height });
        }
        let Some(level) = self.open.last_mut() else { return Ok(()) };
        level.next = match level.next {
            Next::Name => {
                self.out.push(b':');
                Next::Value
            }
            Next::Value => Next::Name,
            Next::Item => Next::Item,
        };
        let Some(at) = level.merging.take_if(|_| level.next == Next::Name) else {
            level.height = level.height.max(height);
            return Ok(());
        };
        let merged = self.out.split_off(at);
        let Some(added) = objects(&merged) else {
            return Err(SyntaxError::wrong(source, Phrase::MergeNeedsMapping));
        };
        // The objects themselves, and the list of them, will not be there.
        let gone = if merged.starts_with(b"[") { 2 } else { 1 };
        level.height = level.height.max(height.saturating_sub(gone));
        let mut empty = mem::take(&mut level.empty);
        // What was anchored in there is no longer where it was.
        self.anchored.pop_while(|_, anchored| anchored.json.end > at);
        self.places.pop_while(|json, _| json >= at);
        // The first of a list counts most, so it comes last.
        for (_, member) in added.into_iter().rev().flat_map(members) {
            self.repeat(member.len(), source)?;
            self.out.extend((!mem::take(&mut empty)).then_some(b','));
            self.out.extend_from_slice(member);
        }
        if let Some(level) = self.open.last_mut() {
            level.empty = empty;
        }
        Ok(())
    }

    fn is_name(&self) -> bool {
        self.open.last().is_some_and(|level| level.next == Next::Name)
    }

    fn enter(&mut self, next: Next, anchor: usize, span: &Range<usize>) -> Result<(), SyntaxError> {
        if self.is_name() {
            return Err(SyntaxError::wrong(span.start, Phrase::KeyNotScalar));
        }
        self.part();
        let level = Level {
            next,
            empty: true,
            at: self.out.len(),
            source: span.start,
            anchor,
            height: 0,
            traced: self.open.is_empty(),
            merging: None,
        };
        self.out.push(if next == Next::Item { b'[' } else { b'{' });
        self.open.push(level);
        Ok(())
    }

    /// Ends the innermost collection; gives where it began.
    fn close(&mut self, here: &Range<usize>) -> Result<usize, SyntaxError> {
        let Some(level) = self.open.pop() else { return Ok(here.start) };
        self.out.push(if level.next == Next::Item { b']' } else { b'}' });
        if level.traced {
            self.places.insert(level.at, level.source..here.end);
        }
        self.written(level.at, level.height + 1, level.anchor, level.source)?;
        Ok(level.source)
    }

    fn scalar(
        &mut self,
        event: &Event<'_>,
        anchor: usize,
        span: &Range<usize>,
    ) -> Result<(), SyntaxError> {
        let is_name = self.is_name();
        self.part();
        let start = self.out.len();
        match (event, self.open.last_mut()) {
            (Event::Text(name), Some(level)) if is_name => {
                level.traced |= TRACED.contains(&name.as_ref());
            }
            (Event::Text(_), level)
                if level.is_none() || self.out.ends_with(VALUE_OF_ANNOTATION) =>
            {
                self.places.insert(start, span.clone());
            }
            _ => {}
        }
        match event {
            Event::Plain(word) if !is_name => {
                self.out.extend(word.bytes().map(|byte| byte.to_ascii_lowercase()));
            }
            Event::Text(text) | Event::Plain(text) => self.quote(text),
            _ if is_name => self.quote(self.yaml.slice(span)),
            _ => self.out.extend_from_slice(b"null"),
        }
        self.written(start, 0, anchor, span.start)
    }

    fn quote(&mut self, text: &str) {
        self.out.push(b'"');
        escape(text, &mut self.out);
        self.out.push(b'"');
    }

    fn alias(&mut self, anchor: usize, span: &Range<usize>) -> Result<(), SyntaxError> {
        let wrong = |phrase| Err(SyntaxError::wrong_of(span.start, self.yaml.slice(span), phrase));
        let Some(anchored) = self.anchored.get(anchor) else {
            return wrong(Phrase::AliasWithin);
        };
        let (json, height) = (anchored.json.clone(), anchored.height);
        let is_name = self.is_name();
        if is_name && height > 0 {
            return wrong(Phrase::AliasKey);
        }
        if self.open.len() + height > MAX_DEPTH {
            return Err(SyntaxError::too_deep(span.start));
        }
        self.repeat(json.len(), span.start)?;
        self.part();
        let start = self.out.len();
        let bare = is_name && self.out.get(json.start) != Some(&b'"');
        self.out.extend(bare.then_some(b'"'));
        self.out.extend_from_within(json);
        self.out.extend(bare.then_some(b'"'));
        self.written(start, height, 0, span.start)
    }

    /// Counts `more` bytes that stand in the source only once.
    fn repeat(&mut self, more: usize, source: usize) -> Result<(), SyntaxError> {
        *self.repeated += more;
        if *self.repeated > MAX_REPEATED {
            return Err(SyntaxError::refused(source, Phrase::Aliases));
        }
        Ok(())
    }

    /// Behind `<<`, which is not written.
    fn begin_merge(&mut self) {
        if let Some(level) = self.open.last_mut() {
            level.merging = Some(self.out.len());
            level.next = Next::Value;
        }
    }
}

/// The object, or those of a list of objects.
fn objects(json: &[u8]) -> Option<Vec<&[u8]>> {
    if json.first() == Some(&b'{') {
        return Some(Vec::from([json]));
    }
    let mut reader = Reader::new(json);
    let mut found = Vec::new();
    if !reader.take(b'[') {
        return None;
    }
    while reader.next_element(found.is_empty()).ok()? {
        let start = reader.at();
        reader.scan().ok()?;
        found.push(Some(reader.since(start)).filter(|json| json.starts_with(b"{"))?);
    }
    Some(found)
}

/// The members of an object that was written here: each with its name, as it is written.
fn members(object: &[u8]) -> Vec<(&[u8], &[u8])> {
    let mut reader = Reader::new(object);
    let mut found = Vec::new();
    if reader.take(b'{') {
        while let Ok(Some(name)) = reader.next_member(found.is_empty()) {
            if reader.scan().is_err() {
                break;
            }
            found.push((name.bytes, reader.since(name.at.saturating_sub(1))));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::{String, ToString};

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn read(text: &str) -> Result<Vec<Value>, SyntaxError> {
        documents(text)
            .map(|json| json.map(|json| serde_json::from_slice(&json).unwrap()))
            .collect()
    }

    fn one(text: &str) -> Value {
        let mut all = read(text).unwrap();
        assert_eq!(all.len(), 1, "{text}");
        all.remove(0)
    }

    #[test]
    fn what_yaml_means_is_json() {
        for (text, json) in [
            (
                "a: 1\nb: [x, -2.5e3, true, ~, '', \"\\n\"]",
                json!({"a": 1, "b": ["x", -2500.0, true, null, "", "\n"]}),
            ),
            ("- {}\n- []\n-\n  - a: |\n      l1\n      l2\n", json!([{}, [], [{"a": "l1\nl2\n"}]])),
            ("{\"a\": {\"b\": [1, {\"c\": null}]}}", json!({"a": {"b": [1, {"c": null}]}})),
            // Numbers as JSON does not write them, and what only YAML 1.1 takes for something else, are text.
            (
                "[0o17, 0x1f, 007, .5, +1, .inf, yes, off, 1:30]",
                json!(["0o17", "0x1f", "007", ".5", "+1", ".inf", "yes", "off", "1:30"]),
            ),
            ("[True, FALSE, NULL, 1E2]", json!([true, false, null, 100.0])),
            ("[!!str 12, !!str true, '12']", json!(["12", "true", "12"])),
            ("1: a\ntrue: b\n~: c\n\"\": d\n", json!({"1": "a", "true": "b", "~": "c", "": "d"})),
            ("用户: \"<&>\"", json!({"用户": "<&>"})),
            ("text", json!("text")),
            ("---\n", json!(null)),
        ] {
            assert_eq!(one(text), json, "{text}");
        }
        assert_eq!(read("").unwrap(), [json!(null); 0]);
        assert_eq!(
            read("a: 1\n---\n---\n- b\n...\n").unwrap(),
            [json!({"a": 1}), json!(null), json!(["b"])]
        );
    }

    #[test]
    fn aliases_are_copies() {
        for (text, json) in [
            ("a: &x [1, &y z]\nb: *x\nc: *y\n", json!({"a": [1, "z"], "b": [1, "z"], "c": "z"})),
            ("- &n 5\n- {*n : 1}\n- &s k\n- {*s : *n}\n", json!([5, {"5": 1}, "k", {"k": 5}])),
            ("- &a 1\n- &a 2\n- *a\n", json!([1, 2, 2])),
        ] {
            assert_eq!(one(text), json, "{text}");
        }
    }

    #[test]
    fn of_members_and_merges_the_last_counts_and_of_a_list_of_merges_the_first() {
        for (text, json) in [
            (
                "- &a {x: 1, y: 2}\n- {<<: *a, y: 3, z: 4}\n",
                json!([{"x": 1, "y": 2}, {"x": 1, "y": 3, "z": 4}]),
            ),
            (
                "- &a {x: 1}\n- &b {x: 2, y: 2}\n- <<: [*a, *b]\n",
                json!([{"x": 1}, {"x": 2, "y": 2}, {"x": 1, "y": 2}]),
            ),
            (
                "- &a {x: 1}\n- &b {<<: *a, y: 2}\n- {<<: *b}\n",
                json!([{"x": 1}, {"x": 1, "y": 2}, {"x": 1, "y": 2}]),
            ),
            ("{a: 1, <<: {a: 2, b: [{c: 3}]}, d: 4}", json!({"a": 2, "b": [{"c": 3}], "d": 4})),
            ("{<<: {a: 1}, a: ~, <<: {b: 1}, b: 2}", json!({"a": null, "b": 2})),
            ("{<<: {a: 1}, <<: {a: 2}}", json!({"a": 2})),
            ("- &a {x: &n 1}\n- {<<: [{}, *a], y: *n}\n", json!([{"x": 1}, {"x": 1, "y": 1}])),
            ("{<<: {}, <<: []}", json!({})),
            ("{\"<<\": 1}", json!({"<<": 1})),
            ("[<<]", json!(["<<"])),
        ] {
            assert_eq!(one(text), json, "{text}");
        }
    }

    #[test]
    fn what_json_has_not_and_what_has_no_end_is_refused_with_its_place() {
        for (text, offset, message) in [
            ("a: *b", 3, "`*b` names no anchor above it"),
            ("a: &a [*a]", 7, "`*a` is a part of what it names, or of what `<<` merges"),
            (
                "{<<: &a {x: 1}, y: *a}",
                19,
                "`*a` is a part of what it names, or of what `<<` merges",
            ),
            ("? [a]\n: b", 2, "a list or a mapping as a key, which JSON does not have"),
            (
                "- &a []\n- *a : b",
                10,
                "`*a` as a key is a list or a mapping, which JSON does not have",
            ),
            ("<<: 1", 4, "`<<` needs a mapping, or a list of them"),
            ("<<: [1]", 4, "`<<` needs a mapping, or a list of them"),
        ] {
            let error = read(text).unwrap_err();
            assert_eq!((error.offset, error.to_string().as_str()), (offset, message), "{text}");
        }
    }

    #[test]
    fn aliases_and_merges_cannot_blow_up() {
        let aliases = |at| format!("a{at}: &a{at} [{}]\n", format!("*a{},", at - 1).repeat(10));
        let merges = |at| format!("a{at}: &a{at} {{<<: *a{}, k{at}: x}}\n", at - 1);
        for (first, more) in [
            ("a0: &a0 x\n", (1..1000).map(aliases).collect::<String>()),
            ("a0: &a0 {k: x}\n", (1..1000).map(merges).collect()),
        ] {
            let error = read(&format!("{first}{more}")).unwrap_err();
            assert!(error.refused && error.to_string().contains("4 MiB"), "{error:?}");
        }
    }

    #[test]
    fn depth_is_bounded_also_through_aliases() {
        let deep = format!("- &a {}x{}\n", "[".repeat(100), "]".repeat(100));
        assert_eq!(read(&deep).unwrap().len(), 1);
        let error = read(&format!("{deep}- {}*a{}\n", "[".repeat(40), "]".repeat(40))).unwrap_err();
        assert_eq!(error, SyntaxError::too_deep(deep.len() + 42));
        assert!(read(&"- ".repeat(100_000)).is_err());
    }

    #[test]
    fn an_error_ends_the_documents() {
        let mut all = documents("a: 1\n---\nb: [\n---\nc: 1\n");
        assert!(all.next().unwrap().is_ok());
        assert!(all.next().unwrap().is_err());
        assert!(all.next().is_none());
    }

    #[test]
    fn a_place_in_the_json_is_one_in_the_yaml() {
        let text =
            "# 注释\na: 1\n---\nusers:\n  - name: 用户\n    token: \"x\"\n  - {<<: {n: 1}}\n";
        let json = documents(text).nth(1).unwrap().unwrap();
        let json = String::from_utf8(json).unwrap();
        for (there, here) in [
            ("{", "users"),
            ("\"users\"", "users"),
            ("[", "- name"),
            ("\"name\"", "name"),
            ("\"用户\"", "用户"),
            ("\"x\"", "\"x\""),
            ("]", "- name"),
        ] {
            let place = source(text, 1, json.find(there).unwrap());
            assert!(text[place..].starts_with(here), "{there}: {:?}", &text[place..]);
        }
        assert_eq!(source(text, 7, 0), text.len());
        assert_eq!(source(text, 1, json.len()), text.len());
        assert_eq!(source("a: [", 0, 99), 3);
    }

    /// What JSON leaves as it is and YAML takes, and what both escape.
    const TEXT: &str = "[ -~\t\n\0用户é😀]{0,12}";

    fn any_json() -> impl Strategy<Value = Value> {
        let scalar = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<i32>().prop_map(|number| Value::from(f64::from(number) / 4.0)),
            TEXT.prop_map(Value::from),
        ];
        scalar.prop_recursive(5, 64, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                proptest::collection::vec((TEXT, inner), 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn json_is_yaml(value in any_json()) {
            for text in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
                let found = one(&text);
                prop_assert_eq!(&found, &value);
            }
        }

        #[test]
        fn any_text_gives_json_or_an_error(text in "[-a-c0-2:?&*<!|>'\"{}\\[\\], \n#%~]{0,60}") {
            let documents: Vec<_> = documents(&text).collect();
            for (index, json) in documents.into_iter().flatten().enumerate() {
                serde_json::from_slice::<serde::de::IgnoredAny>(&json).unwrap();
                prop_assert!(source(&text, index, json.len() / 2) <= text.len());
            }
        }
    }
}
