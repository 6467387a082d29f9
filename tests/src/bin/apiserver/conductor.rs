//! What the running server does by itself, and what it is ordered on its input: one order a line,
//! answered by one JSON line. It is for programs that measure; the end of the input is the end.
//!
//! | order | what it does |
//! |---|---|
//! | `change COUNT RATE` | so many prepared changes, so many a second; 0 is as fast as they are sent |
//! | `change 0 0` | prepares them |
//! | `stamps` | when the events of watches were written, since it was asked last |
//! | `rest` | no more changes and restarts by itself |

use std::io::Write as _;
use std::time::Duration;

use dubbo_k8s_tests::apiserver::Server;
use dubbo_k8s_tests::churn::{Alternation, Churn};
use dubbo_k8s_tests::fleet::Fleet;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::time::{Instant, Interval, interval, interval_at, sleep, sleep_until};

/// How long the server is away when it restarts.
const AWAY: Duration = Duration::from_secs(1);
/// Of so many restarts one forgets the past, so that clients have to read everything anew.
const FORGETS: u64 = 3;
/// How many Pods the prepared changes are about.
const CHANGED_PODS: usize = 1000;
/// How far changes that are made as fast as possible may be ahead of what was sent.
const LEAD: u64 = 2000;

pub(crate) struct Conductor {
    pub(crate) server: Server,
    pub(crate) fleet: Fleet,
    /// Changes a second.
    pub(crate) churn: u32,
    pub(crate) restart_every: Option<Duration>,
    pub(crate) seed: u64,
    /// Made at the first order for changes, which goes on where the last one ended.
    pub(crate) alternation: Option<Alternation>,
}

#[derive(Debug, Default)]
struct Done {
    changes: u64,
    restarts: u64,
}

impl Conductor {
    /// Works until the end of the input.
    pub(crate) async fn run(mut self) -> Result<(), String> {
        let mut orders = BufReader::new(tokio::io::stdin()).lines();
        let mut churn = Churn::new(self.server.store().clone(), self.fleet, self.seed);
        let period = (self.churn > 0).then(|| Duration::from_secs(1) / self.churn);
        let (mut changes, mut restarts) = (period.map(interval), self.restarts());
        let mut back_at = None;
        let mut done = Done::default();
        loop {
            tokio::select! {
                order = orders.next_line() => {
                    let Ok(Some(order)) = order else { return Ok(()) };
                    if order.trim() == "rest" {
                        (changes, restarts) = (None, None);
                        self.come_back().await?;
                        back_at = None;
                    }
                    let answer = self.obey(order.trim(), &done).await?;
                    writeln!(std::io::stdout(), "{answer}").map_err(|error| error.to_string())?;
                }
                () = tick(&mut changes) => {
                    churn.step().map_err(|status| status.to_string())?;
                    done.changes += 1;
                }
                () = tick(&mut restarts) => {
                    self.server.stop().await;
                    done.restarts += 1;
                    back_at = Some(Instant::now() + AWAY);
                }
                () = at(back_at) => {
                    if done.restarts.is_multiple_of(FORGETS) {
                        self.server.store().forget();
                    }
                    self.come_back().await?;
                    back_at = None;
                }
            }
        }
    }

    fn restarts(&self) -> Option<Interval> {
        self.restart_every.map(|every| interval_at(Instant::now() + every, every))
    }

    async fn come_back(&mut self) -> Result<(), String> {
        self.server.resume().await.map_err(|error| error.to_string())
    }

    async fn obey(&mut self, order: &str, done: &Done) -> Result<Value, String> {
        let words: Vec<&str> = order.split(' ').collect();
        Ok(match *words {
            ["change", count, rate] => {
                let number =
                    |text: &str| text.parse::<u32>().map_err(|_| format!("{text} is no number"));
                self.change(number(count)?, number(rate)?).await?
            }
            ["stamps"] => {
                let stamps = self.server.take_stamps();
                stamps.into_iter().map(|stamp| json!([stamp.version, stamp.nanos])).collect()
            }
            ["rest"] => json!({
                "changes": done.changes,
                "restarts": done.restarts,
                "resourceVersion": self.server.store().resource_version().to_string(),
            }),
            _ => json!({ "error": format!("{order} is not an order") }),
        })
    }

    async fn change(&mut self, count: u32, rate: u32) -> Result<Value, String> {
        let store = self.server.store();
        let mut alternation = match self.alternation.take() {
            Some(alternation) => alternation,
            None => Alternation::new(store, self.fleet, CHANGED_PODS)
                .map_err(|status| status.to_string())?,
        };
        let mut pace = (rate > 0).then(|| interval(Duration::from_secs(1) / rate));
        let started = Instant::now();
        let begin = store.resource_version();
        let mut last = begin;
        for _ in 0..count {
            match &mut pace {
                Some(pace) => drop(pace.tick().await),
                None => {
                    while self.server.last_sent().max(begin) + LEAD < last {
                        #[expect(
                            clippy::disallowed_methods,
                            reason = "the load waits for the slowest watch"
                        )]
                        sleep(Duration::from_millis(1)).await;
                    }
                }
            }
            last = alternation.step();
        }
        let seconds = started.elapsed().as_secs_f64();
        self.alternation = Some(alternation);
        Ok(json!({ "changes": count, "seconds": seconds, "resourceVersion": last.to_string() }))
    }
}

async fn tick(interval: &mut Option<Interval>) {
    match interval {
        Some(interval) => drop(interval.tick().await),
        None => std::future::pending().await,
    }
}

async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
