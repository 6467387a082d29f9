//! Names one content of the registry. It must never compare equal for two different contents, not
//! even across restarts of the watcher.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher as _;
use std::str::FromStr;

/// Names one content of the registry: the run of the watcher that saw it, and how many changes of
/// the content there had been in that run. Opaque to everybody else; it prints as `3f2a91c0-17`.
///
/// It moves with every change that a snapshot shows: records, their values and holders, problems,
/// and the first sync. It does not move when the server is lost or found again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Revision {
    pub(super) run: u32,
    pub(super) number: u64,
}

impl Revision {
    /// The empty content of a new run.
    pub(crate) fn new_run() -> Self {
        // The hasher's keys are the random numbers that std hands out.
        let random = RandomState::new().hash_one(std::process::id());
        Self { run: u32::try_from(random >> 32).unwrap_or_default(), number: 0 }
    }

    /// How many changes of the content there had been in its run.
    pub const fn number(self) -> u64 {
        self.number
    }

    /// Whether both are of one run of the watcher, so that their numbers can be compared.
    pub const fn is_of_run(self, other: Self) -> bool {
        self.run == other.run
    }

    pub(crate) fn next(self) -> Self {
        Self { number: self.number + 1, ..self }
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}-{}", self.run, self.number)
    }
}

/// Not a revision of any watcher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotARevision;

impl fmt::Display for NotARevision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a revision: expected eight hexadecimal digits, a dash and a number")
    }
}

impl std::error::Error for NotARevision {}

impl FromStr for Revision {
    type Err = NotARevision;

    fn from_str(text: &str) -> Result<Self, NotARevision> {
        let (run, number) = text.split_once('-').ok_or(NotARevision)?;
        let revision = Self {
            run: u32::from_str_radix(run, 16).map_err(|_| NotARevision)?,
            number: number.parse().map_err(|_| NotARevision)?,
        };
        // One spelling only: what is compared as text elsewhere must not differ here.
        if revision.to_string() == text { Ok(revision) } else { Err(NotARevision) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_it_is_read() {
        let revision = Revision { run: 0x00ab_12ff, number: u64::MAX };
        assert_eq!(revision.to_string(), "00ab12ff-18446744073709551615");
        assert_eq!(revision.to_string().parse(), Ok(revision));
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in ["", "-", "ab12ff-1", "00AB12FF-1", "00ab12ff-01", "00ab12ff-+1", "00ab12ff-"] {
            assert_eq!(text.parse::<Revision>(), Err(NotARevision), "{text}");
        }
    }

    #[test]
    fn runs_differ() {
        assert_ne!(Revision::new_run(), Revision::new_run());
    }
}
