//! The wire format of protobuf over a slice: fields one after the other, without a copy.
//!
//! A field whose length reaches beyond its message is handed out as far as it is there, so that an
//! object that was cut still names itself; the fault comes with the next field.

use alloc::borrow::Cow;

use crate::fault::{Found, Stage};
use crate::json::Fault;
use crate::phrase::Phrase;

/// Groups may nest this deep. Kubernetes has none; they are only passed over.
pub(super) const MAX_GROUPS: u8 = 100;
/// The longest number.
pub(super) const MAX_NUMBER_BYTES: usize = 10;

/// A string, a submessage, or the whole message.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Piece<'a> {
    pub(super) bytes: &'a [u8],
    /// Offset of the first byte in the object.
    pub(super) at: usize,
    /// The offset of the length that reaches beyond what is there, if one did.
    cut: Option<usize>,
}

/// One field.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'a> {
    pub(super) number: u32,
    /// Offset of the field in the object.
    at: usize,
    value: Value<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Value<'a> {
    Number(u64),
    Piece(Piece<'a>),
    /// A fixed number or a group, which was passed over.
    Passed(Phrase),
}

/// The fields of a message, one after the other.
#[derive(Clone, Debug)]
pub(super) struct Fields<'a> {
    message: Piece<'a>,
    next: usize,
}

/// A tag taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tag {
    pub(super) number: u32,
    pub(super) wire: Wire,
}

/// How the value of a field is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wire {
    Number,
    Fixed(usize),
    Length,
    GroupStart,
    GroupEnd,
}

impl Tag {
    /// The tag of this number; what would have been right, if it is none.
    pub(super) fn of(tag: u64) -> Result<Self, Phrase> {
        const LARGEST: u64 = (1 << 29) - 1;
        let wire = match tag & 7 {
            0 => Wire::Number,
            1 => Wire::Fixed(8),
            2 => Wire::Length,
            3 => Wire::GroupStart,
            4 => Wire::GroupEnd,
            5 => Wire::Fixed(4),
            _ => return Err(Phrase::WireType),
        };
        match u32::try_from(tag >> 3) {
            Ok(number) if number > 0 && tag >> 3 <= LARGEST => Ok(Self { number, wire }),
            _ => Err(Phrase::FieldNumber),
        }
    }
}

impl Wire {
    /// It in words, as what was found.
    pub(super) const fn phrase(self) -> Phrase {
        match self {
            Self::Number => Phrase::Number,
            Self::Fixed(_) => Phrase::FixedNumber,
            Self::Length => Phrase::Bytes,
            Self::GroupStart | Self::GroupEnd => Phrase::Group,
        }
    }
}

impl<'a> Piece<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, cut: None }
    }

    pub(super) const fn fields(self) -> Fields<'a> {
        Fields { message: self, next: 0 }
    }

    /// What lies behind this many bytes of it.
    pub(super) fn behind(self, count: usize) -> Self {
        Self { bytes: self.bytes.get(count..).unwrap_or_default(), at: self.at + count, ..self }
    }

    /// The fault at a place in it.
    pub(super) const fn fault(&self, expected: Phrase, found: Found) -> Fault {
        Fault::new(Stage::Protobuf, self.at, expected, found)
    }

    /// The fault of what was cut.
    fn cut(&self) -> Option<Fault> {
        let (expected, found) = (Phrase::LengthWithin, Found::Thing(Phrase::More));
        self.cut.map(|at| Fault::new(Stage::Protobuf, at, expected, found))
    }

    /// It as text.
    pub(super) fn text(self) -> Result<&'a str, Fault> {
        if let Some(fault) = self.cut() {
            return Err(fault);
        }
        core::str::from_utf8(self.bytes).map_err(|error| {
            let valid = error.valid_up_to();
            let (at, found) = (self.at + valid, Found::at(self.bytes, valid));
            Fault::new(Stage::Utf8, at, Phrase::Utf8, found)
        })
    }
}

