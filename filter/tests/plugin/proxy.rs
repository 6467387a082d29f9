//! A proxy that does nothing by itself: it records what the filter asks for, and says what a test scripts.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use dubbo_k8s_codec::{Annotation, Category, Key, Record, Url, encode};
use dubbo_k8s_filter::{GrpcStatus, Host, Level, MetricKind, Plugin, Verdict};

/// The beginning of its time, in nanoseconds.
const START: u64 = 1_700_000_000_000_000_000;

type Headers = Vec<(String, String)>;

/// What all threads of a proxy have in common.
#[derive(Default)]
pub(crate) struct Threads {
    data: RefCell<BTreeMap<String, (Vec<u8>, u32)>>,
    /// The queues by name, and how much is in each.
    pub(crate) queues: RefCell<Vec<(String, usize)>>,
}

/// The proxy.
#[derive(Default)]
pub(crate) struct Proxy {
    now: Cell<u64>,
    /// Time that passes whenever it is asked for.
    pub(crate) drift: Cell<u64>,
    pub(crate) lines: RefCell<Vec<(Level, String)>>,
    pub(crate) tick: Cell<Duration>,
    /// What was sent: the cluster, the headers and the time to wait.
    pub(crate) sent: RefCell<Vec<(String, Headers, Duration)>>,
    pub(crate) is_cluster_gone: Cell<bool>,
    answer: RefCell<(Headers, Vec<u8>)>,
    headers: RefCell<Vec<(String, Vec<u8>)>>,
    pub(crate) cleared: Cell<u32>,
    /// Whether it has a filter state for endpoints, and what was put there.
    pub(crate) has_filter_state: Cell<bool>,
    pub(crate) endpoint_state: RefCell<Option<String>>,
    pub(crate) properties: RefCell<BTreeMap<String, String>>,
    pub(crate) responses: RefCell<Vec<(String, String)>>,
    /// What it shares with other threads of the proxy, if it shares anything.
    threads: Option<Rc<Threads>>,
    names: RefCell<Vec<String>>,
    metrics: RefCell<BTreeMap<String, u64>>,
}

impl Host for Proxy {
    fn now(&self) -> u64 {
        self.now.set(self.now.get() + self.drift.get());
        START + self.now.get()
    }

    fn log(&self, level: Level, line: &str) {
        self.lines.borrow_mut().push((level, line.to_owned()));
    }

    fn set_tick(&self, period: Duration) {
        self.tick.set(period);
    }

    fn send(&self, cluster: &str, headers: &[(&str, &str)], timeout: Duration) -> Option<u32> {
        if self.is_cluster_gone.get() {
            return None;
        }
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let headers = headers.iter().map(own).collect();
        self.sent.borrow_mut().push((cluster.to_owned(), headers, timeout));
        u32::try_from(self.sent.borrow().len()).ok()
    }

    fn answer_header(&self, name: &str) -> Option<String> {
        let (headers, _) = &*self.answer.borrow();
        assert!(!headers.is_empty(), "the proxy has no answer to ask for");
        headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    fn answer_body(&self, most: usize) -> Vec<u8> {
        let (_, body) = &*self.answer.borrow();
        body.get(..most).unwrap_or(body).to_vec()
    }

    fn request_head(&self) -> Vec<u8> {
        block(&self.headers.borrow())
    }

    fn set_request_header(&self, name: &str, value: &str) {
        self.remove_request_header(name);
        self.headers.borrow_mut().push((name.to_owned(), value.into()));
    }

    fn remove_request_header(&self, name: &str) {
        self.headers.borrow_mut().retain(|(known, _)| known != name);
    }

    fn clear_route_cache(&self) -> bool {
        self.cleared.set(self.cleared.get() + 1);
        true
    }

    fn set_endpoint(&self, address: &str) -> bool {
        self.has_filter_state.get() && {
            *self.endpoint_state.borrow_mut() = Some(address.to_owned());
            true
        }
    }

    fn set_property(&self, name: &str, value: &str) {
        self.properties.borrow_mut().insert(name.to_owned(), value.to_owned());
    }

    fn respond(&self, status: u32, body: &str) {
        self.responses.borrow_mut().push((status.to_string(), body.to_owned()));
    }

    fn respond_grpc(&self, status: GrpcStatus, message: &str) {
        self.responses.borrow_mut().push((format!("{status:?}"), message.to_owned()));
    }

    fn queue(&self, name: &str) -> Option<u32> {
        let mut queues = self.threads.as_ref()?.queues.borrow_mut();
        queues.push((name.to_owned(), 0));
        u32::try_from(queues.len() - 1).ok()
    }

    fn wake(&self, queue: u32) {
        self.threads.as_ref().unwrap().queues.borrow_mut()[queue as usize].1 += 1;
    }

    fn awake(&self, queue: u32) {
        self.threads.as_ref().unwrap().queues.borrow_mut()[queue as usize].1 = 0;
    }

    fn shared(&self, key: &str) -> Option<(Vec<u8>, u32)> {
        self.threads.as_ref()?.data.borrow().get(key).cloned()
    }

    fn share(&self, key: &str, value: &[u8], version: Option<u32>) -> bool {
        let Some(threads) = &self.threads else { return false };
        let mut data = threads.data.borrow_mut();
        let known = data.get(key).map_or(0, |(_, known)| *known);
        if version.is_some_and(|version| version != known) {
            return false;
        }
        data.insert(key.to_owned(), (value.to_vec(), known + 1));
        true
    }

    fn define_metric(&self, _kind: MetricKind, name: &str) -> u32 {
        let mut names = self.names.borrow_mut();
        names.push(name.to_owned());
        u32::try_from(names.len() - 1).unwrap()
    }

    fn record_metric(&self, metric: u32, value: u64) {
        let name = self.names.borrow()[metric as usize].clone();
        self.metrics.borrow_mut().insert(name, value);
    }

    fn increment_metric(&self, metric: u32, by: u64) {
        assert!(by > 0, "a counter grows");
        let name = self.names.borrow()[metric as usize].clone();
        *self.metrics.borrow_mut().entry(name).or_default() += by;
    }
}

impl Proxy {
    /// One of the threads of a proxy.
    pub(crate) fn thread_of(threads: &Rc<Threads>) -> Self {
        Self { threads: Some(Rc::clone(threads)), ..Self::default() }
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.now.set(self.now.get() + u64::try_from(time.as_nanos()).unwrap());
    }

