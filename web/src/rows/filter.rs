//! What one chip lets through: a field and a value of it, written `field:value`.
//!
//! Values are compared as a whole; a part of a name is for the search.

use crate::model::{Model, Pod};

/// One condition.
#[derive(Debug)]
pub(super) struct Filter {
    field: Field,
    value: String,
}

#[derive(Clone, Copy, Debug)]
enum Field {
    Is,
    Role,
    Namespace,
    Application,
    Protocol,
    Group,
    Version,
}

impl Filter {
    /// Reads `field:value`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (field, value) = text.split_once(':')?;
        let field = match field {
            "is" => Field::Is,
            "role" => Field::Role,
            "ns" => Field::Namespace,
            "app" => Field::Application,
            "protocol" => Field::Protocol,
            "group" => Field::Group,
            "version" => Field::Version,
            _ => return None,
        };
        Some(Self { field, value: value.to_owned() })
    }

    pub(super) fn takes(&self, model: &Model, member: (u32, u32)) -> bool {
        let Some((pod, endpoint)) = model.endpoint(member) else { return false };
        let Some(traits) = model.traits.get(endpoint.traits as usize) else { return false };
        let Some(node) = model.services.get(endpoint.service as usize) else { return false };
        let found = match self.field {
            Field::Role => endpoint.category.as_str(),
            Field::Application => &traits.application,
            Field::Protocol => return traits.protocol.eq_ignore_ascii_case(&self.value),
            Field::Group => node.service.group().unwrap_or_default(),
            Field::Version => node.service.version().unwrap_or_default(),
            Field::Is if self.value == "problem" => {
                return endpoint.severity.is_some()
                    || pod.is_unread()
                    || model.lonely(member).is_some();
            }
            Field::Is | Field::Namespace => return self.takes_pod(pod),
        };
        found == self.value
    }

    /// Whether the Pod as a whole is let through; what only an endpoint has lets none through.
    pub(super) fn takes_pod(&self, pod: &Pod) -> bool {
        match self.field {
            Field::Namespace => *pod.text.namespace == *self.value,
            Field::Is => match &*self.value {
                "problem" => !pod.problems.is_empty(),
                "ready" => pod.text.ready == Some(true),
                "unready" => pod.text.ready == Some(false),
                _ => false,
            },
            _ => false,
        }
    }
}
