//! The body of `/v1/annotations`, read piece by piece: unpacked if it is packed, and cut into Pods. What is
//! held at a time is the body as it came, one window of it unpacked, and one Pod.

use core::fmt;
use core::net::IpAddr;
use std::borrow::Cow;

use dubbo_k8s_codec::{ListError, ListReader};
use miniz_oxide::inflate::stream::{InflateState, inflate};
use miniz_oxide::{DataFormat, MZFlush, MZStatus};
use serde::Deserialize;

/// How much is read at a time.
const WINDOW: usize = 32 << 10;

/// The largest Pod: Kubernetes allows 256 KiB for all its annotations.
const MAX_POD: usize = 1 << 20;

/// The longest uid: they have 36 bytes.
const MAX_UID: usize = 1 << 10;

/// A body unpacks to at most so many times its own size, and this much.
const MAX_RATIO: usize = 200;
const MIN_UNPACKED: usize = 1 << 20;

/// A Pod as it stands in the body.
#[derive(Debug, Deserialize)]
pub(crate) struct Pod<'a> {
    #[serde(borrow, default)]
    pub(crate) namespace: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) name: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) uid: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) annotation: Cow<'a, str>,
    /// Its own addresses. In the body of a watcher they are there; a configuration need not know them.
    #[serde(default)]
    pub(crate) ips: Option<Vec<IpAddr>>,
}

impl Pod<'_> {
    /// What it is known by: its uid, or its name where it has none.
    pub(crate) fn id(&self) -> Cow<'_, str> {
        if self.uid.is_empty() {
            Cow::Owned(format!("{}/{}", self.namespace, self.name))
        } else {
            Cow::Borrowed(&self.uid)
        }
    }
}

/// A part of the body.
pub(crate) enum Item<'a> {
    Pod(Pod<'a>),
    /// The uid of a Pod that carries nothing any more.
    Gone(Cow<'a, str>),
}

/// How far a body was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    More,
    /// To its end, and its Pods are all there are.
    Everything,
    /// To its end, and its Pods are those that have changed.
    Changes,
}

/// Borrowed where it can be, which a `Cow` alone is not.
#[derive(Deserialize)]
struct Uid<'a>(#[serde(borrow)] Cow<'a, str>);

/// A body being read.
pub(crate) struct Feed {
    body: Vec<u8>,
    at: usize,
    packed: Option<Packed>,
    reader: ListReader,
    /// Reads the list of those that are gone, which only changes have.
    gone: Option<ListReader>,
}

struct Packed {
    inflate: Box<InflateState>,
    window: Vec<u8>,
    unpacked: usize,
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Feed({} of {} bytes)", self.at, self.body.len())
    }
}

/// Why a body cannot be read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FeedError {
    Gzip,
    List(ListError),
    Pod,
    Gone,
}

impl fmt::Display for FeedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gzip => f.write_str("it is not whole gzip"),
            Self::List(error) => error.fmt(f),
            Self::Pod => f.write_str("an element of `pods` has no annotation"),
            Self::Gone => f.write_str("an element of `gone` is no text"),
        }
    }
}

impl Feed {
    /// Begins to read a body, packed by gzip or not, which may be of changes alone if they were asked for.
    pub(crate) fn new(body: Vec<u8>, is_gzip: bool, of_changes: bool) -> Result<Self, FeedError> {
        let reader = ListReader::with_max_item(MAX_POD).of_member("pods");
        let gone = of_changes.then(|| ListReader::with_max_item(MAX_UID).of_member("gone"));
        if !is_gzip {
            return Ok(Self { body, at: 0, packed: None, reader, gone });
        }
        let at = gzip_head(&body).ok_or(FeedError::Gzip)?;
        let inflate = InflateState::new_boxed(DataFormat::Raw);
        let packed = Packed { inflate, window: vec![0; WINDOW], unpacked: 0 };
        Ok(Self { body, at, packed: Some(packed), reader, gone })
    }

