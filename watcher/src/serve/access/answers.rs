//! What the kube-apiserver said a short time ago, by digests of what was asked: no token and no name is kept. It
//! must never hold more than its bound, nor let refused callers push out the answers for others.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use tokio::time::Instant;

/// How many answers of each kind are kept.
const MOST: usize = 1024;

/// How long a yes and a no count: a right that was taken away ends, and one that was given begins, this much later.
const YES: Duration = Duration::from_secs(30);
const NO: Duration = Duration::from_secs(5);

/// Stands for what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Digest([u8; 32]);

impl Digest {
    /// Of parts, of which none can be taken for another.
    pub(super) fn of(parts: &[&[u8]]) -> Self {
        let mut context = Context::new(&SHA256);
        for part in parts {
            context.update(&part.len().to_le_bytes());
            context.update(part);
        }
        let mut digest = [0; 32];
        digest.copy_from_slice(context.finish().as_ref());
        Self(digest)
    }
}

/// What the kube-apiserver said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer<T> {
    Yes(T),
    No,
}

/// Answers to one sort of question.
#[derive(Debug)]
pub(super) struct Answers<T> {
    yes: Mutex<Recent<T>>,
    no: Mutex<Recent<()>>,
}

impl<T> Default for Answers<T> {
    fn default() -> Self {
        Self { yes: Mutex::default(), no: Mutex::default() }
    }
}

impl<T: Clone> Answers<T> {
    /// The answer that still counts.
    pub(super) fn get(&self, asked: Digest) -> Option<Answer<T>> {
        let yes = self.yes.lock().unwrap_or_else(PoisonError::into_inner).get(asked);
        let no = || self.no.lock().unwrap_or_else(PoisonError::into_inner).get(asked);
        yes.map(Answer::Yes).or_else(|| no().map(|()| Answer::No))
    }

    pub(super) fn put(&self, asked: Digest, answer: Answer<T>) {
        let now = Instant::now();
        match answer {
            Answer::Yes(yes) => {
                self.yes.lock().unwrap_or_else(PoisonError::into_inner).put(asked, yes, now + YES);
            }
            Answer::No => {
                self.no.lock().unwrap_or_else(PoisonError::into_inner).put(asked, (), now + NO);
            }
        }
    }
}

/// The newest entries; the oldest makes room.
#[derive(Debug)]
struct Recent<T> {
    entries: HashMap<Digest, (Instant, T)>,
    order: VecDeque<Digest>,
}

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self { entries: HashMap::new(), order: VecDeque::new() }
    }
}

impl<T: Clone> Recent<T> {
    fn get(&self, asked: Digest) -> Option<T> {
        let (until, answer) = self.entries.get(&asked)?;
        (*until > Instant::now()).then(|| answer.clone())
    }

    fn put(&mut self, asked: Digest, answer: T, until: Instant) {
        if self.entries.insert(asked, (until, answer)).is_some() {
            return;
        }
        self.order.push_back(asked);
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.entries.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn asked(number: usize) -> Digest {
        Digest::of(&[&number.to_le_bytes()])
    }

    #[tokio::test(start_paused = true)]
    async fn answers_count_for_a_short_time() {
        let answers = Answers::default();
        let (yes, no) = (Answer::Yes("ada"), Answer::No);
        answers.put(asked(1), yes.clone());
        answers.put(asked(2), no.clone());
        let both = || (answers.get(asked(1)), answers.get(asked(2)));
        assert_eq!(both(), (Some(yes.clone()), Some(no)));
        advance(NO).await;
        assert_eq!(both(), (Some(yes), None));
        advance(YES.saturating_sub(NO)).await;
        assert_eq!(answers.get(asked(1)), None);
    }

    #[tokio::test]
    async fn refused_callers_push_out_no_answer_of_others() {
        let answers = Answers::default();
        answers.put(asked(0), Answer::Yes(()));
        for number in 1..3 * MOST {
            answers.put(asked(number), Answer::No);
        }
        assert_eq!(answers.get(asked(0)), Some(Answer::Yes(())));
        let kept = (1..3 * MOST).filter(|number| answers.get(asked(*number)).is_some()).count();
        assert_eq!(kept, MOST);
    }

    #[test]
    fn parts_are_not_taken_for_one_another() {
        assert_ne!(Digest::of(&[b"ab", b"c"]), Digest::of(&[b"a", b"bc"]));
    }
}
