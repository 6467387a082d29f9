//! Content negotiation: which form of an object the Accept header asks for, and in which encoding. What a
//! real server also has (YAML, CBOR, tables) is passed over.

use super::object::{Encoding, Form, Representation};
use super::options::Options;
use super::status::{Details, Status};

/// What the Accept header settles.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Shape {
    kind: Kind,
    encoding: Encoding,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
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
pub(crate) fn negotiate(accept: &str, options: &Options) -> Result<Shape, Status> {
    if accept.trim().is_empty() {
        return Ok(Shape { kind: Kind::Full, encoding: Encoding::Json });
    }
    by_quality(accept)
        .find_map(|clause| clause.shape(options))
        .ok_or_else(|| not_acceptable(AVAILABLE).with_details(Details::default()))
}

/// The encoding of an error: a Status is no kind that `as=` could ask for.
pub(crate) fn encoding_of_errors(accept: &str, options: &Options) -> Encoding {
    by_quality(accept).find_map(|clause| clause.encoding(options)).unwrap_or(Encoding::Json)
}

/// The clauses that are acceptable, best first.
fn by_quality(accept: &str) -> impl Iterator<Item = Clause<'_>> {
    let mut clauses: Vec<Clause<'_>> = accept.split(',').map(Clause::parse).collect();
    clauses.sort_by_key(|clause| std::cmp::Reverse(clause.quality));
    clauses.into_iter().filter(|clause| clause.quality > 0)
}

/// Whether errors are printed over several lines: so they are when another kind was asked for.
pub(crate) fn is_pretty(accept: &str, status: u16) -> bool {
    status == 406 || accept.contains(";as=")
}

impl Shape {
    /// A single object.
    pub(crate) fn of_object(self) -> Result<Representation, Status> {
        match self.kind {
            Kind::Full => Ok(self.with(Form::Full)),
            Kind::Metadata => Ok(self.with(Form::Metadata)),
            Kind::MetadataList => Err(not_acceptable(
                "you requested PartialObjectMetadataList, but the requested object is not a list (*core.Pod)",
            )),
        }
    }

    /// The items of a list.
    pub(crate) fn of_list(self) -> Result<Representation, Status> {
        match self.kind {
            Kind::Full => Ok(self.with(Form::Full)),
            Kind::MetadataList => Ok(self.with(Form::Metadata)),
            Kind::Metadata => Err(not_acceptable(
                "you requested PartialObjectMetadata, but the requested object is a list (*core.PodList)",
            )),
        }
    }

    /// The objects of a watch; `None` ends the stream at its first event, which is how the server
    /// treats the list kind.
    pub(crate) fn of_watch(self) -> Option<Representation> {
        match self.kind {
            Kind::Full => Some(self.with(Form::Full)),
            Kind::Metadata => Some(self.with(Form::Metadata)),
            Kind::MetadataList => None,
        }
    }

    /// The encoding alone.
    pub(crate) fn encoding(self) -> Encoding {
        self.encoding
    }

    fn with(self, form: Form) -> Representation {
        Representation { form, encoding: self.encoding }
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

    fn encoding(&self, options: &Options) -> Option<Encoding> {
        match self.media_type {
            "application/json" | "application/*" | "*/*" => Some(Encoding::Json),
            "application/vnd.kubernetes.protobuf" if options.protobuf => Some(Encoding::Protobuf),
            _ => None,
        }
    }

    fn shape(&self, options: &Options) -> Option<Shape> {
        let encoding = self.encoding(options)?;
        let meta = (self.group, self.version) == (Some("meta.k8s.io"), Some("v1"));
        let kind = match self.kind {
            None => Kind::Full,
            Some("PartialObjectMetadata") if meta => Kind::Metadata,
            Some("PartialObjectMetadataList") if meta => Kind::MetadataList,
            Some(_) => return None,
        };
        Some(Shape { kind, encoding })
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
    use super::{Encoding, Kind, Options, Shape};

    const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
    const PROTOBUF: &str = "application/vnd.kubernetes.protobuf,application/json";

    fn negotiate(accept: &str) -> Result<Shape, super::Status> {
        super::negotiate(accept, &Options::default())
    }

    #[test]
    fn the_first_clause_that_can_be_served_wins() {
        let json = |kind| Shape { kind, encoding: Encoding::Json };
        for (accept, shape) in [
            ("", json(Kind::Full)),
            ("*/*", json(Kind::Full)),
            ("application/json", json(Kind::Full)),
            (METADATA, json(Kind::Metadata)),
            ("application/json;as=Table;g=meta.k8s.io;v=v1,application/json", json(Kind::Full)),
            (PROTOBUF, Shape { kind: Kind::Full, encoding: Encoding::Protobuf }),
            (
                "application/vnd.kubernetes.protobuf;stream=watch",
                Shape { kind: Kind::Full, encoding: Encoding::Protobuf },
            ),
            (
                "application/json;q=0.1, application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
                json(Kind::MetadataList),
            ),
        ] {
            assert_eq!(negotiate(accept), Ok(shape), "{accept}");
        }
        assert_eq!(negotiate("application/xml").unwrap_err().code, 406);
        assert_eq!(negotiate("application/json;q=0").unwrap_err().code, 406);
        let without = Options { protobuf: false, ..Options::default() };
        assert_eq!(super::negotiate(PROTOBUF, &without), Ok(json(Kind::Full)));
    }

    #[test]
    fn each_verb_needs_its_own_kind() {
        assert_eq!(negotiate(METADATA).unwrap().of_list().unwrap_err().code, 406);
        assert!(negotiate(METADATA).unwrap().of_object().is_ok());
        let list = Shape { kind: Kind::MetadataList, encoding: Encoding::Json };
        assert_eq!(list.of_watch(), None);
        assert_eq!(list.of_object().unwrap_err().code, 406);
    }
}
