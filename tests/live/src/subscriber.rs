//! A subscriber that believes nothing: it keeps what the events add up to, and writes down each event
//! that can not be: a key that comes twice, one that goes without having been there, a revision that
//! goes back.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, sleep_until};

use crate::report::Outcome;
use crate::sse::{Event, Stream};
use crate::truth::{Endpoints, digest, of_snapshot};

/// How a subscriber reads.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Habit {
    /// Whatever comes.
    Steady,
    /// It goes away every so often and comes back with the id of the last event.
    Restless(Duration),
    /// It stops reading for so long, again and again.
    Stalling(Duration),
}

/// Between two stalls.
const AWAKE: Duration = Duration::from_secs(8);
/// The receive buffer of one that stalls, so that the server notices soon.
const SMALL: u32 = 64 << 10;
/// Before another attempt to connect.
const PAUSE: Duration = Duration::from_millis(200);
/// More faults than these are only counted.
const FAULTS: usize = 5;

/// What a subscriber has seen. Shared with the one who judges it.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) endpoints: Endpoints,
    pub(crate) events: u64,
    pub(crate) snapshots: u64,
    /// Snapshots that came in the middle of a stream.
    pub(crate) lags: u64,
    /// Streams that the server ended.
    pub(crate) drops: u64,
    /// Streams that went on where the one before had ended.
    pub(crate) resumed: u64,
    pub(crate) wrong: u64,
    pub(crate) faults: Vec<String>,
    number: u64,
    last_id: Option<String>,
}

/// A subscriber.
#[derive(Clone, Debug)]
pub(crate) struct Subscriber {
    pub(crate) habit: Habit,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    category: Option<Cow<'a, str>>,
    #[serde(borrow)]
    url: Option<Cow<'a, str>>,
}

impl Subscriber {
    pub(crate) fn new(habit: Habit) -> Self {
        Self { habit, seen: Arc::default() }
    }

    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads for ever; a stream that ends is opened again. Few read their first snapshot at once,
    /// because each of them is in memory here.
    pub(crate) async fn run(self, address: SocketAddr, few: Arc<Semaphore>) {
        loop {
            if let Err(error) = self.stream(address, &few).await {
                let mut seen = self.seen();
                if error.downcast_ref::<std::io::Error>().is_some() {
                    seen.drops += 1;
                } else {
                    seen.fault(error.to_string());
                }
            }
            sleep(PAUSE).await;
        }
    }

    async fn stream(&self, address: SocketAddr, few: &Semaphore) -> Outcome {
        let last = self.seen().last_id.clone();
        let receive = matches!(self.habit, Habit::Stalling(_)).then_some(SMALL);
        let mut turn = Some(few.acquire().await?);
        let mut stream = Stream::open(address, "/v1/events", last.as_deref(), receive).await?;
        let mut first = true;
        let mut until = self.next_pause();
        loop {
            let event = tokio::select! {
                biased;
                () = pause(until) => None,
                event = stream.next() => Some(event?),
            };
            match event {
                None => match self.habit {
                    Habit::Stalling(time) => {
                        drop(turn.take());
                        sleep(time).await;
                        until = self.next_pause();
                    }
                    Habit::Restless(_) | Habit::Steady => return Ok(()),
                },
                Some(None) => {
                    return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
                }
                Some(Some(event)) => {
                    self.seen().take(&event, first)?;
                    first = false;
                    drop(turn.take());
                }
            }
        }
    }

    fn next_pause(&self) -> Option<Instant> {
        match self.habit {
            Habit::Steady => None,
            Habit::Restless(time) => Some(Instant::now() + time),
            Habit::Stalling(_) => Some(Instant::now() + AWAKE),
        }
    }
}

async fn pause(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until).await,
        None => std::future::pending().await,
    }
}

impl Seen {
    fn take(&mut self, event: &Event<'_>, first: bool) -> Outcome {
        self.events += 1;
        if first {
            self.resumed += u64::from(event.name != "snapshot" && self.last_id.is_some());
        } else {
            self.lags += u64::from(event.name == "snapshot");
        }
        self.revision(event);
        if event.name == "snapshot" {
            self.snapshots += 1;
            self.endpoints = of_snapshot(event.data)?;
            return Ok(());
        }
        if !matches!(event.name, "added" | "updated" | "removed") {
            return Ok(());
        }
        let line: Line<'_> = serde_json::from_str(event.data)?;
        let (Some(category), Some(url)) = (line.category, line.url) else { return Ok(()) };
        let endpoint = digest(&category, &url);
        let possible = match event.name {
            "added" => self.endpoints.insert(endpoint),
            "removed" => self.endpoints.remove(&endpoint),
            _ => self.endpoints.contains(&endpoint),
        };
        if !possible {
            self.fault(format!("{} {} at {}", event.name, url, event.id));
        }
        Ok(())
    }

    /// The number of a revision never goes back.
    fn revision(&mut self, event: &Event<'_>) {
        let number = event.id.rsplit('-').next().and_then(|number| number.parse().ok());
        match number {
            Some(number) if number >= self.number => self.number = number,
            _ => self.fault(format!("after revision {} came {:?}", self.number, event.id)),
        }
        self.last_id = Some(event.id.to_owned());
    }

    fn fault(&mut self, fault: String) {
        self.wrong += 1;
        if self.faults.len() < FAULTS {
            self.faults.push(fault);
        }
    }
}
