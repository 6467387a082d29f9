//! The registry as a proxy needs it: the directories of all services, by interface and by path.

use std::collections::BTreeMap;
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
    /// By interface; by path where that differs.
    named: BTreeMap<Box<str>, Vec<Rc<Directory>>>,
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
        let known = self.named.get(request.path).or_else(|| self.named.get(request.interface));
        let known = known.ok_or(Miss::NoService)?;
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

    /// Weighs those again who are still warming up.
    pub fn warm(&self, policy: &Balance, now_ms: u64, random: &mut Random) {
        for directory in self.named.values().flatten() {
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

/// Where a directory belongs: a path other than its interface, and the service.
type Place = (Option<Rc<str>>, Rc<Service<'static>>);

/// A registry in the making: providers are added, and then each directory is made.
#[derive(Debug, Default)]
pub struct Draft {
    places: BTreeMap<Place, Vec<Rc<Provider>>>,
    registry: Registry,
}

impl Draft {
    /// Adds an endpoint.
    pub fn add(&mut self, registration: &Registration) {
        let Registration { service, path, provider } = registration;
        let mut put = |path: Option<Rc<str>>| {
            let place = (path, Rc::clone(service));
            self.places.entry(place).or_default().push(Rc::clone(provider));
        };
        put(None);
        if path.is_some() {
            put(path.clone());
        }
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
        let Some(((path, service), providers)) = self.places.pop_first() else { return false };
        let key = path.as_deref().unwrap_or(&service.interface);
        let known = earlier
            .named
            .get(key)
            .and_then(|known| known.iter().find(|directory| *directory.name() == *service));
        let directory = match known {
            Some(known) if known.is_of(&providers) => Rc::clone(known),
            _ => {
                let known = known.map(|known| &**known);
                let name = Service::clone(&service);
                Rc::new(Directory::new(name, providers, known, policy, now_ms, random))
            }
        };
        if path.is_none() {
            self.registry.services += 1;
            self.registry.providers += directory.len();
        }
        self.registry.named.entry(key.into()).or_default().push(directory);
        true
    }

    /// The registry, once every directory is made.
    pub fn finish(self) -> Registry {
        self.registry
    }
}
