//! What one Pod carries, as a live registry tells it: keys, or why its annotation is refused.
//!
//! It holds no text of an annotation: that is written anew from the keys.

use dubbo_k8s_codec::problem::Problem;

#[derive(Debug, Default)]
pub(super) struct Holder {
    pub(super) uid: String,
    /// In order.
    pub(super) keys: Vec<(String, String)>,
    /// Why its annotation is refused.
    pub(super) problem: Option<Problem>,
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

    pub(super) fn is_over(&self) -> bool {
        self.keys.is_empty() && self.problem.is_none()
    }
}
