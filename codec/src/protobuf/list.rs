//! Reads a list body (`PodList`, `PartialObjectMetadataList`) as it arrives, in chunks that may be
//! cut anywhere, and hands out each item as soon as it is complete.
//!
//! It holds at most one item, never the list. It must never hold anything before its length was
//! compared with the bound and with what the message around it has room for.

use alloc::borrow::ToOwned as _;
use alloc::string::ToString as _;
use alloc::vec::Vec;

use crate::fault::Found;
use crate::json::Fault;
use crate::list::{CUT_ITEM_BYTES, ListError, ListMeta, MAX_ITEM_BYTES, MAX_SMALL_BYTES};
use crate::phrase::Phrase;

use super::MAGIC;
use super::Message;
use super::fields::{MAX_GROUPS, MAX_NUMBER_BYTES, Piece, Tag, Wire};
use super::object;

/// How much memory is kept when a long item is done with.
const KEPT_CAPACITY: usize = 64 << 10;

/// A sans-IO reader of one list body. Each item that it hands out is one for
/// [`parse_item`](super::parse_item).
///
/// ```
/// use dubbo_k8s_codec::protobuf::{ListReader, parse_item};
///
/// let body = b"k8s\0\x0a\x09\x12\x07PodList\x12\x0e\x0a\x03\x12\x017\x12\x07\x0a\x05\x0a\x03web";
/// let mut reader = ListReader::new();
/// for mut chunk in body.chunks(5) {
///     while let Some(item) = reader.next(&mut chunk)? {
///         assert_eq!(parse_item(item)?.name, "web");
///     }
/// }
/// assert_eq!(reader.finish()?.resource_version, "7");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ListReader {
    state: State,
    /// A number that is being read.
    number: Number,
    /// The part of the current value that came in earlier chunks.
    held: Vec<u8>,
    /// The item that was handed out last lies in `held`.
    handed_out: bool,
    max_item: usize,
    cuts: bool,
    /// Bytes of the body before the current chunk position.
    offset: usize,
    /// Where the list ends that is being read inside of its envelope.
    list_end: Option<usize>,
    list_seen: bool,
    /// How deep in groups, which are passed over.
    groups: u8,
    meta: ListMeta,
    failed: Option<ListError>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// This many bytes of the envelope's start have come.
    Magic(usize),
    Tag,
    /// A number whose value is of no interest.
    Number,
    Length(Member),
    /// So many bytes to pass over.
    Pass(usize),
    /// So many bytes of something small.
    Small(Member, usize),
    /// So many bytes of an item; of one that is too large only the start is held.
    Item {
        left: usize,
        cut: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Member {
    TypeMeta,
    List,
    ListMeta,
    Item,
    Other,
}

impl Member {
    /// What would be right where this one stands with another wire type.
    const fn expected(self) -> Phrase {
        match self {
            Self::TypeMeta => Phrase::Kind,
            Self::List => Phrase::Raw,
            Self::ListMeta => Phrase::MetadataOfList,
            Self::Item | Self::Other => Phrase::Item,
        }
    }
}

/// A number as it comes byte by byte.
#[derive(Clone, Copy, Debug, Default)]
struct Number {
    value: u64,
    length: usize,
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
            state: State::Magic(0),
            number: Number::default(),
            held: Vec::new(),
            handed_out: false,
            max_item,
            cuts: false,
            offset: 0,
            list_end: None,
            list_seen: false,
            groups: 0,
            meta: ListMeta::default(),
            failed: None,
        }
    }

    /// Does not end at an item beyond the bound, but hands out its first [`CUT_ITEM_BYTES`] as
    /// [`Message::TooLarge`], and reads on behind it: one bad item hides no other.
    #[must_use]
    pub const fn cutting(mut self) -> Self {
        self.cuts = true;
        self
    }

    /// Reads on in a chunk up to the end of the next item, and hands that out: borrowed from the
    /// chunk where it lies in it whole. Nothing means that the chunk is used up.
    ///
    /// # Errors
    ///
    /// Says where the body is not a list. The reader only repeats it from then on.
    pub fn next<'s, 'c: 's>(
        &'s mut self,
        chunk: &mut &'c [u8],
    ) -> Result<Option<Message<'s>>, ListError> {
        if core::mem::take(&mut self.handed_out) {
            self.held.clear();
            self.held.shrink_to(KEPT_CAPACITY);
        }
        if let Some(error) = &self.failed {
            return Err(*error);
        }
        match self.advance(chunk) {
            Ok(None) => Ok(None),
            Ok(Some(Item::Whole(item))) => Ok(Some(Message::Whole(item))),
            Ok(Some(Item::Held)) => Ok(Some(Message::Whole(&self.held))),
            Ok(Some(Item::TooLarge)) => Ok(Some(Message::TooLarge(&self.held))),
            Err(error) => {
                self.failed = Some(error);
                Err(error)
            }
        }
    }

    /// Ends the reading.
    ///
    /// # Errors
    ///
    /// Says where the list is not complete, or what [`next`](Self::next) said.
    pub fn finish(self) -> Result<ListMeta, ListError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let between = matches!(self.state, State::Tag) && self.number.length == 0;
        let in_list = self.list_end.is_some_and(|end| end != self.offset);
        if !between || self.groups > 0 || in_list || !self.list_seen {
            return Err(ListError::of_shape(self.offset, Phrase::RestOfList, Found::End));
        }
        if self.meta.kind.is_empty() {
            return Err(ListError::of_shape(0, Phrase::KindOfList, Found::Thing(Phrase::None)));
        }
        Ok(self.meta)
    }

    /// The list's own metadata as far as it has been read.
    pub const fn meta(&self) -> &ListMeta {
        &self.meta
    }

    fn advance<'c>(&mut self, chunk: &mut &'c [u8]) -> Result<Option<Item<'c>>, ListError> {
        loop {
            self.leave_list()?;
            match self.state {
                State::Item { left, cut } => return Ok(self.follow_item(left, cut, chunk)),
                State::Small(member, left) => {
                    if !self.follow_small(member, left, chunk)? {
                        return Ok(None);
                    }
                }
                State::Pass(left) => {
                    let passed = left.min(chunk.len());
                    self.take(chunk, passed);
                    self.state = State::Pass(left - passed);
                    if passed < left {
                        return Ok(None);
                    }
                    self.state = State::Tag;
                }
                State::Magic(_) | State::Tag | State::Number | State::Length(_) => {
                    let Some(&byte) = chunk.first() else { return Ok(None) };
                    self.step(byte)?;
                    self.take(chunk, 1);
                }
            }
        }
    }

    /// Goes back into the envelope where the list in it ends.
    fn leave_list(&mut self) -> Result<(), ListError> {
        if self.list_end != Some(self.offset) {
            return Ok(());
        }
        match self.state {
            State::Tag if self.number.length == 0 && self.groups == 0 => {
                self.list_end = None;
                Ok(())
            }
            State::Tag | State::Number | State::Length(_) => {
                Err(self.error(Phrase::RestOfField, Found::End))
            }
            State::Magic(_) | State::Pass(_) | State::Small(..) | State::Item { .. } => Ok(()),
        }
    }

    /// Takes one byte of the start, or of a number.
    fn step(&mut self, byte: u8) -> Result<(), ListError> {
        if let State::Magic(count) = self.state {
            if MAGIC.get(count) != Some(&byte) {
                let found = if count == 0 { Found::opening(byte) } else { Found::Byte(byte) };
                return Err(self.error(Phrase::Envelope, found));
            }
            self.state =
                if count + 1 == MAGIC.len() { State::Tag } else { State::Magic(count + 1) };
            return Ok(());
        }
        if self.number.length == MAX_NUMBER_BYTES {
            return Err(self.error(Phrase::ShorterNumber, Found::Thing(Phrase::More)));
        }
        self.number.value |= u64::from(byte & 0x7f) << (7 * self.number.length);
        self.number.length += 1;
        if byte < 0x80 {
            let number = core::mem::take(&mut self.number);
            let at = self.offset + 1 - number.length;
            self.state = match self.state {
                State::Tag => self.tag(number.value, at)?,
                State::Length(member) => self.length(member, number.value, at)?,
                _ => State::Tag,
            };
        }
        Ok(())
    }

    /// What follows a tag that began here.
    fn tag(&mut self, tag: u64, at: usize) -> Result<State, ListError> {
        let wrong = |expected, found| ListError::of_shape(at, expected, Found::Thing(found));
        let tag = Tag::of(tag).map_err(|expected| wrong(expected, Phrase::SomethingElse))?;
        let member = match (self.groups, self.list_end, tag.number) {
            (0, None, 1) => Member::TypeMeta,
            (0, None, 2) if self.list_seen => return Err(wrong(Phrase::OneRaw, Phrase::More)),
            (0, None, 2) => Member::List,
            (0, Some(_), 1) => Member::ListMeta,
            (0, Some(_), 2) => Member::Item,
            _ => Member::Other,
        };
        if member != Member::Other && tag.wire != Wire::Length {
            return Err(wrong(member.expected(), tag.wire.phrase()));
        }
        match tag.wire {
            Wire::Number => return Ok(State::Number),
            Wire::Fixed(length) => return self.within(length, at).map(State::Pass),
            Wire::Length => return Ok(State::Length(member)),
            Wire::GroupStart if self.groups == MAX_GROUPS => {
                return Err(wrong(Phrase::GroupLevels, Phrase::More));
            }
            Wire::GroupStart => self.groups += 1,
            Wire::GroupEnd if self.groups == 0 => {
                return Err(wrong(Phrase::GroupBegun, Phrase::GroupEnd));
            }
            Wire::GroupEnd => self.groups -= 1,
        }
        Ok(State::Tag)
    }

    /// What follows a length that began here.
    fn length(&mut self, member: Member, length: u64, at: usize) -> Result<State, ListError> {
        let too_long = |expected| ListError::of_shape(at, expected, Found::Thing(Phrase::More));
        let length = usize::try_from(length).map_err(|_| too_long(Phrase::LengthWithin))?;
        let length = self.within(length, at)?;
        Ok(match member {
            Member::TypeMeta | Member::ListMeta if length > MAX_SMALL_BYTES => {
                return Err(too_long(Phrase::SmallerItem));
            }
            Member::TypeMeta | Member::ListMeta => State::Small(member, length),
            Member::List => {
                self.list_end = Some(self.offset + 1 + length);
                self.list_seen = true;
                State::Tag
            }
            Member::Item if length <= self.max_item => State::Item { left: length, cut: false },
            Member::Item if self.cuts => State::Item { left: length, cut: true },
            Member::Item => return Err(too_long(Phrase::SmallerItem)),
            Member::Other => State::Pass(length),
        })
    }

    /// The length of what follows the next byte, if the list has room for it.
    fn within(&self, length: usize, at: usize) -> Result<usize, ListError> {
        let end = (self.offset + 1).checked_add(length);
        let last = self.list_end.unwrap_or(usize::MAX);
        if end.is_some_and(|end| end <= last) {
            return Ok(length);
        }
        Err(ListError::of_shape(at, Phrase::LengthWithin, Found::Thing(Phrase::More)))
    }

    fn follow_item<'c>(
        &mut self,
        left: usize,
        cut: bool,
        chunk: &mut &'c [u8],
    ) -> Option<Item<'c>> {
        let piece = chunk.get(..left).unwrap_or(chunk);
        let left = left - piece.len();
        let whole = left == 0 && self.held.is_empty() && !cut;
        if !whole {
            let max = if cut { CUT_ITEM_BYTES.min(self.max_item) } else { self.max_item };
            let room = max.saturating_sub(self.held.len());
            self.held.extend_from_slice(piece.get(..room).unwrap_or(piece));
        }
        self.take(chunk, piece.len());
        self.state = State::Item { left, cut };
        if left > 0 {
            return None;
        }
        self.state = State::Tag;
        self.handed_out = !whole;
        Some(match (whole, cut) {
            (true, _) => Item::Whole(piece),
            (false, false) => Item::Held,
            (false, true) => Item::TooLarge,
        })
    }

    /// Whether it is complete.
    fn follow_small(
        &mut self,
        member: Member,
        left: usize,
        chunk: &mut &[u8],
    ) -> Result<bool, ListError> {
        let piece = chunk.get(..left).unwrap_or(chunk);
        let left = left - piece.len();
        self.held.extend_from_slice(piece);
        self.take(chunk, piece.len());
        self.state = State::Small(member, left);
        if left > 0 {
            return Ok(false);
        }
        self.state = State::Tag;
        let held = core::mem::take(&mut self.held);
        let begin = self.offset - held.len();
        let read = match member {
            Member::TypeMeta => self.read_kind(Piece::new(&held)),
            _ => read_meta(&mut self.meta, Piece::new(&held)),
        };
        read.map_err(|fault| {
            ListError::of_shape(begin + fault.offset, fault.expected, fault.found)
        })?;
        Ok(true)
    }

    fn read_kind(&mut self, meta: Piece<'_>) -> Result<(), Fault> {
        let Some(kind) = object::kind(meta)? else { return Ok(()) };
        if !matches!(kind, "PodList" | "PartialObjectMetadataList") {
            return Err(meta.fault(Phrase::PodList, Found::Thing(Phrase::AnotherKind)));
        }
        kind.clone_into(&mut self.meta.kind);
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
    /// Only its start is held.
    TooLarge,
}

/// Takes in a `ListMeta`, of which the last value of each field counts.
fn read_meta(meta: &mut ListMeta, piece: Piece<'_>) -> Result<(), Fault> {
    let mut fields = piece.fields();
    while let Some(field) = fields.next()? {
        match field.number {
            2 => {
                let version = field.text(Phrase::StringForVersion)?;
                meta.resource_version = version.unwrap_or_default().into_owned();
            }
            3 => {
                let token = field.text(Phrase::MetadataOfList)?;
                meta.continue_token = token.map(|token| token.to_string());
            }
            4 => {
                let remaining = field.number(Phrase::NumberForRemaining)?;
                meta.remaining = u64::try_from(remaining.cast_signed()).ok();
            }
            _ => {}
        }
    }
    Ok(())
}
