//! The registry as a proxy needs it: the directories of all services, by interface and by path.

use core::cmp::Ordering;
use std::collections::{BTreeMap, btree_map};
use std::rc::Rc;

use dubbo_k8s_codec::Service;

use crate::directory::{Chance, Directory, Picked, Standing};
use crate::provider::{Provider, Registration};
use crate::random::Random;
use crate::request::Request;
use crate::settings::Balance;

/// All directories. It is never changed: a new state of the registry is another one.
#[derive(Debug, Default)]
pub struct Registry {
    /// By interface, and by path where that differs; in the order of the names.
    named: Vec<(Box<str>, Vec<Rc<Directory>>)>,
    services: usize,
    providers: usize,
}

/// Why there is nobody for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Miss {
    /// The registry knows no such service.
    NoService,
    /// The service has no provider that may take it.
    NoProvider,
}

impl Registry {
    /// How many services it has.
    pub const fn services(&self) -> usize {
        self.services
    }

    /// How many endpoints they have.
    pub const fn providers(&self) -> usize {
        self.providers
    }

    /// Picks a provider for a request.
    pub fn route(&self, request: &Request<'_>, chance: &mut Chance<'_>) -> Result<Picked, Miss> {
        let known = match self.named(request.path) {
            [] => self.named(request.interface),
            known => known,
        };
        for question in request.questions() {
            let mut fitting = known.iter().filter(|directory| question.matches(directory.name()));
            let Some(first) = fitting.next() else { continue };
            let picked = match fitting.next() {
                None => first.pick(request, chance),
                Some(second) => {
                    let all = [first, second].into_iter().chain(fitting);
                    choose(all.map(|one| &**one), request, chance)
                        .and_then(|directory| directory.pick(request, chance))
                }
            };
            return picked.ok_or(Miss::NoProvider);
        }
        Err(Miss::NoService)
    }

    /// The directories of this name.
    fn named(&self, name: &str) -> &[Rc<Directory>] {
        let at = self.named.binary_search_by(|(known, _)| (**known).cmp(name));
        at.ok().and_then(|at| self.named.get(at)).map_or(&[], |(_, directories)| directories)
    }

    /// Weighs those again who are still warming up.
    pub fn warm(&self, policy: &Balance, now_ms: u64, random: &mut Random) {
        for directory in self.named.iter().flat_map(|(_, directories)| directories) {
            directory.warm(policy, now_ms, random);
        }
    }
}

/// One of several directories: at random by weight, or by the policy's own measure.
fn choose<'a>(
    directories: impl Iterator<Item = &'a Directory>,
    request: &Request<'_>,
    chance: &mut Chance<'_>,
) -> Option<&'a Directory> {
    let mut chosen: Option<(&Directory, Standing)> = None;
    let mut total = 0_u64;
    for directory in directories {
        let standing = directory.standing(request, chance.key);
        let better = match (standing, chosen) {
            (Standing::Weight(weight), _) => {
                total = total.saturating_add(weight);
                weight > 0 && chance.random.below(total) < weight
            }
            (Standing::Requests(few), Some((_, Standing::Requests(fewest)))) => few < fewest,
            (Standing::Hash(hash), Some((_, Standing::Hash(largest)))) => hash > largest,
            (_, Some(_)) => false,
            (_, None) => true,
        };
        if better {
            chosen = Some((directory, standing));
        }
    }
    chosen.map(|(directory, _)| directory)
}

/// Where a directory belongs: under its interface, or under a path.
#[derive(Debug)]
struct Place {
    service: Rc<Service<'static>>,
    path: Option<Rc<str>>,
}

impl Place {
    fn name(&self) -> &str {
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

type Places = BTreeMap<Place, Vec<Rc<Provider>>>;

/// A registry in the making: providers are added, and then each directory is made.
#[derive(Debug)]
pub struct Draft {
    stage: Stage,
    registry: Registry,
}

#[derive(Debug)]
enum Stage {
    Adding(Places),
    Making(btree_map::IntoIter<Place, Vec<Rc<Provider>>>),
}

impl Default for Draft {
    fn default() -> Self {
        Self { stage: Stage::Adding(Places::new()), registry: Registry::default() }
    }
}

impl Draft {
    /// Adds an endpoint. Once directories are made it is too late, and does nothing.
    pub fn add(&mut self, registration: &Registration) {
        let Stage::Adding(places) = &mut self.stage else { return };
        let Registration { service, path, provider } = registration;
        let mut put = |path: Option<Rc<str>>| {
            let place = Place { service: Rc::clone(service), path };
            places.entry(place).or_default().push(Rc::clone(provider));
        };
        put(None);
        if path.is_some() {
            put(path.clone());
        }
    }

    /// The name of a service as it is known here already: a service has many providers, and one name.
    pub(crate) fn shared(&self, service: Rc<Service<'static>>) -> Rc<Service<'static>> {
        let place = Place { service, path: None };
        let known = match &self.stage {
            Stage::Adding(places) => places.get_key_value(&place),
            Stage::Making(_) => None,
        };
        known.map_or(place.service, |(known, _)| Rc::clone(&known.service))
    }

    /// Makes one directory of those that are left; false if none is. What has not changed since an earlier
    /// registry is taken from there.
    pub fn make_one(
        &mut self,
        earlier: &Registry,
        policy: &Balance,
        now_ms: u64,
        random: &mut Random,
    ) -> bool {
        if let Stage::Adding(places) = &mut self.stage {
            self.stage = Stage::Making(core::mem::take(places).into_iter());
        }
        let Stage::Making(left) = &mut self.stage else { return false };
        let Some((place, providers)) = left.next() else { return false };
        let known = earlier.named(place.name());
        let known = known.iter().find(|directory| *directory.name() == *place.service);
        let directory = match known {
            Some(known) if known.is_of(&providers) => Rc::clone(known),
            _ => {
                let known = known.map(|known| &**known);
                let name = Service::clone(&place.service);
                Rc::new(Directory::new(name, providers, known, policy, now_ms, random))
            }
        };
        if place.path.is_none() {
            self.registry.services += 1;
            self.registry.providers += directory.len();
        }
        // They come in the order of their names.
        match self.registry.named.last_mut().filter(|(name, _)| **name == *place.name()) {
            Some((_, directories)) => directories.push(directory),
            None => self.registry.named.push((place.name().into(), vec![directory])),
        }
        true
    }

    /// The registry, once every directory is made.
    pub fn finish(self) -> Registry {
        self.registry
    }
}
