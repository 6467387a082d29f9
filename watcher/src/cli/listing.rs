//! The catalog as a table: one row for each endpoint of each service.

use std::fmt::Write as _;
use std::io::{self, Write};

use anstyle::Style;
use dubbo_k8s_codec::{Category, Url};
use dubbo_k8s_engine::catalog::{Catalog, Holder, StoredKey};

use super::{
    figures::counted,
    plain::{Elide, plain},
    records::role,
    table::{Column, Table},
    terminal::{DIM, NAME},
};

/// A table, and what it holds in numbers.
pub(super) struct Listing {
    table: Table,
    wide: bool,
    with_namespace: bool,
    services: usize,
    /// Rows of providers that are not believed.
    untrusted: usize,
    /// Rows by category, in the order of [`Category::ALL`].
    rows: [usize; 4],
}

/// The role of an endpoint that is not believed, and reaches no consumer.
const UNTRUSTED: &str = "untrusted";

/// What a row is made of.
struct Endpoint<'a> {
    service: &'a str,
    category: Category,
    url: &'a Url<'a>,
    is_trusted: bool,
    holders: Vec<&'a Holder>,
}

impl Listing {
    /// All services; then the rules that apply to services.
    pub(super) fn of(catalog: &Catalog, wide: bool, with_namespace: bool) -> Self {
        let table = Table::new(columns(wide));
        let mut listing =
            Self { table, wide, with_namespace, services: 0, untrusted: 0, rows: [0; 4] };
        for entry in catalog.listed_services_of(|_| true) {
            let service = entry.service.to_string();
            listing.services += 1;
            let providers = entry.providers.iter().map(|found| (Category::Providers, found));
            let consumers = entry.consumers.iter().map(|found| (Category::Consumers, found));
            for (category, found) in providers.chain(consumers) {
                let holders = found.holders().collect();
                let (url, is_trusted) = (found.url(), found.is_trusted());
                listing.push(&Endpoint { service: &service, category, url, is_trusted, holders });
            }
        }
        for (key, holders) in rules(catalog) {
            let facts = key.facts();
            let (Some(category), Some(service)) = (facts.leaf_category(), facts.service()) else {
                continue;
            };
            let Some(url) = key.url() else { continue };
            let service = service.to_string();
            let is_trusted = true;
            listing.push(&Endpoint { service: &service, category, url: &url, is_trusted, holders });
        }
        listing
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows == [0; 4]
    }

    /// `2 services: 3 providers, 1 consumer`
    pub(super) fn summary(&self) -> String {
        let [consumers, configurators, routers, providers] = self.rows;
        let words: Vec<_> =
            [(providers, "provider"), (consumers, "consumer"), (routers + configurators, "rule")]
                .into_iter()
                .filter(|(count, _)| *count > 0)
                .map(|(count, noun)| counted(count, noun))
                .collect();
        let untrusted = match self.untrusted {
            0 => String::new(),
            count => format!(", {count} of them not believed"),
        };
        format!("{}: {}{untrusted}", counted(self.services, "service"), words.join(", "))
    }

    pub(super) fn write(&self, out: &mut dyn Write, columns: Option<usize>) -> io::Result<()> {
        self.table.write(out, columns)
    }

    fn push(&mut self, endpoint: &Endpoint<'_>) {
        if let Some(count) = self.rows.get_mut(usize::from(endpoint.category.role())) {
            *count += 1;
        }
        let url = endpoint.url;
        self.untrusted += usize::from(!endpoint.is_trusted);
        let role = if endpoint.is_trusted { role(endpoint.category) } else { UNTRUSTED };
        let address = endpoint_address(endpoint.category, url);
        let pods = self.pods(&endpoint.holders);
        let row = [&plain(endpoint.service), role, &plain(&address), &pods];
        if !self.wide {
            return self.table.push(&row);
        }
        let param = |name| plain(&url.get(name).unwrap_or_default()).into_owned();
        let is_provider = endpoint.category == Category::Providers;
        let weight = if is_provider { url.weight(None).to_string() } else { String::new() };
        let (application, release) = (param("application"), param("release"));
        let shown = super::records::shown_url(url);
        let more = [&application, &*weight, &release, &plain(&shown)];
        self.table.push(&[&row[..], &more].concat());
    }

    /// The first of them, and how many more; all of them when there is room.
    fn pods(&self, holders: &[&Holder]) -> String {
        let name = |holder: &&Holder| {
            let pod = plain(&holder.pod);
            if self.with_namespace {
                format!("{}/{pod}", plain(&holder.namespace))
            } else {
                pod.into_owned()
            }
        };
        match holders {
            [] => String::new(),
            _ if self.wide => holders.iter().map(name).collect::<Vec<_>>().join(","),
            [only] => name(only),
            [first, rest @ ..] => format!("{},+{}", name(first), rest.len()),
        }
    }
}

fn columns(wide: bool) -> Vec<Column> {
    let column =
        |title, elide, comfort, least, style| Column { title, elide, comfort, least, style };
    let none = Style::new();
    let mut columns = vec![
        column("SERVICE", Elide::Start, 28, 10, NAME),
        column("ROLE", Elide::End, UNTRUSTED.len(), 4, none),
        column("ADDRESS", Elide::Middle, 24, 9, none),
        column("POD", Elide::Middle, 16, 7, none),
    ];
    if wide {
        columns.push(column("APPLICATION", Elide::End, 12, 8, none));
        columns.push(column("WEIGHT", Elide::End, 6, 6, none));
        columns.push(column("RELEASE", Elide::End, 8, 8, none));
        columns.push(column("URL", Elide::End, 16, 16, DIM));
    }
    columns
}

/// The keys of rules and the Pods that carry them, in order.
fn rules(catalog: &Catalog) -> Vec<(&StoredKey, Vec<&Holder>)> {
    let rules = catalog.carried().filter(|(key, ..)| key.facts().is_rule());
    let holders = rules.map(|(key, _, holders)| (key, holders.map(|holder| &**holder).collect()));
    let mut rules: Vec<_> = holders.collect();
    rules.sort_unstable_by_key(|(key, _)| *key);
    rules
}

/// Protocol, host and port; of a consumer the host alone, since it serves nothing there.
pub(super) fn endpoint_address(category: Category, url: &Url<'_>) -> String {
    match category {
        Category::Consumers => address(url),
        _ => format!("{}://{}", url.scheme(), address(url)),
    }
}

/// Host and port; IPv6 in brackets.
pub(super) fn address(url: &Url<'_>) -> String {
    let mut hosts = url.hosts();
    let first = hosts.next();
    let name = first.map_or_else(|| url.host(), |first| first.name);
    let mut text = if name.contains(':') { format!("[{name}]") } else { name.to_owned() };
    // Writing to a String cannot fail.
    if let Some(port) = first.and_then(|first| first.port) {
        let _ = write!(text, ":{port}");
    }
    let more = hosts.count();
    if more > 0 {
        let _ = write!(text, ",+{more}");
    }
    text
}