    /// Reads a little more, and hands out what is in it.
    pub(crate) fn step(&mut self, mut found: impl FnMut(Item<'_>)) -> Result<Progress, FeedError> {
        let rest = self.body.get(self.at..).unwrap_or_default();
        let (mut chunk, is_end) = match &mut self.packed {
            None => {
                let end = rest.len().min(WINDOW);
                self.at += end;
                (rest.get(..end).unwrap_or_default(), end == rest.len())
            }
            Some(packed) => {
                let (read, written, is_end) = packed.unpack(rest, self.body.len())?;
                self.at += read;
                if is_end {
                    check_length(self.body.get(self.at..).unwrap_or_default(), packed.unpacked)?;
                }
                (packed.window.get(..written).unwrap_or_default(), is_end)
            }
        };
        let mut again = chunk;
        while let Some(item) = self.reader.next(&mut chunk).map_err(FeedError::List)? {
            let mut pod: Pod<'_> = serde_json::from_slice(item).map_err(|_| FeedError::Pod)?;
            // A watcher knows the addresses of its Pods: where it names none, there are none.
            pod.ips.get_or_insert_default();
            found(Item::Pod(pod));
        }
        if let Some(gone) = &mut self.gone {
            while let Some(item) = gone.next(&mut again).map_err(FeedError::List)? {
                let Uid(uid) = serde_json::from_slice(item).map_err(|_| FeedError::Gone)?;
                found(Item::Gone(uid));
            }
        }
        if !is_end {
            return Ok(Progress::More);
        }
        let reader = core::mem::take(&mut self.reader);
        reader.finish().map_err(FeedError::List)?;
        // The body is whole, so what may be missing is the list.
        let of_changes = self.gone.take().is_some_and(|gone| gone.finish().is_ok());
        Ok(if of_changes { Progress::Changes } else { Progress::Everything })
    }
}

impl Packed {
    /// How much was read, how much of the window was written, and whether that was the end.
    fn unpack(&mut self, rest: &[u8], whole: usize) -> Result<(usize, usize, bool), FeedError> {
        let result = inflate(&mut self.inflate, rest, &mut self.window, MZFlush::None);
        let is_end = match result.status {
            Ok(MZStatus::StreamEnd) => true,
            Ok(MZStatus::Ok) if result.bytes_consumed + result.bytes_written > 0 => false,
            _ => return Err(FeedError::Gzip),
        };
        self.unpacked += result.bytes_written;
        if self.unpacked > whole.saturating_mul(MAX_RATIO).saturating_add(MIN_UNPACKED) {
            return Err(FeedError::Gzip);
        }
        Ok((result.bytes_consumed, result.bytes_written, is_end))
    }
}

/// The length of the head of a gzip member (RFC 1952).
fn gzip_head(body: &[u8]) -> Option<usize> {
    let (head, _) = body.split_at_checked(10)?;
    let [0x1f, 0x8b, 8, flags, ..] = *head else { return None };
    let mut at = 10;
    if flags & 4 != 0 {
        let length = body.get(at..at + 2)?;
        at += 2 + usize::from(u16::from_le_bytes(length.try_into().ok()?));
    }
    for flag in [8, 16] {
        if flags & flag != 0 {
            at += body.get(at..)?.iter().position(|byte| *byte == 0)? + 1;
        }
    }
    Some(at + if flags & 2 != 0 { 2 } else { 0 })
}

/// Behind a member stand its checksum and its length.
fn check_length(trailer: &[u8], unpacked: usize) -> Result<(), FeedError> {
    let length = trailer.get(4..8).and_then(|length| length.try_into().ok());
    // More than 4 GiB are refused long before, so nothing has to wrap around here.
    let fits = length.map(u32::from_le_bytes) == u32::try_from(unpacked).ok();
    if fits && trailer.len() == 8 { Ok(()) } else { Err(FeedError::Gzip) }
}

#[cfg(test)]
pub(crate) mod tests {
    use miniz_oxide::deflate::compress_to_vec;
    use proptest::prelude::*;

    use super::*;

    /// A body packed as a server packs it.
    pub(crate) fn gzip(body: &[u8]) -> Vec<u8> {
        let mut packed = b"\x1f\x8b\x08\x18\0\0\0\0\0\xffname\0comment\0".to_vec();
        packed.extend(compress_to_vec(body, 6));
        packed.extend([0; 4]);
        packed.extend(u32::try_from(body.len()).unwrap().to_le_bytes());
        packed
    }

