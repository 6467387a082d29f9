//! What one chip lets through: a field and a value of it, written `field:value`.
//!
//! Values are compared as a whole; a part of a name is for the search.

use dubbo_k8s_codec::Category;

use crate::model::{Model, Pod};

/// One condition.
#[derive(Debug)]
pub(super) enum Filter {
    Problem,
    Ready(bool),
    Role(Category),
    Namespace(String),
    Application(String),
    Protocol(String),
    Group(String),
    Version(String),
}

impl Filter {
    /// Reads `field:value`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (field, value) = text.split_once(':')?;
        let value_text = || value.to_owned();
        Some(match field {
            "is" => match value {
                "problem" => Self::Problem,
                "ready" => Self::Ready(true),
                "unready" => Self::Ready(false),
                _ => return None,
            },
            "role" => Self::Role(Category::from_name(value)?),
            "ns" => Self::Namespace(value_text()),
            "app" => Self::Application(value_text()),
            "protocol" => Self::Protocol(value_text()),
            "group" => Self::Group(value_text()),
            "version" => Self::Version(value_text()),
            _ => return None,
        })
    }

    pub(super) fn takes(&self, model: &Model, member: (u32, u32)) -> bool {
        let Some((pod, endpoint)) = model.endpoint(member) else { return false };
        let traits = model.traits.get(endpoint.traits as usize);
        let service = model.services.get(endpoint.service as usize).map(|node| &node.service);
        match self {
            Self::Problem => {
                endpoint.severity.is_some() || pod.is_unread() || model.lonely(member).is_some()
            }
            Self::Role(category) => endpoint.category == *category,
            Self::Application(name) => traits.is_some_and(|it| *it.application == **name),
            Self::Protocol(name) => traits.is_some_and(|it| it.protocol.eq_ignore_ascii_case(name)),
            Self::Group(name) => service.is_some_and(|it| it.group().unwrap_or_default() == name),
            Self::Version(name) => {
                service.is_some_and(|it| it.version().unwrap_or_default() == name)
            }
            Self::Namespace(_) | Self::Ready(_) => self.takes_pod(pod),
        }
    }

    /// Whether the Pod as a whole is let through; what only an endpoint has lets none through.
    pub(super) fn takes_pod(&self, pod: &Pod) -> bool {
        match self {
            Self::Problem => !pod.problems.is_empty(),
            Self::Namespace(name) => *pod.text.namespace == **name,
            Self::Ready(ready) => pod.text.ready == Some(*ready),
            _ => false,
        }
    }
}
