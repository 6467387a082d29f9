//! The largest weight that counts: of a provider, and of each of its methods.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::{Distrust, Unbelieved};
use crate::phrase::Phrase;
use crate::{Param, Url};

/// Where a weight is larger than the limit.
pub(super) fn over(url: &Url<'_>, limit: u32) -> Option<Unbelieved> {
    let heavy = url.params().find(|param| is_over(param, limit))?;
    let offset = url.offset_of(&heavy);
    Some(Unbelieved { distrust: Distrust::WeightOverLimit, offset, found: Phrase::LargerWeight })
}

/// Replaces every weight that is larger than the limit by the limit.
pub fn cap(url: &mut Url<'_>, limit: u32) {
    let heavy = url.params().filter(|param| is_over(param, limit));
    let names: Vec<String> = heavy.map(|param| param.name().into_owned()).collect();
    for name in names {
        url.set(&name, &limit.to_string());
    }
}

/// Whether a parameter is a weight that is larger than the limit.
pub(crate) fn is_over(param: &Param<'_>, limit: u32) -> bool {
    // The names are `weight`, `default.weight`, `methods.<method>.weight` and `<method>.weight`.
    let may_be = param.raw_name.ends_with("weight") || param.name_escaped();
    may_be && is_weight(&param.name()) && exceeds(&param.value(), limit)
}

fn is_weight(name: &str) -> bool {
    name == "weight" || name.ends_with(".weight")
}

/// A number that is too long for every reader is larger than any limit.
fn exceeds(value: &str, limit: u32) -> bool {
    let digits = value.trim().trim_start_matches('+').trim_start_matches('0');
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number && digits.parse::<u64>().map_or(true, |weight| weight > u64::from(limit))
}