impl<'a> Field<'a> {
    /// Its bytes; a fault if it is of another wire type.
    pub(super) const fn piece(self, expected: Phrase) -> Result<Piece<'a>, Fault> {
        match self.value {
            Value::Piece(piece) => Ok(piece),
            Value::Number(_) => Err(self.wrong(expected, Phrase::Number)),
            Value::Passed(found) => Err(self.wrong(expected, found)),
        }
    }

    /// Its text; empty text is as good as none.
    pub(super) fn text(self, expected: Phrase) -> Result<Option<Cow<'a, str>>, Fault> {
        let text = self.piece(expected)?.text()?;
        Ok(Some(text).filter(|text| !text.is_empty()).map(Cow::Borrowed))
    }

    /// Its number; a fault if it is of another wire type.
    pub(super) const fn number(self, expected: Phrase) -> Result<u64, Fault> {
        match self.value {
            Value::Number(number) => Ok(number),
            Value::Piece(_) => Err(self.wrong(expected, Phrase::Bytes)),
            Value::Passed(found) => Err(self.wrong(expected, found)),
        }
    }

    const fn wrong(self, expected: Phrase, found: Phrase) -> Fault {
        Fault::new(Stage::Shape, self.at, expected, Found::Thing(found))
    }
}

impl<'a> Fields<'a> {
    /// The next field; none at the end of the message.
    pub(super) fn next(&mut self) -> Result<Option<Field<'a>>, Fault> {
        if self.next >= self.message.bytes.len() {
            return self.message.cut().map_or(Ok(None), Err);
        }
        let at = self.message.at + self.next;
        let tag = self.tag()?;
        let value = match tag.wire {
            Wire::Number => Value::Number(self.varint()?),
            Wire::Length => Value::Piece(self.piece()?),
            wire @ Wire::Fixed(length) => {
                self.pass(length)?;
                Value::Passed(wire.phrase())
            }
            wire @ Wire::GroupStart => {
                self.group()?;
                Value::Passed(wire.phrase())
            }
            Wire::GroupEnd => return Err(fault(at, Phrase::GroupBegun, Phrase::GroupEnd)),
        };
        Ok(Some(Field { number: tag.number, at, value }))
    }

    fn tag(&mut self) -> Result<Tag, Fault> {
        let at = self.message.at + self.next;
        let tag = self.varint()?;
        Tag::of(tag).map_err(|expected| fault(at, expected, Phrase::SomethingElse))
    }

    fn varint(&mut self) -> Result<u64, Fault> {
        let rest = self.message.bytes.get(self.next..).unwrap_or_default();
        let mut number = 0;
        for (shift, &byte) in (0..).step_by(7).zip(rest.iter().take(MAX_NUMBER_BYTES)) {
            self.next += 1;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        let at = self.message.at + self.next;
        Err(if rest.len() < MAX_NUMBER_BYTES {
            self.ended()
        } else {
            fault(at, Phrase::ShorterNumber, Phrase::More)
        })
    }

    /// Takes a length and what it counts: as much of it as is there.
    fn piece(&mut self) -> Result<Piece<'a>, Fault> {
        let length_at = self.message.at + self.next;
        let length = self.varint()?;
        let rest = self.message.bytes.get(self.next..).unwrap_or_default();
        let at = self.message.at + self.next;
        let piece = usize::try_from(length).ok().and_then(|length| rest.get(..length));
        if piece.is_none() {
            self.message.cut.get_or_insert(length_at);
        }
        let bytes = piece.unwrap_or(rest);
        self.next += bytes.len();
        Ok(Piece { bytes, at, cut: if piece.is_none() { self.message.cut } else { None } })
    }

    fn pass(&mut self, length: usize) -> Result<(), Fault> {
        if self.message.bytes.len() - self.next < length {
            self.next = self.message.bytes.len();
            return Err(self.ended());
        }
        self.next += length;
        Ok(())
    }

    /// Passes over a group, behind its start.
    fn group(&mut self) -> Result<(), Fault> {
        let mut depth = 1;
        while depth > 0 {
            let at = self.message.at + self.next;
            match self.tag()?.wire {
                Wire::Number => drop(self.varint()?),
                Wire::Fixed(length) => self.pass(length)?,
                Wire::Length => {
                    if let Some(fault) = self.piece()?.cut() {
                        return Err(fault);
                    }
                }
                Wire::GroupStart if depth == MAX_GROUPS => {
                    return Err(fault(at, Phrase::GroupLevels, Phrase::More));
                }
                Wire::GroupStart => depth += 1,
                Wire::GroupEnd => depth -= 1,
            }
        }
        Ok(())
    }

    /// The message ends in the middle of a field.
    fn ended(&self) -> Fault {
        let at = self.message.at + self.next;
        let (stage, expected, found) = (Stage::Protobuf, Phrase::RestOfField, Found::End);
        self.message.cut().unwrap_or(Fault::new(stage, at, expected, found))
    }
}

const fn fault(at: usize, expected: Phrase, found: Phrase) -> Fault {
    Fault::new(Stage::Protobuf, at, expected, Found::Thing(found))
}
