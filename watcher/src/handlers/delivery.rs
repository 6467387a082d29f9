//! What a handler is called for next, and when: first `init`, then a snapshot, then changes; what failed
//! again after a pause; nothing for a while after repeated failure. Times in, decisions out: it reads no
//! clock, holds no change, and awaits nothing.

use std::time::Duration;

use dubbo_k8s_codec::backoff::Backoff;

/// The pause after the first failure; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Failures without a change that was taken in between, after which a handler is put into quarantine.
const QUARANTINE_AFTER: u32 = 5;
/// The first quarantine; it doubles.
const FIRST_QUARANTINE: Duration = Duration::from_mins(1);
const LONGEST_QUARANTINE: Duration = Duration::from_mins(30);
/// After so long without a failure, earlier ones are forgotten.
const QUIET: Duration = Duration::from_mins(10);
/// How often a handler that has nothing to do is asked how it is.
const HEALTH: Duration = Duration::from_secs(30);

/// A function of a handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    /// A new instance, and `init`.
    Init,
    /// `snapshot`, with what is registered now.
    Snapshot,
    /// `changed`, with the changes at batch.
    Changed,
    /// `health`.
    Health,
}

impl Call {
    pub(super) const ALL: [Self; 4] = [Self::Init, Self::Snapshot, Self::Changed, Self::Health];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::Snapshot => "snapshot",
            Self::Changed => "changed",
            Self::Health => "health",
        }
    }
}

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Call this.
    Call(Call),
    /// Wait for changes, until this time at the longest.
    Wait(Duration),
    /// Wait until this time, whatever comes.
    Pause(Duration),
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Well.
    Done,
    /// The handler has answered with an error.
    Refused,
    /// The instance is gone.
    Broken,
}

/// What follows from how a call ended, for those who count and log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It goes on.
    Fine,
    /// It goes on, after failures.
    Recovered,
    /// It is tried again in so long.
    Again(Duration),
    /// It is left alone for so long.
    Quarantined(Duration),
}

/// Whom to call for what.
#[derive(Debug)]
pub(super) struct Delivery {
    has_instance: bool,
    has_snapshot: bool,
    has_changes: bool,
    pauses: Backoff,
    quarantines: Backoff,
    /// Nothing is called before.
    not_before: Duration,
    health_at: Duration,
}

impl Delivery {
    /// Nothing has been called yet.
    pub(super) fn new() -> Self {
        Self {
            has_instance: false,
            has_snapshot: false,
            has_changes: false,
            pauses: Backoff::new(FIRST_PAUSE, LONGEST_PAUSE).forgetting_after(QUIET),
            quarantines: Backoff::new(FIRST_QUARANTINE, LONGEST_QUARANTINE).forgetting_after(QUIET),
            not_before: Duration::ZERO,
            health_at: Duration::ZERO,
        }
    }

    /// What to do at `now`.
    pub(super) fn next(&self, now: Duration) -> Step {
        if now < self.not_before {
            return Step::Pause(self.not_before);
        }
        if !self.has_instance {
            return Step::Call(Call::Init);
        }
        if !self.has_snapshot {
            return Step::Call(Call::Snapshot);
        }
        if self.has_changes {
            return Step::Call(Call::Changed);
        }
        if now >= self.health_at { Step::Call(Call::Health) } else { Step::Wait(self.health_at) }
    }

    /// There are changes at batch.
    pub(super) fn changed(&mut self) {
        self.has_changes = true;
    }

    /// The handler was too slow: there is a fresh snapshot in the place of the changes.
    pub(super) fn lagged(&mut self) {
        self.has_changes = false;
        self.has_snapshot = false;
    }

    /// A call has ended at `now`.
    pub(super) fn ended(&mut self, now: Duration, call: Call, outcome: Outcome) -> Verdict {
        if call == Call::Health {
            self.health_at = now + HEALTH;
            // An unhealthy handler is shown; only a broken one has to begin anew.
            if outcome == Outcome::Refused {
                return Verdict::Fine;
            }
        }
        if outcome == Outcome::Done { self.done(now, call) } else { self.failed(now, outcome) }
    }

