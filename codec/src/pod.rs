//! The part of a Pod that the registry reads, in every form in which kube-apiserver sends it:
//! `Pod` and `PartialObjectMetadata`, alone, as items of a list, and inside watch events.
//!
//! It borrows from the input, reads only what it needs and passes over the rest unvalidated.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::IpAddr;
use core::ops::Range;

use crate::annotation::{ANNOTATION, LABEL};
use crate::fault::{Found, Stage};
use crate::instance::METADATA_ANNOTATION;
use crate::json::{Fault, Reader};
use crate::phrase::Phrase;
use crate::pod_error::PodError;
use crate::status::Status;

/// The annotation of the bookmark that ends the initial events of a streaming list.
pub(crate) const INITIAL_EVENTS_END: &str = "k8s.io/initial-events-end";

/// What the registry reads of a Pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pod<'a> {
    /// Its namespace; empty where the object does not say.
    pub namespace: Cow<'a, str>,
    /// Its name, never empty.
    pub name: Cow<'a, str>,
    /// Its identity, which a new Pod of the same name does not share. Empty only in files.
    pub uid: Cow<'a, str>,
    /// The version of the object: opaque.
    pub resource_version: Cow<'a, str>,
    /// The value of the label `dubbo.io/label`.
    pub label: Option<Cow<'a, str>>,
    /// The value of the annotation `dubbo.io/annotation`.
    pub annotation: Option<Cow<'a, str>>,
    /// `status.phase`, where the object has a status.
    pub phase: Option<Cow<'a, str>>,
    /// Whether it is being deleted.
    pub deleting: bool,
    /// Whether it is ready, where the object has a status.
    pub ready: Option<bool>,
    /// Its own addresses: `status.podIP` and `status.podIPs`, each once. What is no address is left out.
    pub ips: Vec<IpAddr>,
    /// The addresses of its node: `status.hostIP` and `status.hostIPs`, each once.
    pub host_ips: Vec<IpAddr>,
}

impl<'a> Pod<'a> {
    /// Reads one object: a Pod, or its metadata alone.
    ///
    /// # Errors
    /// [`PodError`] for bytes that are no JSON object of a Pod.
    pub fn parse(object: &'a [u8]) -> Result<Self, PodError> {
        let mut reader = Reader::new(object);
        let mut draft = Draft::default();
        let read = draft.object(&mut reader).and_then(|()| end(&mut reader));
        draft.ended(read)?.into_pod()
    }

    /// Its own addresses, where they are known: of an object with a status, which may say that there are none yet.
    pub fn known_ips(&self) -> Option<&[IpAddr]> {
        self.ready.map(|_| &*self.ips)
    }

    /// Whether it has ended: phase `Succeeded` or `Failed`.
    pub fn has_ended(&self) -> bool {
        matches!(self.phase.as_deref(), Some("Succeeded" | "Failed"))
    }

    /// The same, without borrowing from the input.
    pub fn into_owned(self) -> Pod<'static> {
        let own = |text: Cow<'a, str>| Cow::Owned(text.into_owned());
        Pod {
            namespace: own(self.namespace),
            name: own(self.name),
            uid: own(self.uid),
            resource_version: own(self.resource_version),
            label: self.label.map(own),
            annotation: self.annotation.map(own),
            phase: self.phase.map(own),
            deleting: self.deleting,
            ready: self.ready,
            ips: self.ips,
            host_ips: self.host_ips,
        }
    }
}

/// Whether a Pod is ready, from the pieces of its status in the order in which they are read.
///
/// Who has a status and does not say in it that it is ready, is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Readiness(Option<bool>);

impl Readiness {
    /// The Pod has a status.
    pub const fn status(&mut self) {
        self.0 = Some(false);
    }

    /// The status has a condition of this type and status.
    pub fn condition(&mut self, kind: Option<&str>, status: Option<&str>) {
        if kind == Some("Ready") {
            self.0 = Some(status == Some("True"));
        }
    }

    /// What it comes to; none without a status.
    pub const fn get(self) -> Option<bool> {
        self.0
    }
}