    fn body(pods: usize, length: usize) -> Vec<u8> {
        let pod = |n| {
            format!(
                r#"{{"namespace":"n","name":"p{n}","uid":"u","annotation":"{}"}}"#,
                "x".repeat(length)
            )
        };
        let pods: Vec<String> = (0..pods).map(pod).collect();
        format!(r#"{{"revision":"r-1","pods":[{}]}}"#, pods.join(",")).into_bytes()
    }

    fn read(body: Vec<u8>, is_gzip: bool) -> Result<Vec<String>, FeedError> {
        read_to_end(body, is_gzip, false).map(|(names, _)| names)
    }

    /// The names of the Pods and the uids of those that are gone, and what the body was.
    fn read_to_end(
        body: Vec<u8>,
        is_gzip: bool,
        of_changes: bool,
    ) -> Result<(Vec<String>, Progress), FeedError> {
        let mut feed = Feed::new(body, is_gzip, of_changes)?;
        let mut names = Vec::new();
        loop {
            let progress = feed.step(|item| match item {
                Item::Pod(pod) => names.push(pod.name.into_owned()),
                Item::Gone(uid) => names.push(format!("-{uid}")),
            })?;
            if progress != Progress::More {
                return Ok((names, progress));
            }
        }
    }

    #[test]
    fn changes_differ_from_everything_by_the_list_of_those_that_are_gone() {
        let read = |body: &str| read_to_end(body.into(), false, true);
        let names =
            |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let pod = r#"{"name":"p","annotation":""}"#;
        let changes = format!(r#"{{"since":"r","gone":["u\u0031"],"pods":[{pod}]}}"#);
        assert_eq!(read(&changes), Ok((names(&["p", "-u1"]), Progress::Changes)));
        let none = r#"{"pods":[],"gone":[]}"#;
        assert_eq!(read(none), Ok((Vec::new(), Progress::Changes)));
        let everything = format!(r#"{{"pods":[{pod}]}}"#);
        assert_eq!(read(&everything), Ok((names(&["p"]), Progress::Everything)));
        assert_eq!(read(r#"{"pods":[],"gone":[1]}"#), Err(FeedError::Gone));
        for end in 0..changes.len() {
            assert!(read(&changes[..end]).is_err(), "{end}");
        }
        assert!(read_to_end(gzip(changes.as_bytes()), true, true).is_ok());
    }

    #[test]
    fn pods_come_out_of_any_packing() {
        for (pods, length) in [(0, 0), (1, 10), (3, 40_000), (2000, 100)] {
            let body = body(pods, length);
            let names: Vec<String> = (0..pods).map(|n| format!("p{n}")).collect();
            assert_eq!(read(gzip(&body), true).unwrap(), names);
            assert_eq!(read(body, false).unwrap(), names);
        }
    }

    #[test]
    fn a_body_that_is_cut_is_never_taken_for_a_whole_one() {
        let plain = body(5, 300);
        let packed = gzip(&plain);
        for end in 0..plain.len() {
            assert!(read(plain[..end].to_vec(), false).is_err(), "{end}");
        }
        for end in 0..packed.len() {
            assert!(read(packed[..end].to_vec(), true).is_err(), "{end}");
        }
    }

    #[test]
    fn what_is_no_registry_is_refused() {
        assert_eq!(read(b"{\"pods\":[{}]}".to_vec(), false), Err(FeedError::Pod));
        assert!(matches!(read(b"<html>".to_vec(), false), Err(FeedError::List(_))));
        assert!(matches!(read(b"{}".to_vec(), false), Err(FeedError::List(_))));
        assert_eq!(read(b"{}".to_vec(), true), Err(FeedError::Gzip));
        let bomb = gzip(&vec![b' '; 4 << 20]);
        assert_eq!(read(bomb, true), Err(FeedError::Gzip));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, is_gzip: bool, at: prop::sample::Index) {
            let _ = read(bytes, is_gzip);
            let mut packed = gzip(&body(3, 50));
            let at = at.index(packed.len());
            packed[at] ^= 0x55;
            let _ = read(packed, true);
        }
    }
}
