//! The source of providers: the registry in service, the conversation that keeps it current, and the next
//! state while it is read. One for all plugins in a proxy's worker that ask for the same.

use core::time::Duration;
use std::borrow::Cow;

use crate::discovery::{Answer, Discovery, Overheard, Step, Trouble};
use crate::feed::Pod;
use crate::host::{Host, Level};
use crate::loading::{Found, Known, Loading};
use crate::metrics::{Count, Metrics, Tally};
use crate::random::Random;
use crate::registry::Registry;
use crate::settings::{self, PodAnnotation, Policy, Settings};
use crate::shared_feed::{Shared, SharedFeed};
use crate::throttle::Throttle;

/// How long one slice of reading may hold the proxy's worker.
const SLICE: Duration = Duration::from_millis(2);

/// The same failure is logged again after this time.
const AGAIN_MS: u64 = 60_000;

/// Everything is asked for at most so often because something is lacking.
const WHOLE_MS: u64 = 10_000;

/// How often those who warm up are weighed again.
const WARM_MS: u64 = 1000;

/// A registry and what keeps it current.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) registry: Registry,
    pub(crate) random: Random,
    pub(crate) tally: Tally,
    policy: Policy,
    known: Known,
    discovery: Option<Discovery>,
    /// What is shared with the other threads of the proxy, where they share anything.
    shared: Option<SharedFeed>,
    /// An answer to another thread was missed, so this one asks for itself.
    is_behind: bool,
    loading: Option<Loading>,
    throttle: Throttle,
    warmed_ms: u64,
    /// When everything was asked for last.
    whole_ms: u64,
    /// Whether it was logged that the watcher is of no help.
    troubled: bool,
    /// What was logged of it in the last minute, and when: there are few kinds of failure.
    complaints: Vec<(u64, Trouble)>,
    is_loaded: bool,
}

impl Source {
    /// The source that a configuration names. Annotations that stand in it are read at once.
    pub(crate) fn new(settings: &Settings, host: &impl Host) -> Self {
        // The address differs between workers that begin at the same time.
        let seed = host.now() ^ (&raw const *settings).addr() as u64;
        let mut random = Random::new(seed);
        let own = random.below(u64::MAX);
        let join = |watcher| SharedFeed::join(watcher, settings.bounds, own, host);
        let mut source = Self {
            registry: Registry::default(),
            policy: settings.policy(),
            random,
            tally: Tally::default(),
            known: Known::default(),
            discovery: settings.discovery.as_ref().map(|_| Discovery::new()),
            shared: settings.discovery.as_ref().and_then(join),
            is_behind: false,
            loading: None,
            throttle: Throttle::default(),
            warmed_ms: 0,
            whole_ms: 0,
            troubled: false,
            complaints: Vec::new(),
            is_loaded: false,
        };
        if let Some(annotations) = &settings.annotations {
            source.read(annotations, settings, host);
        }
        source
    }

    /// Whether there is work that should not wait for a slow tick.
    pub(crate) const fn is_loading(&self) -> bool {
        self.loading.is_some()
    }

    /// Whether the registry was ever read.
    pub(crate) const fn is_loaded(&self) -> bool {
        self.is_loaded
    }

    fn read(&mut self, pods: &[PodAnnotation], settings: &Settings, host: &impl Host) {
        let mut found = Found::default();
        let mut loading = Loading::default();
        for (number, pod) in pods.iter().enumerate() {
            let PodAnnotation { namespace, name, annotation, ips, .. } = pod;
            let pod = Pod {
                namespace: Cow::Borrowed(namespace),
                name: Cow::Borrowed(name),
                // Not all of them need have a name, let alone a uid.
                uid: Cow::Owned(number.to_string()),
                annotation: Cow::Borrowed(annotation),
                ips: ips.clone(),
            };
            loading.pod(&pod, &self.known, settings, &mut found);
        }
        self.report(found, host);
        self.loading = Some(loading);
        while self.is_loading() {
            self.slice(settings, host);
        }
    }

    /// How long nothing has to be done, at most.
    pub(crate) fn rest(&mut self, host: &impl Host) -> Option<Duration> {
        let now_ms = now_ms(host);
        if !self.asks(now_ms, host) {
            return None;
        }
        self.discovery.as_ref()?.rest(now_ms)
    }

    /// Whether it is this thread that asks.
    fn asks(&mut self, now_ms: u64, host: &impl Host) -> bool {
        self.is_behind || self.shared.as_mut().is_none_or(|shared| shared.leads(now_ms, host))
    }

