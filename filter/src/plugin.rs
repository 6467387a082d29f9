//! The filter: what it does when it is configured, on the tick, and for each request. Everything that
//! touches the proxy goes through [`Host`].

use core::cell::{Cell, RefCell};
use core::time::Duration;
use std::rc::{Rc, Weak};

use crate::directory::{PickContext, Picked};
use crate::head::Head;
use crate::host::{GrpcStatus, Host, Level};
use crate::metrics::{Count, Metrics};
use crate::provider::Kind;
use crate::registry::Miss;
use crate::request::Request;
use crate::settings::{Balance, ORIGINAL_DST_HEADER, Otherwise, Settings};
use crate::source::Source;

/// Between two ticks when nothing is going on, and while a registry is read.
const TICK: Duration = Duration::from_millis(250);
const QUICK_TICK: Duration = Duration::from_millis(3);

/// A plugin that is configured.
#[derive(Debug)]
pub struct Plugin {
    settings: Rc<Settings>,
    source: Rc<RefCell<Source>>,
    metrics: Metrics,
    period: Cell<Duration>,
    /// The question that was asked last.
    token: Cell<Option<u32>>,
}

/// A source that is in use, and what it was made for.
type Shared = (Rc<Settings>, Weak<RefCell<Source>>);

thread_local! {
    /// The sources of this worker: plugins that ask for the same share one, and a plugin that takes the
    /// place of another one finds the registry read.
    static SOURCES: RefCell<Vec<Shared>> = const { RefCell::new(Vec::new()) };
}

/// What becomes of a request.
#[derive(Debug)]
pub enum Verdict {
    /// It goes on; what was picked counts until it is dropped.
    Continue(Option<Picked>),
    /// It has been answered.
    Answered,
}

impl Plugin {
    /// Reads the configuration; says in the log why it is refused.
    pub fn configure(json: &[u8], host: &impl Host) -> Option<Self> {
        let settings = match Settings::parse(json) {
            Ok(settings) => settings,
            Err(error) => {
                host.log(Level::Error, &format!("the plugin configuration is refused: {error}"));
                return None;
            }
        };
        let settings = Rc::new(settings);
        let plugin = Self {
            source: source(&settings, host),
            settings,
            metrics: Metrics::define(host),
            period: Cell::new(QUICK_TICK),
            token: Cell::new(None),
        };
        host.set_tick(QUICK_TICK);
        Some(plugin)
    }

    /// Keeps the registry current, and records the metrics.
    pub fn tick(&self, host: &impl Host) {
        let Ok(mut source) = self.source.try_borrow_mut() else { return };
        source.tick(&self.metrics, &self.settings, host);
        self.go_on(&mut source, host);
    }

    /// Another thread of the proxy has left an answer.
    pub fn wake(&self, host: &impl Host) {
        let Ok(mut source) = self.source.try_borrow_mut() else { return };
        source.hear(&self.settings, host);
        self.go_on(&mut source, host);
    }

    /// Takes the answer to a question of [`Host::send`]; without a head there was none.
    pub fn answer(&self, token: u32, has_head: bool, host: &impl Host) {
        let Ok(mut source) = self.source.try_borrow_mut() else { return };
        source.answer(token, has_head, &self.settings, host);
        self.go_on(&mut source, host);
    }

    /// The plugin is taken away: it hears no more answers.
    pub fn leave(&self) {
        let Ok(mut source) = self.source.try_borrow_mut() else { return };
        if let Some(token) = self.token.take() {
            source.abandon(token);
        }
    }

    fn go_on(&self, source: &mut Source, host: &impl Host) {
        if let Some(token) = source.ask(&self.settings, host) {
            self.token.set(Some(token));
        }
        let period = if source.is_loading() {
            QUICK_TICK
        } else {
            source.rest(host).map_or(TICK, |rest| rest.clamp(QUICK_TICK, TICK))
        };
        if self.period.replace(period) != period {
            host.set_tick(period);
        }
    }

