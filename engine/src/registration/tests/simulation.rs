//! Many machines, one Pod, and a network that delays, loses and refuses, under a virtual clock.
//! Whatever it does: nothing is lost, nothing is doubled, no other Pod is touched.

use alloc::borrow::ToOwned as _;
use alloc::collections::{BTreeMap, BinaryHeap};
use alloc::format;
use alloc::string::ToString as _;
use alloc::vec;
use alloc::vec::Vec;
use core::cmp::Reverse;

use dubbo_k8s_codec::random::Random;
use proptest::prelude::*;

use super::*;

/// What happens to a Pod besides the machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Others {
    /// Nothing.
    None,
    /// Another client changes its own annotation.
    Neighbours,
    /// Another writer replaces the annotation without reading it first, as dubbo-go does.
    Overwriters,
    /// The Pod is deleted and made again.
    Replacement,
}

#[derive(Debug, Clone)]
struct Scenario {
    seed: u64,
    writers: usize,
    hold: bool,
    /// Of 100 requests, how many fail in some way.
    faults: u64,
    others: Others,
}

/// Something that is on its way.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Wake { actor: usize },
    Arrive { actor: usize, stream: StreamId },
    Head { actor: usize, stream: StreamId, status: u16 },
    Chunk { actor: usize, stream: StreamId, bytes: Vec<u8> },
    End { actor: usize, stream: StreamId },
    Cut { actor: usize, stream: StreamId },
    Unregister { actor: usize },
    Outside { round: u32 },
}

struct Actor {
    machine: Registrar,
    requests: BTreeMap<StreamId, Request>,
    /// The open watch, how many events of the model it has sent, and when the last one arrives.
    watch: Option<(StreamId, usize, Duration)>,
    outcomes: BTreeMap<Ticket, Result<Outcome, RegistrationError>>,
    lost: bool,
    keep: Arc<str>,
    drop: Arc<str>,
}

struct World {
    model: Model,
    actors: Vec<Actor>,
    now: Duration,
    queue: BinaryHeap<Reverse<(Duration, u64, Event)>>,
    order: u64,
    random: Random,
    scenario: Scenario,
}

/// Until here the network fails, and others write.
const CALM: Duration = Duration::from_secs(20);
const END: Duration = Duration::from_secs(400);

impl World {
    fn new(scenario: Scenario) -> Self {
        let mut model = Model::new();
        model.set_records(&["/dubbo", "first", "/dubbo"]);
        let uid = (scenario.others == Others::Replacement).then(|| "uid-1".to_owned());
        let settings = RegistrarSettings { uid, ..settings(scenario.hold) };
        let actor = |number: usize| Actor {
            machine: Registrar::new(settings.clone(), scenario.seed ^ number as u64),
            requests: BTreeMap::new(),
            watch: None,
            outcomes: BTreeMap::new(),
            lost: false,
            keep: key(&format!("keep.{number}")),
            drop: key(&format!("drop.{number}")),
        };
        let mut world = Self {
            model,
            actors: (0..scenario.writers).map(actor).collect(),
            now: Duration::ZERO,
            queue: BinaryHeap::new(),
            order: 0,
            random: Random::new(scenario.seed),
            scenario,
        };
        for actor in 0..world.actors.len() {
            let one = &mut world.actors[actor];
            for key in [&one.keep, &one.drop] {
                one.machine.submit(Duration::ZERO, Edit::Add(vec![Arc::clone(key)]), None);
            }
            let at = world.jitter(50);
            world.push(at, Event::Wake { actor });
            let at = Duration::from_secs(5) + world.jitter(5000);
            world.push(at, Event::Unregister { actor });
        }
        world.push(Duration::from_secs(1), Event::Outside { round: 0 });
        world
    }

    fn push(&mut self, at: Duration, event: Event) {
        self.order += 1;
        self.queue.push(Reverse((at.max(self.now), self.order, event)));
    }

    fn jitter(&mut self, ms: u64) -> Duration {
        Duration::from_micros(self.random.within(0, ms * 1000))
    }

