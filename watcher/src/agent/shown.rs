//! What an agent shows: its Pod, its registrations, and what a person may want to know. Data only.

use std::sync::Arc;

use dubbo_k8s_engine::registration::{RegistrarNotice, RegistrationError};
use serde::Serialize;

use super::problem::Problem;

/// Something that a person may want to know.
#[derive(Debug)]
#[non_exhaustive]
pub enum News<'a> {
    /// A notice of the machine.
    Notice(&'a RegistrarNotice),
    /// The Pod cannot be read, and it is not tried again by itself.
    Unreadable(&'a RegistrationError),
    /// A registration was not renewed.
    Ended {
        /// Its id.
        id: &'a str,
    },
}

/// One registration, as the API shows it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Registration {
    /// Its id.
    #[serde(serialize_with = "text")]
    pub id: Arc<str>,
    /// How long it lasts when it is not renewed.
    pub lease_seconds: u32,
    /// When it ends.
    pub ends_in_ms: u64,
    /// What was asked for last.
    pub urls: Vec<RegisteredUrl>,
    /// Why some of it is pending, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// One URL of a registration.
#[derive(Debug, Clone, Serialize)]
pub struct RegisteredUrl {
    /// As it was given.
    pub url: String,
    /// The key of its record.
    #[serde(serialize_with = "text")]
    pub key: Arc<str>,
    /// Whether the Pod carries it.
    pub state: UrlState,
    /// What is odd about it, or why it was refused.
    pub problems: Vec<Problem>,
}

/// Whether the Pod carries a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum UrlState {
    /// The server has confirmed it.
    Registered,
    /// Not yet: the server could not be asked. It is tried again.
    Pending,
    /// The Pod does not carry it, and it is not tried again.
    Refused,
    /// It is being taken out.
    Ending,
}

/// The Pod of the agent.
#[derive(Debug, Clone, Serialize)]
pub struct Pod {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its uid, once it is known.
    pub uid: Option<String>,
    /// Its addresses, as far as they are known.
    pub ips: Vec<std::net::IpAddr>,
}

impl Registration {
    pub(super) fn is_settled(&self) -> bool {
        let waits = |url: &RegisteredUrl| matches!(url.state, UrlState::Pending | UrlState::Ending);
        !self.urls.iter().any(waits)
    }
}

fn text<S: serde::Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}
