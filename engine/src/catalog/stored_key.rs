//! A key as the catalog keeps it: what it has in common with other keys once, and what is its own.
//!
//! Keys are a kilobyte long, and those of the replicas of a service differ in little but addresses,
//! ports and times. So a key is cut at its longer numbers: what stands around them is a template, kept
//! once for all keys that have it; the numbers are the key's own. It always reads as it was written,
//! whatever it is: a key like no other is a template of its own.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::fmt;
use core::ops::Range;

use dubbo_k8s_codec::trust::{self, Trust};
use dubbo_k8s_codec::{Key, Url};

use super::digest::digest;
use super::key_facts::{KeyFacts, ReadKey};
use super::known::Known;

/// The key of a record, in little room. A copy is cheap.
///
/// Two are equal, and ordered, as their texts are.
#[derive(Clone)]
pub struct StoredKey(Arc<Packed>);

struct Packed {
    digest: u64,
    template: Arc<Template>,
    /// The numbers, with a space after each but the last.
    numbers: Box<str>,
    facts: Arc<KeyFacts>,
}

impl Packed {
    /// Which text comes first, where that is plain to see, as it nearly always is: keys of one template
    /// differ within a number, others before the first number.
    fn compare_at_once(&self, other: &Self) -> Option<Ordering> {
        if !Arc::ptr_eq(&self.template, &other.template) {
            let (mine, others) = (self.template.start(), other.template.start());
            let both = mine.len().min(others.len());
            let order = mine.get(..both)?.cmp(others.get(..both)?);
            return Some(order).filter(|order| order.is_ne());
        }
        let mut pairs = self.numbers.bytes().zip(other.numbers.bytes());
        let (mine, others) = pairs.find(|(mine, others)| mine != others)?;
        // Behind the shorter of two numbers comes the template.
        (mine != b' ' && others != b' ').then(|| mine.cmp(&others))
    }
}

impl Template {
    /// What stands before the first number.
    fn start(&self) -> &[u8] {
        let end = self.places.first().map_or(self.text.len(), |place| *place as usize);
        self.text.as_bytes().get(..end).unwrap_or_default()
    }
}

/// What keys have in common. Ordered by its digest: the order only serves to find it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Template {
    digest: u64,
    text: Box<str>,
    /// Where in the text the numbers stand.
    places: Box<[u32]>,
}

/// Shorter numbers are cheaper in the template.
const LEAST: usize = 4;

impl StoredKey {
    /// Its text.
    pub fn to_text(&self) -> String {
        let mut text = String::with_capacity(self.len());
        text.extend(self.pieces());
        text
    }

    /// Its text, to be shared.
    pub fn to_shared(&self) -> Arc<str> {
        Arc::from(self.to_text())
    }

    /// What the reader of the key learned of it.
    pub fn facts(&self) -> &Arc<KeyFacts> {
        &self.0.facts
    }

    /// The URL of a leaf. It is ten times as large as the key is kept, so it is made again from the key's
    /// text: for output only, which reads its parts. A weight that is larger than what counts is replaced.
    pub fn url(&self) -> Option<Url<'static>> {
        let text = self.to_text();
        let url = Key::parse(&text).ok()?.url?.into_owned();
        let mut url = Url::parse(url).ok()?;
        if let Some(limit) = self.facts().weight_limit() {
            trust::cap(&mut url, limit);
        }
        Some(url)
    }

    /// How many bytes its text has.
    pub fn len(&self) -> usize {
        self.pieces().map(str::len).sum()
    }

    /// Whether its text is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How its text compares with this one.
    pub fn cmp_text(&self, text: &str) -> Ordering {
        compare(self.pieces(), core::iter::once(text))
    }

    pub(super) fn digest(&self) -> u64 {
        self.0.digest
    }

    /// The text in pieces, some of them empty.
    fn pieces(&self) -> impl Iterator<Item = &str> {
        let Packed { template, numbers, .. } = &*self.0;
        let ends = template.places.iter().map(|place| *place as usize);
        let mut from = 0;
        let between = ends.chain([template.text.len()]).map(move |end| {
            let piece = template.text.get(from..end).unwrap_or_default();
            from = end;
            piece
        });
        let numbers = numbers.split(' ').chain(core::iter::repeat(""));
        between.zip(numbers).flat_map(|(text, number)| [text, number])
    }
}

/// A key that shares nothing, for one that is only looked for. Of a text that is no key there are no facts.
impl From<&str> for StoredKey {
    fn from(text: &str) -> Self {
        SharedParts::default().store(text, facts_of(text))
    }
}

fn facts_of(text: &str) -> KeyFacts {
    ReadKey::read(text).map(|read| KeyFacts::of(&read, &Trust::new())).unwrap_or_default()
}

