//! Who has registered what, and until when. Sans-IO: `now` comes in, changes of the Pod go out and their results come
//! back. It must never forget what the Pod may still carry, nor hold more than its limits.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use dubbo_k8s_engine::registration::Lease;

use super::limits::{DEFAULT_LEASE, MOST_KEY_BYTES, MOST_REGISTRATIONS};
use super::problem::Problem;
use super::shown::{RegisteredUrl, Registration, UrlState};
use super::terms::Terms;

/// Changes of one registration that may wait for the server at the same time.
const MOST_CHANGES: usize = 8;

/// When a registration that could not be ended is ended again.
const AGAIN: Duration = Duration::from_secs(30);

/// All registrations by their ids.
#[derive(Debug, Default)]
pub(super) struct Table {
    entries: BTreeMap<Arc<str>, Entry>,
    changes: u64,
    /// What an earlier agent left behind is in it.
    complete: bool,
}

#[derive(Debug, Default)]
struct Entry {
    /// What the Pod carries.
    kept: Option<Terms>,
    /// What was asked for since, each with the number of its change; none of it is done.
    asked: VecDeque<(u64, Terms)>,
    /// What was refused when its application did not wait any more.
    refused: Option<(Terms, Problem)>,
    lease: Duration,
    ends: Duration,
}

/// What follows from a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing: it is so already.
    Done,
    /// To wait for a change that is under way.
    Wait(u64),
    /// A change of the Pod.
    Change(Change),
}

/// A change of the Pod, and its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) number: u64,
    pub(super) lease: Lease,
}

impl Table {
    /// An application asks for these URLs, or renews them.
    pub(super) fn put(
        &mut self,
        now: Duration,
        id: &Arc<str>,
        terms: &Terms,
    ) -> Result<Next, Problem> {
        if !self.entries.contains_key(id) && self.entries.len() >= MOST_REGISTRATIONS {
            return Err(Problem::too_many_registrations());
        }
        let others = self.entries.iter().filter(|(other, _)| *other != id);
        let others: usize = others.map(|(_, entry)| entry.bytes()).sum();
        if others + terms.bytes() > MOST_KEY_BYTES {
            return Err(Problem::too_many_bytes());
        }
        let entry = self.entries.entry(Arc::clone(id)).or_default();
        let next = match entry.asked.back() {
            Some((number, asked)) if asked == terms => Next::Wait(*number),
            None if entry.kept.as_ref() == Some(terms) => Next::Done,
            _ if entry.asked.len() >= MOST_CHANGES => {
                return Err(Problem::too_many_changes(MOST_CHANGES));
            }
            _ => Next::Change(entry.ask(&mut self.changes, id, terms.clone())),
        };
        entry.lease = Duration::from_secs(terms.seconds.into());
        entry.ends = now + entry.lease;
        entry.refused = None;
        Ok(next)
    }

    /// An application ends its registration.
    pub(super) fn delete(&mut self, now: Duration, id: &Arc<str>) -> Result<Next, Problem> {
        if !self.entries.contains_key(id) {
            if self.complete {
                return Err(Problem::unknown(id));
            }
            // The Pod may carry it for an earlier agent.
            if self.entries.len() >= MOST_REGISTRATIONS {
                return Err(Problem::too_many_registrations());
            }
        }
        let entry = self.entries.entry(Arc::clone(id)).or_default();
        entry.ends = now + AGAIN;
        if let Some((number, _)) = entry.asked.back().filter(|(_, asked)| asked.is_end()) {
            return Ok(Next::Wait(*number));
        }
        if entry.kept.is_none() && entry.asked.is_empty() && entry.refused.is_some() {
            self.entries.remove(id);
            return Ok(Next::Done);
        }
        Ok(Next::Change(entry.end(&mut self.changes, id)))
    }

    /// The end of every registration.
    pub(super) fn end_all(&mut self) -> Vec<Change> {
        let (entries, changes) = (self.entries.iter_mut(), &mut self.changes);
        entries.map(|(id, entry)| entry.end(changes, id)).collect()
    }

    /// The ends of those that were not renewed in time; an application that `waits` for an answer is there.
    pub(super) fn expire(&mut self, now: Duration, waits: impl Fn(&str) -> bool) -> Vec<Change> {
        let mut ended = Vec::new();
        self.entries.retain(|id, entry| {
            if entry.is_ending() || now < entry.ends {
                return true;
            }
            if waits(id) {
                entry.ends = now + entry.lease;
                return true;
            }
            if entry.kept.is_none() && entry.asked.is_empty() {
                return false;
            }
            ended.push(entry.end(&mut self.changes, id));
            true
        });
        ended
    }

