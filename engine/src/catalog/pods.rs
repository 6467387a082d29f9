//! The Pods of a catalog by namespace and name. A copy costs next to nothing.

use alloc::sync::Arc;

use imbl::OrdMap;

use super::entry::PodEntry;
use super::holder::Holder;

/// The Pods of one namespace by name.
pub(super) type Pods = OrdMap<Arc<str>, Arc<PodEntry>>;

/// The Pods of each namespace.
pub(super) type Namespaces = OrdMap<Arc<str>, Pods>;

/// What is known of the Pod with this name and uid.
pub(super) fn find<'a>(namespaces: &'a Namespaces, holder: &Holder) -> Option<&'a Arc<PodEntry>> {
    let entry = namespaces.get(&holder.namespace)?.get(&holder.pod)?;
    (entry.holder.uid == holder.uid).then_some(entry)
}
