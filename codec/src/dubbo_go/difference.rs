//! Where dubbo-go reads a URL, but not as this crate does.
//!
//! Only what decides about a provider counts: protocol, address, interface, group, version, and the
//! parameters that it has. Each is found by one look at the text; nothing is unescaped for it.

use super::finding::Finding;
use crate::escape::query_unescape_lossy;
use crate::reason::Reason;
use crate::url::is_ipv6;
use crate::{Param, Url};

/// What dubbo-go reads otherwise in a URL that it does not refuse. `is_provider` says whether
/// consumers call its address.
pub fn differences(url: &Url<'_>, is_provider: bool) -> impl Iterator<Item = Finding> {
    let of_any = [protocol_case, zone, path_interface].into_iter().filter_map(|find| find(url));
    let of_params = parameters(url).into_iter().chain([fragment(url)]).flatten();
    let of_provider = [no_port, host_list].into_iter().filter(move |_| is_provider);
    of_any.chain(of_params).chain(of_provider.filter_map(|find| find(url)))
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

/// A name with the prefix `default.` that counts as the name behind it, and a version that counts as none.
fn parameters(url: &Url<'_>) -> [Option<Finding>; 2] {
    let unset = |name: &str| url.param(name).is_none_or(|value| value.is_empty());
    let (mut prefix, mut zero, mut default_zero) = (None, None, None);
    // Of the others not even the names are looked at.
    let may_count =
        |param: &Param<'_>| matches!(param.raw_name.as_bytes(), [b'd' | b'v' | b'%', ..]);
    for param in url.params().filter(may_count) {
        let name = param.name();
        let is_zero = || query_unescape_lossy(param.raw_value) == "0.0.0";
        match name.strip_prefix("default.") {
            Some(behind) => {
                if prefix.is_none() && unset(behind) {
                    prefix = Some(param);
                }
                if default_zero.is_none() && behind == "version" && is_zero() {
                    default_zero = Some(param);
                }
            }
            None if zero.is_none() && name == "version" && is_zero() => zero = Some(param),
            None => {}
        }
    }
    let place = |param: Param<'_>, reason| Finding::new(reason, url.offset_of(&param));
    [
        prefix.map(|param| place(param, Reason::DefaultPrefix)),
        zero.or(default_zero).map(|param| place(param, Reason::ZeroVersion)),
    ]
}

fn fragment(url: &Url<'_>) -> Option<Finding> {
    let (start, query) = url.written_query();
    let end = start + query.len();
    (end < url.as_str().len()).then(|| Finding::new(Reason::Fragment, end))
}
