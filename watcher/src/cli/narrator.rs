//! Events in words: a sentence a line for people, a JSON object a line for programs. Everything
//! that came from outside is made harmless in the sentences.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    time::{Duration, SystemTime},
};

use anstyle::Style;
use dubbo_k8s_codec::{Category, Url};
use dubbo_k8s_engine::Notice;
use dubbo_k8s_engine::catalog::{Change, ChangeKind, Holder, ProblemKind, Scope};
use dubbo_k8s_registry::contract::Event;

use super::{
    figures::{clock, counted},
    listing::endpoint_address,
    plain::plain,
    queue::{Item, What},
    records::role,
    terminal::{self, CHANGED, DIM, GONE, GOOD, HEADING, NAME, Progress, WARNING},
};

/// Prints what has happened, all that is there at once, and flushes.
pub(super) trait Narrator {
    /// Where it prints it.
    fn output(&self) -> Box<dyn Write>;

    fn print(&mut self, out: &mut dyn Write, items: &[Item]) -> io::Result<()>;
}

/// One JSON object a line.
pub(super) struct Jsonl;

impl Narrator for Jsonl {
    fn output(&self) -> Box<dyn Write> {
        terminal::data()
    }

    fn print(&mut self, out: &mut dyn Write, items: &[Item]) -> io::Result<()> {
        for item in items {
            match &item.what {
                What::Notice(notice) => {
                    let Some(event) = Event::of(notice) else { continue };
                    serde_json::to_writer(&mut *out, &event)?;
                    out.write_all(b"\n")?;
                }
                What::Say(text) => {
                    out.flush()?;
                    terminal::say(text);
                }
            }
        }
        out.flush()
    }
}

/// Sentences.
pub(super) struct Text {
    with_namespace: bool,
    synced: bool,
    progress: Progress,
}

/// What makes two changes of one step one change: the same Pod, role, service and address.
type Same<'a> = (&'a str, u8, &'a str, &'a str);

/// A change of a record that names an endpoint, taken apart.
struct EndpointChange<'a> {
    change: &'a Change,
    category: Category,
    service: String,
    address: String,
    url: Url<'a>,
}

impl Narrator for Text {
    fn output(&self) -> Box<dyn Write> {
        terminal::stdout()
    }

    fn print(&mut self, out: &mut dyn Write, items: &[Item]) -> io::Result<()> {
        let changes: Vec<_> = items.iter().map(EndpointChange::of).collect();
        let renewed = renewed(&changes);
        for (place, (item, change)) in items.iter().zip(&changes).enumerate() {
            if !matches!(item.what, What::Notice(Notice::Progress { .. })) {
                self.progress.clear();
            }
            match (change, renewed.get(&place)) {
                (Some(_), Some(None)) => {}
                (Some(change), Some(Some(before))) => {
                    let before = changes.get(*before).and_then(Option::as_ref);
                    self.renewed(out, item.at, before, change)?;
                }
                (Some(change), None) => self.change(out, item.at, change)?,
                (None, _) => self.other(out, item)?,
            }
        }
        out.flush()
    }
}

impl Text {
    /// `with_namespace`: the namespace stands beside each Pod. Says on a terminal what is waited for: the
    /// first list of this place.
    pub(super) fn new(with_namespace: bool, place: &str) -> Self {
        let mut progress = Progress::new();
        progress.show(&format!("waiting for the first list of {}", plain(place)));
        Self { with_namespace, synced: false, progress }
    }

    fn change(
        &self,
        out: &mut dyn Write,
        at: SystemTime,
        endpoint: &EndpointChange<'_>,
    ) -> io::Result<()> {
        let (mark, style, verb) = match endpoint.change.kind {
            ChangeKind::Added if !self.synced => ('=', DIM, "is there"),
            ChangeKind::Added => ('+', GOOD, "appeared"),
            ChangeKind::Updated => ('~', CHANGED, "changed its value"),
            ChangeKind::Removed => ('-', GONE, "left"),
        };
        self.line(out, at, endpoint, (mark, style, verb), "")
    }

    /// A record that was replaced by another one of the same endpoint: other parameters.
    fn renewed(
        &self,
        out: &mut dyn Write,
        at: SystemTime,
        before: Option<&EndpointChange<'_>>,
        endpoint: &EndpointChange<'_>,
    ) -> io::Result<()> {
        let difference = before.map(|before| difference(&before.url, &endpoint.url));
        let difference = difference.filter(|text| !text.is_empty()).unwrap_or_default();
        self.line(out, at, endpoint, ('~', CHANGED, "changed"), &difference)
    }

    fn line(
        &self,
        out: &mut dyn Write,
        at: SystemTime,
        endpoint: &EndpointChange<'_>,
        (mark, style, verb): (char, Style, &str),
        more: &str,
    ) -> io::Result<()> {
        let time = clock(at);
        let service = plain(&endpoint.service);
        let pod = self.pod(&endpoint.change.holder);
        let colon = if more.is_empty() { "" } else { ": " };
        writeln!(
            out,
            "{DIM}{time}{DIM:#} {style}{mark}{style:#} {} of {NAME}{service}{NAME:#} \
             {style}{verb}{style:#} at {} on Pod {pod}{colon}{more}",
            role(endpoint.category),
            plain(&endpoint.address),
        )
    }

