//! Nothing secret is ever shown: every kind of credential is used, accepted and refused, with every
//! log level of every crate below us on, and what was logged, reported, answered and printed by Debug
//! is searched for all of them.

use std::{
    fmt::{Debug, Write as _},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use dubbo_k8s_engine::{Engine, Scopes, Settings};
use dubbo_k8s_registry::kube::{
    Client, Driver,
    config::{Config as Connection, Environment, Overrides},
};
use dubbo_k8s_registry::{Config, Registry};
use dubbo_k8s_tests::{apiserver::Options, proxy::Proxy, raw::Endpoint};
use dubbo_k8s_watcher::serve;
use tokio::{net::TcpListener, sync::oneshot};
use tracing_core::{
    Dispatch, Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

use crate::rig::{Rig, ask};

const TOKEN: &str = "t0ken-inline-s3cr3t";
const TOKEN_FILE: &str = "t0ken-file-s3cr3t";
const PASSWORD: &str = "p4ssword-s3cr3t";
const PLUGIN_TOKEN: &str = "t0ken-plugin-s3cr3t";
const PLUGIN_ARGUMENT: &str = "4rgument-s3cr3t";
const PLUGIN_VARIABLE: &str = "v4riable-s3cr3t";
const PROXY_PASSWORD: &str = "pr0xy-s3cr3t";

/// Everything that a user or a peer could have seen.
static SHOWN: Mutex<String> = Mutex::new(String::new());

fn shown() -> MutexGuard<'static, String> {
    SHOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn show(what: impl std::fmt::Display) {
    writeln!(shown(), "{what}").unwrap();
}

/// Takes in all that `log` and `tracing` carry.
struct Capture;

impl log::Log for Capture {
    fn enabled(&self, _metadata: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        show(format_args!("log {} {}", record.target(), record.args()));
    }

    fn flush(&self) {}
}

struct Fields;

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        show(format_args!("  {field}={value:?}"));
    }
}

impl Subscriber for Capture {
    fn enabled(&self, _metadata: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        show(format_args!("span {}", attributes.metadata().name()));
        attributes.record(&mut Fields);
        span::Id::from_u64(1)
    }

    fn record(&self, _span: &span::Id, values: &span::Record<'_>) {
        values.record(&mut Fields);
    }

    fn record_follows_from(&self, _span: &span::Id, _follows: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        show(format_args!("event {}", event.metadata().target()));
        event.record(&mut Fields);
    }

    fn enter(&self, _span: &span::Id) {}

    fn exit(&self, _span: &span::Id) {}
}

/// Uses a configuration in every way there is.
async fn use_it(rig: &Rig, variables: &[(&str, &str)]) {
    let config = rig.config(variables);
    show(format_args!("{config:?} {config:#?}"));
    let environment = Environment::empty(variables.iter().copied());
    show(format_args!("{environment:?}"));
    let mut client = Client::new(config.clone()).unwrap();
    for _ in 0..2 {
        match ask(&mut client, Duration::ZERO).await {
            Ok(status) => show(format_args!("status {status}")),
            Err(error) => show(format_args!("{error} {error:?}")),
        }
    }
    show(format_args!("{client:?}"));
    let settings = Settings::new(Scopes::namespaces(["shop"]).unwrap());
    let mut driver = Driver::new(client, Engine::new(settings.clone(), 1));
    let mut notices = Vec::new();
    driver.next(&mut notices).await;
    show(format_args!("{notices:?} {driver:?}"));
    serve_it(Config::new(config, settings)).await;
}