    fn done(&mut self, now: Duration, call: Call) -> Verdict {
        match call {
            Call::Init => self.has_instance = true,
            Call::Snapshot => {
                self.has_snapshot = true;
                self.has_changes = false;
                self.health_at = now;
                return if self.pauses.failures() > 0 { Verdict::Recovered } else { Verdict::Fine };
            }
            Call::Changed => {
                self.has_changes = false;
                let recovered = self.pauses.failures() > 0;
                self.pauses.reset();
                self.quarantines.reset();
                return if recovered { Verdict::Recovered } else { Verdict::Fine };
            }
            Call::Health => {}
        }
        Verdict::Fine
    }

    fn failed(&mut self, now: Duration, outcome: Outcome) -> Verdict {
        let pause = self.pauses.after_failure(now);
        self.quarantines.forget_old(now);
        if outcome == Outcome::Broken {
            self.begin_anew();
        }
        // On probation one failure is enough.
        if self.pauses.failures() >= QUARANTINE_AFTER || self.quarantines.failures() > 0 {
            self.begin_anew();
            let quarantine = self.quarantines.after_failure(now);
            self.not_before = now + quarantine;
            return Verdict::Quarantined(quarantine);
        }
        self.not_before = now + pause;
        Verdict::Again(pause)
    }

