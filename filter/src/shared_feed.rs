//! One conversation with a watcher for all threads of a proxy: the thread that holds a lease asks, leaves what it is
//! answered in the proxy's shared data, and wakes the others. It must never decide what an answer means, nor keep a
//! thread from asking when no other does.

use crate::discovery::Answer;
use crate::host::Host;
use crate::random::hash;
use crate::settings::{Bounds, Discovery as Settings};

/// A thread that has not renewed its lease for so long has lost it. It is renewed much sooner.
const LEASE_MS: u64 = 2000;
const RENEWAL_MS: u64 = 500;

/// A thread that has not said for so long that it is there is not woken any more. It says so much sooner.
const PRESENCE_MS: u64 = 30_000;
const CALL_MS: u64 = 10_000;

/// So many answers are kept; a thread that is further behind asks for itself.
const KEPT: u64 = 8;

/// How often a value is set that other threads set too, before that is left to the next tick.
const TRIES: usize = 4;

/// One thread's part in it.
#[derive(Debug)]
pub(crate) struct SharedFeed {
    /// What all keys of this conversation begin with.
    name: String,
    own: u64,
    queue: u32,
    /// The number of the last answer that was looked at.
    seen: u64,
    pub(crate) leads: bool,
    renew_at: u64,
    call_at: u64,
}

/// An answer, as one thread leaves it for the others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shared {
    pub(crate) answer: Answer,
    /// The tag of the state since which it may name the changes alone; none if that was not asked for.
    pub(crate) base: Option<String>,
    pub(crate) is_gzip: bool,
    pub(crate) body: Vec<u8>,
}

impl SharedFeed {
    /// Takes part, as one of those with the same bounds; none if the proxy's threads share nothing.
    pub(crate) fn join(
        watcher: &Settings,
        bounds: Bounds,
        own: u64,
        host: &impl Host,
    ) -> Option<Self> {
        let Settings { cluster, authority, wait } = watcher;
        let Bounds { providers, body_bytes } = bounds;
        let watcher =
            format!("{cluster}\n{authority}\n{}\n{providers}\n{body_bytes}", wait.as_millis());
        let watcher = hash(watcher.as_bytes());
        let name = format!("dubbo.feed.{watcher:016x}");
        let queue = host.queue(&format!("{name}.{own:016x}"))?;
        Some(Self { name, own, queue, seen: 0, leads: false, renew_at: 0, call_at: 0 })
    }

    /// Whether this thread asks for all. It takes the lease where no thread holds it.
    pub(crate) fn leads(&mut self, now_ms: u64, host: &impl Host) -> bool {
        if now_ms < self.renew_at {
            return self.leads;
        }
        self.renew_at = now_ms + RENEWAL_MS;
        self.leads = self.takes_lease(now_ms, host);
        self.leads
    }

    fn takes_lease(&self, now_ms: u64, host: &impl Host) -> bool {
        let key = self.key("lease");
        let lease = pair(self.own, now_ms + LEASE_MS);
        let held = host.shared(&key);
        let (holder, until) = held.as_ref().and_then(|(held, _)| unpair(held)).unwrap_or_default();
        let is_free = holder == self.own || now_ms >= until;
        // Where nothing can be kept, each thread asks for itself.
        is_free
            && (host.share(&key, &lease, held.map(|(_, version)| version))
                || host.shared(&key).is_none())
    }

    /// Says from time to time that this thread is to be woken.
    pub(crate) fn call(&mut self, now_ms: u64, host: &impl Host) {
        if now_ms < self.call_at {
            return;
        }
        let key = self.key("threads");
        for _ in 0..TRIES {
            let (threads, version) = host.shared(&key).unzip();
            let others = present(threads.as_deref().unwrap_or_default(), now_ms);
            let others = others.filter(|(queue, _)| *queue != u64::from(self.queue));
            let own = (u64::from(self.queue), now_ms + PRESENCE_MS);
            let all: Vec<u8> =
                others.chain([own]).flat_map(|(queue, until)| pair(queue, until)).collect();
            if host.share(&key, &all, version) {
                self.call_at = now_ms + CALL_MS;
                return;
            }
        }
    }

