//! How much one Pod, or one namespace, may register, so that it never takes the room of others.

use alloc::borrow::ToOwned as _;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use crate::kubernetes::ANNOTATIONS_LIMIT;

/// A bound on records, and on the bytes of their keys and values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Records.
    pub records: usize,
    /// Bytes of keys and values.
    pub bytes: usize,
}

impl Quota {
    /// Of a Pod: 1,024 records, as many as fit into the largest annotation with 192 bytes each, and its bytes.
    pub const POD: Self = Self { records: 1024, bytes: ANNOTATIONS_LIMIT };

    /// Of a namespace: 200,000 records and 256 MiB. Kubernetes is tested up to 3,000 Pods in a namespace, and this is
    /// 64 records for each of them, of 1.3 kB each.
    pub const NAMESPACE: Self = Self { records: 200_000, bytes: 256 << 20 };

    /// Whether so much is within it.
    pub const fn holds(&self, usage: &Usage) -> bool {
        usage.records <= self.records && usage.bytes <= self.bytes
    }
}

/// A text that is no quota.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadQuota(String);

impl fmt::Display for BadQuota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is no quota such as 1024,256Ki: records, then bytes, with Ki or Mi behind them",
            self.0
        )
    }
}

impl core::error::Error for BadQuota {}

impl FromStr for Quota {
    type Err = BadQuota;

    fn from_str(text: &str) -> Result<Self, BadQuota> {
        let read = || {
            let (records, bytes) = text.split_once(',')?;
            let unit = [("Ki", 1 << 10), ("Mi", 1 << 20), ("", 1)];
            let (digits, unit) =
                unit.iter().find_map(|(name, unit)| Some((bytes.strip_suffix(name)?, *unit)))?;
            let bytes = digits.parse::<usize>().ok()?.checked_mul(unit)?;
            Some(Self { records: records.parse().ok()?, bytes })
        };
        read().ok_or_else(|| BadQuota(text.to_owned()))
    }
}

/// How much is registered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Records.
    pub records: usize,
    /// Bytes of keys and values.
    pub bytes: usize,
}

impl Usage {
    /// Adds a record.
    pub const fn add(&mut self, key: &str, value: &str) {
        self.plus(&Self { records: 1, bytes: key.len() + value.len() });
    }

    /// Adds as much as that.
    pub const fn plus(&mut self, other: &Self) {
        self.records = self.records.saturating_add(other.records);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }

    /// Takes as much away.
    pub const fn minus(&mut self, other: &Self) {
        self.records = self.records.saturating_sub(other.records);
        self.bytes = self.bytes.saturating_sub(other.bytes);
    }
}
