//! A deliberately plain reader of Kubernetes' protobuf: the whole body at once, each message taken apart into a list
//! of its fields first. The one that reads bytes as they arrive must agree with it on any input.
//!
//! An error is an error here, whatever it says.

use std::net::IpAddr;

use dubbo_k8s_codec::{ANNOTATION, Cause, LABEL, ListMeta, Pod, Readiness, Status, WatchEvent};

type Read<T> = Result<T, ()>;

/// The value of a field; fixed numbers and groups have none that a test reads.
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    Other,
}

type Fields<'a> = Vec<(u64, Value<'a>)>;

fn take<'a>(bytes: &mut &'a [u8], count: u64) -> Read<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(usize::try_from(count).map_err(drop)?).ok_or(())?;
    *bytes = rest;
    Ok(taken)
}

fn varint(bytes: &mut &[u8]) -> Read<u64> {
    let mut number = 0;
    for place in 0..10 {
        let byte = take(bytes, 1)?[0];
        number |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(())
}

fn fields(mut bytes: &[u8]) -> Read<Fields<'_>> {
    let mut fields = Vec::new();
    let mut groups = 0;
    while !bytes.is_empty() {
        let tag = varint(&mut bytes)?;
        if !(1..1 << 29).contains(&(tag >> 3)) {
            return Err(());
        }
        let value = match tag & 7 {
            0 => Value::Number(varint(&mut bytes)?),
            1 => take(&mut bytes, 8).map(|_| Value::Other)?,
            2 => {
                let length = varint(&mut bytes)?;
                Value::Bytes(take(&mut bytes, length)?)
            }
            5 => take(&mut bytes, 4).map(|_| Value::Other)?,
            3 if groups < 100 => {
                groups += 1;
                if groups > 1 {
                    continue;
                }
                Value::Other
            }
            4 if groups > 0 => {
                groups -= 1;
                continue;
            }
            _ => return Err(()),
        };
        if groups == 0 || (groups == 1 && tag & 7 == 3) {
            fields.push((tag >> 3, value));
        }
    }
    if groups == 0 { Ok(fields) } else { Err(()) }
}

/// All values of a field, which must be bytes.
fn all<'a>(fields: &Fields<'a>, number: u64) -> Read<Vec<&'a [u8]>> {
    let of = fields.iter().filter(|field| field.0 == number);
    of.map(|field| if let Value::Bytes(bytes) = field.1 { Ok(bytes) } else { Err(()) }).collect()
}

/// The submessages of a field, as the one that they are together.
fn merged<'a>(fields: &Fields<'a>, number: u64) -> Read<Fields<'a>> {
    let parts = all(fields, number)?.into_iter().map(self::fields).collect::<Read<Vec<_>>>()?;
    Ok(parts.into_iter().flatten().collect())
}

fn text(bytes: &[u8]) -> Read<String> {
    String::from_utf8(bytes.to_vec()).map_err(drop)
}

/// The last of a string, which is empty if there is none. Each must be text.
fn last(fields: &Fields<'_>, number: u64) -> Read<String> {
    let texts = all(fields, number)?.into_iter().map(text).collect::<Read<Vec<_>>>()?;
    Ok(texts.into_iter().next_back().unwrap_or_default())
}

fn given(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

fn number(fields: &Fields<'_>, number: u64) -> Read<Option<u64>> {
    let of = fields.iter().filter(|field| field.0 == number);
    of.map(|field| if let Value::Number(value) = field.1 { Ok(value) } else { Err(()) })
        .try_fold(None, |_, value| value.map(Some))
}

/// The value of a map's entry; only that entry must be text.
fn value(fields: &Fields<'_>, map: u64, key: &str) -> Read<Option<String>> {
    let mut found = None;
    for entry in all(fields, map)? {
        let entry = self::fields(entry)?;
        let (keys, values) = (all(&entry, 1)?, all(&entry, 2)?);
        if keys.last().copied().unwrap_or_default() == key.as_bytes() {
            found = Some(text(values.last().copied().unwrap_or_default())?);
        }
    }
    Ok(found)
}

fn ips(status: &Fields<'_>, one: u64, more: u64) -> Read<Vec<IpAddr>> {
    let mut ips = Vec::new();
    let more = all(status, more)?.into_iter().map(|ip| last(&fields(ip)?, 1));
    let texts = more.collect::<Read<Vec<_>>>()?.into_iter().chain([last(status, one)?]);
    for text in texts {
        if let Ok(ip) = text.parse()
            && !ips.contains(&ip)
        {
            ips.push(ip);
        }
    }
    Ok(ips)
}

/// A Pod without its name checked, and whether it ends the initial events.
fn object(object: &[u8]) -> Read<(Pod<'static>, bool)> {
    let object = fields(object)?;
    let metadata = merged(&object, 1)?;
    let status = merged(&object, 3)?;
    let mut ready = Readiness::default();
    if !all(&object, 3)?.is_empty() {
        ready.status();
    }
    for condition in all(&status, 2)? {
        let condition = fields(condition)?;
        let (kind, is) = (last(&condition, 1)?, last(&condition, 2)?);
        ready.condition(Some(&kind), Some(&is));
    }
    let end = value(&metadata, 12, "k8s.io/initial-events-end")?;
    let pod = Pod {
        namespace: last(&metadata, 3)?.into(),
        name: last(&metadata, 1)?.into(),
        uid: last(&metadata, 5)?.into(),
        resource_version: last(&metadata, 6)?.into(),
        label: value(&metadata, 11, LABEL)?.map(Into::into),
        annotation: value(&metadata, 12, ANNOTATION)?.map(Into::into),
        phase: given(last(&status, 1)?).map(Into::into),
        deleting: all(&metadata, 9)?.iter().any(|time| !time.is_empty()),
        ready: ready.get(),
        ips: ips(&status, 6, 12)?,
        host_ips: ips(&status, 5, 16)?,
    };
    Ok((pod, end.as_deref() == Some("true")))
}

/// One item of a list.
pub(crate) fn item(item: &[u8]) -> Read<Pod<'static>> {
    let (pod, _) = object(item)?;
    if pod.name.is_empty() { Err(()) } else { Ok(pod) }
}

