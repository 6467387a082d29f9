//! A load: clients that call again as soon as they have an answer, until stopped, and a tally of who
//! answered. A call that fails is counted and never repeated.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{Answer, Call, Connection, Error};

/// How long anything is waited for that a load is to bring about.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How many failures are kept in words.
const IN_WORDS: usize = 5;

/// What one provider answered.
#[derive(Clone, Copy, Debug)]
pub struct Share {
    /// How many calls.
    pub count: u64,
    /// When the last answer came.
    pub last: Instant,
    /// How many calls of all had ended by then.
    pub last_total: u64,
}

/// Who answered how many calls.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// All calls that ended.
    pub total: u64,
    /// The good ones, by provider.
    pub providers: BTreeMap<String, Share>,
    /// The others.
    pub failures: u64,
    /// The first of these, in words.
    pub in_words: Vec<String>,
}

impl Tally {
    /// How many calls a provider answered.
    pub fn count(&self, provider: &str) -> u64 {
        self.providers.get(provider).map_or(0, |share| share.count)
    }

    /// How many calls have ended since a provider's last answer; all when it gave none.
    pub fn since(&self, provider: &str) -> u64 {
        self.total - self.providers.get(provider).map_or(0, |share| share.last_total)
    }

    fn add(&mut self, ended: &Result<Answer, Error>) {
        self.total += 1;
        let why = match ended {
            Ok(answer) if answer.is_good() => {
                let name = answer.provider().unwrap_or_default();
                let now = Share {
                    count: self.count(name) + 1,
                    last: Instant::now(),
                    last_total: self.total,
                };
                match self.providers.get_mut(name) {
                    Some(share) => *share = now,
                    None => drop(self.providers.insert(name.to_owned(), now)),
                }
                return;
            }
            Ok(answer) => format!("{answer:?}"),
            Err(error) => error.to_string(),
        };
        self.failures += 1;
        if self.in_words.len() < IN_WORDS {
            self.in_words.push(why);
        }
    }
}

/// A running load; it ends when it is dropped.
#[derive(Debug)]
pub struct Load {
    clients: JoinSet<()>,
    tally: watch::Sender<Tally>,
    stop: watch::Sender<bool>,
}

impl Load {
    /// Starts `clients` of them, each with a connection of its own.
    pub fn start(address: SocketAddr, call: &Call, clients: usize) -> Self {
        let tally = watch::Sender::new(Tally::default());
        let stop = watch::Sender::new(false);
        let mut running = JoinSet::new();
        for _ in 0..clients {
            running.spawn(repeat(address, call.clone(), tally.clone(), stop.subscribe()));
        }
        Self { clients: running, tally, stop }
    }

    /// The tally so far.
    pub fn tally(&self) -> Tally {
        self.tally.borrow().clone()
    }

    /// Waits until the tally is as wanted; an error says how it stands after 30 s.
    pub async fn until(
        &self,
        what: &str,
        wanted: impl FnMut(&Tally) -> bool,
    ) -> Result<Tally, String> {
        let mut wanted = wanted;
        let mut tally = self.tally.subscribe();
        let waiting = tally.wait_for(|tally| wanted(tally));
        match tokio::time::timeout(TIMEOUT, waiting).await {
            Ok(Ok(tally)) => Ok(tally.clone()),
            _ => Err(format!("{what} did not come: {:?}", self.tally())),
        }
    }

    /// Waits for so many calls more.
    pub async fn more(&self, calls: u64) -> Result<Tally, String> {
        let before = self.tally.borrow().total;
        self.until(&format!("{calls} calls"), |tally| tally.total >= before + calls).await
    }

    /// Lets every client end its call, and gives the whole tally.
    pub async fn stop(mut self) -> Tally {
        self.stop.send_replace(true);
        while self.clients.join_next().await.is_some() {}
        self.tally()
    }
}

async fn repeat(
    address: SocketAddr,
    call: Call,
    tally: watch::Sender<Tally>,
    stop: watch::Receiver<bool>,
) {
    let mut connection = None;
    while !*stop.borrow() {
        let ended = once(&mut connection, address, &call).await;
        if ended.is_err() {
            connection = None;
        }
        tally.send_modify(|tally| tally.add(&ended));
    }
}

async fn once(
    connection: &mut Option<Connection>,
    address: SocketAddr,
    call: &Call,
) -> Result<Answer, Error> {
    let open = match connection {
        Some(open) => open,
        None => connection.insert(Connection::open(address).await?),
    };
    open.call(call).await
}
