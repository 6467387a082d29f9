//! What one Pod carries, as a live registry reports it: keys, and what is wrong with its annotation.
//!
//! It holds no text of an annotation: that is written anew from the keys.

use dubbo_k8s_codec::problem::Problem;

/// The most problems that are kept of a Pod; a watcher sends fewer.
const MOST: usize = 100;

#[derive(Debug, Default)]
pub(super) struct Holder {
    pub(super) uid: String,
    /// In order.
    pub(super) keys: Vec<(String, String)>,
    /// What is wrong with its annotation, or with single records of it.
    pub(super) problems: Vec<Problem>,
    /// Its text is not as its keys are.
    pub(super) dirty: bool,
}

impl Holder {
    fn place(&self, key: &str) -> Result<usize, usize> {
        self.keys.binary_search_by(|(known, _)| known.as_str().cmp(key))
    }

    pub(super) fn value(&self, key: &str) -> Option<&str> {
        Some(self.keys.get(self.place(key).ok()?)?.1.as_str())
    }

    pub(super) fn set(&mut self, key: &str, value: Option<&str>) {
        match (self.place(key), value) {
            (Ok(at), None) => drop(self.keys.remove(at)),
            (Err(at), Some(value)) => self.keys.insert(at, (key.to_owned(), value.to_owned())),
            (Ok(at), Some(value)) => {
                if let Some((_, known)) = self.keys.get_mut(at) {
                    value.clone_into(known);
                }
            }
            (Err(_), None) => {}
        }
    }

    /// Notes a problem, or that it is over. Whether that is news.
    pub(super) fn judge(&mut self, problem: &Problem, raised: bool) -> bool {
        match (self.problems.iter().position(|known| known == problem), raised) {
            (None, true) if self.problems.len() < MOST => self.problems.push(problem.clone()),
            (Some(at), false) => drop(self.problems.remove(at)),
            _ => return false,
        }
        true
    }

    /// Whether nothing of the annotation can be read: what is wrong with single records leaves the keys of the
    /// others.
    pub(super) fn is_refused(&self) -> bool {
        self.keys.is_empty() && !self.problems.is_empty()
    }

    pub(super) fn is_over(&self) -> bool {
        self.keys.is_empty() && self.problems.is_empty()
    }
}
