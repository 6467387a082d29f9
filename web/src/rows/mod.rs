//! The rows of the tree, as a flat list of which the page asks for windows.
//!
//! It holds no text: what a row says is looked up when it is shown.

mod filter;
pub(crate) mod search;

use dubbo_k8s_codec::Category;
use serde::Serialize;

use self::filter::Filter;
use self::search::{contains, rarest};
use crate::model::{Model, Pod, SHOWN, index};

/// What a row stands for. Nodes keep their identity while a live registry changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Node {
    /// The Pods of which nothing could be read.
    Unread,
    /// A service.
    Service(u32),
    /// One category of a service.
    Role(u32, Category),
    /// An endpoint: Pod, and place among its endpoints.
    Endpoint(u32, u32),
    /// An endpoint that has just gone, by its place among all of them.
    Departed(u32),
    /// A Pod.
    Pod(u32),
    /// A record of a Pod.
    Record(u32, u32),
}

impl Node {
    /// Its identity for the page.
    pub fn id(self) -> String {
        match self {
            Self::Unread => "u".to_owned(),
            Self::Service(id) => format!("s{id}"),
            Self::Role(id, category) => format!("s{id}.{category}"),
            Self::Endpoint(pod, place) => format!("e{pod}.{place}"),
            Self::Departed(at) => format!("g{at}"),
            Self::Pod(pod) => format!("p{pod}"),
            Self::Record(pod, record) => format!("r{pod}.{record}"),
        }
    }

    /// The node of an identity.
    pub fn parse(id: &str) -> Option<Self> {
        let (kind, rest) = id.split_at_checked(1)?;
        let (first, second) = rest.split_once('.').unwrap_or((rest, ""));
        let number = |text: &str| text.parse::<u32>().ok();
        Some(match kind {
            "u" => Self::Unread,
            "s" if second.is_empty() => Self::Service(number(first)?),
            "s" => Self::Role(number(first)?, Category::from_name(second)?),
            "e" => Self::Endpoint(number(first)?, number(second)?),
            "g" => Self::Departed(number(first)?),
            "p" => Self::Pod(number(first)?),
            "r" => Self::Record(number(first)?, number(second)?),
            _ => return None,
        })
    }
}

/// A row and its place among its siblings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// What it stands for.
    pub node: Node,
    /// Zero for the outermost.
    pub depth: u8,
    /// Whether its children are shown; none if it can have none.
    pub open: Option<bool>,
    /// Counted from one.
    pub position: u32,
    /// Number of siblings, itself included.
    pub siblings: u32,
}

/// The two ways to look at the same records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// Service, category, endpoint.
    #[default]
    Service,
    /// Pod, record.
    Pod,
}

/// What is open, what is searched for, and the rows that follow.
#[derive(Debug, Default)]
pub struct View {
    /// How the rows are grouped.
    pub by: By,
    /// Each behind the place of its rarest byte.
    terms: Vec<(usize, String)>,
    /// Which search it is, counted from the first one.
    search: u32,
    filters: Vec<Filter>,
    /// Whether nodes are open unless they are among the exceptions.
    open: bool,
    /// Whether that was asked for.
    chosen: bool,
    /// In order.
    exceptions: Vec<Node>,
    rows: Vec<Row>,
}

impl View {
    /// A view of a new document: small ones are open.
    pub fn new(model: &Model, by: By) -> Self {
        let mut view = Self { by, open: is_small(model), ..Self::default() };
        view.rebuild(model);
        view
    }

    /// Opens all of a small registry that has just come, unless something else was asked for.
    pub fn begin(&mut self, model: &Model) {
        if !self.chosen && self.exceptions.is_empty() {
            self.open = is_small(model);
        }
        self.rebuild(model);
    }

    /// The place of a node among the rows.
    pub fn position(&self, id: &str) -> Option<usize> {
        let node = Node::parse(id)?;
        self.rows.iter().position(|row| row.node == node)
    }

    /// The rows as they are now.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Searches for all of these words, in any order and case.
    pub fn find(&mut self, words: &str) {
        let terms = words.split_whitespace().map(str::to_ascii_lowercase);
        self.terms = terms.map(|term| (rarest(term.as_bytes()), term)).collect();
        self.search += 1;
    }

