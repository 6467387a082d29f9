//! One server, and both builds of the program.

use std::io::Write as _;
use std::process::{Command, Stdio};

use dubbo_k8s_tests::apiserver::{Grant, Options, Server};
use dubbo_k8s_tests::pods;
pub(crate) use dubbo_k8s_tests::pods::{annotation, provider};
use dubbo_k8s_tests::program::{self, Component, Ran, Running};

/// A caller without credentials, as the component is beside `kubectl proxy`.
pub(crate) const ANONYMOUS: &str = "system:anonymous";

pub(crate) struct Rig {
    pub(crate) server: Server,
    pub(crate) component: Component,
}

impl Rig {
    /// A server that lets everybody in; `None` where the component cannot be run.
    pub(crate) async fn start(test: &str) -> Option<Self> {
        Self::start_with(test, Options::default()).await
    }

    pub(crate) async fn start_with(test: &str, options: Options) -> Option<Self> {
        let component = Component::find(test)?;
        let server = Server::start(Options { tls: false, ..options }).await.unwrap();
        server.access().grant(Grant::all(ANONYMOUS));
        Some(Self { server, component })
    }

    pub(crate) fn create(&self, namespace: &str, pod: &str, value: &str) {
        self.server.store().create(pods::registered(namespace, pod, value)).unwrap();
    }

    /// A Pod in `shop` that provides `a.B` at this address.
    pub(crate) fn provide(&self, pod: &str, address: &str) {
        self.create("shop", pod, &annotation(&[provider("a.B", address, "")]));
    }

    pub(crate) fn annotate(&self, pod: &str, value: &str) {
        pods::reannotate(self.server.store(), "shop", pod, value).unwrap();
    }

    /// Runs both with the server's address; they must say the same. That is the answer.
    pub(crate) async fn both(&self, arguments: &[&str]) -> Ran {
        let url = self.server.url();
        let arguments = [arguments, &["--server", &url]].concat();
        let [native, component] = self.commands(&arguments);
        same(program::run(native).await, &program::run(component).await)
    }

    /// Starts `watch` in both.
    pub(crate) fn watch(&self, arguments: &[&str]) -> Both {
        let url = self.server.url();
        let arguments = [&["watch", "--server", &url][..], arguments].concat();
        let [native, component] = self.commands(&arguments);
        Both { native: Running::start(native), component: Running::start(component) }
    }

    fn commands(&self, arguments: &[&str]) -> [Command; 2] {
        let mut native = program::bare(program::dubbo_watcher());
        native.args(arguments);
        [native, self.component.command(&[], arguments)]
    }
}

/// Runs both on this input.
pub(crate) async fn both_read(component: &Component, arguments: &[&str], input: &str) -> Ran {
    let mut native = program::bare(program::dubbo_watcher());
    native.args(arguments);
    let mut ran = Vec::new();
    for mut command in [native, component.command(&[], arguments)] {
        let input = input.to_owned();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let output = tokio::task::spawn_blocking(move || {
            let mut child = command.spawn().unwrap();
            // It may have ended without reading all of it.
            let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
            child.wait_with_output().unwrap()
        });
        ran.push(Ran::from(output.await.unwrap()));
    }
    let component = ran.pop().unwrap();
    same(ran.pop().unwrap(), &component)
}

/// A host of components knows good ends and bad ones: what is 2 natively is 1 there.
pub(crate) fn same(native: Ran, component: &Ran) -> Ran {
    let known = native.status.map(|status| status.min(1));
    assert_eq!(known, component.status, "{native:?}\n{component:?}");
    assert_eq!(normal(&native.stdout), normal(&component.stdout));
    assert_eq!(normal(&native.stderr), normal(&component.stderr));
    native
}

/// Both, running.
pub(crate) struct Both {
    native: Running,
    component: Running,
}

impl Both {
    /// The next line of stdout, of both.
    pub(crate) fn line(&self) -> String {
        let native = normal(&self.native.line());
        assert_eq!(native, normal(&self.component.line()));
        native
    }

    /// The next line of stderr, of both.
    pub(crate) fn error_line(&self) -> String {
        let native = normal(&self.native.error_line());
        assert_eq!(native, normal(&self.component.error_line()));
        native
    }

    /// Passes over lines of stdout until one contains `text`.
    pub(crate) fn until(&self, text: &str) -> String {
        loop {
            let line = self.line();
            if line.contains(text) {
                return line;
            }
        }
    }

    /// The same of stderr.
    pub(crate) fn error_until(&self, text: &str) -> String {
        loop {
            let line = self.error_line();
            if line.contains(text) {
                return line;
            }
        }
    }
}

/// What must differ between two runs, made alike: the time of day, how long ago the server was
/// heard, and how long is waited before another try, which is random.
pub(crate) fn normal(text: &str) -> String {
    let line = |line: &str| {
        let line = try_in(&time_of_day(line));
        ["\"ageMs\":", "\"retryInMs\":"].into_iter().fold(line, |line, name| number(&line, name))
    };
    text.lines().map(|text| line(text) + "\n").collect()
}

fn number(line: &str, name: &str) -> String {
    match line.split_once(name) {
        Some((before, after)) => {
            let after = after.trim_start_matches(|char: char| char.is_ascii_digit());
            format!("{before}{name}(number){after}")
        }
        None => line.to_owned(),
    }
}

fn time_of_day(line: &str) -> String {
    let is_time = |text: &str| {
        text.len() == 9
            && text.bytes().zip(b"00:00:00Z").all(|(byte, form)| match form {
                b'0' => byte.is_ascii_digit(),
                other => byte == *other,
            })
    };
    let words: Vec<_> =
        line.split(' ').map(|word| if is_time(word) { "(time)" } else { word }).collect();
    words.join(" ")
}

fn try_in(line: &str) -> String {
    match line.split_once("next try in ") {
        Some((before, _)) => format!("{before}next try in (a while)"),
        None => line.to_owned(),
    }
}
