//! The parameters of a URL: each as it is written, and as it is meant. It never looks at what they mean.

use alloc::borrow::Cow;
use alloc::string::String;

use memchr::{memchr, memchr2};

use crate::byte_mask;
use crate::escape::{query_unescape, unescape_lossy};

/// The parameters of a URL, in their order.
#[derive(Clone, Debug)]
pub struct Params<'a> {
    query: &'a str,
    /// Where the next parameter begins.
    at: usize,
    seen: Marks,
}

impl<'a> Params<'a> {
    /// Those of a query, without its `?`.
    pub(crate) fn new(query: &'a str) -> Self {
        Self { query, at: 0, seen: Marks::of(query.as_bytes(), 0) }
    }

    /// The length of the next parameter, if it lies whole in what has been seen.
    #[inline]
    fn seen_length(&self) -> Option<usize> {
        let passed = self.at - self.seen.start;
        let left = self.query.len() - self.at;
        match self.seen.ends.checked_shr(u32::try_from(passed).ok()?)? {
            0 if left + passed > 64 => None,
            ends => Some(left.min(ends.trailing_zeros() as usize)),
        }
    }

    /// Takes a parameter of this length, which has been seen.
    #[inline]
    fn take_seen(&mut self, length: usize) -> Param<'a> {
        let passed = self.at - self.seen.start;
        let here = below(length);
        let equals = self.seen.equals >> passed & here;
        let escapes = self.seen.escapes >> passed & here;
        let name_length = length.min(equals.trailing_zeros() as usize);
        let in_name = below(name_length);
        let (start, name_end, end) = (self.at, self.at + name_length, self.at + length);
        self.at = end + 1;
        Param {
            raw_name: self.query.get(start..name_end).unwrap_or_default(),
            raw_value: self.query.get(name_end + 1..end).unwrap_or_default(),
            name_escaped: escapes & in_name != 0,
            value_escaped: escapes & !in_name != 0,
        }
    }

    /// Takes a parameter of any length.
    #[cold]
    fn take_long(&mut self) -> Param<'a> {
        let rest = self.query.get(self.at..).unwrap_or_default();
        let text = memchr(b'&', rest.as_bytes()).and_then(|end| rest.get(..end)).unwrap_or(rest);
        let (raw_name, raw_value) = text.split_once('=').unwrap_or((text, ""));
        let escaped = |text: &str| memchr2(b'%', b'+', text.as_bytes()).is_some();
        self.at += text.len() + 1;
        Param {
            raw_name,
            raw_value,
            name_escaped: escaped(raw_name),
            value_escaped: escaped(raw_value),
        }
    }
}

impl<'a> Iterator for Params<'a> {
    type Item = Param<'a>;

    #[inline]
    fn next(&mut self) -> Option<Param<'a>> {
        while self.at < self.query.len() {
            let length = self.seen_length().or_else(|| {
                self.seen = Marks::of(self.query.as_bytes(), self.at);
                self.seen_length()
            });
            match length {
                Some(0) => self.at += 1,
                Some(length) => return Some(self.take_seen(length)),
                None => return Some(self.take_long()),
            }
        }
        None
    }
}

/// Where in 64 bytes of a query something happens.
#[derive(Clone, Copy, Debug)]
struct Marks {
    start: usize,
    ends: u64,
    equals: u64,
    escapes: u64,
}

impl Marks {
    fn of(query: &[u8], start: usize) -> Self {
        let rest = query.get(start..).unwrap_or_default();
        let mut padded = [0; 64];
        let block = rest.first_chunk().unwrap_or_else(|| {
            padded.get_mut(..rest.len()).unwrap_or_default().copy_from_slice(rest);
            &padded
        });
        Self {
            start,
            ends: byte_mask::equal(block, b'&'),
            equals: byte_mask::equal(block, b'='),
            escapes: byte_mask::equal(block, b'%') | byte_mask::equal(block, b'+'),
        }
    }
}

/// One parameter, as written and as meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Param<'a> {
    /// The name as written.
    pub raw_name: &'a str,
    /// The value as written; empty without `=`.
    pub raw_value: &'a str,
    name_escaped: bool,
    value_escaped: bool,
}

impl<'a> Param<'a> {
    /// The name, unescaped.
    #[inline]
    pub fn name(&self) -> Cow<'a, str> {
        unescape(self.raw_name, self.name_escaped)
    }

    /// The value as it was meant: unescaped, and once more where an old dubbo-go (up to 1.5.3)
    /// escaped it twice. That is taken for so when the value, unescaped once, still holds an
    /// escape and nothing but well-formed ones; dubbo-go's own reader unescapes such a value twice.
    #[inline]
    pub fn value(&self) -> Cow<'a, str> {
        if self.value_escaped {
            Cow::Owned(unescape_twice(self.raw_value))
        } else {
            Cow::Borrowed(self.raw_value)
        }
    }

    /// The value, unescaped exactly once.
    #[inline]
    pub fn value_once(&self) -> Cow<'a, str> {
        unescape(self.raw_value, self.value_escaped)
    }

    /// Whether there is anything to unescape in the name.
    pub(crate) const fn name_escaped(&self) -> bool {
        self.name_escaped
    }

    /// Whether there is anything to unescape in the value.
    pub(crate) const fn value_escaped(&self) -> bool {
        self.value_escaped
    }

    pub(crate) fn is(&self, name: &str) -> bool {
        self.raw_name == name || self.name_escaped && self.name() == name
    }
}

/// Unescapes a value, and once more if it still holds an escape and only well-formed ones.
fn unescape_twice(raw: &str) -> String {
    let once = unescape_lossy(raw);
    let twice = memchr(b'%', once.as_bytes()).and_then(|_| query_unescape(&once).ok());
    twice.map(Cow::into_owned).unwrap_or(once)
}

#[inline]
fn unescape(raw: &str, escaped: bool) -> Cow<'_, str> {
    if escaped { Cow::Owned(unescape_lossy(raw)) } else { Cow::Borrowed(raw) }
}

/// The lowest bits, as many as that.
const fn below(count: usize) -> u64 {
    if count < 64 { (1 << count) - 1 } else { u64::MAX }
}
