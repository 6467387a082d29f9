//! One frame of a watch: what happened, and to which object.

use crate::json::Fault;
use crate::phrase::Phrase;
use crate::pod::WatchEvent;
use crate::pod_error::PodError;

use super::Message;
use super::fields::Piece;
use super::object::Object;

/// A watch event, with its object not yet read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Event<'a> {
    kind: &'a str,
    object: Object<'a>,
    fault: Option<Fault>,
}

/// Reads the event in one frame of a watch. Offsets are those in the frame.
///
/// # Errors
///
/// Says where the frame cannot be read and, as far as that can be read, whose event it is. One
/// that is too large is always an error.
pub fn parse_event(frame: Message<'_>) -> Result<WatchEvent<'_>, PodError> {
    Event::open(frame).event()
}

impl<'a> Event<'a> {
    /// The event in a frame. What is wrong with it is said when it is read.
    pub fn open(frame: Message<'a>) -> Self {
        let mut event = Self::default();
        let read = event.read(frame.piece());
        event.fault = frame.fault().and(read).err();
        event
    }

    /// Its object.
    pub const fn object(&self) -> &Object<'a> {
        &self.object
    }

    /// Reads it with its object.
    ///
    /// # Errors
    ///
    /// As [`parse_event`].
    pub fn event(&self) -> Result<WatchEvent<'a>, PodError> {
        let whole = self.fault.map_or(Ok(()), Err);
        if self.kind == "ERROR" {
            whole?;
            return self.object.status().map(WatchEvent::Error);
        }
        let draft = self.object.draft(whole)?;
        WatchEvent::of_object(self.kind, draft)
    }

    fn read(&mut self, frame: Piece<'a>) -> Result<(), Fault> {
        let mut fields = frame.fields();
        while let Some(field) = fields.next()? {
            match field.number {
                1 => self.kind = field.piece(Phrase::EventType)?.text()?,
                2 => {
                    let mut extension = field.piece(Phrase::Object)?.fields();
                    while let Some(field) = extension.next()? {
                        if field.number == 1 {
                            self.object = Object::of(field.piece(Phrase::Raw)?);
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}
