//! A small cluster that lives: Deployments of providers and consumers in two namespaces that
//! scale, roll and crash, with one Pod whose annotation is broken. Sans-IO: it acts on a
//! [`Store`] when it is called and answers when it wants to be called again; it reads no clock. The same
//! seed gives the same sequence.

mod deployments;
mod lifecycle;

use std::collections::BTreeMap;
use std::time::Duration;

use dubbo_k8s_codec::random::Random;

use crate::apiserver::{Status, Store};

use deployments::{DEPLOYMENTS, Deployment};

/// The namespaces of the simulated cluster.
pub const NAMESPACES: [&str; 2] = ["shop", "payments"];

/// From the creation of a Pod to its container.
const SCHEDULING: Duration = Duration::from_millis(400);
/// From the container to the registration, which also makes the Pod ready.
const STARTING: Duration = Duration::from_millis(700);
/// From the deletionTimestamp to the deletion.
const TERMINATING: Duration = Duration::from_millis(1500);
/// From a crash to the Pod that takes its place.
const REPLACING: Duration = Duration::from_millis(600);
/// Between two incidents.
const CALM: Duration = Duration::from_millis(2500);
/// Between two Pods of a roll.
const ROLLING: Duration = Duration::from_millis(1800);

/// The running cluster.
#[derive(Debug)]
pub struct Simulation {
    store: Store,
    random: Random,
    now: Duration,
    /// Seconds since 1970 when the simulation began; the URLs carry it.
    began: u64,
    agenda: BTreeMap<(Duration, u64), Step>,
    steps: u64,
    pods: Vec<Pod>,
    fleets: Vec<Fleet>,
    addresses: u32,
    incidents: u32,
}

/// One Deployment, as it is now.
#[derive(Clone, Copy, Debug)]
struct Fleet {
    deployment: &'static Deployment,
    replicas: usize,
    generation: u32,
}

/// A Pod that is there.
#[derive(Clone, Debug)]
struct Pod {
    number: u64,
    fleet: usize,
    generation: u32,
    name: String,
    ip: String,
    leaving: bool,
}

/// What happens at its time.
#[derive(Clone, Copy, Debug)]
enum Step {
    Create {
        fleet: usize,
    },
    Run {
        pod: u64,
    },
    Register {
        pod: u64,
    },
    Terminate {
        pod: u64,
    },
    Delete {
        pod: u64,
    },
    Roll {
        fleet: usize,
    },
    /// As many Pods as there should be, whatever happened at once.
    Settle {
        fleet: usize,
    },
    Break,
    Mend,
    Incident,
}

impl Simulation {
    /// A cluster in `store` with all Deployments running, and its incidents still to come.
    /// `began` is in seconds since 1970.
    pub fn new(store: Store, seed: u64, began: u64) -> Result<Self, Status> {
        let fleets = DEPLOYMENTS
            .iter()
            .map(|deployment| Fleet { deployment, replicas: deployment.replicas, generation: 0 })
            .collect();
        let mut simulation = Self {
            store,
            random: Random::new(seed),
            now: Duration::ZERO,
            began,
            agenda: BTreeMap::new(),
            steps: 0,
            pods: Vec::new(),
            fleets,
            addresses: 0,
            incidents: 0,
        };
        simulation.populate()?;
        simulation.plan(CALM / 2, Step::Break);
        simulation.plan(CALM, Step::Incident);
        Ok(simulation)
    }

    /// When the next step is due, since the start.
    pub fn next_wake(&self) -> Option<Duration> {
        self.agenda.keys().next().map(|(at, _)| *at)
    }

    /// Does what is due at `now`, the time since the start.
    pub fn advance(&mut self, now: Duration) -> Result<(), Status> {
        while let Some(entry) = self.agenda.first_entry()
            && entry.key().0 <= now
        {
            let ((at, _), step) = entry.remove_entry();
            self.now = at;
            self.act(step)?;
        }
        self.now = now;
        Ok(())
    }

    /// Everything that ran before the story begins.
    fn populate(&mut self) -> Result<(), Status> {
        for fleet in 0..self.fleets.len() {
            for _ in 0..self.replicas(fleet) {
                let pod = self.create(fleet)?;
                self.run(pod)?;
                self.register(pod)?;
            }
        }
        self.agenda.clear();
        Ok(())
    }

    fn act(&mut self, step: Step) -> Result<(), Status> {
        match step {
            Step::Create { fleet } => self.create(fleet).map(drop),
            Step::Run { pod } => self.run(pod),
            Step::Register { pod } => self.register(pod),
            Step::Terminate { pod } => self.terminate(pod),
            Step::Delete { pod } => self.delete(pod),
            Step::Roll { fleet } => {
                self.roll(fleet);
                Ok(())
            }
            Step::Settle { fleet } => {
                self.settle(fleet);
                Ok(())
            }
            Step::Break => self.spoil("W3siayI6Ii9kdWJiby9jb20uZXhhbXBsZS5taXNzaW5nIiwidiI6"),
            Step::Mend => self.mend(),
            Step::Incident => self.incident(),
        }
    }

