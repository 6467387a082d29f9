//! Changes to a fleet that is in a store: as a cluster makes them, or as fast as they can be sent.
//! Sans-IO: each step is one change, and when it is made is up to the caller. The same seed makes
//! the same changes.

use serde_json::{Value, json};

use dubbo_k8s_codec::random::Random;

use crate::apiserver::{Prepared, Status, Store, object_at};
use crate::fleet::{Fleet, annotation_of};
use crate::pods::{ANNOTATION, LABEL};

/// Everything that can happen to a Pod, mostly that it registers anew.
#[derive(Debug)]
pub struct Churn {
    store: Store,
    fleet: Fleet,
    random: Random,
    pods: Vec<Member>,
}

/// One Pod of the fleet.
#[derive(Clone, Copy, Debug)]
struct Member {
    generation: u64,
    state: State,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    Whole,
    /// Its annotation cannot be read.
    Broken,
    /// It has lost the label.
    Unlabelled,
    /// It is being deleted.
    Terminating,
    Gone,
}

impl Churn {
    /// Changes to a fleet that the store holds.
    pub fn new(store: Store, fleet: Fleet, seed: u64) -> Self {
        let whole = Member { generation: 0, state: State::Whole };
        Self { store, fleet, random: Random::new(seed), pods: vec![whole; fleet.pods] }
    }

    /// Makes one change.
    pub fn step(&mut self) -> Result<(), Status> {
        let number = self.below(self.pods.len());
        let dice = self.below(100);
        let Some(member) = self.pods.get_mut(number) else { return Ok(()) };
        let (namespace, name) = self.fleet.place(number);
        let (store, place) = (&self.store, (&*namespace, &*name));
        match (member.state, dice) {
            (State::Whole, ..65) => {
                member.generation += 1;
                annotate(store, place, Some(&annotation_of(number, member.generation)))?;
            }
            // Something that is not the registry's.
            (State::Whole, ..80) => {
                let seen = self.random.bits().to_string();
                store.annotate(place.0, place.1, "example.com/seen", Some(&seen))?;
            }
            (State::Whole, ..84) => {
                member.state = State::Broken;
                annotate(store, place, Some("no base64!"))?;
            }
            (State::Whole, ..88) => {
                member.state = State::Unlabelled;
                store.label(place.0, place.1, LABEL, None)?;
            }
            (State::Whole, ..94) => {
                member.state = State::Terminating;
                store.terminate(place.0, place.1)?;
            }
            (State::Whole | State::Terminating, _) => {
                member.state = State::Gone;
                store.delete(place.0, place.1)?;
            }
            (State::Broken, _) => {
                member.state = State::Whole;
                annotate(store, place, Some(&annotation_of(number, member.generation)))?;
            }
            (State::Unlabelled, _) => {
                member.state = State::Whole;
                store.label(place.0, place.1, LABEL, Some("dubbo.io.provider"))?;
            }
            (State::Gone, _) => {
                *member = Member { generation: member.generation + 1, state: State::Whole };
                store.create(self.fleet.pod(number, member.generation))?;
            }
        }
        Ok(())
    }

    fn below(&mut self, bound: usize) -> usize {
        let bound = bound.max(1) as u64;
        usize::try_from(self.random.bits() % bound).unwrap_or_default()
    }
}

fn annotate(store: &Store, place: (&str, &str), value: Option<&str>) -> Result<(), Status> {
    store.annotate(place.0, place.1, ANNOTATION, value).map(drop)
}

/// Pods that register one of their services anew, back and forth between two forms that were printed
/// beforehand: each change takes one key away and brings one.
#[derive(Debug)]
pub struct Alternation {
    store: Store,
    forms: Vec<[Prepared; 2]>,
    steps: usize,
}

impl Alternation {
    /// Changes to the first `pods` of a fleet that the store holds.
    pub fn new(store: &Store, fleet: Fleet, pods: usize) -> Result<Self, Status> {
        let form = |number: usize, generation: u64| {
            let (namespace, name) = fleet.place(number);
            store.prepare(&namespace, &name, |pod| {
                let annotations = object_at(pod, &["metadata", "annotations"]);
                let annotation: Value = json!(annotation_of(number, generation));
                annotations.insert(ANNOTATION.to_owned(), annotation);
            })
        };
        let pods = 0..pods.min(fleet.pods);
        let forms = pods.map(|number| Ok([form(number, 1)?, form(number, 0)?]));
        Ok(Self { store: store.clone(), forms: forms.collect::<Result<_, Status>>()?, steps: 0 })
    }

    /// Makes one change, and answers with its resourceVersion.
    pub fn step(&mut self) -> u64 {
        let pods = self.forms.len().max(1);
        let (turn, pod) = (self.steps / pods % 2, self.steps % pods);
        self.steps += 1;
        let form = self.forms.get(pod).and_then(|forms| forms.get(turn));
        form.map_or_else(|| self.store.resource_version(), |form| self.store.put(form))
    }
}

#[cfg(test)]
mod tests {
    use super::{Alternation, Churn};
    use crate::apiserver::Store;
    use crate::fleet::{Fleet, annotation_of};
    use crate::pods::ANNOTATION;

    const FLEET: Fleet = Fleet { pods: 5, namespaces: 2 };

    fn store() -> Store {
        let store = Store::default();
        store.create_all(FLEET.pods()).unwrap();
        store
    }

    #[test]
    fn the_same_seed_makes_the_same_changes_and_each_step_is_one() {
        let list = |seed| {
            let store = store();
            let mut churn = Churn::new(store.clone(), FLEET, seed);
            for version in 1006..1306 {
                churn.step().unwrap();
                assert_eq!(store.resource_version(), version);
            }
            FLEET
                .pods()
                .map(|pod| {
                    let metadata = &pod["metadata"];
                    let place = [&metadata["namespace"], &metadata["name"]].map(|it| it.as_str());
                    let pod = store.pod(place[0].unwrap(), place[1].unwrap())?;
                    Some(pod["metadata"]["annotations"][ANNOTATION].clone())
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(list(3), list(3));
        assert_ne!(list(3), list(4));
    }

    #[test]
    fn an_alternation_goes_back_and_forth() {
        let store = store();
        let mut alternation = Alternation::new(&store, FLEET, 2).unwrap();
        let (namespace, name) = FLEET.place(0);
        let mut seen = Vec::new();
        for _ in 0..3 {
            assert_eq!(alternation.step(), alternation.step() - 1);
            let pod = store.pod(&namespace, &name).unwrap();
            seen.push(pod["metadata"]["annotations"][ANNOTATION].as_str().unwrap().to_owned());
        }
        let [zero, one] = [0, 1].map(|generation| annotation_of(0, generation));
        assert_eq!(seen, [one.clone(), zero, one]);
    }
}