impl PartialEq for StoredKey {
    fn eq(&self, other: &Self) -> bool {
        let (one, two) = (&*self.0, &*other.0);
        one.digest == two.digest && one.template == two.template && one.numbers == two.numbers
    }
}

impl Eq for StoredKey {}

impl Ord for StoredKey {
    fn cmp(&self, other: &Self) -> Ordering {
        if Arc::ptr_eq(&self.0, &other.0) {
            return Ordering::Equal;
        }
        let at_once = self.0.compare_at_once(&other.0);
        at_once.unwrap_or_else(|| compare(self.pieces(), other.pieces()))
    }
}

impl PartialOrd for StoredKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for StoredKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pieces().try_for_each(|piece| f.write_str(piece))
    }
}

impl fmt::Debug for StoredKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_text(), f)
    }
}

/// Compares two texts that come in pieces.
fn compare<'a>(
    mut left: impl Iterator<Item = &'a str>,
    mut right: impl Iterator<Item = &'a str>,
) -> Ordering {
    let (mut a, mut b): (&[u8], &[u8]) = (&[], &[]);
    loop {
        while a.is_empty() {
            match left.next() {
                Some(piece) => a = piece.as_bytes(),
                None if b.is_empty() && right.all(str::is_empty) => return Ordering::Equal,
                None => return Ordering::Less,
            }
        }
        while b.is_empty() {
            match right.next() {
                Some(piece) => b = piece.as_bytes(),
                None => return Ordering::Greater,
            }
        }
        let length = a.len().min(b.len());
        let ((a_now, a_later), (b_now, b_later)) = (a.split_at(length), b.split_at(length));
        // Keys of one template hold the very same text.
        let same = core::ptr::eq(a_now, b_now);
        match if same { Ordering::Equal } else { a_now.cmp(b_now) } {
            Ordering::Equal => (a, b) = (a_later, b_later),
            different => return different,
        }
    }
}

/// What keys share: templates and facts.
#[derive(Clone, Debug, Default)]
pub(super) struct SharedParts {
    templates: Known<Template>,
    facts: Known<KeyFacts>,
}

impl SharedParts {
    /// A key with what is known of it; its template and facts are shared from now on.
    pub(super) fn store(&mut self, text: &str, facts: KeyFacts) -> StoredKey {
        let (template, numbers) = cut(text);
        let (template, facts) = (self.templates.share(template), self.facts.share(facts));
        StoredKey(Arc::new(Packed { digest: digest(text), template, numbers, facts }))
    }

    /// The same with the template and the facts of others, where they have them.
    pub(super) fn store_with(&mut self, others: &Self, text: &str, facts: KeyFacts) -> StoredKey {
        let (template, numbers) = cut(text);
        let template = self.templates.share_with(&others.templates, template);
        let facts = self.facts.share_with(&others.facts, facts);
        StoredKey(Arc::new(Packed { digest: digest(text), template, numbers, facts }))
    }

    /// Takes over those of another.
    pub(super) fn merge(&mut self, other: &Self) {
        self.templates.merge(&other.templates);
        self.facts.merge(&other.facts);
    }
}

/// A text without its numbers, and its numbers.
fn cut(text: &str) -> (Template, Box<str>) {
    let (mut around, mut own, mut places) =
        (String::with_capacity(text.len()), String::new(), Vec::new());
    let mut from = 0;
    for number in numbers(text.as_bytes()) {
        // Beyond 4 GiB a key is a template of its own.
        let Ok(place) = u32::try_from(around.len() + number.start - from) else { break };
        around.push_str(text.get(from..number.start).unwrap_or_default());
        if !places.is_empty() {
            own.push(' ');
        }
        places.push(place);
        own.push_str(text.get(number.clone()).unwrap_or_default());
        from = number.end;
    }
    around.push_str(text.get(from..).unwrap_or_default());
    let template = Template {
        digest: digest(&around),
        text: around.into_boxed_str(),
        places: places.into_boxed_slice(),
    };
    (template, own.into_boxed_str())
}