    /// One thing goes on in the cluster: the first six in order, so that a short look sees each
    /// kind, then by context.
    fn incident(&mut self) -> Result<(), Status> {
        let kind = if self.incidents < 6 { u64::from(self.incidents) } else { self.context(6) };
        self.incidents += 1;
        let fleet = self.pick(self.fleets.len());
        match kind {
            0 | 4 => self.scale(fleet, 1),
            1 => self.crash(fleet)?,
            2 => self.plan(Duration::ZERO, Step::Roll { fleet }),
            3 => self.plan(Duration::ZERO, Step::Mend),
            _ => self.scale(fleet, -1),
        }
        self.plan(CALM, Step::Incident);
        Ok(())
    }

    fn scale(&mut self, fleet: usize, by: isize) {
        if let Some(state) = self.fleets.get_mut(fleet) {
            state.replicas = state.replicas.saturating_add_signed(by).clamp(1, 5);
            self.plan(Duration::ZERO, Step::Settle { fleet });
        }
    }

    fn settle(&mut self, fleet: usize) {
        let wanted = self.replicas(fleet);
        let present: Vec<u64> = self.present(fleet).map(|pod| pod.number).collect();
        for _ in present.len()..wanted {
            self.plan(Duration::ZERO, Step::Create { fleet });
        }
        for pod in present.into_iter().rev().skip(wanted) {
            self.plan(Duration::ZERO, Step::Terminate { pod });
        }
    }

    /// A node is lost: the Pod is gone without a farewell, and another takes its place.
    fn crash(&mut self, fleet: usize) -> Result<(), Status> {
        let Some(pod) = self.newest_of(fleet) else { return Ok(()) };
        self.delete(pod)?;
        self.plan(REPLACING, Step::Settle { fleet });
        Ok(())
    }

    /// Replaces the Pods of a Deployment one by one.
    fn roll(&mut self, fleet: usize) {
        let Some(state) = self.fleets.get_mut(fleet) else { return };
        state.generation += 1;
        let old: Vec<u64> = self.present(fleet).map(|pod| pod.number).collect();
        let mut at = Duration::ZERO;
        for pod in old {
            self.plan(at, Step::Create { fleet });
            self.plan(at + SCHEDULING + STARTING, Step::Terminate { pod });
            at += ROLLING;
        }
        self.plan(at, Step::Settle { fleet });
    }

    fn plan(&mut self, after: Duration, step: Step) {
        self.steps += 1;
        self.agenda.insert((self.now + after, self.steps), step);
    }

    fn find(&self, number: u64) -> Option<(&Pod, &'static Deployment)> {
        let pod = self.pods.iter().find(|pod| pod.number == number)?;
        Some((pod, self.fleets.get(pod.fleet)?.deployment))
    }

    fn present(&self, fleet: usize) -> impl Iterator<Item = &Pod> {
        self.pods.iter().filter(move |pod| pod.fleet == fleet && !pod.leaving)
    }

    fn newest_of(&self, fleet: usize) -> Option<u64> {
        self.present(fleet).map(|pod| pod.number).last()
    }

    fn replicas(&self, fleet: usize) -> usize {
        self.fleets.get(fleet).map_or(0, |fleet| fleet.replicas)
    }

    fn timestamp(&self) -> u64 {
        self.began + self.now.as_secs()
    }

    fn context(&mut self, count: u64) -> u64 {
        self.random.bits() % count
    }

    fn pick(&mut self, count: usize) -> usize {
        usize::try_from(self.context(count as u64)).unwrap_or(0)
    }

    /// Five characters, as a `ReplicaSet` names its Pods.
    fn suffix(&mut self) -> String {
        const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
        (0..5)
            .map(|_| {
                LETTERS.get(self.pick(LETTERS.len())).map_or('x', |letter| char::from(*letter))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{NAMESPACES, Simulation};
    use crate::apiserver::Store;
    use crate::pods::LABEL;
    use std::time::Duration;

    fn run(seed: u64, seconds: u64) -> Store {
        let store = Store::default();
        let mut simulation = Simulation::new(store.clone(), seed, 1_795_347_207).unwrap();
        while let Some(at) = simulation.next_wake()
            && at < Duration::from_secs(seconds)
        {
            simulation.advance(at).unwrap();
        }
        store
    }

    #[test]
    fn the_same_seed_makes_the_same_changes() {
        let text = |store: &Store| store.list(true).flatten().collect::<Vec<u8>>();
        assert_eq!(text(&run(7, 60)), text(&run(7, 60)));
        assert_ne!(text(&run(7, 60)), text(&run(8, 60)));
    }

    #[test]
    fn ten_minutes_neither_empties_nor_fills_the_cluster() {
        let store = run(3, 600);
        assert!((10..60).contains(&store.pods()), "{}", store.pods());
        assert!(store.resource_version() > 1_700, "much happened: {}", store.resource_version());
    }

    #[test]
    fn begins_with_everything_registered_in_both_namespaces() {
        let text: Vec<u8> = run(1, 0).list(false).flatten().collect();
        let list: serde_json::Value = serde_json::from_slice(&text).unwrap();
        let pods = list["items"].as_array().unwrap();
        for namespace in NAMESPACES {
            assert!(pods.iter().any(|pod| pod["metadata"]["namespace"] == namespace));
        }
        assert!(pods.iter().all(|pod| pod["metadata"]["labels"][LABEL].is_string()));
        assert!(pods.iter().all(|pod| pod["status"]["phase"] == "Running"));
    }
}
