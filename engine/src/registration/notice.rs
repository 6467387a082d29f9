//! The commands of a [`Registrar`](super::Registrar), what it wants done, and the notices it emits. Data only.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use dubbo_k8s_codec::trust::Trust;

use super::plan::{Outcome, Ticket};
use super::{Lease, PodName, RegistrationError};
use crate::{Request, StreamId, Wire};

/// What a [`Registrar`](super::Registrar) works on, and how.
#[derive(Debug, Clone)]
pub struct RegistrarSettings {
    /// The Pod.
    pub pod: PodName,
    /// Its uid, where that is known beforehand (the Downward API has it). Otherwise the first
    /// answer decides which Pod it is.
    pub uid: Option<String>,
    /// The value of the registry's label; none: that of the Pod, or `dubbo.io-value` if it has none.
    pub label_value: Option<String>,
    /// Keep what was added: watch the Pod, and put back what another writer overwrote.
    pub hold: bool,
    /// Only find out what would be written.
    pub dry_run: bool,
    /// In which form to ask for the Pod.
    pub wire: Wire,
    /// What is believed: a record that would not be is not added. None adds every record.
    pub trust: Option<Trust>,
    /// Write leases down in the Pod, and take over those that are there. A Pod has one such machine at a time.
    pub leases: bool,
}

impl RegistrarSettings {
    /// The settings that fit most: the Pod's own label value, no hold, no dry run, the default trust.
    pub fn new(pod: PodName) -> Self {
        let wire = Wire::default();
        let trust = Some(Trust::default());
        let (uid, label_value) = (None, None);
        Self { pod, uid, label_value, hold: false, dry_run: false, wire, trust, leases: false }
    }
}

/// One thing for the driver to do, in order.
#[derive(Debug)]
pub enum RegistrarOutput {
    /// Start this exchange.
    Send {
        /// Its name from now on.
        stream: StreamId,
        /// What to send.
        request: Request,
    },
    /// Drop this exchange; no input for it may follow.
    Cancel {
        /// The exchange.
        stream: StreamId,
    },
    /// Hand this notice to the caller.
    Notice(RegistrarNotice),
}

/// One notice.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegistrarNotice {
    /// A change is done, and the server has confirmed it.
    Done {
        /// Which one.
        ticket: Ticket,
        /// What it did.
        outcome: Outcome,
    },
    /// A change was given up; the Pod does not have it.
    Failed {
        /// Which one.
        ticket: Ticket,
        /// Why.
        error: RegistrationError,
    },
    /// An attempt failed; the next one follows.
    Retrying {
        /// Why.
        error: RegistrationError,
        /// When the next attempt begins, from now.
        retry_in: Duration,
    },
    /// What was reported as [`Self::Retrying`] is over, and everything is as it should be.
    Recovered,
    /// Held records (or the label) had been overwritten, and are there again.
    PutBack {
        /// Their keys.
        records: Vec<Arc<str>>,
        /// The label as well.
        label: bool,
    },
    /// The Pod was read for the first time, and these leases of an earlier process are held from now on.
    TakenOver(Vec<Lease>),
    /// The Pod may not be watched. It is read every half minute instead.
    Polling(RegistrationError),
    /// The Pod is gone, and everything that was held in it. Nothing more is sent.
    Lost(RegistrationError),
    /// The server did not accept the credential: read it again before the next `Send`.
    RefreshCredential,
}
