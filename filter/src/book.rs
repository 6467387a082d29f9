//! Who provides what: the providers of each directory, kept beside the registry so that a change touches only the
//! directories that it concerns.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use dubbo_k8s_codec::Service;

use crate::directory::Directory;
use crate::place::{Place, places};
use crate::provider::{Provider, Registration};
use crate::random::Random;
use crate::registry::Registry;
use crate::settings::Policy;

/// The providers of every directory, and which of them have changed.
#[derive(Debug, Default)]
pub(crate) struct Book {
    places: BTreeMap<Rc<Place>, Vec<Rc<Provider>>>,
    changed: BTreeSet<Rc<Place>>,
    registrations: usize,
}

/// A directory that was made anew; none where its last provider is gone.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) place: Rc<Place>,
    pub(crate) directory: Option<Rc<Directory>>,
}

impl Book {
    /// How many endpoints are registered, each as often as it is.
    pub(crate) const fn len(&self) -> usize {
        self.registrations
    }

    /// Adds an endpoint.
    pub(crate) fn add(&mut self, registration: &Registration) {
        self.registrations += 1;
        for place in places(registration) {
            let place = self.known(place);
            self.places
                .entry(Rc::clone(&place))
                .or_default()
                .push(Rc::clone(&registration.provider));
            self.changed.insert(place);
        }
    }

    /// Takes endpoints out that were added. Each directory is searched once, however many of its providers go.
    pub(crate) fn remove(&mut self, registrations: &[Registration]) {
        self.registrations = self.registrations.saturating_sub(registrations.len());
        let mut gone: BTreeMap<Place, BTreeSet<*const Provider>> = BTreeMap::new();
        for registration in registrations {
            for place in places(registration) {
                gone.entry(place).or_default().insert(Rc::as_ptr(&registration.provider));
            }
        }
        for (place, gone) in gone {
            let Some(providers) = self.places.get_mut(&place) else { continue };
            providers.retain(|one| !gone.contains(&Rc::as_ptr(one)));
            let place = self.known(place);
            self.changed.insert(place);
        }
    }

    fn known(&self, place: Place) -> Rc<Place> {
        let known = self.places.get_key_value(&place).map(|(known, _)| Rc::clone(known));
        known.unwrap_or_else(|| Rc::new(place))
    }

    /// The name of a service as it is known here already: a service has many providers, and one name.
    pub(crate) fn shared(&self, service: Rc<Service<'static>>) -> Rc<Service<'static>> {
        let place = Place { service, path: None };
        let known = self.places.get_key_value(&place).map(|(known, _)| Rc::clone(&known.service));
        known.unwrap_or(place.service)
    }

    /// Makes one of the directories that have changed; none if none has. `earlier` is the registry in service,
    /// whose requests in flight are taken over.
    pub(crate) fn make_one(
        &mut self,
        earlier: &Registry,
        policy: &Policy,
        now_ms: u64,
        random: &mut Random,
    ) -> Option<Made> {
        let place = self.changed.pop_first()?;
        let providers = self.places.get(&place).filter(|providers| !providers.is_empty());
        let Some(providers) = providers else {
            self.places.remove(&place);
            return Some(Made { place, directory: None });
        };
        let known = earlier.directory(&place);
        let directory = match known {
            Some(known) if known.is_of(providers) => Rc::clone(known),
            _ => {
                let known = known.map(|known| &**known);
                let (name, providers) = (Service::clone(&place.service), providers.clone());
                Rc::new(Directory::new(name, providers, known, policy, now_ms, random))
            }
        };
        Some(Made { place, directory: Some(directory) })
    }
}