    fn begin_anew(&mut self) {
        self.has_instance = false;
        self.lagged();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A delivery under a clock of its own.
    struct Rig {
        delivery: Delivery,
        now: Duration,
    }

    impl Rig {
        fn new() -> Self {
            Self { delivery: Delivery::new(), now: Duration::ZERO }
        }

        /// One that has been given its first snapshot and has been asked how it is.
        fn running() -> Self {
            let mut rig = Self::new();
            for call in [Call::Init, Call::Snapshot, Call::Health] {
                rig.call(call, Outcome::Done);
            }
            rig
        }

        /// The next call must be this one, after whatever pause; it ends like this.
        fn call(&mut self, call: Call, outcome: Outcome) -> Verdict {
            if let Step::Pause(until) = self.delivery.next(self.now) {
                self.now = until;
            }
            assert_eq!(self.delivery.next(self.now), Step::Call(call));
            self.delivery.ended(self.now, call, outcome)
        }

        fn changed(&mut self, outcome: Outcome) -> Verdict {
            self.delivery.changed();
            self.call(Call::Changed, outcome)
        }
    }

    #[test]
    fn an_instance_begins_then_receives_everything_then_what_changes() {
        let mut rig = Rig::running();
        assert_eq!(rig.delivery.next(rig.now), Step::Wait(HEALTH));
        assert_eq!(rig.changed(Outcome::Done), Verdict::Fine);
        assert_eq!(rig.delivery.next(rig.now), Step::Wait(HEALTH));
        rig.now = HEALTH;
        assert_eq!(rig.call(Call::Health, Outcome::Done), Verdict::Fine);
    }

    #[test]
    fn what_was_refused_comes_again_with_the_same_changes_and_a_longer_pause_each_time() {
        let mut rig = Rig::running();
        for millis in [200, 400, 800, 1600] {
            let pause = Duration::from_millis(millis);
            assert_eq!(rig.changed(Outcome::Refused), Verdict::Again(pause));
            assert_eq!(rig.delivery.next(rig.now), Step::Pause(rig.now + pause));
        }
        assert_eq!(rig.call(Call::Changed, Outcome::Done), Verdict::Recovered);
        assert_eq!(rig.changed(Outcome::Refused), Verdict::Again(FIRST_PAUSE));
    }

    #[test]
    fn a_broken_instance_is_replaced_by_one_that_receives_everything() {
        let mut rig = Rig::running();
        assert_eq!(rig.changed(Outcome::Broken), Verdict::Again(FIRST_PAUSE));
        rig.call(Call::Init, Outcome::Done);
        assert_eq!(rig.call(Call::Snapshot, Outcome::Done), Verdict::Recovered);
    }

    #[test]
    fn repeated_failure_leads_into_quarantine_and_one_more_into_a_longer_one() {
        let mut rig = Rig::running();
        for _ in 1..QUARANTINE_AFTER {
            assert!(matches!(rig.changed(Outcome::Refused), Verdict::Again(_)));
        }
        assert_eq!(rig.changed(Outcome::Refused), Verdict::Quarantined(FIRST_QUARANTINE));
        for minutes in [2, 4, 8, 16, 30, 30] {
            let pause = Duration::from_mins(minutes);
            assert_eq!(rig.call(Call::Init, Outcome::Broken), Verdict::Quarantined(pause));
        }
    }

    #[test]
    fn it_is_released_for_good_when_it_takes_a_change_in() {
        let mut rig = Rig::running();
        while !matches!(rig.changed(Outcome::Refused), Verdict::Quarantined(_)) {}
        rig.call(Call::Init, Outcome::Done);
        rig.call(Call::Snapshot, Outcome::Done);
        assert_eq!(rig.changed(Outcome::Done), Verdict::Recovered);
        assert_eq!(rig.changed(Outcome::Refused), Verdict::Again(FIRST_PAUSE));
    }

    #[test]
    fn one_that_takes_every_snapshot_and_breaks_at_every_change_is_quarantined_too() {
        let mut rig = Rig::running();
        for _ in 1..QUARANTINE_AFTER {
            assert!(matches!(rig.changed(Outcome::Broken), Verdict::Again(_)));
            rig.call(Call::Init, Outcome::Done);
            rig.call(Call::Snapshot, Outcome::Done);
        }
        assert!(matches!(rig.changed(Outcome::Broken), Verdict::Quarantined(_)));
    }

    #[test]
    fn old_failures_are_forgotten() {
        let mut rig = Rig::running();
        for _ in 0..100 {
            assert_eq!(rig.changed(Outcome::Broken), Verdict::Again(FIRST_PAUSE));
            rig.call(Call::Init, Outcome::Done);
            rig.call(Call::Snapshot, Outcome::Done);
            rig.now += QUIET + Duration::from_secs(1);
        }
    }

    #[test]
    fn one_that_is_too_slow_receives_everything_instead_of_the_changes() {
        let mut rig = Rig::running();
        rig.changed(Outcome::Refused);
        rig.delivery.lagged();
        rig.call(Call::Snapshot, Outcome::Done);
        assert!(!matches!(rig.delivery.next(rig.now), Step::Call(Call::Changed)));
    }

    #[test]
    fn being_unhealthy_changes_nothing_else() {
        let mut rig = Rig::running();
        rig.now = HEALTH;
        assert_eq!(rig.call(Call::Health, Outcome::Refused), Verdict::Fine);
        assert_eq!(rig.changed(Outcome::Done), Verdict::Fine);
    }

    proptest! {
        /// Whatever a handler does: no change before a snapshot, no snapshot before `init`, no call
        /// in a pause, and pauses end.
        #[test]
        fn the_order_of_calls_holds(script in prop::collection::vec((0_u8..3, any::<bool>(), any::<bool>()), 1..200)) {
            let mut delivery = Delivery::new();
            let mut now = Duration::ZERO;
            let (mut begun, mut has_snapshot) = (false, false);
            for (outcome, changed, lagged) in script {
                if changed && has_snapshot {
                    delivery.changed();
                }
                if lagged && has_snapshot {
                    delivery.lagged();
                    has_snapshot = false;
                }
                match delivery.next(now) {
                    Step::Wait(until) | Step::Pause(until) => {
                        prop_assert!(until > now && until <= now + LONGEST_QUARANTINE);
                        now = until;
                    }
                    Step::Call(call) => {
                        match call {
                            Call::Init => prop_assert!(!begun),
                            Call::Snapshot => prop_assert!(begun && !has_snapshot),
                            Call::Changed | Call::Health => prop_assert!(begun && has_snapshot),
                        }
                        let outcome = match outcome {
                            0 => Outcome::Done,
                            1 => Outcome::Refused,
                            _ => Outcome::Broken,
                        };
                        let verdict = delivery.ended(now, call, outcome);
                        match (call, outcome) {
                            (Call::Init, Outcome::Done) => begun = true,
                            (Call::Snapshot, Outcome::Done) => has_snapshot = true,
                            (_, Outcome::Broken) => (begun, has_snapshot) = (false, false),
                            _ => {}
                        }
                        if matches!(verdict, Verdict::Quarantined(_)) {
                            (begun, has_snapshot) = (false, false);
                        }
                    }
                }
            }
        }
    }
}
