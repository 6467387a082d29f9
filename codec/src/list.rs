//! Reads a list body (`PodList`, `PartialObjectMetadataList`, `List`) as it arrives, in chunks
//! that may be cut anywhere, and hands out each item as soon as it is complete.
//!
//! It holds at most one item, never the list. Members may come in any order.

use alloc::string::String;
use alloc::vec::Vec;

use serde::Deserialize;

use crate::fault::{Fault, Found, Whole};
use crate::phrase::Phrase;
use crate::scan::Balance;

/// How much of an item that is too large is handed out: an object names itself at its start.
pub const CUT_ITEM_BYTES: usize = 4 << 10;
/// A larger item is refused, unless [`ListReader::with_max_item`] says otherwise.
pub const MAX_ITEM_BYTES: usize = 16 << 20;

/// Names, kinds and the list's metadata are refused beyond this.
pub(crate) const MAX_SMALL_BYTES: usize = 64 << 10;

/// What a list says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListMeta {
    /// The kind, such as `PodList`; empty if absent.
    pub kind: String,
    /// The version of the list, from which to watch; empty if absent.
    pub resource_version: String,
    /// The token of the next page, if there is one.
    pub continue_token: Option<String>,
    /// How many items are left, where the server says so.
    pub remaining: Option<u64>,
}

/// A sans-IO reader of one list body.
///
/// ```
/// use dubbo_k8s_codec::ListReader;
///
/// let mut reader = ListReader::new();
/// let mut items = 0;
/// for mut chunk in [&br#"{"items":[{"a":1},{"b"#[..], br#"":2}],"metadata":{"resourceVersion":"7"}}"#] {
///     while let Some(item) = reader.next(&mut chunk)? {
///         items += 1;
///         assert!(item.starts_with(b"{"));
///     }
/// }
/// assert_eq!(items, 2);
/// assert_eq!(reader.finish()?.resource_version, "7");
/// # Ok::<(), dubbo_k8s_codec::ListError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ListReader {
    state: State,
    /// The part of the current value that came in earlier chunks.
    held: Vec<u8>,
    /// The item that was handed out last lies in `held`.
    handed_out: bool,
    max_item: usize,
    large: Large,
    /// The name of the member that is the list.
    items: &'static str,
    /// Bytes of the body before the current chunk position.
    offset: usize,
    items_seen: bool,
    meta: ListMeta,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Start,
    /// Behind `{` or `,`: a member name; or the end, if this is the first.
    NameOrEnd {
        first: bool,
    },
    Name(Balance),
    Colon(Member),
    Value(Member),
    InValue(Member, Extent),
    /// Behind `[` or `,`: an item; or the end, if this is the first.
    ItemOrEnd {
        first: bool,
    },
    InItem(Extent),
    AfterItem,
    AfterValue,
    End,
}

/// What happens to an item beyond the bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Large {
    /// It ends the reading.
    Refused,
    /// Its start is handed out.
    Cut,
    /// That is held, and the rest of it passed over up to its end.
    PassedOver,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Member {
    Kind,
    Metadata,
    Items,
    Other,
}

/// How a value is followed to its end.
#[derive(Clone, Copy, Debug)]
enum Extent {
    /// A container or a string.
    Balanced(Balance),
    /// A number or a literal, up to the next delimiter.
    Scalar,
}

impl Extent {
    fn of(first: u8) -> Self {
        match first {
            b'{' | b'[' | b'"' => Self::Balanced(Balance::default()),
            _ => Self::Scalar,
        }
    }

    /// The length up to the end of the value, if that is in this piece.
    fn advance(&mut self, bytes: &[u8]) -> Option<usize> {
        match self {
            Self::Balanced(balance) => balance.advance(bytes),
            Self::Scalar => bytes
                .iter()
                .position(|byte| matches!(byte, b',' | b']' | b'}' | b' ' | b'\t' | b'\r' | b'\n')),
        }
    }
}

impl Default for ListReader {
    fn default() -> Self {
        Self::with_max_item(MAX_ITEM_BYTES)
    }
}

impl ListReader {
    /// A reader that refuses items beyond [`MAX_ITEM_BYTES`].
    pub fn new() -> Self {
        Self::default()
    }

    /// A reader with another bound for one item.
    pub fn with_max_item(max_item: usize) -> Self {
        Self {
            state: State::Start,
            held: Vec::new(),
            handed_out: false,
            max_item,
            large: Large::Refused,
            items: "items",
            offset: 0,
            items_seen: false,
            meta: ListMeta::default(),
        }
    }

    /// Does not end at an item beyond the bound, but hands out its first [`CUT_ITEM_BYTES`], which
    /// no parser takes for the whole, and reads on behind it: one bad item hides no other.
    #[must_use]
    pub const fn cutting(mut self) -> Self {
        self.large = Large::Cut;
        self
    }

