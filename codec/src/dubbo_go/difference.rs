//! Where dubbo-go reads a URL, but not as this crate does.
//!
//! Only what decides about a provider counts: protocol, address, interface, group, version, and the
//! parameters that it has. Each is found by one look at the text; nothing is unescaped for it.

use super::finding::Finding;
use crate::Url;
use crate::escape::query_unescape_lossy;
use crate::reason::Reason;
use crate::url::is_ipv6;

/// What dubbo-go reads otherwise in a URL that it does not refuse. `is_provider` says whether
/// consumers call its address.
pub fn differences(url: &Url<'_>, is_provider: bool) -> impl Iterator<Item = Finding> {
    let of_provider = [no_port, host_list].into_iter().filter(move |_| is_provider);
    let of_any = [protocol_case, zone, path_interface, default_prefix, zero_version, fragment];
    of_any.into_iter().chain(of_provider).filter_map(|find| find(url))
}

fn protocol_case(url: &Url<'_>) -> Option<Finding> {
    let at = url.scheme().bytes().position(|byte| byte.is_ascii_uppercase())?;
    Some(Finding::new(Reason::ProtocolCase, at))
}

fn zone(url: &Url<'_>) -> Option<Finding> {
    let (start, hosts) = url.written_hosts();
    let at = hosts.find('%')?;
    url.hosts()
        .any(|host| host.name.contains('%') && is_ipv6(host.name))
        .then(|| Finding::new(Reason::Ipv6Zone, start + at))
}

fn no_port(url: &Url<'_>) -> Option<Finding> {
    let (start, _) = url.written_hosts();
    url.port().is_none().then(|| Finding::new(Reason::NoPort, start))
}

fn host_list(url: &Url<'_>) -> Option<Finding> {
    let (start, hosts) = url.written_hosts();
    hosts.find(',').map(|at| Finding::new(Reason::HostList, start + at))
}

/// The interface counts only where no parameter names it.
fn path_interface(url: &Url<'_>) -> Option<Finding> {
    let (start, hosts) = url.written_hosts();
    let at = url.path().find('+')?;
    let named = url.param("interface").is_some_and(|name| !name.is_empty());
    (!named).then(|| Finding::new(Reason::PathInterface, start + hosts.len() + 1 + at))
}

fn default_prefix(url: &Url<'_>) -> Option<Finding> {
    let unset = |name: &str| url.param(name).is_none_or(|value| value.is_empty());
    find_param(url, b'd', |name, _| name.strip_prefix("default.").is_some_and(unset))
        .map(|at| Finding::new(Reason::DefaultPrefix, at))
}

fn zero_version(url: &Url<'_>) -> Option<Finding> {
    let is_zero = |name: &str, value: &str| {
        matches!(name, "version" | "default.version") && query_unescape_lossy(value) == "0.0.0"
    };
    let find = |first| find_param(url, first, is_zero);
    find(b'v').or_else(|| find(b'd')).map(|at| Finding::new(Reason::ZeroVersion, at))
}

fn fragment(url: &Url<'_>) -> Option<Finding> {
    let at = url.as_str().find('#')?;
    Some(Finding::new(Reason::Fragment, at))
}

/// Where the first parameter stands that is wanted by its name and its value as written. Its name
/// begins with this letter, or with an escape.
fn find_param(url: &Url<'_>, first: u8, wanted: impl Fn(&str, &str) -> bool) -> Option<usize> {
    let (mut at, query) = url.written_query();
    for segment in query.split('&') {
        if segment.bytes().next().is_some_and(|byte| byte == first || byte == b'%') {
            let (name, value) = segment.split_once('=').unwrap_or((segment, ""));
            if wanted(&query_unescape_lossy(name), value) {
                return Some(at);
            }
        }
        at += segment.len() + 1;
    }
    None
}