    fn fails(&mut self) -> bool {
        self.now < CALM && self.random.within(0, 99) < self.scenario.faults
    }

    fn run(&mut self) {
        while let Some(Reverse((at, _, event))) = self.queue.pop() {
            if at > END {
                return;
            }
            self.now = at;
            self.happen(event);
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Wake { actor } => self.input(actor, Input::Wake),
            Event::Arrive { actor, stream } => self.arrive(actor, stream),
            Event::Head { actor, stream, status } => {
                self.input(
                    actor,
                    Input::Head { stream, status, retry_after: None, content_type: "" },
                );
            }
            Event::Chunk { actor, stream, bytes } => {
                self.input(actor, Input::Chunk { stream, bytes: &bytes });
            }
            Event::End { actor, stream } => self.input(actor, Input::End { stream }),
            Event::Cut { actor, stream } => {
                let error = TransportError::new(TransportErrorKind::Interrupted, "cut");
                let watch = &mut self.actors[actor].watch;
                *watch = watch.take_if(|(open, ..)| *open != stream);
                self.input(actor, Input::Failed { stream, error });
            }
            Event::Unregister { actor } => {
                let one = &mut self.actors[actor];
                one.machine.submit(self.now, Edit::Remove(vec![Arc::clone(&one.drop)]), None);
                self.input(actor, Input::Wake);
            }
            Event::Outside { round } => self.outside(round),
        }
    }

    fn input(&mut self, actor: usize, input: Input<'_>) {
        let mut out = Vec::new();
        let one = &mut self.actors[actor];
        one.machine.handle(self.now, input, &mut out);
        let next_wake = one.machine.next_wake();
        for output in out {
            match output {
                RegistrarOutput::Send { stream, request } => {
                    self.actors[actor].requests.insert(stream, request);
                    let at = self.now + self.jitter(30);
                    self.push(at, Event::Arrive { actor, stream });
                }
                RegistrarOutput::Cancel { stream } => {
                    let one = &mut self.actors[actor];
                    one.requests.remove(&stream);
                    one.watch.take_if(|(open, ..)| *open == stream);
                }
                RegistrarOutput::Notice(notice) => self.notice(actor, notice),
            }
        }
        if let Some(at) = next_wake {
            self.push(at, Event::Wake { actor });
        }
    }

    fn notice(&mut self, actor: usize, notice: RegistrarNotice) {
        let one = &mut self.actors[actor];
        let (ticket, result) = match notice {
            RegistrarNotice::Done { ticket, outcome } => (ticket, Ok(outcome)),
            RegistrarNotice::Failed { ticket, error } => (ticket, Err(error)),
            RegistrarNotice::Lost(_) => return one.lost = true,
            _ => return,
        };
        assert!(one.outcomes.insert(ticket, result).is_none(), "answered twice");
    }

    fn arrive(&mut self, actor: usize, stream: StreamId) {
        let Some(request) = self.actors[actor].requests.remove(&stream) else { return };
        let at = self.now + self.jitter(30);
        if self.fails() {
            return self.fail(actor, stream, &request, at);
        }
        if request.verb == Verb::Watch {
            return self.open_watch(actor, stream);
        }
        let (status, body) = self.model.answer(&request);
        self.reply(actor, stream, status, &body, at);
        self.tell_watches();
    }

    /// Lost on the way, lost on the way back, refused, or never answered.
    fn fail(&mut self, actor: usize, stream: StreamId, request: &Request, at: Duration) {
        match self.random.within(0, 4) {
            0 => self.push(at, Event::Cut { actor, stream }),
            1 if request.verb != Verb::Watch => {
                self.model.answer(request);
                self.push(at, Event::Cut { actor, stream });
                self.tell_watches();
            }
            2 => self.reply(actor, stream, 429, b"Too many requests", at),
            3 => self.reply(actor, stream, 500, b"{}", at),
            _ => {}
        }
    }

    fn reply(&mut self, actor: usize, stream: StreamId, status: u16, body: &[u8], at: Duration) {
        self.push(at, Event::Head { actor, stream, status });
        let (first, second) = body.split_at(body.len() / 3);
        for bytes in [first, second] {
            self.push(at, Event::Chunk { actor, stream, bytes: bytes.to_vec() });
        }
        self.push(at, Event::End { actor, stream });
    }

