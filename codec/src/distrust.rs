//! Why a record is not believed, as data: a stable name and a place.
//!
//! Nothing here judges: that is the work of [`trust`](crate::trust).

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::code::Code;
use crate::phrase::Phrase;

/// Why a record reaches no consumer. The names are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Distrust {
    /// The provider's address is not one of its Pod's, nor admitted.
    AddressNotPod,
    /// Its weight is larger than what counts. The record is believed, with the largest weight that counts.
    WeightOverLimit,
    /// Another namespace owns the interface.
    NotOwner,
    /// It is beyond what its Pod or its namespace may register.
    OverQuota,
}

impl Distrust {
    /// Every one.
    pub const ALL: [Self; 4] =
        [Self::AddressNotPod, Self::WeightOverLimit, Self::NotOwner, Self::OverQuota];

    /// The code of the problem that it is.
    pub const fn code(self) -> Code {
        match self {
            Self::AddressNotPod => Code::AddressNotPod,
            Self::WeightOverLimit => Code::WeightOverLimit,
            Self::NotOwner => Code::NotOwner,
            Self::OverQuota => Code::OverQuota,
        }
    }

    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        self.code().as_str()
    }

    /// The one of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|distrust| distrust.as_str() == name)
    }

    /// What would have been believed.
    pub const fn expected(self) -> Phrase {
        match self {
            Self::AddressNotPod => Phrase::OwnAddress,
            Self::WeightOverLimit => Phrase::WeightWithinLimit,
            Self::NotOwner => Phrase::OwnInterface,
            Self::OverQuota => Phrase::WithinQuota,
        }
    }
}

impl fmt::Display for Distrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// That a record is not believed: why, and where in its URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unbelieved {
    /// Why.
    pub distrust: Distrust,
    /// Byte offset in the URL.
    pub offset: usize,
    /// What stands there.
    pub found: Phrase,
}
