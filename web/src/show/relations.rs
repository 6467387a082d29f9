//! Whom an endpoint would call, or who would call it, and for each other pair the one reason.
//!
//! It judges no pair; the codec's relations do.

use dubbo_k8s_codec::Category;
use dubbo_k8s_codec::relation::Relation;
use serde::Serialize;

use super::{Shown, pod_name};
use crate::model::{Call, index};

/// The most pairs that are listed, of those that call and of the others.
const LISTED: usize = 100;

/// The pairs of an endpoint.
#[derive(Debug, Serialize)]
pub(super) struct Relations {
    /// Whether the endpoint is the one that calls.
    calls: bool,
    /// How many call, and how many do not.
    calling: usize,
    never: usize,
    pairs: Vec<Pair>,
}

/// The other side of a pair.
#[derive(Debug, Serialize)]
struct Pair {
    pod: u32,
    record: Option<u32>,
    r#in: String,
    address: String,
    /// Of the consumer's calls, in hundredths of a percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    share: Option<u64>,
    /// Why it does not call: a stable name, what is asked for and what is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<[String; 3]>,
}

impl Shown<'_> {
    /// The pairs of a record at this time, if it is a consumer or a provider.
    pub(super) fn relations(&self, at: usize, record: usize, now_ms: u64) -> Option<Relations> {
        let place = self.pod(at)?.place_of(record)?;
        let member = (index(at), place);
        let (_, endpoint) = self.model.endpoint(member)?;
        let calls = endpoint.category == Category::Consumers;
        if !calls && endpoint.category != Category::Providers {
            return None;
        }
        let found = self.model.calls(member, now_ms);
        let never = found.pairs.len() - found.calling;
        let (calling, others) = found.pairs.split_at_checked(found.calling)?;
        let listed = calling.iter().take(LISTED).chain(others.iter().take(LISTED));
        let pairs = listed.map(|call| self.pair(call)).collect();
        Some(Relations { calls, calling: found.calling, never, pairs })
    }

    fn pair(&self, call: &Call) -> Pair {
        let found = self.model.endpoint(call.other);
        let (share, why) = match &call.relation {
            Relation::Calls(weight) => {
                (Some(weight.saturating_mul(10_000) / call.total.max(1)), None)
            }
            Relation::Never(of) => {
                let why = [of.obstacle.as_str(), &of.asked, &of.found].map(str::to_owned);
                (None, Some(why))
            }
        };
        Pair {
            pod: call.other.0,
            record: found.map(|(_, endpoint)| endpoint.record),
            r#in: found.map(|(pod, _)| pod_name(pod)).unwrap_or_default(),
            address: found.map(|(_, it)| it.address.to_string()).unwrap_or_default(),
            share,
            why,
        }
    }
}