    /// Lets time pass, a tick at a time.
    pub(crate) fn run(&self, plugin: &Plugin, time: Duration) {
        let end = self.now.get() + u64::try_from(time.as_nanos()).unwrap();
        while self.now.get() < end {
            self.pass(self.tick.get());
            plugin.tick(self);
        }
    }

    /// Answers the last question.
    pub(crate) fn answer(&self, plugin: &Plugin, headers: &[(&str, &str)], body: &[u8]) {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        *self.answer.borrow_mut() = (headers.iter().map(own).collect(), body.to_vec());
        let token = u32::try_from(self.sent.borrow().len()).unwrap();
        plugin.answer(token, !headers.is_empty(), self);
        *self.answer.borrow_mut() = Default::default();
    }

    /// Answers it with a registry.
    pub(crate) fn answer_with(&self, plugin: &Plugin, revision: &str, pods: &[(&str, String)]) {
        self.answer(plugin, &[(":status", "200"), ("etag", revision), ("age", "0")], &body(pods));
    }

    /// Sends a request through the filter; gives where it goes, and the verdict.
    pub(crate) fn request(
        &self,
        plugin: &Plugin,
        path: &str,
        headers: &[(&str, &str)],
    ) -> (Option<String>, Verdict) {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).into());
        *self.headers.borrow_mut() = vec![(":path".to_owned(), path.into())];
        self.headers.borrow_mut().extend(headers.iter().map(own));
        let verdict = plugin.route(self);
        (self.endpoint("x-envoy-original-dst-host"), verdict)
    }

    pub(crate) fn endpoint(&self, header: &str) -> Option<String> {
        let headers = self.headers.borrow();
        let value = headers.iter().find(|(name, _)| name == header);
        value.map(|(_, value)| String::from_utf8(value.clone()).unwrap())
    }

    pub(crate) fn metric(&self, name: &str) -> u64 {
        self.metrics.borrow().get(name).copied().unwrap_or_default()
    }

    pub(crate) fn said(&self) -> Vec<String> {
        self.lines.borrow_mut().drain(..).map(|(_, line)| line).collect()
    }
}

/// Headers as a proxy hands them over.
pub(crate) fn block(headers: &[(String, Vec<u8>)]) -> Vec<u8> {
    let number = |number: usize| u32::try_from(number).unwrap().to_le_bytes();
    let mut block = number(headers.len()).to_vec();
    for (name, value) in headers {
        block.extend([number(name.len()), number(value.len())].concat());
    }
    for (name, value) in headers {
        block.extend([name.as_bytes(), b"\0", value, b"\0"].concat());
    }
    block
}

/// An annotation with these providers.
pub(crate) fn annotation(urls: &[&str]) -> String {
    let key = |url: &&str| Key::leaf("a.B", Category::Providers, url).to_string();
    let keys: Vec<String> = urls.iter().map(key).collect();
    encode(keys.iter().map(|key| Record::new(key)))
}

/// The addresses that an annotation names: of a Pod that has them, it is believed.
pub(crate) fn addresses(annotation: &str) -> Vec<String> {
    let Ok(annotation) = Annotation::decode(annotation) else { return Vec::new() };
    let keys = annotation.records().filter_map(|record| Key::parse(record.key).ok());
    let urls = keys.filter_map(|key| Url::parse(key.url?.into_owned()).ok());
    urls.flat_map(|url| url.hosts().map(|host| host.name.to_owned()).collect::<Vec<_>>()).collect()
}

/// What the watcher answers for these Pods.
pub(crate) fn body(pods: &[(&str, String)]) -> Vec<u8> {
    let pod = |(number, (name, annotation)): (usize, &(&str, String))| {
        let (uid, ips) = (format!("{name}-{number}"), addresses(annotation));
        format!(
            r#"{{"namespace":"n","name":"{name}","uid":"{uid}","annotation":"{annotation}","ips":{ips:?}}}"#
        )
    };
    let pods: Vec<String> = pods.iter().enumerate().map(pod).collect();
    format!(r#"{{"revision":"r","pods":[{}]}}"#, pods.join(",")).into_bytes()
}

/// A configuration with these providers inline, and more members.
pub(crate) fn inline(urls: &[&str], more: &str) -> String {
    let annotation = annotation(urls);
    format!(r#"{{"annotations":[{{"name":"p","annotation":"{annotation}"}}]{more}}}"#)
}