/// One line of a watch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WatchEvent<'a> {
    /// A Pod that is there now, as far as the selector goes.
    Added(Pod<'a>),
    /// A Pod that changed.
    Modified(Pod<'a>),
    /// A Pod that is gone or no longer selected. The object is the one before the change, with the
    /// version of the change.
    Deleted(Pod<'a>),
    /// How far the watch has come.
    Bookmark {
        /// The version that has been reached.
        resource_version: Cow<'a, str>,
        /// Whether it ends the initial events of a streaming list.
        initial_events_end: bool,
    },
    /// The watch failed.
    Error(Status),
}

impl<'a> WatchEvent<'a> {
    /// Reads one line of a watch.
    ///
    /// # Errors
    /// [`PodError`] for bytes that are no event of a watch.
    pub fn parse(line: &'a [u8]) -> Result<Self, PodError> {
        let mut reader = Reader::new(line);
        let mut event = Event::default();
        match event.read(&mut reader).and_then(|()| end(&mut reader)) {
            Ok(()) => event.finish(),
            Err(fault) => Err(event.draft.error(fault)),
        }
    }

    /// The event of this type, unless it is `ERROR`, whose object is a Status.
    pub(crate) fn of_object(kind: &str, draft: Draft<'a>) -> Result<Self, PodError> {
        match kind {
            "ADDED" => draft.into_pod().map(WatchEvent::Added),
            "MODIFIED" => draft.into_pod().map(WatchEvent::Modified),
            "DELETED" => draft.into_pod().map(WatchEvent::Deleted),
            "BOOKMARK" => draft.into_bookmark(),
            _ => Err(draft.misses(Phrase::EventTypes)),
        }
    }
}

#[derive(Default)]
struct Event<'a> {
    kind: Option<Cow<'a, str>>,
    draft: Draft<'a>,
    object: &'a [u8],
    object_at: usize,
}

impl<'a> Event<'a> {
    fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), Fault> {
        if reader.peek() != Some(b'{') {
            return Err(reader.fault(Phrase::Event));
        }
        reader.enter()?;
        let mut first = true;
        while let Some(name) = reader.next_member(first)? {
            first = false;
            match &*name.unescaped() {
                b"type" => self.kind = self.draft.text(reader, Phrase::EventType)?,
                b"object" => self.object(reader)?,
                _ => reader.scan()?,
            }
        }
        Ok(())
    }

    /// Reads the object as a Pod, unless it is known to be a Status.
    fn object(&mut self, reader: &mut Reader<'a>) -> Result<(), Fault> {
        reader.peek();
        self.object_at = reader.at();
        if self.kind.as_deref() == Some("ERROR") {
            reader.scan()?;
        } else {
            self.draft = Draft::default();
            self.draft.object(reader)?;
        }
        self.object = reader.since(self.object_at);
        Ok(())
    }

    fn finish(self) -> Result<WatchEvent<'a>, PodError> {
        match self.kind.as_deref().unwrap_or_default() {
            "ERROR" => Status::parse(self.object).map(WatchEvent::Error).map_err(|mut error| {
                error.offset += self.object_at;
                error
            }),
            kind => WatchEvent::of_object(kind, self.draft),
        }
    }
}

/// What has been read of an object so far, in whichever form it came.
#[derive(Default)]
pub(crate) struct Draft<'a> {
    pub(crate) kind: Option<Cow<'a, str>>,
    pub(crate) namespace: Option<Cow<'a, str>>,
    pub(crate) name: Option<Cow<'a, str>>,
    pub(crate) uid: Option<Cow<'a, str>>,
    pub(crate) resource_version: Option<Cow<'a, str>>,
    pub(crate) label: Option<Cow<'a, str>>,
    pub(crate) annotation: Option<Cow<'a, str>>,
    pub(crate) phase: Option<Cow<'a, str>>,
    pub(crate) deleting: bool,
    pub(crate) ready: Readiness,
    pub(crate) ips: Addresses,
    pub(crate) host_ips: Addresses,
    pub(crate) initial_events_end: bool,
    /// The first value of a wrong type; reading goes on, to learn whose it is.
    pub(crate) misshapen: Option<Fault>,
    /// What is wanted only of a file, and not read of a server's answers.
    pub(crate) annotations: Option<Annotations<'a>>,
}

