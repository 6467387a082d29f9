//! Which namespaces provide an interface. It compares names as text and knows no Pod.

use alloc::borrow::ToOwned as _;
use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use super::{Distrust, Unbelieved};
use crate::escape::query_unescape_lossy;
use crate::kubernetes::is_label;
use crate::phrase::Phrase;
use crate::url::Url;

/// That only Pods of some namespaces provide some interfaces: `com.bank.*=payments,core`.
///
/// Of the rules that name an interface the longest counts; of equally long ones all do, together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The interface, or what it begins with.
    name: Box<str>,
    is_prefix: bool,
    namespaces: Box<[Box<str>]>,
}

/// A text that is no rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadOwner(String);

impl fmt::Display for BadOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is no rule such as com.bank.*=payments,core: an interface or what it begins with and \"*\", then \
             namespaces",
            self.0
        )
    }
}

impl core::error::Error for BadOwner {}

impl FromStr for Owner {
    type Err = BadOwner;

    fn from_str(text: &str) -> Result<Self, BadOwner> {
        let bad = || BadOwner(text.to_owned());
        let (pattern, namespaces) = text.split_once('=').ok_or_else(bad)?;
        let prefix = pattern.strip_suffix('*');
        let name = prefix.unwrap_or(pattern);
        let namespaces: Box<[Box<str>]> = namespaces.split(',').map(Box::from).collect();
        if pattern.is_empty() || name.contains('*') || !namespaces.iter().all(|it| is_label(it)) {
            return Err(bad());
        }
        Ok(Self { name: name.into(), is_prefix: prefix.is_some(), namespaces })
    }
}

impl Owner {
    fn names(&self, interface: &str) -> bool {
        if self.is_prefix { interface.starts_with(&*self.name) } else { *interface == *self.name }
    }

    /// An interface by its whole name counts more than by what it begins with.
    const fn rank(&self) -> (usize, bool) {
        (self.name.len(), !self.is_prefix)
    }
}

/// A record is found by the interface in its key, by that of its URL, and by the URL's path: each of these names has
/// to be the namespace's.
pub(super) fn judge(
    owners: &[Owner],
    interface: &str,
    url: &Url<'_>,
    namespace: &str,
) -> Result<(), Unbelieved> {
    if owners.is_empty() {
        return Ok(());
    }
    let service = url.service();
    let path = query_unescape_lossy(url.path());
    let last = path.rsplit('/').next().unwrap_or_default();
    let names = [interface, &service.interface, &path, last];
    if names.iter().all(|name| is_owned(owners, name, namespace)) {
        return Ok(());
    }
    Err(Unbelieved { distrust: Distrust::NotOwner, offset: 0, found: Phrase::AnothersInterface })
}

fn is_owned(owners: &[Owner], interface: &str, namespace: &str) -> bool {
    let rules = || owners.iter().filter(|owner| owner.names(interface));
    let Some(longest) = rules().map(Owner::rank).max() else { return true };
    let mut deciding = rules().filter(|owner| owner.rank() == longest);
    deciding.any(|owner| owner.namespaces.iter().any(|one| **one == *namespace))
}
