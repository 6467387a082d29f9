//! A Pod, or its metadata: what the registry reads of it. The spec is passed over by its length.

use alloc::borrow::Cow;

use crate::annotation::{ANNOTATION, LABEL};
use crate::json::Fault;
use crate::phrase::Phrase;
use crate::pod::{Draft, INITIAL_EVENTS_END, Pod, is_pod};
use crate::pod_error::PodError;

use super::Message;
use super::fields::{Field, Fields, Piece};
use super::object::Object;

const METADATA: u32 = 1;
const ANNOTATIONS: u32 = 12;

/// Reads one item of a list.
///
/// # Errors
///
/// Says where the item cannot be read and, as far as that can be read, whose it is. One that is
/// too large is always an error.
pub fn parse_item(item: Message<'_>) -> Result<Pod<'_>, PodError> {
    let mut draft = Draft::default();
    let read = draft.message(item.piece());
    draft.ended(item.fault().and(read))?.into_pod()
}

/// Reads the body of an answer that is one Pod, or its metadata.
///
/// # Errors
///
/// Says where the body cannot be read and, as far as that can be read, whose it is. Another kind
/// of object is an error.
pub fn parse_pod(body: &[u8]) -> Result<Pod<'_>, PodError> {
    Object::open(body).pod()
}

impl<'a> Object<'a> {
    /// Reads it as a Pod, or its metadata.
    ///
    /// # Errors
    ///
    /// As [`parse_pod`].
    pub fn pod(&self) -> Result<Pod<'a>, PodError> {
        self.draft(Ok(()))?.into_pod()
    }

    /// All annotations in the order of the object, as far as it can be read; of two of one name
    /// the later one counts.
    pub const fn annotations(&self) -> Annotations<'a> {
        Annotations { object: self.raw.fields(), metadata: None }
    }

    /// What there is of a Pod, or of a bookmark, in something that may be at fault itself.
    pub(super) fn draft(&self, around: Result<(), Fault>) -> Result<Draft<'a>, PodError> {
        let kind = Some(self.kind).filter(|kind| !kind.is_empty());
        let mut draft = Draft { kind: kind.map(Cow::Borrowed), ..Draft::default() };
        let read = if kind.is_none_or(is_pod) { draft.message(self.raw) } else { Ok(()) };
        draft.ended(around.and(read).and(self.fault.map_or(Ok(()), Err)))
    }
}

/// The annotations of an object. See [`Object::annotations`].
#[derive(Clone, Debug)]
pub struct Annotations<'a> {
    object: Fields<'a>,
    metadata: Option<Fields<'a>>,
}

impl<'a> Iterator for Annotations<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            while let Some(field) = self.metadata.as_mut().and_then(|fields| fields.next().ok()?) {
                if field.number == ANNOTATIONS
                    && let Ok(entry) = field.piece(Phrase::ObjectForAnnotations)
                    && let Ok(Entry { key, value }) = Entry::read(entry)
                    && let (Ok(key), Ok(value)) = (key.text(), value.text())
                {
                    return Some((key, value));
                }
            }
            let field = self.object.next().ok()??;
            if field.number == METADATA {
                self.metadata = field.piece(Phrase::ObjectForMetadata).ok().map(Piece::fields);
            }
        }
    }
}

/// An entry of a map. What it lacks is empty.
#[derive(Default)]
struct Entry<'a> {
    key: Piece<'a>,
    value: Piece<'a>,
}

impl<'a> Entry<'a> {
    fn read(entry: Piece<'a>) -> Result<Self, Fault> {
        let mut read = Self::default();
        let mut fields = entry.fields();
        while let Some(field) = fields.next()? {
            match field.number {
                1 => read.key = field.piece(Phrase::MapKey)?,
                2 => read.value = field.piece(Phrase::MapValue)?,
                _ => {}
            }
        }
        Ok(read)
    }
}

impl<'a> Draft<'a> {
    /// Reads a message `Pod` or `PartialObjectMetadata`. What has a wrong type is remembered, and
    /// reading goes on, to learn whose it is.
    fn message(&mut self, object: Piece<'a>) -> Result<(), Fault> {
        self.fields(object, |draft, field| match field.number {
            METADATA => {
                let metadata = field.piece(Phrase::ObjectForMetadata)?;
                draft.fields(metadata, Self::metadata_field)
            }
            3 => {
                let status = field.piece(Phrase::ObjectForStatus)?;
                if draft.ready.get().is_none() {
                    draft.ready.status();
                }
                draft.fields(status, Self::status_field)
            }
            _ => Ok(()),
        })
    }

    /// Takes each field of a message. A fault in one of them ends the reading only if the message
    /// itself cannot be read on.
    fn fields(
        &mut self,
        message: Piece<'a>,
        mut take: impl FnMut(&mut Self, Field<'a>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let mut fields = message.fields();
        while let Some(field) = fields.next()? {
            if let Err(fault) = take(self, field) {
                self.misshapen.get_or_insert(fault);
            }
        }
        Ok(())
    }

    fn metadata_field(&mut self, field: Field<'a>) -> Result<(), Fault> {
        match field.number {
            1 => self.name = field.text(Phrase::StringForName)?,
            3 => self.namespace = field.text(Phrase::StringForNamespace)?,
            5 => self.uid = field.text(Phrase::StringForUid)?,
            6 => self.resource_version = field.text(Phrase::StringForVersion)?,
            // The zero time, which JSON writes as null, has no fields.
            9 => self.deleting |= !field.piece(Phrase::TimeForDeletion)?.bytes.is_empty(),
            11 => {
                let Entry { key, value } = Entry::read(field.piece(Phrase::ObjectForLabels)?)?;
                if key.bytes == LABEL.as_bytes() {
                    self.label = Some(Cow::Borrowed(value.text()?));
                }
            }
            ANNOTATIONS => {
                let entry = Entry::read(field.piece(Phrase::ObjectForAnnotations)?)?;
                if entry.key.bytes == ANNOTATION.as_bytes() {
                    self.annotation = Some(Cow::Borrowed(entry.value.text()?));
                } else if entry.key.bytes == INITIAL_EVENTS_END.as_bytes() {
                    self.initial_events_end = entry.value.text()? == "true";
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn status_field(&mut self, field: Field<'a>) -> Result<(), Fault> {
        match field.number {
            1 => self.phase = field.text(Phrase::StringForPhase)?,
            2 => {
                let (mut kind, mut status) = (None, None);
                let mut fields = field.piece(Phrase::Condition)?.fields();
                while let Some(field) = fields.next()? {
                    match field.number {
                        1 => kind = field.text(Phrase::ConditionType)?,
                        2 => status = field.text(Phrase::ConditionStatus)?,
                        _ => {}
                    }
                }
                self.ready.condition(kind.as_deref(), status.as_deref());
            }
            5 => self.host_ips.set(field.text(Phrase::StringForIp)?.as_deref()),
            6 => self.ips.set(field.text(Phrase::StringForIp)?.as_deref()),
            12 => self.ips.add(ip(field)?.as_deref()),
            16 => self.host_ips.add(ip(field)?.as_deref()),
            _ => {}
        }
        Ok(())
    }
}

/// The `ip` of an element of `podIPs` or `hostIPs`.
fn ip(field: Field<'_>) -> Result<Option<Cow<'_, str>>, Fault> {
    let mut ip = None;
    let mut fields = field.piece(Phrase::Ip)?.fields();
    while let Some(field) = fields.next()? {
        if field.number == 1 {
            ip = field.text(Phrase::StringForIp)?;
        }
    }
    Ok(ip)
}