/// What all annotations of a Pod are together, and where the registry's stands.
#[derive(Debug, Default)]
pub(crate) struct Annotations<'a> {
    /// The place of the registry's annotation in the JSON, quotes included.
    pub(crate) place: Option<Range<usize>>,
    /// The bytes of all others, names and values.
    pub(crate) other_bytes: usize,
    /// Whether the object has the member at all.
    #[cfg_attr(not(feature = "pasted"), expect(dead_code, reason = "only files are asked for it"))]
    pub(crate) present: bool,
    /// Dubbo Java's annotation.
    pub(crate) metadata: Option<Cow<'a, str>>,
}

impl<'a> Annotations<'a> {
    /// Takes the value of another annotation than the registry's.
    pub(crate) fn other(&mut self, name: &[u8], reader: &mut Reader<'a>) -> Result<(), Fault> {
        if reader.peek() != Some(b'"') {
            return reader.scan();
        }
        let value = reader.string()?.text()?;
        self.other_bytes += name.len() + value.len();
        if name == METADATA_ANNOTATION.as_bytes() {
            self.metadata = Some(value);
        }
        Ok(())
    }
}

/// The addresses of a Pod, or of its node: one by itself, and a list that has it first.
#[derive(Default)]
pub(crate) struct Addresses {
    pub(crate) one: Option<IpAddr>,
    pub(crate) all: Vec<IpAddr>,
}

impl Addresses {
    /// Takes one into the list. What is no address is left out.
    pub(crate) fn add(&mut self, text: Option<&str>) {
        self.all.extend(text.and_then(|text| text.parse::<IpAddr>().ok()));
    }

    /// The one by itself; the last that is read counts.
    pub(crate) fn set(&mut self, text: Option<&str>) {
        self.one = text.and_then(|text| text.parse().ok());
    }

    /// Each once.
    fn finish(self) -> Vec<IpAddr> {
        let mut ips: Vec<IpAddr> = Vec::with_capacity(self.all.len());
        for ip in self.all.into_iter().chain(self.one) {
            if !ips.contains(&ip) {
                ips.push(ip);
            }
        }
        ips
    }
}

impl<'a> Draft<'a> {
    fn object(&mut self, reader: &mut Reader<'a>) -> Result<(), Fault> {
        self.members(reader, Phrase::Object, |draft, reader, name| match name {
            b"kind" => {
                draft.kind = draft.text(reader, Phrase::Kind)?;
                Ok(())
            }
            b"metadata" => draft.metadata(reader),
            b"status" => draft.status(reader),
            _ => reader.scan(),
        })
    }

    pub(crate) fn metadata(&mut self, reader: &mut Reader<'a>) -> Result<(), Fault> {
        self.members(reader, Phrase::ObjectForMetadata, |draft, reader, name| {
            match name {
                b"namespace" => {
                    draft.namespace = draft.text(reader, Phrase::StringForNamespace)?;
                }
                b"name" => draft.name = draft.text(reader, Phrase::StringForName)?,
                b"uid" => draft.uid = draft.text(reader, Phrase::StringForUid)?,
                b"resourceVersion" => {
                    draft.resource_version = draft.text(reader, Phrase::StringForVersion)?;
                }
                b"deletionTimestamp" => {
                    let time = draft.text(reader, Phrase::StringForDeletion)?;
                    draft.deleting = time.is_some();
                }
                b"labels" => draft.labels(reader)?,
                b"annotations" => draft.annotations(reader)?,
                _ => reader.scan()?,
            }
            Ok(())
        })
    }

    fn labels(&mut self, reader: &mut Reader<'a>) -> Result<(), Fault> {
        self.label = None;
        self.members(reader, Phrase::ObjectForLabels, |draft, reader, name| {
            if name != LABEL.as_bytes() {
                return reader.scan();
            }
            draft.label = draft.text(reader, Phrase::StringForLabel)?;
            Ok(())
        })
    }