/// Serves it, and asks for everything that is served.
async fn serve_it(config: Config) {
    show(format_args!("{config:?}"));
    let registry = Arc::new(Registry::connect(config).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let stopped = async {
        let _ = stopped.await;
    };
    let options = serve::Options::default();
    let client = async {
        let endpoint = Endpoint::new(&format!("http://{address}"), None, None, None).unwrap();
        for path in [
            "/",
            "/v1/snapshot",
            "/v1/annotations",
            "/metrics",
            "/healthz",
            "/readyz",
            "/openapi.json",
            "/v1/nothing",
        ] {
            let mut answer = endpoint.get(path, "*/*").await.unwrap();
            let body = answer.body().await.unwrap();
            show(format_args!("{:?} {}", answer.headers, String::from_utf8_lossy(&body)));
        }
        let mut events = endpoint.get("/v1/events", "text/event-stream").await.unwrap();
        show(format_args!("{:?}", events.line().await.unwrap()));
        drop((events, stop));
    };
    let (served, ()) = tokio::join!(serve::run(listener, &registry, options, stopped), client);
    served.unwrap();
    show(format_args!("{registry:?}"));
}

/// What a program with this configuration prints before it has begun.
fn refuse_it(rig: &Rig, cluster: &str, user: &str) {
    rig.kubeconfig(cluster, user);
    let kubeconfig = Some(rig.path("kubeconfig"));
    let overrides = Overrides { kubeconfig, ..Overrides::default() };
    let made = Connection::load(&overrides, &Environment::empty([])).and_then(Client::new);
    let error = made.expect_err("it must be refused");
    show(format_args!("{error} {error:?}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a55_nothing_secret_is_ever_shown() {
    log::set_logger(&Capture).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    tracing_core::dispatcher::set_global_default(Dispatch::new(Capture)).unwrap();

    let mut secrets: Vec<String> = [
        TOKEN,
        TOKEN_FILE,
        PASSWORD,
        PLUGIN_TOKEN,
        PLUGIN_ARGUMENT,
        PLUGIN_VARIABLE,
        PROXY_PASSWORD,
    ]
    .iter()
    .flat_map(|secret| [(*secret).to_owned(), STANDARD.encode(secret)])
    .collect();
    for pair in [format!("ada:{PASSWORD}"), format!("ada:{PROXY_PASSWORD}")] {
        secrets.push(STANDARD.encode(pair));
    }

    for http2 in [true, false] {
        let rig = Rig::start_with(Options { http2, ..Options::default() }).await;
        let here = rig.here();
        let identity = rig.server.client_certificate("ada").unwrap();
        let inline = STANDARD.encode(&identity.key_pem);
        secrets.extend(identity.key_pem.lines().nth(1).map(str::to_owned));
        secrets.push(inline.clone());
        let certificate = STANDARD.encode(&identity.certificate_pem);
        let certificate =
            format!("{{client-certificate-data: {certificate}, client-key-data: {inline}}}");
        rig.write("token", TOKEN_FILE);
        rig.write(
            "plugin",
            &format!(
                "echo '{{\"apiVersion\":\"client.authentication.k8s.io/v1\",\
                 \"kind\":\"ExecCredential\",\"status\":{{\"token\":\"{PLUGIN_TOKEN}\"}}}}'"
            ),
        );
        let script = rig.path("plugin").display().to_string();
        let plugin = format!(
            "{{exec: {{command: sh, args: ['{script}', {PLUGIN_ARGUMENT}], interactiveMode: Never, \
             apiVersion: client.authentication.k8s.io/v1, \
             env: [{{name: V, value: {PLUGIN_VARIABLE}}}]}}}}"
        );
        // Refused first, then accepted.
        for accepted in [false, true] {
            if accepted {
                for token in [TOKEN, TOKEN_FILE, PLUGIN_TOKEN] {
                    rig.server.access().add_token(token, "ada");
                }
            }
            for user in [
                format!("{{token: {TOKEN}}}"),
                "{tokenFile: token}".to_owned(),
                format!("{{username: ada, password: {PASSWORD}}}"),
                certificate.clone(),
                plugin.clone(),
            ] {
                rig.kubeconfig(&here, &user);
                use_it(&rig, &[]).await;
            }
            // By way of a proxy that wants the password, or another.
            let wanted = if accepted { PROXY_PASSWORD } else { "another" };
            let proxy = Proxy::before(&rig.server, Some(&format!("ada:{wanted}"))).await.unwrap();
            for scheme in ["http", "https", "socks5"] {
                let url = format!("{scheme}://ada:{PROXY_PASSWORD}@{}", proxy.address());
                let cluster = "server: 'https://kubernetes.default.svc'";
                let user = format!("{{token: {TOKEN}}}");
                rig.kubeconfig(&format!("{cluster}, proxy-url: '{url}'"), &user);
                use_it(&rig, &[]).await;
                rig.kubeconfig(cluster, &user);
                use_it(&rig, &[("HTTPS_PROXY", &url)]).await;
            }
        }
        for (cluster, user) in [
            (format!("server: 'https://ada:{PASSWORD}@h'"), "{}".to_owned()),
            (here.clone(), format!("{{token: {TOKEN}, username: ada, password: {PASSWORD}}}")),
            (here.clone(), format!("{{token: \"{TOKEN}\\n\"}}")),
            // kubectl ignores a key without a certificate; this one stands beside what is none.
            (
                here.clone(),
                format!("{{client-certificate-data: {inline}, client-key-data: {inline}}}"),
            ),
            (here.clone(), format!("{{client-key-data: '{TOKEN}!'}}")),
            (here.clone(), format!("{{token: [{TOKEN}]}}")),
            (here.clone(), format!("{{exec: {{command: x, args: [{PLUGIN_ARGUMENT}]}}}}")),
            (here.clone(), format!("{{auth-provider: {{name: gcp, config: {{a: {TOKEN}}}}}}}")),
            (format!("{here}, proxy-url: 'ftp://ada:{PROXY_PASSWORD}@h'"), "{}".to_owned()),
            (format!("{here}, proxy-url: 'http://ada:{PROXY_PASSWORD}@[h'"), "{}".to_owned()),
        ] {
            refuse_it(&rig, &cluster, &user);
        }
    }

    let shown = shown();
    // The search would find something if there were anything to find.
    for sign in ["event h2", "log rustls", "status 200", "status 401", "dubbo_", "refused"] {
        assert!(shown.contains(sign), "nothing of {sign:?} was seen");
    }
    for secret in secrets {
        let place = shown.find(&secret).map(|at| {
            let from = shown.floor_char_boundary(at.saturating_sub(300));
            &shown[from..shown.ceil_char_boundary(at + 50)]
        });
        assert_eq!(place, None, "{secret} is shown");
    }
}