    /// Shows only what all of these filters let through; what is none is passed over.
    pub fn filter(&mut self, filters: &[String]) {
        self.filters = filters.iter().filter_map(|text| Filter::parse(text)).collect();
    }

    /// Whether everything is shown.
    fn is_whole(&self) -> bool {
        self.terms.is_empty() && self.filters.is_empty()
    }

    /// Whether an endpoint is among what is looked for.
    pub fn takes(&self, model: &Model, member: (u32, u32)) -> bool {
        if self.is_whole() {
            return true;
        }
        model.endpoint(member).is_some_and(|(_, endpoint)| {
            endpoint.found.of(self.search, || self.matches(&endpoint.haystack))
                && self.filters.iter().all(|filter| filter.takes(model, member))
        })
    }

    /// Whether a Pod as a whole is, by its name.
    fn takes_pod(&self, pod: &Pod) -> bool {
        (self.terms.is_empty() || self.matches(&pod_text(pod)))
            && self.filters.iter().all(|filter| filter.takes_pod(pod))
    }

    /// Opens or closes a node; says nothing about what it cannot have.
    pub fn set_open(&mut self, node: Node, open: bool) {
        match (self.exceptions.binary_search(&node), open == self.open) {
            (Ok(at), true) => drop(self.exceptions.remove(at)),
            (Err(at), false) => self.exceptions.insert(at, node),
            _ => {}
        }
    }

    /// Opens or closes everything.
    pub fn set_all(&mut self, open: bool) {
        (self.open, self.chosen) = (open, true);
        self.exceptions.clear();
    }

    fn is_open(&self, node: Node) -> bool {
        !self.is_whole() || self.open != self.exceptions.binary_search(&node).is_ok()
    }

    fn matches(&self, haystack: &str) -> bool {
        self.terms.iter().all(|(at, term)| contains(haystack.as_bytes(), term.as_bytes(), *at))
    }

    /// Works the rows out again.
    pub fn rebuild(&mut self, model: &Model) {
        let mut rows = std::mem::take(&mut self.rows);
        rows.clear();
        match self.by {
            By::Service => self.by_service(model, &mut rows),
            By::Pod => self.by_pod(model, &mut rows),
        }
        number(&mut rows);
        self.rows = rows;
    }

    fn by_service(&self, model: &Model, rows: &mut Vec<Row>) {
        let unread: Vec<u32> = (0..model.pods.len())
            .filter(|at| {
                model.is_unread(*at) && model.pods.get(*at).is_some_and(|pod| self.takes_pod(pod))
            })
            .map(index)
            .collect();
        if !unread.is_empty() && self.push(rows, Node::Unread, 0, true) {
            for pod in unread {
                self.push(rows, Node::Pod(pod), 1, false);
            }
        }
        let mut losers = vec![false; model.services.len()];
        for departed in &model.departed {
            losers.get_mut(departed.service as usize).into_iter().for_each(|lost| *lost = true);
        }
        for service in model.sorted() {
            let start = rows.len();
            let open = self.push(rows, Node::Service(service), 0, true);
            let before = rows.len();
            let lost = losers.get(service as usize).is_some_and(|lost| *lost);
            let found = self.members(model, service, lost, open, rows);
            if !found {
                rows.truncate(start);
            } else if !open {
                rows.truncate(before);
            }
        }
    }

    /// Adds the rows of a service's members, of which it has lost some just now or not; whether anything was found.
    fn members(
        &self,
        model: &Model,
        service: u32,
        lost: bool,
        open: bool,
        rows: &mut Vec<Row>,
    ) -> bool {
        let Some(node) = model.services.get(service as usize) else { return false };
        let mut found = false;
        for category in SHOWN {
            let all = node.of(category).iter().filter(|member| self.takes(model, **member));
            let mut all = all.peekable();
            let gone = lost.then(|| departed(model, service, category));
            let mut gone = gone.into_iter().flatten().peekable();
            if all.peek().is_none() && (gone.peek().is_none() || !self.is_whole()) {
                continue;
            }
            found = true;
            if !open {
                break;
            }
            if self.push(rows, Node::Role(service, category), 1, true) {
                for (pod, place) in all {
                    self.push(rows, Node::Endpoint(*pod, *place), 2, false);
                }
                for departed in gone {
                    self.push(rows, Node::Departed(departed), 2, false);
                }
            }
        }
        found
    }