    fn pod(&self, holder: &Holder) -> String {
        let pod = plain(&holder.pod);
        let pod = if pod.is_empty() { "(unknown)".into() } else { pod };
        if self.with_namespace {
            format!("{}/{pod}", plain(&holder.namespace))
        } else {
            pod.into_owned()
        }
    }

    /// What is not about an endpoint. Problems are data; how current the rest is goes to stderr.
    fn other(&mut self, out: &mut dyn Write, item: &Item) -> io::Result<()> {
        let time = format!("{DIM}{}{DIM:#}", clock(item.at));
        let notice = match &item.what {
            What::Notice(notice) => notice,
            What::Say(text) => {
                out.flush()?;
                terminal::say(text);
                return Ok(());
            }
        };
        let said = match notice {
            Notice::Problem(found) => {
                let pod = self.pod(&found.problem.holder);
                return match found.kind {
                    ProblemKind::Raised => {
                        let error = &found.problem.error;
                        // A URL that dubbo-go refuses was read here like any other.
                        let what = if error.reason.is_some() { "" } else { " cannot be read" };
                        let mark = format!("{WARNING}!{WARNING:#}");
                        writeln!(
                            out,
                            "{time} {mark} Pod {pod}{what}: {}",
                            plain(&error.to_string())
                        )
                    }
                    ProblemKind::Cleared => {
                        writeln!(out, "{time} {GOOD}!{GOOD:#} Pod {pod}: a problem is gone")
                    }
                };
            }
            Notice::Progress { pods, .. } => {
                self.progress.show(&format!("reading: {pods} Pods"));
                return Ok(());
            }
            Notice::Synced { pods, records } => {
                self.synced = true;
                let (pods, records) = (counted(*pods, "Pod"), counted(*records, "record"));
                format!(
                    "{HEADING}That is all for now{HEADING:#}: {records} in {pods}. Ctrl-C ends."
                )
            }
            Notice::Relisted { scope, reason } => {
                format!(
                    "{} was read again: {}",
                    sentence(&place(scope)),
                    plain(&reason.to_string())
                )
            }
            Notice::Disconnected { scope, error, retry_in } => format!(
                "{WARNING}lost touch with {}:{WARNING:#} {}; what is known stays, next try in {}",
                place(scope),
                plain(&error.cause.to_string()),
                roughly(*retry_in)
            ),
            Notice::Failed { error, retry_in } => {
                let error = plain(&error.to_string()).into_owned();
                self.progress.show(&format!("{error}; next try in {}", roughly(*retry_in)));
                return Ok(());
            }
            Notice::Reconnected { scope } => {
                format!("{GOOD}following {} again{GOOD:#}", place(scope))
            }
            _ => return Ok(()),
        };
        out.flush()?;
        terminal::say(&format!("{time} {said}"));
        Ok(())
    }
}

impl<'a> EndpointChange<'a> {
    fn of(item: &'a Item) -> Option<Self> {
        let What::Notice(Notice::Change(change)) = &item.what else { return None };
        let category = change.facts.leaf_category()?;
        let service = change.facts.service()?.to_string();
        let url = Url::parse(change.url()?).ok()?;
        let address = endpoint_address(category, &url);
        Some(Self { change, category, service, address, url })
    }

    fn same(&self) -> Same<'_> {
        (&self.change.holder.uid, self.category.role(), &self.service, &self.address)
    }
}

/// Changes that belong together. For the place of an addition, the place of the removal before
/// it; for that of such a removal, nothing.
fn renewed(changes: &[Option<EndpointChange<'_>>]) -> BTreeMap<usize, Option<usize>> {
    let mut removed: BTreeMap<Same<'_>, usize> = BTreeMap::new();
    let mut renewed = BTreeMap::new();
    for (place, change) in changes.iter().enumerate() {
        let Some(change) = change else { continue };
        match change.change.kind {
            ChangeKind::Removed => {
                removed.insert(change.same(), place);
            }
            ChangeKind::Added => {
                if let Some(before) = removed.remove(&change.same()) {
                    renewed.insert(before, None);
                    renewed.insert(place, Some(before));
                }
            }
            ChangeKind::Updated => {}
        }
    }
    renewed
}

/// The parameters that differ: `weight 100 → 200, timeout is new`.
fn difference(before: &Url<'_>, after: &Url<'_>) -> String {
    let mut words = Vec::new();
    for param in after.params() {
        let (name, value) = (param.name(), param.value());
        match before.param(&name) {
            Some(old) if old == value => {}
            Some(old) => words.push(format!("{name} {old} → {value}")),
            None => words.push(format!("{name} {value} is new")),
        }
    }
    for param in before.params().filter(|param| after.param(&param.name()).is_none()) {
        words.push(format!("{} is gone", param.name()));
    }
    plain(&words.join(", ")).into_owned()
}

fn place(scope: &Scope) -> String {
    match scope {
        Scope::All => "all namespaces".to_owned(),
        Scope::Namespace(name) => format!("namespace {}", plain(name)),
    }
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

fn roughly(time: Duration) -> String {
    if time < Duration::from_secs(2) {
        format!("{} ms", time.as_millis())
    } else {
        format!("{} s", time.as_secs())
    }
}
