//! A registry in the making, out of all its endpoints at once.

use crate::book::{Book, Made};
use crate::provider::Registration;
use crate::random::Random;
use crate::registry::Registry;
use crate::settings::Policy;

/// A registry in the making: providers are added, and then each directory is made.
#[derive(Debug, Default)]
pub struct Draft {
    book: Book,
    made: Vec<Made>,
}

impl Draft {
    /// Adds an endpoint.
    pub fn add(&mut self, registration: &Registration) {
        self.book.add(registration);
    }

    /// Makes one directory of those that are left; false if none is. What has not changed since an earlier
    /// registry is taken from there.
    pub fn make_one(
        &mut self,
        earlier: &Registry,
        policy: &Policy,
        now_ms: u64,
        random: &mut Random,
    ) -> bool {
        let made = self.book.make_one(earlier, policy, now_ms, random);
        let is_made = made.is_some();
        self.made.extend(made);
        is_made
    }

    /// The registry, once every directory is made.
    pub fn finish(self) -> Registry {
        let mut registry = Registry::default();
        for made in self.made {
            registry.put(&made.place, made.directory);
        }
        registry
    }
}