    fn open_watch(&mut self, actor: usize, stream: StreamId) {
        self.push(self.now, Event::Head { actor, stream, status: 200 });
        let line = match &self.model.pod {
            Some(pod) => json!({"type": "ADDED", "object": pod}),
            None => json!({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "1"}}}),
        };
        let at = self.now + self.jitter(30);
        self.push(at, Event::Chunk { actor, stream, bytes: format!("{line}\n").into_bytes() });
        self.actors[actor].watch = Some((stream, self.model.events.len(), at));
    }

    fn tell_watches(&mut self) {
        for actor in 0..self.actors.len() {
            let Some((stream, sent, last)) = self.actors[actor].watch else { continue };
            let news: Vec<_> = self.model.events.iter().skip(sent).cloned().collect();
            let mut at = last;
            for (kind, pod) in news {
                at = at.max(self.now + self.jitter(40));
                if self.fails() {
                    self.push(at, Event::Cut { actor, stream });
                    break;
                }
                let line = format!("{}\n", json!({"type": kind, "object": pod}));
                self.push(at, Event::Chunk { actor, stream, bytes: line.into_bytes() });
            }
            self.actors[actor].watch = Some((stream, self.model.events.len(), at));
        }
    }

    fn outside(&mut self, round: u32) {
        match self.scenario.others {
            Others::None => return,
            Others::Neighbours => {
                self.model.edit(|metadata| {
                    metadata["annotations"]["neighbour"] = json!(round.to_string());
                });
            }
            Others::Overwriters => self.model.set_records(&["overwritten"]),
            Others::Replacement if round == 3 => {
                self.model.delete();
                self.tell_watches();
                self.model.create();
            }
            Others::Replacement => {}
        }
        self.tell_watches();
        let at = self.now + self.jitter(2000);
        if at < CALM {
            self.push(at, Event::Outside { round: round + 1 });
        }
    }

    fn check(&self) -> Result<(), TestCaseError> {
        let records = self.model.records();
        let count = |key: &str| records.iter().filter(|record| **record == *key).count();
        if self.scenario.others == Others::Replacement {
            prop_assert!(records.is_empty(), "the new Pod was written to");
            for one in &self.actors {
                let held =
                    self.scenario.hold && one.outcomes.values().next().is_some_and(Result::is_ok);
                prop_assert!(one.machine.is_settled() && one.outcomes.len() == 3);
                prop_assert_eq!(one.lost, held);
            }
            return Ok(());
        }
        for one in &self.actors {
            prop_assert!(one.machine.is_settled(), "not settled: {:?}", one.machine);
            prop_assert_eq!(one.outcomes.len(), 3);
            prop_assert!(one.outcomes.values().all(Result::is_ok), "{:?}", one.outcomes);
            prop_assert_eq!(count(&one.drop), 0, "not taken out");
            if self.scenario.hold || self.scenario.others != Others::Overwriters {
                prop_assert_eq!(count(&one.keep), 1);
            }
        }
        if self.scenario.others != Others::Overwriters {
            prop_assert_eq!(&records[..3], ["/dubbo", "first", "/dubbo"]);
            prop_assert_eq!(records.len(), 3 + self.actors.len());
        }
        prop_assert_eq!(self.model.label(), Some("dubbo.io-value"));
        Ok(())
    }
}

fn scenarios() -> impl Strategy<Value = Scenario> {
    let others = prop_oneof![
        Just(Others::None),
        Just(Others::Neighbours),
        Just(Others::Overwriters),
        Just(Others::Replacement),
    ];
    (any::<u64>(), 1..8_usize, any::<bool>(), 0..40_u64, others).prop_map(
        |(seed, writers, hold, faults, others)| Scenario { seed, writers, hold, faults, others },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn nothing_is_lost_and_nothing_is_doubled(scenario in scenarios()) {
        let mut world = World::new(scenario);
        world.run();
        world.check()?;
    }
}