    /// When to call [`Self::expire`] at the latest.
    pub(super) fn next_wake(&self) -> Option<Duration> {
        let running = self.entries.values().filter(|entry| !entry.is_ending());
        running.map(|entry| entry.ends).min()
    }

    /// A change is done. The application that `waits` for it is there until now.
    pub(super) fn done(&mut self, now: Duration, id: &Arc<str>, number: u64, waits: bool) {
        let Some(entry) = self.entries.get_mut(id) else { return };
        while let Some((asked, terms)) = entry.asked.pop_front_if(|(asked, _)| *asked <= number) {
            if asked == number {
                entry.kept = Some(terms).filter(|terms| !terms.is_end());
            }
        }
        if waits && !entry.is_ending() {
            entry.ends = now + entry.lease;
        }
        self.forget(id);
    }

    /// A change was refused. What the Pod carries is what it was; an application that does not wait finds the problem
    /// with its registration.
    pub(super) fn failed(
        &mut self,
        now: Duration,
        id: &Arc<str>,
        number: u64,
        problem: &Problem,
        waits: bool,
    ) {
        let Some(entry) = self.entries.get_mut(id) else { return };
        let at = entry.asked.iter().position(|(asked, _)| *asked == number);
        let Some((_, terms)) = at.and_then(|at| entry.asked.remove(at)) else { return };
        if terms.is_end() {
            entry.ends = now + AGAIN;
        } else if !waits && entry.asked.is_empty() {
            entry.refused = Some((terms, problem.clone()));
        }
        self.forget(id);
    }

    /// What the Pod carries for an earlier agent: it is kept for the length of its lease.
    pub(super) fn take_over(&mut self, now: Duration, leases: &[Lease]) {
        self.complete = true;
        for lease in leases {
            let terms = Terms::of(lease);
            let entry = self.entries.entry(Arc::clone(&lease.id)).or_insert_with(|| {
                let lease = Duration::from_secs(terms.seconds.into());
                Entry { lease, ends: now + lease, ..Entry::default() }
            });
            entry.kept = Some(terms);
        }
    }

    /// All of them, as the API shows them.
    pub(super) fn list(&self, now: Duration, trouble: Option<&Problem>) -> Vec<Registration> {
        self.entries.iter().map(|(id, entry)| entry.shown(id, now, trouble)).collect()
    }

    /// One of them.
    pub(super) fn get(
        &self,
        id: &Arc<str>,
        now: Duration,
        trouble: Option<&Problem>,
    ) -> Option<Registration> {
        Some(self.entries.get(id)?.shown(id, now, trouble))
    }

    fn forget(&mut self, id: &Arc<str>) {
        let is_empty = |entry: &Entry| {
            entry.kept.is_none() && entry.asked.is_empty() && entry.refused.is_none()
        };
        if self.entries.get(id).is_some_and(is_empty) {
            self.entries.remove(id);
        }
    }
}

impl Entry {
    fn ask(&mut self, changes: &mut u64, id: &Arc<str>, terms: Terms) -> Change {
        *changes += 1;
        let lease = terms.lease(id);
        self.asked.push_back((*changes, terms));
        Change { number: *changes, lease }
    }

    fn end(&mut self, changes: &mut u64, id: &Arc<str>) -> Change {
        self.ask(changes, id, Terms::end(DEFAULT_LEASE))
    }

    fn is_ending(&self) -> bool {
        self.asked.back().is_some_and(|(_, terms)| terms.is_end())
    }

    fn bytes(&self) -> usize {
        let asked = self.asked.iter().map(|(_, terms)| terms);
        asked.chain(&self.kept).map(Terms::bytes).max().unwrap_or_default()
    }

    fn shown(&self, id: &Arc<str>, now: Duration, trouble: Option<&Problem>) -> Registration {
        let urls = self.urls();
        let waits =
            urls.iter().any(|url| matches!(url.state, UrlState::Pending | UrlState::Ending));
        let left = self.ends.saturating_sub(now).as_millis();
        Registration {
            id: Arc::clone(id),
            lease_seconds: u32::try_from(self.lease.as_secs()).unwrap_or(DEFAULT_LEASE),
            ends_in_ms: u64::try_from(left).unwrap_or(u64::MAX),
            urls,
            problem: trouble.filter(|_| waits).cloned(),
        }
    }

