//! Which Pod and record a request is about: by their places, and where these may have changed by what they are.
//!
//! It never takes another Pod or record for the one that was meant.

use dubbo_k8s_codec::Annotation;

use super::{Request, Session};
use crate::share;
use crate::show::Target;

impl Session {
    /// The Pod and the record that a request is about. A Pod that is nowhere has a place at which there is none.
    pub(super) fn target(&self, request: &Request) -> (usize, Option<usize>) {
        let (pod, record) = request.target();
        if request.uid.is_empty() {
            return (pod, record);
        }
        let is_it =
            |at: &usize| self.model.pods.get(*at).is_some_and(|pod| *pod.text.uid == *request.uid);
        let there = |at: &usize| is_it(at) && self.model.pods.get(*at).is_some_and(|it| !it.over);
        let found = Some(pod).filter(there).or_else(|| (0..self.model.pods.len()).find(there));
        let pod = found.or(Some(pod).filter(is_it)).unwrap_or(usize::MAX);
        (pod, self.record(pod, record, &request.of))
    }

    /// The place of the record with this key; an empty one is at the place that was given.
    fn record(&self, pod: usize, at: Option<usize>, key: &str) -> Option<usize> {
        if key.is_empty() {
            return at;
        }
        let annotation = Annotation::decode(self.model.value(pod, &self.source)?).ok()?;
        let is_it = |at: &usize| annotation.records().nth(*at).is_some_and(|it| it.key == key);
        at.filter(is_it).or_else(|| annotation.records().position(|record| record.key == key))
    }

    /// The place of a Pod by its name, `namespace/name`, and of its record by its key or its place.
    pub(super) fn locate(&self, request: &Request) -> Target {
        let is_it =
            |pod: &crate::model::Pod| !pod.over && crate::show::pod_name(pod) == request.name;
        let Some(pod) = self.model.pods.iter().position(is_it) else { return Target::default() };
        let known = self.model.pods.get(pod).and_then(|pod| pod.records).unwrap_or(0);
        let record = self.record(pod, request.record, &request.of);
        Target::new(pod, record.filter(|record| *record < known))
    }

    /// What a link may carry: one Pod, or all of them.
    pub(super) fn share(&self, request: &Request) -> Result<share::Shared, &'static str> {
        let pods = &self.model.pods;
        let of = |at: usize| {
            let pod = pods.get(at).filter(|pod| !pod.is_gone())?;
            Some((&pod.text, self.model.value(at, &self.source)?))
        };
        match request.pod {
            Some(at) => share::pods(of(at)),
            None => share::pods((0..pods.len()).filter_map(of)),
        }
    }
}
