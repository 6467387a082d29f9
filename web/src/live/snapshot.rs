//! Snapshots of a live registry: everything anew, or who carries what is known already.
//!
//! An event names the one Pod that caused it. That another Pod carries the same key too is told by
//! snapshots alone; it never brings or ends a key, because events do.

use std::collections::BTreeMap;

use dubbo_k8s_codec::{Category, Key};

use super::Live;
use super::event::{Holder, Snapshot};
use crate::history::{Event, What};
use crate::model::{Model, index};

impl Live {
    /// Everything anew.
    pub(super) fn snapshot(&mut self, model: &mut Model, snapshot: &Snapshot) {
        *self = Self { now: self.now, started: self.now, ..Self::default() };
        model.restart();
        endpoints(snapshot, &mut |key, holders| {
            for holder in holders {
                self.holder(model, holder.names()).1.set(&key, Some(""));
            }
        });
        for of in &snapshot.problems {
            self.holder(model, of.names()).1.judge(&of.problem(), true);
        }
        self.dirty = (0..self.holders.len()).collect();
        self.write(model); // nothing of it is new: the tick is zero
    }

    /// Who carries the keys that are known, by a later snapshot. Whether anybody else does than before.
    pub(super) fn agree(&mut self, model: &mut Model, snapshot: &Snapshot, time: u64) -> bool {
        let (known, carriers) = self.carriers();
        let mut some = false;
        endpoints(snapshot, &mut |key, holders| {
            let Some(now) = known.get(&key).and_then(|at| carriers.get(*at as usize)) else {
                return;
            };
            let all: Vec<usize> =
                holders.iter().map(|it| self.holder(model, it.names()).0).collect();
            let value = now.first().and_then(|at| self.holders.get(*at)?.value(&key));
            let value = value.unwrap_or_default().to_owned();
            let gone = now.iter().filter(|at| !all.contains(at)).map(|at| (*at, false));
            let come = all.iter().filter(|at| !now.contains(at)).map(|at| (*at, true));
            for (holder, is_new) in gone.chain(come) {
                some = true;
                let (before, after) =
                    if is_new { (None, Some(&value)) } else { (Some(&value), None) };
                let (before, after) = (before.cloned(), after.cloned());
                // The key itself neither came nor went: nothing is shown as gone.
                self.put(Event {
                    time,
                    holder,
                    what: What::Key { key: key.clone(), before, after },
                });
            }
        });
        some
    }

    /// The keys that are known, each with the place of those who carry it.
    fn carriers(&self) -> (BTreeMap<String, u32>, Vec<Vec<usize>>) {
        let (mut known, mut carriers) = (BTreeMap::new(), Vec::<Vec<usize>>::new());
        for (at, holder) in self.holders.iter().enumerate() {
            for (key, _) in &holder.keys {
                let place = known.get(key).map_or(carriers.len(), |place: &u32| *place as usize);
                if let Some(of_key) = carriers.get_mut(place) {
                    of_key.push(at);
                } else {
                    known.insert(key.clone(), index(place));
                    carriers.push(vec![at]);
                }
            }
        }
        (known, carriers)
    }
}

/// Calls `each` with the key of every endpoint of a snapshot and its holders.
fn endpoints(snapshot: &Snapshot, each: &mut dyn FnMut(String, &[Holder])) {
    for service in &snapshot.services {
        for (endpoints, category) in
            [(&service.providers, Category::Providers), (&service.consumers, Category::Consumers)]
        {
            for endpoint in endpoints {
                let key = Key::leaf(&service.interface, category, &endpoint.url).to_string();
                each(key, &endpoint.holders);
            }
        }
    }
}

/// A key of an event as snapshots have it: they tell a URL, and not how the key escapes it.
pub(super) fn canonical(key: &str) -> String {
    match Key::parse(key) {
        Ok(Key {
            interface: Some(interface), category: Some(category), url: Some(url), ..
        }) => Key::leaf(&interface, category, &url).to_string(),
        _ => key.to_owned(),
    }
}