    fn by_pod(&self, model: &Model, rows: &mut Vec<Row>) {
        for (at, pod) in model.pods.iter().enumerate().filter(|(_, pod)| !pod.over) {
            let of_pod = self.takes_pod(pod);
            let member = |place: usize| (index(at), index(place));
            let found: Vec<u32> = pod
                .endpoints
                .iter()
                .enumerate()
                .filter(|(place, _)| of_pod || self.takes(model, member(*place)))
                .map(|(_, endpoint)| endpoint.record)
                .collect();
            if !of_pod && found.is_empty() {
                continue;
            }
            let records = index(pod.records.unwrap_or(0));
            if self.push(rows, Node::Pod(index(at)), 0, records > 0) {
                for record in
                    (0..records).filter(|record| of_pod || found.binary_search(record).is_ok())
                {
                    self.push(rows, Node::Record(index(at), record), 1, false);
                }
            }
        }
    }

    /// Adds a row; whether its children are to follow.
    fn push(&self, rows: &mut Vec<Row>, node: Node, depth: u8, parent: bool) -> bool {
        let open = parent && self.is_open(node);
        let row = Row { node, depth, open: parent.then_some(open), position: 0, siblings: 0 };
        rows.push(row);
        open
    }

    /// The row of a record, its ancestors opened; none if it is not among what is searched for.
    pub fn reveal(&mut self, model: &Model, pod: u32, record: Option<u32>) -> Option<usize> {
        let target = self.target(model, pod, record);
        self.rebuild(model);
        let found = |node: Node| self.rows.iter().position(|row| row.node == node);
        found(target).or_else(|| found(Node::Pod(pod)))
    }

    fn target(&mut self, model: &Model, pod: u32, record: Option<u32>) -> Node {
        let Some(of) = model.pods.get(pod as usize) else { return Node::Pod(pod) };
        let place = |wanted: u32| of.endpoints.iter().position(|one| one.record == wanted);
        match (self.by, record) {
            (By::Pod, None) => Node::Pod(pod),
            (By::Pod, Some(record)) => {
                self.set_open(Node::Pod(pod), true);
                Node::Record(pod, record)
            }
            (By::Service, record) => {
                let place = record.map_or_else(|| (!of.endpoints.is_empty()).then_some(0), place);
                let Some(place) = place else {
                    self.set_open(Node::Unread, true);
                    return Node::Pod(pod);
                };
                if let Some(endpoint) = of.endpoints.get(place) {
                    self.set_open(Node::Service(endpoint.service), true);
                    self.set_open(Node::Role(endpoint.service, endpoint.category), true);
                }
                Node::Endpoint(pod, index(place))
            }
        }
    }
}

fn departed(model: &Model, service: u32, category: Category) -> impl Iterator<Item = u32> {
    let of = move |departed: &crate::model::Departed| {
        departed.service == service && departed.category == category
    };
    model
        .departed
        .iter()
        .enumerate()
        .filter(move |(_, departed)| of(departed))
        .map(|(at, _)| index(at))
}

fn pod_text(pod: &Pod) -> String {
    format!("{}/{}", pod.text.namespace, pod.text.name).to_ascii_lowercase()
}

/// Whether all of it can be open at first.
fn is_small(model: &Model) -> bool {
    let endpoints: usize = model.pods.iter().map(|pod| pod.endpoints.len()).sum();
    endpoints <= 60
}

/// Fills in the places among siblings.
fn number(rows: &mut [Row]) {
    // For each depth: how many siblings so far; reset when a parent is passed.
    let mut counts = [0_u32; 3];
    for row in rows.iter_mut() {
        let depth = usize::from(row.depth);
        counts.iter_mut().skip(depth + 1).for_each(|count| *count = 0);
        if let Some(count) = counts.get_mut(depth) {
            *count += 1;
            row.position = *count;
        }
    }
    let mut sizes = [0_u32; 3];
    for row in rows.iter_mut().rev() {
        let depth = usize::from(row.depth);
        if let Some(size) = sizes.get_mut(depth) {
            *size = (*size).max(row.position);
            row.siblings = *size;
            if row.position == 1 {
                *size = 0;
            }
        }
    }
}

#[cfg(test)]
mod tests;