    /// Takes what other threads were answered.
    pub(crate) fn hear(&mut self, settings: &Settings, host: &impl Host) {
        let Some(watcher) = &settings.discovery else { return };
        while !self.is_loading() {
            let (Some(shared), Some(discovery)) = (&mut self.shared, &mut self.discovery) else {
                return;
            };
            let now_ms = now_ms(host);
            let heard = match shared.next(host) {
                None => return,
                Some(Err(())) => Overheard::Missed,
                Some(Ok(left)) => {
                    let heard = discovery.overhear(left.base.as_deref(), &left.answer, now_ms);
                    if heard == Overheard::Follows {
                        self.is_behind = false;
                        self.take(left, watcher, settings, host);
                    }
                    heard
                }
            };
            self.is_behind |= heard == Overheard::Missed;
        }
    }

    /// Goes on with whatever is due.
    pub(crate) fn tick(&mut self, metrics: &Metrics, settings: &Settings, host: &impl Host) {
        self.slice(settings, host);
        self.hear(settings, host);
        let now_ms = now_ms(host);
        if let Some(shared) = &mut self.shared {
            shared.call(now_ms, host);
        }
        if now_ms >= self.warmed_ms.saturating_add(WARM_MS) {
            self.warmed_ms = now_ms;
            self.registry.warm(&self.policy, now_ms, &mut self.random);
            metrics.size(host, self.registry.services(), self.registry.providers());
            metrics.age(host, self.age_ms(now_ms).unwrap_or_default());
        }
        metrics.flush(host, &mut self.tally);
    }

    fn age_ms(&self, now_ms: u64) -> Option<u64> {
        self.discovery.as_ref().map_or(Some(0), |discovery| discovery.age_ms(now_ms))
    }

    /// Asks the watcher if it is time; gives the token of the question.
    pub(crate) fn ask(&mut self, settings: &Settings, host: &impl Host) -> Option<u32> {
        let now_ms = now_ms(host);
        if !self.asks(now_ms, host) {
            return None;
        }
        let (discovery, watcher) = (self.discovery.as_mut()?, settings.discovery.as_ref()?);
        let lacks = self.known.lacks() && now_ms >= self.whole_ms.saturating_add(WHOLE_MS);
        let question = discovery.question(watcher, lacks, now_ms)?;
        if !discovery.asked_for_changes() {
            self.whole_ms = now_ms;
        }
        let mut headers = vec![
            (":method", "GET"),
            (":path", &*question.path),
            (":authority", &*watcher.authority),
            ("accept", "application/json"),
            ("accept-encoding", "gzip"),
            ("user-agent", concat!("dubbo-k8s-filter/", env!("CARGO_PKG_VERSION"))),
        ];
        headers.extend(question.if_none_match.as_deref().map(|etag| ("if-none-match", etag)));
        let token = host.send(&watcher.cluster, &headers, question.timeout);
        match discovery.asked(token, watcher, now_ms, &mut self.random) {
            Step::Complain(trouble) => self.complain(&trouble, watcher, host),
            Step::Nothing | Step::Read => self.recover(watcher, host),
        }
        token
    }

    /// Takes the answer that has just come.
    pub(crate) fn answer(
        &mut self,
        token: u32,
        has_head: bool,
        settings: &Settings,
        host: &impl Host,
    ) {
        let (Some(discovery), Some(watcher)) = (&self.discovery, &settings.discovery) else {
            return;
        };
        if !discovery.expects(token) {
            return;
        }
        let base = discovery.base().map(str::to_owned);
        let header = |name| if has_head { host.answer_header(name) } else { None };
        let number = |name| header(name).and_then(|value| value.parse().ok());
        let answer = Answer {
            status: header(":status").and_then(|status| status.parse().ok()).unwrap_or_default(),
            etag: header("etag"),
            age: number("age"),
        };
        let is_whole = answer.status == 200 && answer.age.is_some();
        let most = settings.bounds.body_bytes as usize;
        let answered = Shared {
            base,
            is_gzip: header("content-encoding").is_some_and(|coding| coding == "gzip"),
            body: if is_whole { host.answer_body(most.saturating_add(1)) } else { Vec::new() },
            answer,
        };
        let is_shared = is_whole && answered.body.len() <= most || answered.answer.status == 304;
        let left = (is_shared && self.shared.is_some()).then(|| answered.clone());
        self.is_behind &= !is_whole;
        self.take(answered, watcher, settings, host);
        // The others are woken last: they would slow this thread down.
        if let (Some(shared), Some(left)) = (&mut self.shared, left)
            && shared.leads
        {
            shared.leave(&left, now_ms(host), host);
        }
    }

    /// Takes an answer, whichever thread was given it.
    fn take(
        &mut self,
        answered: Shared,
        watcher: &settings::Discovery,
        settings: &Settings,
        host: &impl Host,
    ) {
        let Shared { answer, is_gzip, body, .. } = answered;
        let Some(discovery) = &mut self.discovery else { return };
        match discovery.answer(answer, now_ms(host), &mut self.random) {
            Step::Nothing => self.recover(watcher, host),
            Step::Complain(trouble) => self.complain(&trouble, watcher, host),
            Step::Read => self.begin(body, is_gzip, watcher, settings, host),
        }
    }

