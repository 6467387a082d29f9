//! The codec as a component: each function of `wit/codec.wit`, copied field by field from the plain answers.
//!
//! It decides nothing, and imports nothing from its host.

mod wit;

use dubbo_k8s_codec::Found;
use dubbo_k8s_codec::problem::Language;
use dubbo_k8s_plain::{self as plain, Codec, Units};

use self::wit::Component;
use self::wit::exports::dubbo::codec::codec as wire;

fn codec(language: Language) -> Codec {
    Codec { units: Units::Bytes, language }
}

impl wire::Guest for Component {
    fn decode(annotation: String) -> Result<wire::Annotation, wire::Fault> {
        let decoded = codec(Language::English).decode(&annotation)?;
        Ok(wire::Annotation {
            entries: decoded.records.into_iter().map(Into::into).collect(),
            warnings: decoded.warnings.into_iter().map(Into::into).collect(),
        })
    }

    fn encode(entries: Vec<wire::NewEntry>) -> Result<String, wire::Fault> {
        let codec = codec(Language::English);
        let mut keys = Vec::with_capacity(entries.len());
        for entry in entries {
            let key = match entry.name {
                wire::Name::Key(key) => key,
                wire::Name::Url(url) => codec.key_of(&url)?,
            };
            keys.push((key, entry.value));
        }
        Ok(codec.encode(keys.iter().map(|(key, value)| (&**key, &**value))))
    }

    fn parse_url(url: String) -> Result<wire::DubboUrl, wire::Fault> {
        let plain::Url {
            protocol,
            userinfo,
            host,
            port,
            path,
            parameters,
            service,
            weight,
            enabled,
        } = codec(Language::English).parse_url(&url)?;
        let plain::Service { key, interface, group, version } = service;
        let service = wire::Service { key, interface, group, version };
        Ok(wire::DubboUrl {
            protocol,
            userinfo,
            host,
            port,
            path,
            parameters,
            service,
            weight,
            enabled,
        })
    }

    fn problems(text: Vec<u8>, language: wire::Language) -> Vec<wire::Problem> {
        let language = match language {
            wire::Language::English => Language::English,
            wire::Language::Chinese => Language::Chinese,
        };
        codec(language).problems(&text).into_iter().map(Into::into).collect()
    }
}

impl From<plain::Record> for wire::Entry {
    fn from(record: plain::Record) -> Self {
        let plain::Record { key, value, interface, category, url } = record;
        Self { key, value, interface, category: category.map(Into::into), url }
    }
}

impl From<plain::Warning> for wire::Warning {
    fn from(warning: plain::Warning) -> Self {
        let plain::Warning { code, message, offset, decoded_offset } = warning;
        Self { code: code.into(), message: message.into(), offset, decoded_offset }
    }
}

impl From<plain::Fault> for wire::Fault {
    fn from(fault: plain::Fault) -> Self {
        let plain::Fault { code, message, offset, decoded_offset, expected, found } = fault;
        let found = found.into();
        Self { code: code.into(), message, offset, decoded_offset, expected, found }
    }
}

impl From<Found> for wire::Found {
    fn from(found: Found) -> Self {
        match found {
            Found::End => Self::End,
            Found::Byte(byte) => Self::Byte(byte),
            Found::Char(character) => Self::Character(character),
            Found::Thing(phrase) => Self::Thing(phrase.name()),
        }
    }
}

impl From<plain::Problem> for wire::Problem {
    fn from(problem: plain::Problem) -> Self {
        Self {
            code: problem.code.into(),
            severity: match problem.severity {
                "error" => wire::Severity::Error,
                "warning" => wire::Severity::Warning,
                _ => wire::Severity::Note,
            },
            message: problem.message,
            advice: problem.advice.into(),
            namespace: problem.namespace,
            pod: problem.pod,
            entry: problem.record,
            offset: problem.offset,
            place: match problem.place {
                plain::Place::Text => wire::Place::Text,
                plain::Place::Annotation => wire::Place::Annotation,
            },
            expected: problem.expected,
            found: problem.found.map(Into::into),
        }
    }
}
