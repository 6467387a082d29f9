//! What the codec has read, as records of strings and numbers.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use dubbo_k8s_codec::problem::{Code, Detail};
use dubbo_k8s_codec::{self as codec, DecodeError, Found, UrlError};
use serde::Serialize;

use crate::units::Codec;

/// What is in an annotation.
#[derive(Clone, Debug, Serialize)]
pub struct Annotation {
    /// The records, in their order.
    pub records: Vec<Record>,
    /// What only a tolerant reader accepts.
    pub warnings: Vec<Warning>,
}

/// A record, and what its key says.
#[derive(Clone, Debug, Serialize)]
pub struct Record {
    /// The key.
    pub key: String,
    /// The value.
    pub value: String,
    /// The interface that the key names.
    pub interface: Option<String>,
    /// `providers`, `consumers`, `routers` or `configurators`.
    pub category: Option<&'static str>,
    /// The URL in the key, unescaped.
    pub url: Option<String>,
}

impl Record {
    pub(crate) fn of(record: codec::Record<'_>) -> Self {
        let key = codec::Key::parse(record.key).ok();
        let (interface, category, url) =
            key.map_or((None, None, None), |key| (key.interface, key.category, key.url));
        Self {
            key: record.key.into(),
            value: record.value.into(),
            interface: interface.map(Cow::into_owned),
            category: category.map(codec::Category::as_str),
            url: url.map(Cow::into_owned),
        }
    }
}

/// Something odd about an annotation that is read all the same.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Warning {
    /// What, by a name that never changes.
    pub code: &'static str,
    /// In words.
    pub message: &'static str,
    /// Where in the annotation.
    pub offset: u32,
    /// Where in the decoded bytes, past base64.
    pub decoded_offset: Option<u32>,
}

impl Warning {
    pub(crate) fn of(warning: &codec::Warning, annotation: &str, codec: Codec) -> Self {
        Self {
            code: warning.code.as_str(),
            message: Code::Odd(warning.code).title(codec.language),
            offset: codec.units.count(annotation, warning.offset),
            decoded_offset: warning.decoded_offset.map(number),
        }
    }
}

/// Why something is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    /// What kind, by a name that never changes.
    pub code: &'static str,
    /// In words.
    pub message: String,
    /// Where in the text.
    pub offset: u32,
    /// Where in the decoded bytes of an annotation, past base64.
    pub decoded_offset: Option<u32>,
    /// What would have been right, by a name that never changes.
    pub expected: String,
    /// What was there.
    pub found: Found,
}

impl Fault {
    pub(crate) fn of(error: &DecodeError, text: &str, codec: Codec) -> Self {
        Self {
            code: error.code().as_str(),
            message: Detail::from(error).text(codec.language),
            offset: codec.units.count(text, error.offset),
            decoded_offset: error.decoded_offset.map(number),
            expected: error.expected.name(),
            found: error.found,
        }
    }

    pub(crate) fn of_url(error: &UrlError, text: &str, codec: Codec) -> Self {
        let UrlError { offset, expected, found, .. } = *error;
        Self {
            code: Code::UrlMalformed.as_str(),
            message: Detail::Expected { expected, found, at: None }.text(codec.language),
            offset: codec.units.count(text, offset),
            decoded_offset: None,
            expected: expected.name(),
            found,
        }
    }
}

/// A Dubbo URL, taken apart.
#[derive(Clone, Debug, Serialize)]
pub struct Url {
    /// What stands before `://`.
    pub protocol: String,
    /// What stands before `@`, as it is written.
    pub userinfo: Option<String>,
    /// A name or an address; an IPv6 address has no brackets.
    pub host: String,
    /// The port.
    pub port: Option<u16>,
    /// The path, without its first slash, as it is written.
    pub path: String,
    /// Names and values, unescaped, in their order.
    pub parameters: Vec<(String, String)>,
    /// The service that it is about.
    pub service: Service,
    /// Its weight when it is warm.
    pub weight: u32,
    /// Whether it takes calls at all.
    pub enabled: bool,
}

/// A service.
#[derive(Clone, Debug, Serialize)]
pub struct Service {
    /// `[group/]interface[:version]`.
    pub key: String,
    /// The interface.
    pub interface: String,
    /// The group.
    pub group: Option<String>,
    /// The version.
    pub version: Option<String>,
}

impl Url {
    pub(crate) fn of(url: &codec::Url<'_>) -> Self {
        let parameters = url.params();
        let parameters = parameters.map(|it| (it.name().into_owned(), it.value().into_owned()));
        let service = url.service();
        Self {
            protocol: url.scheme().into(),
            userinfo: url.userinfo().map(Into::into),
            host: url.host().into(),
            port: url.port(),
            path: url.path().into(),
            parameters: parameters.collect(),
            service: Service {
                key: service.to_string(),
                interface: service.interface.clone().into_owned(),
                group: service.group().map(Into::into),
                version: service.version().map(Into::into),
            },
            weight: url.weight(None),
            enabled: url.is_enabled(),
        }
    }
}

/// An offset as it is handed out.
pub(crate) fn number(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}
