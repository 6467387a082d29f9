//! The way of a change through the library, with the time at each stage: read by its client, brought
//! into the catalog, published, with a subscriber. It must drive the registry as the registry drives
//! itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dubbo_k8s_engine::{Notice, Request, Verb};
use dubbo_k8s_registry::kube::{Driver, Event, Exchange};
use dubbo_k8s_registry::{Feed, LogLimits, Registry, Subscription, Update};
use futures_util::StreamExt as _;
use tokio::task::JoinHandle;

use crate::library::{client, driver};
use crate::programs::Cluster;
use crate::reader::{Lines, ONE, TARGET, nanos};
use crate::report::Outcome;

/// When each version had arrived: all of it, where it comes in several events.
pub(crate) type Arrivals = HashMap<u64, u64>;

/// A watch with the client of the library, of which nothing but the lines is read.
pub(crate) async fn watch(cluster: &Cluster) -> Outcome<Exchange> {
    let request = Request {
        verb: Verb::Watch,
        target: TARGET.to_owned(),
        accept: ONE,
        gzip: false,
        content_type: None,
        body: Vec::new(),
        deadline: Duration::MAX,
    };
    let mut exchange = client(cluster)?.send(Duration::ZERO, request);
    match exchange.next().await {
        Some(Event::Head { status: 200, .. }) => Ok(exchange),
        other => Err(format!("no watch, but {other:?}").into()),
    }
}

pub(crate) async fn by_exchange(mut exchange: Exchange, changes: usize) -> Outcome<Arrivals> {
    let (mut arrivals, mut lines) = (Arrivals::new(), Lines::default());
    while arrivals.len() < changes {
        match exchange.next().await {
            Some(Event::Chunk(chunk)) => lines.read(&chunk, &mut |version| {
                arrivals.insert(version, nanos());
            })?,
            other => return Err(format!("no more of the watch, but {other:?}").into()),
        }
    }
    Ok(arrivals)
}

/// When a change had been brought into the catalog, and when that was published.
#[derive(Default)]
pub(crate) struct Stages {
    pub(crate) applied: Arrivals,
    pub(crate) published: Arrivals,
}

/// A registry with a clock at its stages.
pub(crate) struct Watched {
    pub(crate) registry: Registry,
    stages: Arc<Mutex<Stages>>,
    task: JoinHandle<()>,
}

impl Watched {
    /// In sync with the cluster.
    pub(crate) async fn start(cluster: &Cluster) -> Outcome<Self> {
        let mut driver = driver(cluster)?;
        let (registry, feed) = Registry::fed(&mut driver, LogLimits::default());
        let stages = Arc::<Mutex<Stages>>::default();
        let task = tokio::spawn(follow(driver, feed, Arc::clone(&stages)));
        let watched = Self { registry, stages, task };
        if watched.registry.synced().await { Ok(watched) } else { Err("it has ended".into()) }
    }

    /// What is known of the stages.
    pub(crate) fn stages(&self) -> MutexGuard<'_, Stages> {
        locked(&self.stages)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn follow(mut driver: Driver, mut feed: Feed, stages: Arc<Mutex<Stages>>) {
    let (mut notices, mut versions) = (Vec::new(), Vec::new());
    loop {
        driver.next(&mut notices).await;
        let applied = nanos();
        versions.extend(notices.iter().filter_map(version));
        feed.publish(&driver, &mut notices);
        let published = nanos();
        let mut stages = locked(&stages);
        for version in versions.drain(..) {
            stages.applied.insert(version, applied);
            stages.published.insert(version, published);
        }
    }
}

fn locked(stages: &Mutex<Stages>) -> MutexGuard<'_, Stages> {
    stages.lock().unwrap_or_else(PoisonError::into_inner)
}

fn version(notice: &Notice) -> Option<u64> {
    let Notice::Change(change) = notice else { return None };
    change.resource_version.parse().ok()
}

pub(crate) async fn by_subscription(
    mut updates: Subscription,
    changes: usize,
) -> Outcome<Arrivals> {
    let mut arrivals = Arrivals::new();
    let mut events = 0;
    // Each change takes one key away and brings one.
    while events < 2 * changes {
        let update = updates.next().await.ok_or("the registry has ended")?;
        if let Update::Change(change) = update {
            events += 1;
            arrivals.insert(change.resource_version.parse()?, nanos());
        }
    }
    Ok(arrivals)
}
