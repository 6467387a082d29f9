//! Compressed lists, kept so that the same list is compressed once. Bounded.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

use super::object::Representation;

/// How many lists are kept: the pages of a list of 100,000 Pods.
const CAPACITY: usize = 256;

/// Target, what was asked for, and the version that was listed.
pub(crate) type Key = (String, Representation, u64);

#[derive(Debug, Default)]
pub(crate) struct Compressed(Mutex<VecDeque<(Key, Bytes)>>);

impl Compressed {
    pub(crate) fn get(&self, key: &Key) -> Option<Bytes> {
        let lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lists.iter().find(|(known, _)| known == key).map(|(_, body)| body.clone())
    }

    pub(crate) fn put(&self, key: Key, body: Bytes) {
        let mut lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lists.push_back((key, body));
        if lists.len() > CAPACITY {
            lists.pop_front();
        }
    }

    /// History was rewritten: the same version may list something else.
    pub(crate) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
