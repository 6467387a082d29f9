//! The registry as a proxy needs it: the directories of all services, by interface and by path.

use std::rc::Rc;

use crate::directory::{Directory, PickContext, Picked, Standing};
use crate::place::Place;
use crate::random::Random;
use crate::request::Request;
use crate::settings::Policy;

/// All directories. None of them is ever changed: one of whose providers some came or went is another one.
#[derive(Debug, Default)]
pub struct Registry {
    /// By interface, and by path where that differs; in the order of the names.
    named: Vec<(Box<str>, Vec<Rc<Directory>>)>,
    services: usize,
    providers: usize,
}

/// Why no endpoint was selected for a request.
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
    ///
    /// # Errors
    ///
    /// When no service fits the request, or none of its providers may take it.
    pub fn route(
        &self,
        request: &Request<'_>,
        context: &mut PickContext<'_>,
    ) -> Result<Picked, Miss> {
        let known = match self.named(request.path) {
            [] => self.named(request.interface),
            known => known,
        };
        for question in request.questions() {
            let mut fitting = known.iter().filter(|directory| question.matches(directory.name()));
            let Some(first) = fitting.next() else { continue };
            let picked = match fitting.next() {
                None => first.pick(request, context),
                Some(second) => {
                    let all = [first, second].into_iter().chain(fitting);
                    choose(all.map(|one| &**one), request, context)
                        .and_then(|directory| directory.pick(request, context))
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

    /// The directory of this place.
    pub(crate) fn directory(&self, place: &Place) -> Option<&Rc<Directory>> {
        let named = self.named(place.name()).iter();
        named.into_iter().find(|directory| *directory.name() == *place.service)
    }

    /// Puts a directory into its place, instead of the one that is there; without one the place becomes empty.
    pub(crate) fn put(&mut self, place: &Place, directory: Option<Rc<Directory>>) {
        let before = self.directory(place).map_or(0, |directory| directory.len());
        if place.path.is_none() {
            let after = directory.as_ref().map_or(0, |directory| directory.len());
            self.providers = self.providers + after - before;
            self.services = self.services + usize::from(after > 0) - usize::from(before > 0);
        }
        // They mostly come in the order of their names, each behind all others.
        let at = self.named.partition_point(|(known, _)| **known < *place.name());
        let is_known = self.named.get(at).is_some_and(|(known, _)| **known == *place.name());
        if !is_known {
            self.named.insert(at, (place.name().into(), Vec::new()));
        }
        let Some((_, directories)) = self.named.get_mut(at) else { return };
        directories.retain(|directory| *directory.name() != *place.service);
        directories.extend(directory);
        if directories.is_empty() {
            self.named.remove(at);
        }
    }

    /// Computes the weights of the providers again that are still warming up.
    pub fn warm(&self, policy: &Policy, now_ms: u64, random: &mut Random) {
        for directory in self.named.iter().flat_map(|(_, directories)| directories) {
            directory.warm(policy, now_ms, random);
        }
    }
}

/// One of several directories: at random by weight, or by the policy's own measure.
fn choose<'a>(
    directories: impl Iterator<Item = &'a Directory>,
    request: &Request<'_>,
    context: &mut PickContext<'_>,
) -> Option<&'a Directory> {
    let mut chosen: Option<(&Directory, Standing)> = None;
    let mut total = 0_u64;
    for directory in directories {
        let standing = directory.standing(request, context.key);
        let better = match (standing, chosen) {
            (Standing::Weight(weight), _) => {
                total = total.saturating_add(weight);
                weight > 0 && context.random.below(total) < weight
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