/// What is in an envelope: a kind and the bytes of an object.
fn envelope(body: &[u8]) -> Read<(String, Vec<&[u8]>)> {
    let envelope = fields(body.strip_prefix(b"k8s\0").ok_or(())?)?;
    let mut kind = String::new();
    for meta in all(&envelope, 1)? {
        let meta = fields(meta)?;
        if let Some(of) = all(&meta, 2)?.into_iter().map(text).collect::<Read<Vec<_>>>()?.pop() {
            kind = of;
        }
    }
    Ok((kind, all(&envelope, 2)?))
}

/// One Pod in its envelope.
pub(crate) fn pod(body: &[u8]) -> Read<Pod<'static>> {
    let (kind, raw) = envelope(body)?;
    match &*kind {
        "" | "Pod" | "PartialObjectMetadata" => item(raw.last().copied().unwrap_or_default()),
        _ => Err(()),
    }
}

/// One Status in its envelope.
pub(crate) fn status(body: &[u8]) -> Read<Status> {
    let (kind, raw) = envelope(body)?;
    if kind != "Status" {
        return Err(());
    }
    let message = fields(raw.last().copied().unwrap_or_default())?;
    let details = merged(&message, 5)?;
    let mut status = Status::default();
    status.continue_token = given(last(&merged(&message, 1)?, 3)?);
    status.message = last(&message, 3)?;
    status.reason = last(&message, 4)?;
    status.code = number(&message, 6)?.and_then(|code| u16::try_from(code).ok()).unwrap_or(0);
    for cause in all(&details, 4)? {
        let (cause, mut read) = (fields(cause)?, Cause::default());
        (read.reason, read.message) = (last(&cause, 1)?, last(&cause, 2)?);
        read.field = last(&cause, 3)?;
        status.causes.push(read);
    }
    let seconds = number(&details, 5)?.and_then(|seconds| u32::try_from(seconds).ok());
    status.retry_after_seconds = seconds.filter(|&seconds| seconds > 0);
    Ok(status)
}

/// A list: its items, each as it is read by itself, and what it says about itself.
pub(crate) fn list(body: &[u8]) -> Read<(Vec<Read<Pod<'static>>>, ListMeta)> {
    let (kind, raw) = envelope(body)?;
    let [raw] = raw[..] else { return Err(()) };
    if !matches!(&*kind, "PodList" | "PartialObjectMetadataList") {
        return Err(());
    }
    let list = fields(raw)?;
    let of = merged(&list, 1)?;
    let mut meta = ListMeta::default();
    meta.kind = kind;
    meta.resource_version = last(&of, 2)?;
    meta.continue_token = given(last(&of, 3)?);
    meta.remaining = number(&of, 4)?.and_then(|left| u64::try_from(left.cast_signed()).ok());
    Ok((all(&list, 2)?.into_iter().map(item).collect(), meta))
}

/// The frames of a watch, as far as they are whole, and whether nothing else follows.
pub(crate) fn frames(mut body: &[u8]) -> (Vec<&[u8]>, bool) {
    let mut frames = Vec::new();
    while let Some((length, rest)) = body.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        let Some((frame, rest)) = rest.split_at_checked(length) else { return (frames, false) };
        frames.push(frame);
        body = rest;
    }
    (frames, body.is_empty())
}

/// One event.
pub(crate) fn event(frame: &[u8]) -> Read<WatchEvent<'static>> {
    let event = fields(frame)?;
    let kind = last(&event, 1)?;
    let mut bytes: &[u8] = &[];
    for extension in all(&event, 2)? {
        if let Some(raw) = all(&fields(extension)?, 1)?.pop() {
            bytes = raw;
        }
    }
    match &*kind {
        "ADDED" => pod(bytes).map(WatchEvent::Added),
        "MODIFIED" => pod(bytes).map(WatchEvent::Modified),
        "DELETED" => pod(bytes).map(WatchEvent::Deleted),
        "ERROR" => status(bytes).map(WatchEvent::Error),
        "BOOKMARK" => {
            let (kind, raw) = envelope(bytes)?;
            let known = matches!(&*kind, "" | "Pod" | "PartialObjectMetadata");
            let (pod, initial_events_end) =
                object(if known { raw.last().copied().unwrap_or_default() } else { &[] })?;
            let resource_version = pod.resource_version;
            if resource_version.is_empty() {
                return Err(());
            }
            Ok(WatchEvent::Bookmark { resource_version, initial_events_end })
        }
        _ => Err(()),
    }
}
