//! The codec's functions as plain data: strings, numbers and records of them, which every language has.
//!
//! It decides nothing: each function asks the codec and copies its answer. The npm package and the component are thin
//! shims over it.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod answers;
mod problems;
mod units;

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use dubbo_k8s_codec as codec;

pub use answers::{Annotation, Fault, Record, Service, Url, Warning};
pub use problems::{Place, Problem};
pub use units::{Codec, Units};

impl Codec {
    /// Reads the value of an annotation.
    ///
    /// # Errors
    /// Where it is refused, and what was expected there.
    pub fn decode(self, annotation: &str) -> Result<Annotation, Fault> {
        let decoded = codec::Annotation::decode(annotation)
            .map_err(|error| Fault::of(&error, annotation, self))?;
        let warnings = decoded.warnings().iter().map(|it| Warning::of(it, annotation, self));
        Ok(Annotation {
            records: decoded.records().map(Record::of).collect(),
            warnings: warnings.collect(),
        })
    }

    /// Writes the value of an annotation of keys and their values, byte for byte as dubbo-go does. What a key says is not
    /// looked at.
    pub fn encode<'a>(self, records: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
        codec::encode(records.into_iter().map(|(key, value)| codec::Record { key, value }))
    }

    /// The key under which a URL is registered.
    ///
    /// # Errors
    /// Where it is no URL, and what was expected there.
    pub fn key_of(self, url: &str) -> Result<String, Fault> {
        let key = codec::Key::of_url(url).map_err(|error| Fault::of_url(&error, url, self))?;
        Ok(key.to_string())
    }

    /// Takes a Dubbo URL apart.
    ///
    /// # Errors
    /// Where it is none, and what was expected there.
    pub fn parse_url(self, url: &str) -> Result<Url, Fault> {
        let parsed = codec::Url::parse(url).map_err(|error| Fault::of_url(&error, url, self))?;
        Ok(Url::of(&parsed))
    }

    /// What is wrong with a text: an annotation, Pods in JSON or YAML, a saved watch, URLs, whatever people paste.
    /// What cannot be read is a problem too.
    pub fn problems(self, text: &[u8]) -> Vec<Problem> {
        problems::of(text, self)
    }
}

#[cfg(test)]
mod tests;