    /// Reads another list than one of Kubernetes: an object whose member of this name is the list.
    #[must_use]
    pub const fn of_member(mut self, items: &'static str) -> Self {
        self.items = items;
        self
    }

    /// Reads on in a chunk up to the end of the next item, and hands that out: borrowed from the
    /// chunk where it lies in it whole. Nothing means that the chunk is used up. After an error
    /// the reader only repeats it.
    ///
    /// # Errors
    /// [`ListError`] for what is no list of Pods: the text breaks the syntax, or an item is over the limit.
    pub fn next<'s, 'c: 's>(
        &'s mut self,
        chunk: &mut &'c [u8],
    ) -> Result<Option<&'s [u8]>, ListError> {
        if core::mem::take(&mut self.handed_out) {
            self.held.clear();
        }
        while let Some(&byte) = chunk.first() {
            match self.state {
                State::InItem(extent) => {
                    if let Some(item) = self.follow_item(extent, chunk)? {
                        return Ok(Some(match item {
                            Item::Whole(item) => item,
                            Item::Held => &self.held,
                        }));
                    }
                }
                State::InValue(member, extent) => self.follow_value(member, extent, chunk)?,
                State::Name(balance) => self.follow_name(balance, chunk)?,
                _ if matches!(byte, b' ' | b'\t' | b'\r' | b'\n') => self.take(chunk, 1),
                _ => self.step(byte, chunk)?,
            }
        }
        Ok(None)
    }

    /// Ends the reading; an error if the list is not complete.
    ///
    /// # Errors
    /// [`ListError`] if the text broke off.
    pub fn finish(self) -> Result<ListMeta, ListError> {
        match self.state {
            State::End if self.items_seen || self.meta.kind.ends_with("List") => Ok(self.meta),
            State::End => {
                Err(ListError::of_shape(0, Phrase::ListWithItems, Found::Thing(Phrase::None)))
            }
            _ => Err(ListError::of_shape(self.offset, Phrase::RestOfList, Found::End)),
        }
    }

    /// The list's own metadata as far as it has been read.
    pub const fn meta(&self) -> &ListMeta {
        &self.meta
    }

    /// Takes one structural byte, or goes into a value without taking its first.
    fn step(&mut self, byte: u8, chunk: &mut &[u8]) -> Result<(), ListError> {
        let (state, taken) = match (self.state, byte) {
            (State::Start, b'{') => (State::NameOrEnd { first: true }, 1),
            (State::NameOrEnd { .. }, b'"') => (State::Name(Balance::default()), 0),
            (State::NameOrEnd { first: true } | State::AfterValue, b'}') => (State::End, 1),
            (State::Colon(member), b':') => (State::Value(member), 1),
            (State::Value(Member::Items), b'[') => {
                self.items_seen = true;
                (State::ItemOrEnd { first: true }, 1)
            }
            (State::Value(Member::Items), b'n') => {
                self.items_seen = true;
                (State::InValue(Member::Other, Extent::Scalar), 0)
            }
            (State::Value(member), _) if member != Member::Items && begins_value(byte) => {
                (State::InValue(member, Extent::of(byte)), 0)
            }
            (State::ItemOrEnd { first: true } | State::AfterItem, b']') => (State::AfterValue, 1),
            (State::ItemOrEnd { .. }, _) if begins_value(byte) => {
                (State::InItem(Extent::of(byte)), 0)
            }
            (State::AfterItem, b',') => (State::ItemOrEnd { first: false }, 1),
            (State::AfterValue, b',') => (State::NameOrEnd { first: false }, 1),
            (State::Start, _) => return Err(self.error(Phrase::List, Found::opening(byte))),
            (state, _) => return Err(self.error(state.expects(), Found::Byte(byte))),
        };
        self.state = state;
        self.take(chunk, taken);
        Ok(())
    }

    fn follow_item<'c>(
        &mut self,
        mut extent: Extent,
        chunk: &mut &'c [u8],
    ) -> Result<Option<Item<'c>>, ListError> {
        let all = *chunk;
        let Some(end) = extent.advance(all) else {
            self.hold_item(all)?;
            self.take(chunk, all.len());
            self.state = State::InItem(extent);
            return Ok(None);
        };
        let piece = all.get(..end).unwrap_or_default();
        let item = if self.held.is_empty() && piece.len() <= self.max_item {
            Item::Whole(piece)
        } else {
            self.hold_item(piece)?;
            if self.large == Large::PassedOver {
                self.large = Large::Cut;
            }
            self.handed_out = true;
            Item::Held
        };
        self.take(chunk, end);
        self.state = State::AfterItem;
        Ok(Some(item))
    }

    fn follow_name(&mut self, mut balance: Balance, chunk: &mut &[u8]) -> Result<(), ListError> {
        let end = balance.advance(chunk);
        let piece = end.and_then(|end| chunk.get(..end)).unwrap_or(chunk);
        self.hold(piece, MAX_SMALL_BYTES)?;
        self.take(chunk, piece.len());
        self.state = State::Name(balance);
        if end.is_some() {
            let name = serde_json::from_slice::<String>(&self.held).unwrap_or_default();
            self.state = State::Colon(match name.as_str() {
                "kind" => Member::Kind,
                "metadata" => Member::Metadata,
                name if name == self.items => Member::Items,
                _ => Member::Other,
            });
            self.held.clear();
        }
        Ok(())
    }

    fn follow_value(
        &mut self,
        member: Member,
        mut extent: Extent,
        chunk: &mut &[u8],
    ) -> Result<(), ListError> {
        let end = extent.advance(chunk);
        let piece = end.and_then(|end| chunk.get(..end)).unwrap_or(chunk);
        if member != Member::Other {
            self.hold(piece, MAX_SMALL_BYTES)?;
        }
        self.take(chunk, piece.len());
        self.state = State::InValue(member, extent);
        if end.is_some() {
            self.read_value(member)?;
            self.held.clear();
            self.state = State::AfterValue;
        }
        Ok(())
    }

    fn read_value(&mut self, member: Member) -> Result<(), ListError> {
        let wrong = |expected| {
            ListError::of_shape(self.offset, expected, Found::Thing(Phrase::SomethingElse))
        };
        match member {
            Member::Kind => {
                let kind: Option<String> =
                    serde_json::from_slice(&self.held).map_err(|_| wrong(Phrase::KindOfList))?;
                self.meta.kind = kind.unwrap_or_default();
            }
            Member::Metadata => {
                let wire: Option<Wire> = serde_json::from_slice(&self.held)
                    .map_err(|_| wrong(Phrase::MetadataOfList))?;
                let wire = wire.unwrap_or_default();
                self.meta.resource_version = wire.resource_version.unwrap_or_default();
                self.meta.continue_token = wire.continue_token.filter(|token| !token.is_empty());
                self.meta.remaining = wire.remaining;
            }
            Member::Items | Member::Other => {}
        }
        Ok(())
    }

    fn hold(&mut self, piece: &[u8], max: usize) -> Result<(), ListError> {
        if self.held.len() + piece.len() > max {
            return Err(self.error(Phrase::SmallerItem, Found::Thing(Phrase::More)));
        }
        self.held.extend_from_slice(piece);
        Ok(())
    }

    /// Holds a piece of an item, or of a too large one its start.
    fn hold_item(&mut self, piece: &[u8]) -> Result<(), ListError> {
        let fits = self.held.len() + piece.len() <= self.max_item;
        match self.large {
            Large::PassedOver => return Ok(()),
            Large::Cut if !fits => self.large = Large::PassedOver,
            Large::Cut | Large::Refused => return self.hold(piece, self.max_item),
        }
        let start = CUT_ITEM_BYTES.min(self.max_item);
        self.held.truncate(start);
        let room = start - self.held.len();
        self.held.extend_from_slice(piece.get(..room).unwrap_or(piece));
        self.held.shrink_to_fit();
        Ok(())
    }

    fn take(&mut self, chunk: &mut &[u8], count: usize) {
        *chunk = chunk.get(count..).unwrap_or_default();
        self.offset += count;
    }

    const fn error(&self, expected: Phrase, found: Found) -> ListError {
        ListError::of_shape(self.offset, expected, found)
    }
}