    /// The plugin that asked is gone.
    pub(crate) fn abandon(&mut self, token: u32) {
        if let Some(discovery) =
            self.discovery.as_mut().filter(|discovery| discovery.expects(token))
        {
            discovery.abandon();
        }
    }

    /// Begins to read the body of an answer.
    fn begin(
        &mut self,
        body: Vec<u8>,
        is_gzip: bool,
        watcher: &settings::Discovery,
        settings: &Settings,
        host: &impl Host,
    ) {
        let most = settings.bounds.body_bytes as usize;
        if body.len() > most {
            let why = format!("it has more than {most} bytes (`bounds.bodyBytes`)");
            return self.unreadable(why, watcher, host);
        }
        let of_changes = self.discovery.as_ref().is_some_and(Discovery::asked_for_changes);
        match Loading::new(body, is_gzip, of_changes) {
            Ok(loading) => self.loading = Some(loading),
            Err(error) => return self.unreadable(error.to_string(), watcher, host),
        }
        self.slice(settings, host);
    }

    fn unreadable(&mut self, why: String, watcher: &settings::Discovery, host: &impl Host) {
        let now_ms = now_ms(host);
        let Some(discovery) = &mut self.discovery else { return };
        if let Step::Complain(trouble) = discovery.unreadable(why, now_ms, &mut self.random) {
            self.complain(&trouble, watcher, host);
        }
    }

    fn complain(&mut self, trouble: &Trouble, watcher: &settings::Discovery, host: &impl Host) {
        self.tally.add(Count::LoadFailures, 1);
        self.troubled = true;
        let now_ms = now_ms(host);
        let age = self.age_ms(now_ms);
        self.complaints.retain(|(at_ms, _)| now_ms < at_ms.saturating_add(AGAIN_MS));
        if self.complaints.iter().any(|(_, known)| known.is_like(trouble)) {
            return;
        }
        self.complaints.push((now_ms, trouble.clone()));
        self.throttle.log(host, Level::Warn, || {
            let served = match age {
                Some(age) => format!("what was known {} s ago stays in service", age / 1000),
                None => "no registry is known yet".to_owned(),
            };
            format!("the watcher (cluster {}): {trouble}; {served}", watcher.cluster)
        });
    }

    fn recover(&mut self, watcher: &settings::Discovery, host: &impl Host) {
        let failed = self.discovery.as_ref().is_some_and(Discovery::is_failing);
        if self.troubled && !failed {
            self.troubled = false;
            let line = || format!("the watcher (cluster {}) is there again", watcher.cluster);
            self.throttle.log(host, Level::Info, line);
        }
    }

    /// Works on what is being read, for a short time.
    fn slice(&mut self, settings: &Settings, host: &impl Host) {
        let Some(mut loading) = self.loading.take() else { return };
        let began = host.now();
        let slice = u64::try_from(SLICE.as_nanos()).unwrap_or(u64::MAX);
        let mut found = Found::default();
        let done = loop {
            let now_ms = host.now() / 1_000_000;
            let (registry, known) = (&self.registry, &mut self.known);
            let by = (settings, &self.policy);
            match loading.step(registry, known, by, now_ms, &mut self.random, &mut found) {
                Ok(false) if host.now().saturating_sub(began) < slice => {}
                done => break done,
            }
        };
        self.report(found, host);
        match done {
            Ok(false) => self.loading = Some(loading),
            Ok(true) => self.install(loading, settings, host),
            Err(error) => {
                if let Some(watcher) = &settings.discovery {
                    self.unreadable(error.to_string(), watcher, host);
                }
            }
        }
    }

    fn install(&mut self, loading: Loading, settings: &Settings, host: &impl Host) {
        let has_changed = loading.install(&mut self.registry);
        if has_changed || !self.is_loaded {
            self.tally.add(Count::Loads, 1);
        }
        if self.known.is_full() {
            let most = settings.bounds.providers;
            let line = || {
                format!(
                    "there are more than {most} providers (`bounds.providers`): each namespace and each Pod keeps its share"
                )
            };
            self.throttle.log(host, Level::Warn, line);
        }
        let is_first = !core::mem::replace(&mut self.is_loaded, true);
        let (services, providers) = (self.registry.services(), self.registry.providers());
        if let Some(discovery) = &mut self.discovery {
            discovery.loaded(has_changed, now_ms(host), &mut self.random);
        }
        if is_first {
            let line = || format!("the registry has {providers} providers of {services} services");
            self.throttle.log(host, Level::Info, line);
        }
        if let Some(watcher) = &settings.discovery {
            self.recover(watcher, host);
        }
    }

    fn report(&mut self, found: Found, host: &impl Host) {
        self.tally.add(Count::DecodeErrors, found.faults);
        for (pod, bad) in found.bad {
            self.throttle.log(host, Level::Warn, || format!("the annotation of Pod {pod}: {bad}"));
        }
    }
}

fn now_ms(host: &impl Host) -> u64 {
    host.now() / 1_000_000
}
