//! One Pod's annotation, read into the endpoints that requests can go to. What is bad in it is counted and
//! never hides the rest.

use core::fmt;

use dubbo_k8s_codec::problem::Phrase;
use dubbo_k8s_codec::trust::{Distrust, Registrant, Trust, Unbelieved, Usage};
use dubbo_k8s_codec::{Annotation, DecodeError};

use crate::provider::{self, Fault, Registration};

/// What an annotation says.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    pub(crate) registrations: Vec<Registration>,
    /// How much of it is bad, and the first of it.
    pub(crate) faults: u32,
    pub(crate) first: Option<Bad>,
}

/// What is bad.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Bad {
    Annotation(DecodeError),
    /// The record with this number.
    Record(usize, Fault),
}

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Annotation(error) => error.fmt(f),
            Self::Record(index, fault) => write!(f, "record {index}: {fault}"),
        }
    }
}

impl Reading {
    /// What is believed of a Pod, as far as its quota allows: of each record, and of each endpoint.
    pub(crate) fn of(annotation: &str, trust: &Trust, pod: &Registrant<'_>) -> Self {
        let mut reading = Self::default();
        let annotation = match Annotation::decode(annotation) {
            Ok(annotation) => annotation,
            Err(error) => {
                reading.bad(Bad::Annotation(error));
                return reading;
            }
        };
        let mut usage = Usage::default();
        for (index, record) in annotation.records().enumerate() {
            usage.add(record.key, record.value);
            let registrations = &mut reading.registrations;
            let read = provider::read(record.key, trust, pod, |one| registrations.push(one));
            if let Err(fault) = read {
                reading.bad(Bad::Record(index, fault));
            }
            if !trust.pod.holds(&usage) || reading.registrations.len() > trust.pod.records {
                reading.registrations.truncate(trust.pod.records);
                let distrust = Distrust::OverQuota;
                let unbelieved = Unbelieved { distrust, offset: 0, found: Phrase::More };
                reading.bad(Bad::Record(index, Fault::Unbelieved(unbelieved)));
                break;
            }
        }
        reading
    }

    fn bad(&mut self, bad: Bad) {
        self.faults = self.faults.saturating_add(1);
        self.first.get_or_insert(bad);
    }
}