/// Where the longer runs of digits and dots are. Two characters after a percent sign belong to that.
fn numbers(text: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let is_part = |at: usize| text.get(at).is_some_and(|byte| matches!(byte, b'0'..=b'9' | b'.'));
    // A run that is long enough covers one of every few places.
    let mut at = LEAST - 1;
    core::iter::from_fn(move || {
        while at < text.len() {
            if !is_part(at) {
                at += LEAST;
                continue;
            }
            let mut start = at;
            while start > 0 && is_part(start - 1) {
                start -= 1;
            }
            let mut end = at + 1;
            while is_part(end) {
                end += 1;
            }
            at = end + LEAST;
            if start > 0 && text.get(start - 1) == Some(&b'%') {
                start += 2;
            }
            if start + LEAST <= end {
                return Some(start..end);
            }
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::ToString;

    use proptest::prelude::*;

    use super::*;

    fn key(ip: u8) -> String {
        format!(
            "/dubbo/a.B1/providers/dubbo%3A%2F%2F10.0.0.{ip}%3A20880%2Fa.B1%3Ftimestamp%3D1795347{ip:03}"
        )
    }

    #[test]
    fn replicas_share_a_template() {
        let mut parts = SharedParts::default();
        let keys: Vec<StoredKey> = (0..9).map(|ip| store(&mut parts, &key(ip))).collect();
        assert!(keys.iter().all(|key| Arc::ptr_eq(&key.0.template, &keys[0].0.template)));
        assert!(keys.iter().all(|key| Arc::ptr_eq(&key.0.facts, &keys[0].0.facts)));
        assert!((0..9).all(|ip| keys[usize::from(ip)].to_text() == key(ip)));
        assert_eq!(&*keys[7].0.numbers, "10.0.0.7 20880 1795347007");
        assert_eq!(
            &*keys[7].0.template.text,
            "/dubbo/a.B1/providers/dubbo%3A%2F%2F%3A%2Fa.B1%3Ftimestamp%3D"
        );
    }

    fn store(parts: &mut SharedParts, text: &str) -> StoredKey {
        parts.store(text, facts_of(text))
    }

    proptest! {
        #[test]
        fn every_text_comes_back_and_compares_as_it_does(
            a in "(%[0-9]{0,6}|[0-9.]{0,6}|[a %/é]{0,3}){0,6}",
            b in "(%[0-9]{0,6}|[0-9.]{0,6}|[a %/é]{0,3}){0,6}",
        ) {
            let mut parts = SharedParts::default();
            let (left, right) = (store(&mut parts, &a), store(&mut parts, &b));
            prop_assert_eq!(left.to_text(), &*a);
            prop_assert_eq!(left.to_string(), &*a);
            prop_assert_eq!(left.len(), a.len());
            prop_assert_eq!(left.cmp(&right), a.cmp(&b));
            prop_assert_eq!(left.cmp_text(&b), a.as_str().cmp(&b));
            prop_assert_eq!(left == right, a == b);
            prop_assert_eq!(&StoredKey::from(&*a), &left);
        }

        #[test]
        fn a_category_is_that_of_the_text(
            text in "/?(dubbo|1234)?/(a|a.B12345|2024.1)?(/(providers|routers|consumer|12345))?(/[a-z0-9]{0,6}){0,2}",
        ) {
            let facts = StoredKey::from(&*text);
            let facts = facts.facts();
            if let Ok(parsed) = dubbo_k8s_codec::Key::parse(&text)
                && parsed.root == dubbo_k8s_codec::ROOT
                && parsed.url.is_none()
            {
                prop_assert_eq!(facts.category(), parsed.category);
                prop_assert_eq!(facts.leaf_category(), None);
                prop_assert_eq!(facts.interface(), parsed.interface.as_deref());
            }
        }

        #[test]
        fn keys_of_one_template_compare_as_their_texts(
            numbers in prop::collection::vec(("[0-9.]{4,7}", "[0-9]{4,6}", "[0-9]{0,5}"), 2..6),
        ) {
            let mut parts = SharedParts::default();
            let texts: Vec<_> = numbers.iter().map(|(a, b, c)| format!("/dubbo/a%3A{a}x{b}-{c}")).collect();
            let keys: Vec<_> = texts.iter().map(|text| store(&mut parts, text)).collect();
            for (a, left) in texts.iter().zip(&keys) {
                for (b, right) in texts.iter().zip(&keys) {
                    prop_assert_eq!(left.cmp(right), a.cmp(b), "{} {}", a, b);
                }
            }
        }

        #[test]
        fn every_long_number_is_found(text in "[0-9.a%]{0,40}") {
            let found: Vec<_> = numbers(text.as_bytes()).collect();
            let mut expected = Vec::new();
            let is_part = |at: usize| text.as_bytes().get(at).is_some_and(|b| b.is_ascii_digit() || *b == b'.');
            let mut at = 0;
            while at < text.len() {
                let start = at;
                while is_part(at) {
                    at += 1;
                }
                let escaped = start > 0 && text.as_bytes()[start - 1] == b'%';
                let start = if escaped { start + 2 } else { start };
                if start + LEAST <= at {
                    expected.push(start..at);
                }
                at += 1;
            }
            prop_assert_eq!(found, expected);
        }
    }
}
