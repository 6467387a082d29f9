//! The names under which a directory is found: its interface, and a path where that is another.

use core::cmp::Ordering;
use std::rc::Rc;

use dubbo_k8s_codec::Service;

use crate::provider::Registration;

/// Where a directory belongs: under its interface, or under a path.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) service: Rc<Service<'static>>,
    pub(crate) path: Option<Rc<str>>,
}

impl Place {
    pub(crate) fn name(&self) -> &str {
        self.path.as_deref().unwrap_or(&self.service.interface)
    }
}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        self.name().cmp(other.name()).then_with(|| self.service.cmp(&other.service))
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Place {}

/// The places of an endpoint: under its interface, and under its path where that is another.
pub(crate) fn places(registration: &Registration) -> impl Iterator<Item = Place> {
    let service = || Rc::clone(&registration.service);
    let path = registration.path.clone().map(|path| Place { service: service(), path: Some(path) });
    [Place { service: service(), path: None }].into_iter().chain(path)
}
