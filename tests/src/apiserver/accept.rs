//! Content negotiation: which form of an object the Accept header asks for. This server prints
//! JSON only: what a real one also has (protobuf, YAML, CBOR, tables) is passed over.

use super::object::Form;
use super::status::{Details, Status};

/// What the Accept header settles.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Shape {
    Full,
    /// `as=PartialObjectMetadata`.
    Metadata,
    /// `as=PartialObjectMetadataList`.
    MetadataList,
}

/// What an error says when nothing on offer is accepted.
const AVAILABLE: &str = "406: Not Acceptable\n\nAvailable representations: application/json, \
                         application/yaml, application/vnd.kubernetes.protobuf, \
                         application/json;stream=watch, \
                         application/vnd.kubernetes.protobuf;stream=watch";

/// Reads an Accept header, best clause first; 406 when none of them can be served.
pub(crate) fn negotiate(accept: &str) -> Result<Shape, Status> {
    let mut clauses: Vec<Clause<'_>> = accept.split(',').map(Clause::parse).collect();
    clauses.sort_by_key(|clause| std::cmp::Reverse(clause.quality));
    if accept.trim().is_empty() {
        return Ok(Shape::Full);
    }
    clauses
        .iter()
        .filter(|clause| clause.quality > 0)
        .find_map(Clause::shape)
        .ok_or_else(|| not_acceptable(AVAILABLE).with_details(Details::default()))
}

/// Whether errors are printed over several lines: so they are when another kind was asked for.
pub(crate) fn is_pretty(accept: &str, status: u16) -> bool {
    status == 406 || accept.contains(";as=")
}

impl Shape {
    /// The form of a single object.
    pub(crate) fn of_object(self) -> Result<Form, Status> {
        match self {
            Self::Full => Ok(Form::Full),
            Self::Metadata => Ok(Form::Metadata),
            Self::MetadataList => Err(not_acceptable(
                "you requested PartialObjectMetadataList, but the requested object is not a list (*core.Pod)",
            )),
        }
    }

    /// The form of the items of a list.
    pub(crate) fn of_list(self) -> Result<Form, Status> {
        match self {
            Self::Full => Ok(Form::Full),
            Self::MetadataList => Ok(Form::Metadata),
            Self::Metadata => Err(not_acceptable(
                "you requested PartialObjectMetadata, but the requested object is a list (*core.PodList)",
            )),
        }
    }

    /// The form of the objects of a watch; `None` ends the stream at its first event, which is
    /// how the server treats the list kind.
    pub(crate) fn of_watch(self) -> Option<Form> {
        match self {
            Self::Full => Some(Form::Full),
            Self::Metadata => Some(Form::Metadata),
            Self::MetadataList => None,
        }
    }
}

fn not_acceptable(message: &str) -> Status {
    Status::new(406, "NotAcceptable", message)
}

struct Clause<'a> {
    media_type: &'a str,
    kind: Option<&'a str>,
    group: Option<&'a str>,
    version: Option<&'a str>,
    /// In thousandths.
    quality: u16,
}

impl<'a> Clause<'a> {
    fn parse(text: &'a str) -> Self {
        let mut parts = text.split(';').map(str::trim);
        let media_type = parts.next().unwrap_or_default();
        let mut clause = Self { media_type, kind: None, group: None, version: None, quality: 1000 };
        for (name, value) in parts.filter_map(|part| part.split_once('=')) {
            match name {
                "as" => clause.kind = Some(value),
                "g" => clause.group = Some(value),
                "v" => clause.version = Some(value),
                "q" => clause.quality = thousandths(value),
                _ => {}
            }
        }
        clause
    }

    fn shape(&self) -> Option<Shape> {
        if !matches!(self.media_type, "application/json" | "application/*" | "*/*") {
            return None;
        }
        let meta = (self.group, self.version) == (Some("meta.k8s.io"), Some("v1"));
        match self.kind {
            None => Some(Shape::Full),
            Some("PartialObjectMetadata") if meta => Some(Shape::Metadata),
            Some("PartialObjectMetadataList") if meta => Some(Shape::MetadataList),
            Some(_) => None,
        }
    }
}

fn thousandths(quality: &str) -> u16 {
    let (whole, fraction) = quality.split_once('.').unwrap_or((quality, ""));
    let digits = format!("{fraction:0<3}");
    let fraction = digits.get(..3).and_then(|digits| digits.parse::<u16>().ok()).unwrap_or(0);
    (whole.parse::<u16>().unwrap_or(0).min(1) * 1000 + fraction).min(1000)
}

#[cfg(test)]
mod tests {
    use super::{Shape, negotiate};

    const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

    #[test]
    fn the_first_clause_that_can_be_served_wins() {
        for (accept, shape) in [
            ("", Shape::Full),
            ("*/*", Shape::Full),
            ("application/json", Shape::Full),
            (METADATA, Shape::Metadata),
            ("application/json;as=Table;g=meta.k8s.io;v=v1,application/json", Shape::Full),
            ("application/vnd.kubernetes.protobuf,application/json", Shape::Full),
            (
                "application/json;q=0.1, application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
                Shape::MetadataList,
            ),
        ] {
            assert_eq!(negotiate(accept), Ok(shape), "{accept}");
        }
        assert_eq!(negotiate("application/xml").unwrap_err().code, 406);
        assert_eq!(negotiate("application/json;q=0").unwrap_err().code, 406);
    }

    #[test]
    fn each_verb_needs_its_own_kind() {
        assert_eq!(negotiate(METADATA).unwrap().of_list().unwrap_err().code, 406);
        assert!(negotiate(METADATA).unwrap().of_object().is_ok());
        assert_eq!(Shape::MetadataList.of_watch(), None);
        assert_eq!(Shape::MetadataList.of_object().unwrap_err().code, 406);
    }
}