    /// Routes a request by its head.
    pub fn route(&self, host: &impl Host) -> Verdict {
        let block = host.request_head();
        let hashed = match &self.settings.balance {
            Balance::ConsistentHash(header) => Some(&**header),
            _ => None,
        };
        let head = Head::read(&block, hashed);
        let mut changed = false;
        for header in head.forged() {
            host.remove_request_header(header);
            changed = true;
        }
        let text = |name: &str| head.text(name);
        let Some(request) = text(":path").and_then(|path| Request::read(path, text)) else {
            return self.without_service(host, changed, text("content-type"));
        };
        let Ok(mut source) = self.source.try_borrow_mut() else { return Verdict::Continue(None) };
        let source = &mut *source;
        let mut context = PickContext { key: head.key(), random: &mut source.random };
        match source.registry.route(&request, &mut context) {
            Ok(picked) => {
                source.tally.add(Count::Picks, 1);
                let is_kept = self.direct(&picked.provider.address, host);
                if self.settings.access_log {
                    host.set_property("dubbo_service", &request.service_key());
                    if !is_kept {
                        host.set_property("dubbo_provider", &picked.provider.address);
                    }
                }
                Verdict::Continue(Some(picked))
            }
            Err(Miss::NoService) if self.settings.otherwise == Otherwise::Pass => {
                source.tally.add(Count::Passed, 1);
                self.pass(host, changed)
            }
            Err(_) => {
                source.tally.add(Count::Misses, 1);
                let service = shown(&request.service_key());
                let yet =
                    if source.is_loaded() { "" } else { ": the registry has not been read yet" };
                let message = format!("no provider of {service}{yet}");
                match request.kind {
                    Kind::Grpc => host.respond_grpc(GrpcStatus::Unavailable, &message),
                    Kind::Http => host.respond(503, &message),
                }
                Verdict::Answered
            }
        }
    }

    /// Has the proxy send the request to this address; true if it keeps the address in its filter state.
    fn direct(&self, address: &str, host: &impl Host) -> bool {
        let header = match self.settings.endpoint.header() {
            Some(header) => header,
            None if host.set_endpoint(address) => return true,
            // A proxy without that function may know the header.
            None => ORIGINAL_DST_HEADER,
        };
        host.set_request_header(header, address);
        self.clear_route_cache(host);
        false
    }

    fn without_service(&self, host: &impl Host, changed: bool, content: Option<&str>) -> Verdict {
        let passes = self.settings.otherwise == Otherwise::Pass;
        if let Ok(mut source) = self.source.try_borrow_mut() {
            source.tally.add(if passes { Count::Passed } else { Count::Misses }, 1);
        }
        if passes {
            return self.pass(host, changed);
        }
        let message = "the path is not /{interface}/{method}";
        if content.is_some_and(|content| content.starts_with("application/grpc")) {
            host.respond_grpc(GrpcStatus::Unimplemented, message);
        } else {
            host.respond(404, message);
        }
        Verdict::Answered
    }

    fn pass(&self, host: &impl Host, changed: bool) -> Verdict {
        if changed {
            self.clear_route_cache(host);
        }
        Verdict::Continue(None)
    }

    fn clear_route_cache(&self, host: &impl Host) {
        if self.settings.clear_route_cache {
            host.clear_route_cache();
        }
    }
}

/// A source for these settings: one that is in use, or a new one.
fn source(settings: &Rc<Settings>, host: &impl Host) -> Rc<RefCell<Source>> {
    let same = |other: &Settings| {
        let parts = |settings: &Settings| (settings.trust.clone(), settings.bounds);
        settings.discovery.is_some()
            && other.discovery == settings.discovery
            && other.policy() == settings.policy()
            && parts(other) == parts(settings)
    };
    let in_use = SOURCES.with_borrow(|sources| {
        let (_, source) = sources.iter().find(|(other, _)| same(other))?;
        source.upgrade()
    });
    in_use.unwrap_or_else(|| {
        let source = Rc::new(RefCell::new(Source::new(settings, host)));
        SOURCES.with_borrow_mut(|sources| {
            sources.retain(|(_, source)| source.strong_count() > 0);
            sources.push((Rc::clone(settings), Rc::downgrade(&source)));
        });
        source
    })
}

/// A name that a client sent, fit to be shown: it is short and printable.
fn shown(name: &str) -> String {
    let plain = |char: char| if char.is_ascii_graphic() { char } else { '?' };
    let mut shown: String = name.chars().map(plain).take(200).collect();
    if shown.len() < name.chars().count() {
        shown.push('…');
    }
    shown
}
