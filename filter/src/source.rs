//! The source of providers: the registry in service, the conversation that keeps it current, and the next
//! state while it is read. One for all plugins in a proxy's worker that ask for the same.

use core::time::Duration;
use std::borrow::Cow;

use crate::discovery::{Answer, Discovery, Step, Trouble};
use crate::feed::Pod;
use crate::host::{Host, Level};
use crate::loading::{Found, Known, Loading};
use crate::metrics::{Count, Metrics, Tally};
use crate::random::Random;
use crate::registry::Registry;
use crate::settings::{self, PodAnnotation, Policy, Settings};
use crate::throttle::Throttle;

/// How long one slice of reading may hold the proxy's worker.
const SLICE: Duration = Duration::from_millis(2);

/// The same trouble is told again after this time.
const AGAIN_MS: u64 = 60_000;

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
    loading: Option<Loading>,
    throttle: Throttle,
    warmed_ms: u64,
    /// Whether the log was told that the watcher is of no help.
    troubled: bool,
    /// What the log was told of it in the last minute, and when: there are few kinds of trouble.
    complaints: Vec<(u64, Trouble)>,
    is_loaded: bool,
}

impl Source {
    /// The source that a configuration names. Annotations that stand in it are read at once.
    pub(crate) fn new(settings: &Settings, host: &impl Host) -> Self {
        // The address tells workers apart that begin at the same time.
        let seed = host.now() ^ (&raw const *settings).addr() as u64;
        let mut source = Self {
            registry: Registry::default(),
            policy: settings.policy(),
            random: Random::new(seed),
            tally: Tally::default(),
            known: Known::default(),
            discovery: settings.discovery.as_ref().map(|_| Discovery::new()),
            loading: None,
            throttle: Throttle::default(),
            warmed_ms: 0,
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
    pub(crate) fn rest(&self, host: &impl Host) -> Option<Duration> {
        self.discovery.as_ref()?.rest(now_ms(host))
    }

    /// Goes on with whatever is due.
    pub(crate) fn tick(&mut self, metrics: &Metrics, settings: &Settings, host: &impl Host) {
        self.slice(settings, host);
        let now_ms = now_ms(host);
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
        let (discovery, watcher) = (self.discovery.as_mut()?, settings.discovery.as_ref()?);
        let now_ms = now_ms(host);
        let question = discovery.question(watcher, !self.known.is_full(), now_ms)?;
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
        let step = discovery.asked(token, watcher, now_ms, &mut self.random);
        self.follow(step, watcher, settings, host);
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
        let (Some(discovery), Some(watcher)) = (&mut self.discovery, &settings.discovery) else {
            return;
        };
        if !discovery.expects(token) {
            return;
        }
        let header = |name| if has_head { host.answer_header(name) } else { None };
        let number = |name| header(name).and_then(|value| value.parse().ok());
        let answer = Answer {
            status: header(":status").and_then(|status| status.parse().ok()).unwrap_or_default(),
            etag: header("etag"),
            age: number("age"),
        };
        let step = discovery.answer(answer, now_ms(host), &mut self.random);
        self.follow(step, watcher, settings, host);
    }

    /// The plugin that asked is gone.
    pub(crate) fn abandon(&mut self, token: u32) {
        if let Some(discovery) =
            self.discovery.as_mut().filter(|discovery| discovery.expects(token))
        {
            discovery.abandon();
        }
    }

    fn follow(
        &mut self,
        step: Step,
        watcher: &settings::Discovery,
        settings: &Settings,
        host: &impl Host,
    ) {
        match step {
            Step::Nothing => self.recover(watcher, host),
            Step::Complain(trouble) => self.complain(&trouble, watcher, host),
            Step::Read => {
                let most = settings.bounds.body_bytes as usize;
                let body = host.answer_body(most.saturating_add(1));
                let is_gzip =
                    host.answer_header("content-encoding").is_some_and(|coding| coding == "gzip");
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
        }
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
