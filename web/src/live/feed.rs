//! What `/v1/annotations` says, as far as the page reads it.
//!
//! What is not read here may be anything.

use dubbo_k8s_codec::dubbo_go::Reason;
use dubbo_k8s_codec::problem::{Code, Phrase, Problem};
use dubbo_k8s_codec::trust::Distrust;
use dubbo_k8s_codec::yaml::{Event, Json, SyntaxError};
use dubbo_k8s_codec::{DecodeError, Found, Stage};

use crate::pieces::{flag, number, text, texts};

/// All Pods, or those that have changed since a revision.
#[derive(Debug, Default)]
pub(super) struct Feed {
    pub(super) revision: String,
    /// Missing where all Pods are in it.
    pub(super) since: Option<String>,
    pub(super) pods: Vec<Item>,
    /// Those that carry nothing any more, by what they are known by.
    pub(super) gone: Vec<String>,
    pub(super) problems: Vec<Item>,
}

/// A Pod and its annotation, or what the watcher finds wrong with a Pod or does not believe of it.
#[derive(Debug, Default)]
pub(super) struct Item {
    namespace: String,
    name: String,
    uid: String,
    pub(super) annotation: String,
    pub(super) label: Option<String>,
    pub(super) ready: Option<bool>,
    error: Option<DecodeError>,
}

/// The names of a Pod.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names<'a> {
    pub(super) namespace: &'a str,
    pub(super) pod: &'a str,
    pub(super) uid: &'a str,
}

impl Names<'_> {
    /// What the Pod is known by: its uid, or its name where it has none.
    pub(super) fn id(&self) -> String {
        match self.uid {
            "" => format!("{}/{}", self.namespace, self.pod),
            uid => uid.to_owned(),
        }
    }
}

impl Feed {
    /// The answer that a JSON text is, if it has a revision and Pods.
    pub(super) fn read(json: &str) -> Option<Self> {
        let mut json = Json::new(json);
        if json.next_piece().ok()?.event != Event::Map {
            return None;
        }
        let (mut feed, mut revision, mut pods) = (Self::default(), None, None);
        let read = json.members(&mut |json, name, value| {
            match (name, &value) {
                ("revision", Event::Text(_)) => revision = Some(text(value)),
                ("since", Event::Text(_)) => feed.since = Some(text(value)),
                ("pods", Event::List) => pods = Some(items(json)?),
                ("problems", Event::List) => feed.problems = items(json)?,
                ("gone", _) => feed.gone = texts(json, &value)?.unwrap_or_default(),
                _ => {}
            }
            Ok(())
        });
        read.is_ok().then_some(())?;
        Some(Self { revision: revision?, pods: pods?, ..feed })
    }
}

fn items(json: &mut Json<'_>) -> Result<Vec<Item>, SyntaxError> {
    let mut items = Vec::new();
    json.elements(&mut |json, value| {
        if value == Event::Map {
            items.push(Item::read(json)?);
        }
        Ok(())
    })?;
    Ok(items)
}

impl Item {
    fn read(json: &mut Json<'_>) -> Result<Self, SyntaxError> {
        let mut item = Self::default();
        json.members(&mut |json, name, value| {
            match name {
                "namespace" => item.namespace = text(value),
                "name" | "pod" => item.name = text(value),
                "uid" => item.uid = text(value),
                "annotation" => item.annotation = text(value),
                "label" => item.label = Some(value).filter(|it| *it != Event::Null).map(text),
                "ready" => item.ready = flag(&value),
                "error" if value == Event::Map => item.error = error(json)?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(item)
    }

    pub(super) fn names(&self) -> Names<'_> {
        Names { namespace: &self.namespace, pod: &self.name, uid: &self.uid }
    }

    /// The problem. An error of a kind that is not known here is still one.
    pub(super) fn problem(&self) -> Problem {
        let error = self.error.as_ref();
        error.map_or_else(|| Problem::new(Code::Refused(Stage::Shape)), Problem::from)
    }
}

/// An error of the codec, unless it is of a kind that is not known here.
fn error(json: &mut Json<'_>) -> Result<Option<DecodeError>, SyntaxError> {
    let (mut stage, mut expected, mut found) = (None, None, None);
    let (mut offset, mut decoded_offset) = (None, None);
    let (mut reason, mut distrust) = (None, None);
    json.members(&mut |json, name, value| {
        match name {
            "stage" => stage = Stage::from_name(&text(value)),
            "offset" => offset = number(&value),
            "decodedOffset" => decoded_offset = number(&value),
            "expected" => expected = Phrase::from_name(&text(value)),
            "found" => found = self::found(json, &value)?,
            "reason" if value != Event::Null => reason = Some(Reason::from_name(&text(value))),
            "distrust" if value != Event::Null => {
                distrust = Some(Distrust::from_name(&text(value)));
            }
            _ => {}
        }
        Ok(())
    })?;
    let known = || {
        let mut error = DecodeError::new(stage?, offset?, decoded_offset, expected?, found?);
        (error.reason, error.distrust) = (reason.unwrap_or(None), distrust.unwrap_or(None));
        Some(error)
    };
    // What follows from a name that is not known here is not known either.
    Ok(known().filter(|_| reason != Some(None) && distrust != Some(None)))
}

/// What was found: `"end"`, or an object with one member.
fn found(json: &mut Json<'_>, value: &Event<'_>) -> Result<Option<Found>, SyntaxError> {
    let mut found = matches!(value, Event::Text(end) if end == "end").then_some(Found::End);
    if *value == Event::Map {
        json.members(&mut |_, name, value| {
            found = match name {
                "byte" => number(&value).map(Found::Byte),
                "char" => text(value).chars().next().map(Found::Char),
                "thing" => Phrase::from_name(&text(value)).map(Found::Thing),
                _ => None,
            };
            Ok(())
        })?;
    }
    Ok(found)
}