/// A complete item: in the chunk, or in what is held.
enum Item<'c> {
    Whole(&'c [u8]),
    Held,
}

impl State {
    const fn expects(self) -> Phrase {
        match self {
            Self::Start => Phrase::List,
            Self::NameOrEnd { .. } | Self::Name(_) => Phrase::NameInQuotes,
            Self::Colon(_) => Phrase::ColonAfterName,
            Self::Value(Member::Items) => Phrase::Items,
            Self::Value(_) | Self::InValue(..) => Phrase::Value,
            Self::ItemOrEnd { .. } | Self::InItem(_) => Phrase::Item,
            Self::AfterItem => Phrase::CommaAfterElement,
            Self::AfterValue => Phrase::CommaAfterMember,
            Self::End => Phrase::NothingAfterList,
        }
    }
}

const fn begins_value(byte: u8) -> bool {
    matches!(byte, b'{' | b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n')
}

#[derive(Default, Deserialize)]
struct Wire {
    #[serde(rename = "resourceVersion")]
    resource_version: Option<String>,
    #[serde(rename = "continue")]
    continue_token: Option<String>,
    #[serde(rename = "remainingItemCount")]
    remaining: Option<u64>,
}

/// Why a body is not a list: the place is one in the body.
pub type ListError = Fault<ListMeta>;

impl Whole for ListMeta {
    const NAME: Phrase = Phrase::TheList;
}
