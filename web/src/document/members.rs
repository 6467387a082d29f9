//! The members of a Pod that the registry and its lint look at.
//!
//! Everything else is skipped without being looked at.

use std::borrow::Cow;
use std::cell::RefCell;

use dubbo_k8s_codec::{ANNOTATION, LABEL, Readiness};

use crate::events::{Event, Reader, Spanned, SyntaxError};
use crate::pod::{PodText, Value};

/// What takes one member of a mapping: the reader, the name, the value.
type Member<'m, 'a> =
    dyn FnMut(&mut dyn Reader<'a>, &str, Spanned<'a>) -> Result<(), SyntaxError> + 'm;

/// Calls `member` for every member of the mapping just opened; it must consume the value.
fn members<'a>(
    reader: &mut dyn Reader<'a>,
    member: &mut Member<'_, 'a>,
) -> Result<(), SyntaxError> {
    loop {
        let name = reader.next()?;
        if name.event == Event::Close {
            return Ok(());
        }
        let known = match &name.event {
            Event::Text(known) | Event::Plain(known) => known.clone(),
            _ => {
                reader.skip(&name)?;
                Cow::Borrowed("")
            }
        };
        let value = reader.next()?;
        member(reader, &known, value)?;
    }
}

pub(super) fn metadata<'a>(
    reader: &mut dyn Reader<'a>,
    pod: &mut PodText,
    text: &'a str,
) -> Result<(), SyntaxError> {
    members(reader, &mut |reader, name, value| {
        match (name, &value.event) {
            ("namespace", Event::Text(it) | Event::Plain(it)) => pod.namespace = it.as_ref().into(),
            ("name", Event::Text(it) | Event::Plain(it)) => pod.name = it.as_ref().into(),
            ("uid", Event::Text(it) | Event::Plain(it)) => pod.uid = it.as_ref().into(),
            ("resourceVersion", Event::Text(it) | Event::Plain(it)) => {
                pod.resource_version = it.as_ref().into();
            }
            ("deletionTimestamp", Event::Text(_)) => pod.deleting = true,
            ("annotations", Event::Map) => return annotations(reader, pod, text),
            ("labels", Event::Map) => {
                return members(reader, &mut |reader, name, value| {
                    if let (LABEL, Event::Text(it) | Event::Plain(it)) = (name, &value.event) {
                        pod.label = Some(it.as_ref().into());
                    }
                    reader.skip(&value).map(drop)
                });
            }
            _ => {}
        }
        reader.skip(&value).map(drop)
    })
}

pub(super) fn annotations<'a>(
    reader: &mut dyn Reader<'a>,
    pod: &mut PodText,
    text: &'a str,
) -> Result<(), SyntaxError> {
    pod.has_annotations = true;
    members(reader, &mut |reader, name, value| {
        if let Event::Text(it) | Event::Plain(it) = &value.event {
            if name == ANNOTATION {
                pod.annotation = Some(Value::new(it, value.span.clone(), text));
            } else {
                pod.other_annotations += name.len() + it.len();
            }
        }
        reader.skip(&value).map(drop)
    })
}

pub(super) fn status(reader: &mut dyn Reader<'_>, pod: &mut PodText) -> Result<(), SyntaxError> {
    let mut readiness = Readiness::default();
    readiness.status();
    let read = members(reader, &mut |reader, name, value| {
        match (name, &value.event) {
            ("phase", Event::Text(it)) => pod.phase = Some(it.as_ref().into()),
            ("podIP", Event::Text(it)) => pod.add_address(it),
            ("podIPs", Event::List) => return addresses(reader, pod),
            ("conditions", Event::List) => return conditions(reader, &mut readiness),
            _ => {}
        }
        reader.skip(&value).map(drop)
    });
    pod.ready = readiness.get();
    read
}

fn addresses(reader: &mut dyn Reader<'_>, pod: &mut PodText) -> Result<(), SyntaxError> {
    items(
        reader,
        &mut |reader, name, value| {
            if let ("ip", Event::Text(it)) = (name, &value.event) {
                pod.add_address(it);
            }
            reader.skip(&value).map(drop)
        },
        &mut || {},
    )
}

fn conditions(reader: &mut dyn Reader<'_>, pod: &mut Readiness) -> Result<(), SyntaxError> {
    let (kind, status) = (RefCell::new(None), RefCell::new(None));
    items(
        reader,
        &mut |reader, name, value| {
            if let Event::Text(it) | Event::Plain(it) = &value.event {
                match name {
                    "type" => drop(kind.replace(Some(it.to_string()))),
                    "status" => drop(status.replace(Some(it.to_string()))),
                    _ => {}
                }
            }
            reader.skip(&value).map(drop)
        },
        &mut || pod.condition(kind.take().as_deref(), status.take().as_deref()),
    )
}

/// Calls `member` for every member of every mapping of the list just opened, `after` behind each.
fn items<'a>(
    reader: &mut dyn Reader<'a>,
    member: &mut Member<'_, 'a>,
    after: &mut dyn FnMut(),
) -> Result<(), SyntaxError> {
    loop {
        let item = reader.next()?;
        match item.event {
            Event::Close => return Ok(()),
            Event::Map => {
                members(reader, member)?;
                after();
            }
            _ => {
                reader.skip(&item)?;
            }
        }
    }
}