    pub(crate) fn annotations(&mut self, reader: &mut Reader<'a>) -> Result<(), Fault> {
        (self.annotation, self.initial_events_end) = (None, false);
        if let Some(annotations) = &mut self.annotations {
            *annotations =
                Annotations { present: reader.peek() == Some(b'{'), ..Annotations::default() };
        }
        self.members(reader, Phrase::ObjectForAnnotations, |draft, reader, name| {
            if name == ANNOTATION.as_bytes() {
                draft.registry_annotation(reader)?;
            } else if let Some(annotations) = &mut draft.annotations {
                annotations.other(name, reader)?;
            } else if name == INITIAL_EVENTS_END.as_bytes() {
                let value = draft.text(reader, Phrase::InitialEventsEnd)?;
                draft.initial_events_end = value.as_deref() == Some("true");
            } else {
                reader.scan()?;
            }
            Ok(())
        })
    }

    pub(crate) fn registry_annotation(&mut self, reader: &mut Reader<'a>) -> Result<(), Fault> {
        reader.peek();
        let start = reader.at();
        self.annotation = self.text(reader, Phrase::StringForAnnotation)?;
        if let Some(annotations) = &mut self.annotations {
            annotations.place = self.annotation.as_ref().map(|_| start..reader.at());
        }
        Ok(())
    }

    pub(crate) fn status(&mut self, reader: &mut Reader<'a>) -> Result<(), Fault> {
        if reader.peek() == Some(b'{') {
            self.ready.status();
        }
        self.members(reader, Phrase::ObjectForStatus, |draft, reader, name| match name {
            b"phase" => {
                draft.phase = draft.text(reader, Phrase::StringForPhase)?;
                Ok(())
            }
            b"conditions" => draft.elements(reader, Phrase::Conditions, Self::condition),
            b"podIP" => {
                let ip = draft.text(reader, Phrase::StringForIp)?;
                draft.ips.set(ip.as_deref());
                Ok(())
            }
            b"podIPs" => {
                draft.ips.all.clear();
                draft.elements(reader, Phrase::Ips, |draft, reader| {
                    let ip = draft.ip(reader)?;
                    draft.ips.add(ip.as_deref());
                    Ok(())
                })
            }
            b"hostIP" => {
                let ip = draft.text(reader, Phrase::StringForIp)?;
                draft.host_ips.set(ip.as_deref());
                Ok(())
            }
            b"hostIPs" => {
                draft.host_ips.all.clear();
                draft.elements(reader, Phrase::Ips, |draft, reader| {
                    let ip = draft.ip(reader)?;
                    draft.host_ips.add(ip.as_deref());
                    Ok(())
                })
            }
            _ => reader.scan(),
        })
    }

    fn condition(&mut self, reader: &mut Reader<'a>) -> Result<(), Fault> {
        let (mut kind, mut status) = (None, None);
        self.members(reader, Phrase::Condition, |draft, reader, name| {
            match name {
                b"type" => kind = draft.text(reader, Phrase::ConditionType)?,
                b"status" => status = draft.text(reader, Phrase::ConditionStatus)?,
                _ => reader.scan()?,
            }
            Ok(())
        })?;
        self.ready.condition(kind.as_deref(), status.as_deref());
        Ok(())
    }

