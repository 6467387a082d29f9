//! Picking one of many by a policy, in a time that does not grow with their number.
//!
//! A picker knows its members by number and weight, and nothing of what they are. One of weight 0 is
//! never picked.

mod consistent_hash;
mod least_active;
mod round_robin;
mod weighted_random;

pub use consistent_hash::ConsistentHash;
pub use least_active::LeastActive;
pub use round_robin::RoundRobin;
pub use weighted_random::WeightedRandom;