    /// Leaves an answer to the other threads, and wakes them.
    pub(crate) fn leave(&mut self, shared: &Shared, now_ms: u64, host: &impl Host) {
        let number = self.newest(host) + 1;
        if !host.share(&self.slot(number), &shared.encode(number), None) {
            return;
        }
        host.share(&self.key("newest"), &number.to_le_bytes(), None);
        self.seen = number;
        let threads = host.shared(&self.key("threads")).unwrap_or_default().0;
        for (queue, _) in present(&threads, now_ms) {
            if let Some(queue) = u32::try_from(queue).ok().filter(|queue| *queue != self.queue) {
                host.wake(queue);
            }
        }
    }

    /// The next answer that was not looked at yet; `Err` where it is gone already.
    pub(crate) fn next(&mut self, host: &impl Host) -> Option<Result<Shared, ()>> {
        host.awake(self.queue);
        let newest = self.newest(host);
        if newest <= self.seen {
            return None;
        }
        self.seen = (self.seen + 1).max((newest + 1).saturating_sub(KEPT));
        let left = host.shared(&self.slot(self.seen));
        let shared = left.and_then(|(left, _)| Shared::decode(&left, self.seen));
        Some(shared.ok_or(()))
    }

    fn newest(&self, host: &impl Host) -> u64 {
        let newest =
            host.shared(&self.key("newest")).and_then(|(newest, _)| newest.try_into().ok());
        newest.map_or(0, u64::from_le_bytes)
    }

    fn slot(&self, number: u64) -> String {
        self.key(&(number % KEPT).to_string())
    }

    fn key(&self, what: &str) -> String {
        format!("{}.{what}", self.name)
    }
}

impl Shared {
    /// Its number, lines with what is known of it, and the body.
    fn encode(&self, number: u64) -> Vec<u8> {
        let Self { answer: Answer { status, etag, age }, base, is_gzip, body } = self;
        let age = age.map(|age| age.to_string()).unwrap_or_default();
        let [etag, base] = [etag, base].map(|tag| tag.as_deref().unwrap_or_default());
        let lines = format!("{number}\n{status}\n{age}\n{etag}\n{base}\n{is_gzip}\n");
        [lines.as_bytes(), body].concat()
    }

    fn decode(bytes: &[u8], number: u64) -> Option<Self> {
        let mut parts = bytes.splitn(7, |byte| *byte == b'\n');
        let mut line = || core::str::from_utf8(parts.next()?).ok();
        if line()?.parse() != Ok(number) {
            return None;
        }
        let status = line()?.parse().ok()?;
        let age = line()?.parse().ok();
        let mut tag = || line().map(|tag| Some(tag.to_owned()).filter(|tag| !tag.is_empty()));
        let (etag, base) = (tag()?, tag()?);
        let is_gzip = line()?.parse().ok()?;
        let body = parts.next()?.to_vec();
        Some(Self { answer: Answer { status, etag, age }, base, is_gzip, body })
    }
}

fn pair(one: u64, other: u64) -> [u8; 16] {
    let mut pair = [0; 16];
    let (left, right) = pair.split_at_mut(8);
    left.copy_from_slice(&one.to_le_bytes());
    right.copy_from_slice(&other.to_le_bytes());
    pair
}

fn unpair(bytes: &[u8]) -> Option<(u64, u64)> {
    let (one, other) = bytes.split_at_checked(8)?;
    Some((u64::from_le_bytes(one.try_into().ok()?), u64::from_le_bytes(other.try_into().ok()?)))
}

/// The threads that are there, each with the time up to which it is.
fn present(threads: &[u8], now_ms: u64) -> impl Iterator<Item = (u64, u64)> {
    let (threads, _) = threads.as_chunks::<16>();
    threads.iter().filter_map(|thread| unpair(thread)).filter(move |(_, until)| now_ms < *until)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_answer_is_read_as_it_was_left_and_under_its_own_number_only() {
        let answer = Answer { status: 200, etag: Some("W/\"a-1\"".into()), age: Some(3) };
        let whole = Shared {
            answer,
            base: Some("W/\"a-0\"".into()),
            is_gzip: true,
            body: b"\x1f\x8b\n\n".to_vec(),
        };
        for shared in [whole, Shared::default()] {
            let left = shared.encode(7);
            assert_eq!(Shared::decode(&left, 7), Some(shared));
            assert_eq!(Shared::decode(&left, 15), None);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_harm(bytes: Vec<u8>) {
            let _ = Shared::decode(&bytes, 1);
            prop_assert!(present(&bytes, 0).count() <= bytes.len() / 16);
        }
    }
}