    /// The `ip` of an element of `podIPs` or `hostIPs`.
    fn ip(&mut self, reader: &mut Reader<'a>) -> Result<Option<Cow<'a, str>>, Fault> {
        let mut ip = None;
        self.members(reader, Phrase::Ip, |draft, reader, name| match name {
            b"ip" => {
                ip = draft.text(reader, Phrase::StringForIp)?;
                Ok(())
            }
            _ => reader.scan(),
        })?;
        Ok(ip)
    }

    /// Takes an array element by element. A `null` is an array without elements.
    fn elements(
        &mut self,
        reader: &mut Reader<'a>,
        expected: Phrase,
        mut element: impl FnMut(&mut Self, &mut Reader<'a>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        if reader.peek() != Some(b'[') {
            return self.absent(reader, expected);
        }
        reader.enter()?;
        let mut first = true;
        while reader.next_element(first)? {
            first = false;
            element(self, reader)?;
        }
        Ok(())
    }

    /// Takes an object member by member. A `null` is an object without members.
    fn members(
        &mut self,
        reader: &mut Reader<'a>,
        expected: Phrase,
        mut member: impl FnMut(&mut Self, &mut Reader<'a>, &[u8]) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        if reader.peek() != Some(b'{') {
            return self.absent(reader, expected);
        }
        reader.enter()?;
        let mut first = true;
        while let Some(name) = reader.next_member(first)? {
            first = false;
            member(self, reader, &name.unescaped())?;
        }
        Ok(())
    }

    /// Takes a string, or nothing for `null`. Anything else is remembered as misshapen.
    pub(crate) fn text(
        &mut self,
        reader: &mut Reader<'a>,
        expected: Phrase,
    ) -> Result<Option<Cow<'a, str>>, Fault> {
        if reader.peek() == Some(b'"') {
            return reader.string()?.text().map(Some);
        }
        self.absent(reader, expected).map(|()| None)
    }

    /// Takes a `null`. Anything else is remembered as misshapen.
    pub(crate) fn absent(
        &mut self,
        reader: &mut Reader<'a>,
        expected: Phrase,
    ) -> Result<(), Fault> {
        if reader.peek() == Some(b'n') {
            return reader.literal(b"null");
        }
        let at = reader.at();
        let found = Found::Thing(reader.skip()?);
        self.misshapen.get_or_insert(Fault::new(Stage::Shape, at, expected, found));
        Ok(())
    }

    /// It, if reading has come to the end of the object.
    pub(crate) fn ended(self, read: Result<(), Fault>) -> Result<Self, PodError> {
        match read {
            Ok(()) => Ok(self),
            Err(fault) => Err(self.error(fault)),
        }
    }

    pub(crate) fn into_pod(self) -> Result<Pod<'a>, PodError> {
        match self.fault() {
            Some(error) => Err(error),
            None => Ok(self.finish()),
        }
    }

    /// Why this is no Pod that a registry could read.
    pub(crate) fn fault(&self) -> Option<PodError> {
        if let Some(fault) = self.misshapen {
            return Some(self.error(fault));
        }
        if !self.kind.as_deref().is_none_or(is_pod) {
            let mut error = self.misses(Phrase::Pod);
            error.found = Found::Thing(Phrase::AnotherKind);
            return Some(error);
        }
        let named = self.name.as_deref().is_some_and(|name| !name.is_empty());
        (!named).then(|| self.misses(Phrase::NameInMetadata))
    }

    /// The Pod as far as it could be read.
    pub(crate) fn finish(self) -> Pod<'a> {
        Pod {
            namespace: self.namespace.unwrap_or_default(),
            name: self.name.unwrap_or_default(),
            uid: self.uid.unwrap_or_default(),
            resource_version: self.resource_version.unwrap_or_default(),
            label: self.label,
            annotation: self.annotation,
            phase: self.phase,
            deleting: self.deleting,
            ready: self.ready.get(),
            ips: self.ips.finish(),
            host_ips: self.host_ips.finish(),
        }
    }

    fn into_bookmark(self) -> Result<WatchEvent<'a>, PodError> {
        if let Some(fault) = self.misshapen {
            return Err(self.error(fault));
        }
        match self.resource_version {
            Some(resource_version) => Ok(WatchEvent::Bookmark {
                resource_version,
                initial_events_end: self.initial_events_end,
            }),
            None => Err(self.misses(Phrase::Bookmark)),
        }
    }

    fn misses(&self, expected: Phrase) -> PodError {
        self.error(Fault::of_shape(0, expected, Found::Thing(Phrase::None)))
    }

    fn error(&self, fault: Fault) -> PodError {
        let own = |text: &Option<Cow<'_, str>>| text.as_deref().map(Box::from);
        PodError {
            namespace: own(&self.namespace),
            name: own(&self.name),
            uid: own(&self.uid),
            resource_version: own(&self.resource_version),
            ..PodError::from(fault)
        }
    }
}

/// Whether objects of this kind are Pods, or their metadata.
pub(crate) fn is_pod(kind: &str) -> bool {
    matches!(kind, "Pod" | "PartialObjectMetadata")
}

fn end(reader: &mut Reader<'_>) -> Result<(), Fault> {
    if reader.peek().is_some() { Err(reader.fault(Phrase::NothingAfterObject)) } else { Ok(()) }
}