    fn urls(&self) -> Vec<RegisteredUrl> {
        let kept = self.kept.iter().flat_map(|terms| &terms.urls);
        if self.is_ending() {
            return kept.map(|named| named.shown(UrlState::Ending, None)).collect();
        }
        if let Some((_, asked)) = self.asked.back() {
            let is_kept = |key: &str| self.kept.as_ref().is_some_and(|kept| kept.holds(key));
            let state =
                |key: &str| if is_kept(key) { UrlState::Registered } else { UrlState::Pending };
            return asked.urls.iter().map(|named| named.shown(state(&named.key), None)).collect();
        }
        let kept = kept.map(|named| named.shown(UrlState::Registered, None));
        let refused = self.refused.iter().flat_map(|(terms, problem)| {
            let others = terms
                .urls
                .iter()
                .filter(|named| self.kept.as_ref().is_none_or(|kept| !kept.holds(&named.key)));
            others.map(move |named| {
                named.shown(UrlState::Refused, Some(problem).filter(|it| it.of_url(&named.key)))
            })
        });
        kept.chain(refused).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A table, and a clock that moves on command.
    #[derive(Default)]
    struct Bench {
        table: Table,
        now: Duration,
    }

    fn url(number: usize) -> String {
        format!("dubbo://10.0.0.1:20880/a.A{number}")
    }

    fn terms(seconds: u32, numbers: &[usize]) -> Terms {
        let urls: Vec<_> = numbers.iter().map(|number| url(*number)).collect();
        let body = json!({"urls": urls, "leaseSeconds": seconds});
        Terms::read(body.to_string().as_bytes()).unwrap()
    }

    impl Bench {
        fn pass(&mut self, seconds: u64) {
            self.now += Duration::from_secs(seconds);
        }

        fn put(&mut self, id: &str, seconds: u32, numbers: &[usize]) -> Result<Next, Problem> {
            self.table.put(self.now, &id.into(), &terms(seconds, numbers))
        }

        /// The number of the change that follows.
        fn change(&mut self, id: &str, seconds: u32, numbers: &[usize]) -> u64 {
            match self.put(id, seconds, numbers) {
                Ok(Next::Change(change)) => change.number,
                other => panic!("{other:?}"),
            }
        }

        fn delete(&mut self, id: &str) -> Result<Next, Problem> {
            self.table.delete(self.now, &id.into())
        }

        fn done(&mut self, id: &str, number: u64) {
            self.table.done(self.now, &id.into(), number, false);
        }

        fn registered(&mut self, id: &str, seconds: u32, numbers: &[usize]) {
            let number = self.change(id, seconds, numbers);
            self.done(id, number);
        }

        /// The ids of the registrations that end now.
        fn expire(&mut self) -> Vec<(String, u64)> {
            let ended = self.table.expire(self.now, |_| false);
            ended.into_iter().map(|end| (end.lease.id.to_string(), end.number)).collect()
        }

        fn states(&self, id: &str) -> Vec<UrlState> {
            let shown = self.table.get(&id.into(), self.now, None);
            shown.map_or(Vec::new(), |shown| shown.urls.iter().map(|url| url.state).collect())
        }
    }

    #[test]
    fn a_registration_ends_when_its_lease_does_and_renewing_moves_that() {
        let mut bench = Bench::default();
        bench.registered("short", 5, &[1]);
        bench.registered("long", 30, &[2]);
        assert_eq!(bench.table.next_wake(), Some(Duration::from_secs(5)));
        bench.pass(4);
        assert_eq!(bench.put("short", 5, &[1]), Ok(Next::Done));
        bench.pass(4);
        assert!(bench.expire().is_empty());
        bench.pass(1);
        let ended = bench.expire();
        assert_eq!(ended[0].0, "short");
        assert_eq!(bench.states("short"), [UrlState::Ending]);
        assert!(bench.expire().is_empty(), "once");
        bench.done("short", ended[0].1);
        assert_eq!(bench.table.list(bench.now, None).len(), 1);
        assert_eq!(bench.table.next_wake(), Some(Duration::from_secs(30)));
    }

    #[test]
    fn an_application_that_waits_for_its_change_is_alive() {
        let mut bench = Bench::default();
        let number = bench.change("app", 5, &[1]);
        bench.pass(60);
        assert!(bench.table.expire(bench.now, |id| id == "app").is_empty());
        bench.pass(4);
        bench.table.done(bench.now, &"app".into(), number, true);
        bench.pass(4);
        assert!(bench.expire().is_empty(), "the lease begins with the answer");
        bench.pass(1);
        assert_eq!(bench.expire().len(), 1);
    }

    #[test]
    fn what_is_asked_for_again_while_it_is_pending_is_one_change() {
        let mut bench = Bench::default();
        let number = bench.change("app", 30, &[1, 2]);
        assert_eq!(bench.put("app", 30, &[2, 1]), Ok(Next::Wait(number)));
        assert_eq!(bench.states("app"), [UrlState::Pending; 2]);
        let more = bench.change("app", 30, &[2, 3]);
        bench.done("app", number);
        assert_eq!(bench.states("app"), [UrlState::Registered, UrlState::Pending]);
        bench.done("app", more);
        assert_eq!(bench.states("app"), [UrlState::Registered; 2]);
    }

    #[test]
    fn a_change_that_is_refused_leaves_what_was_registered() {
        let mut bench = Bench::default();
        bench.registered("app", 30, &[1]);
        let number = bench.change("app", 30, &[2]);
        bench.table.failed(bench.now, &"app".into(), number, &Problem::closing(), true);
        assert_eq!(bench.states("app"), [UrlState::Registered]);
        assert_eq!(bench.put("app", 30, &[1]), Ok(Next::Done));
    }

    #[test]
    fn a_refusal_that_no_application_waited_for_is_shown_until_the_lease_ends() {
        let mut bench = Bench::default();
        let number = bench.change("app", 30, &[1]);
        bench.table.failed(bench.now, &"app".into(), number, &Problem::closing(), false);
        assert_eq!(bench.states("app"), [UrlState::Refused]);
        let again = bench.change("app", 30, &[1]);
        bench.table.failed(bench.now, &"app".into(), again, &Problem::closing(), false);
        bench.pass(30);
        assert!(bench.expire().is_empty(), "the Pod carries nothing of it");
        assert!(bench.table.list(bench.now, None).is_empty());
    }

    #[test]
    fn an_end_that_is_refused_is_tried_again() {
        let mut bench = Bench::default();
        bench.registered("app", 5, &[1]);
        bench.pass(5);
        let (_, number) = bench.expire().remove(0);
        bench.table.failed(bench.now, &"app".into(), number, &Problem::closing(), false);
        assert_eq!(bench.states("app"), [UrlState::Registered]);
        bench.pass(29);
        assert!(bench.expire().is_empty());
        bench.pass(1);
        assert_eq!(bench.expire().len(), 1);
    }

    #[test]
    fn what_was_taken_over_lasts_for_its_lease_and_can_be_renewed() {
        let mut bench = Bench::default();
        bench.pass(100);
        let leases =
            [("app", 1), ("gone", 2)].map(|(id, number)| terms(10, &[number]).lease(&id.into()));
        bench.table.take_over(bench.now, &leases);
        assert_eq!(bench.put("app", 10, &[1]), Ok(Next::Done), "it is there");
        bench.pass(9);
        assert_eq!(bench.put("app", 10, &[1]), Ok(Next::Done));
        bench.pass(1);
        assert_eq!(bench.expire()[0].0, "gone");
    }

    #[test]
    fn a_request_that_comes_before_the_take_over_counts_more() {
        let mut bench = Bench::default();
        let changed = bench.change("changed", 30, &[3]);
        let Ok(Next::Change(ended)) = bench.delete("ended") else { panic!("it may be there") };
        let leases = [("changed", 1), ("ended", 2)]
            .map(|(id, number)| terms(10, &[number]).lease(&id.into()));
        bench.table.take_over(bench.now, &leases);
        assert_eq!(bench.states("changed"), [UrlState::Pending]);
        assert_eq!(bench.states("ended"), [UrlState::Ending]);
        bench.done("changed", changed);
        bench.done("ended", ended.number);
        assert_eq!(bench.states("changed"), [UrlState::Registered]);
        assert!(bench.states("ended").is_empty());
        assert_eq!(bench.delete("ended").unwrap_err().code(), "unknown-registration");
    }

    #[test]
    fn more_than_the_limits_is_refused_and_nothing_is_lost() {
        let mut bench = Bench::default();
        for number in 0..MOST_REGISTRATIONS {
            bench.registered(&number.to_string(), 30, &[1]);
        }
        let error = bench.put("more", 30, &[1]).unwrap_err();
        assert_eq!((error.code(), error.status()), ("too-many-registrations", 409));
        assert_eq!(bench.put("7", 30, &[1]), Ok(Next::Done));
        assert_eq!(bench.table.list(bench.now, None).len(), MOST_REGISTRATIONS);
    }

    #[test]
    fn changes_that_wait_for_the_server_do_not_pile_up() {
        let mut bench = Bench::default();
        for number in 0..MOST_CHANGES {
            bench.change("app", 30, &[number]);
        }
        assert_eq!(bench.put("app", 30, &[100]).unwrap_err().code(), "too-many-changes");
        assert_eq!(bench.put("app", 30, &[MOST_CHANGES - 1]), Ok(Next::Wait(MOST_CHANGES as u64)));
    }
}
