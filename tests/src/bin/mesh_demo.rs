//! Shows the filter at work: a simulated cluster, the real watcher, a real Envoy, providers that count. It
//! repeats a scenario, and ends with status 0 only if all of it was really seen at least once.
//!
//! It needs `ENVOY` and `FILTER_WASM`: `cargo xtask demo --envoy` sets them.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use dubbo_k8s_tests::mesh::{INTERFACE, Mesh, Programs, Service};
use dubbo_k8s_tests::triple::{Call, Connection, Load, Provider, Tally};
use serde_json::json;

/// Shows the Envoy filter at work.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many seconds; else until Ctrl-C.
    #[arg(long)]
    seconds: Option<u64>,
}

/// What may go wrong, for a person.
type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// How long a scene stands, so that it can be read.
const SCENE: Duration = Duration::from_secs(2);

/// How many scenes with a pause one run of the scenario has.
const SCENES: u32 = 7;

/// A provider that was passed over so often by random choice among four is not chosen any more.
const GONE: u64 = 300;

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "mesh_demo: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Outcome {
    let length = arguments.seconds.map(Duration::from_secs);
    let mut story = Story::begin(length).await?;
    let mut runs = 0_u32;
    let over = async {
        match length {
            #[expect(
                clippy::disallowed_methods,
                reason = "the demonstration lasts as long as was asked for"
            )]
            Some(length) => tokio::time::sleep(length).await,
            None => std::future::pending().await,
        }
    };
    let repeating = async {
        loop {
            if let Err(error) = story.run().await {
                break Err::<(), _>(error);
            }
            runs += 1;
        }
    };
    tokio::select! {
        ended = repeating => ended?,
        () = over => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    let tally = story.load.stop().await;
    say(&format!(
        "\n{} requests, {} failed; the scenario ran {runs} times.",
        tally.total, tally.failures
    ))?;
    if tally.failures > 0 {
        return Err(format!("requests failed: {}", tally.in_words.join("; ")).into());
    }
    if runs == 0 {
        return Err("the story did not come to its end: give it more time".into());
    }
    Ok(())
}

struct Story {
    mesh: Mesh,
    load: Load,
    pause: Duration,
    /// What had been counted when it was last shown.
    shown: Tally,
    providers: [Provider; 4],
}

impl Story {
    async fn begin(length: Option<Duration>) -> Outcome<Self> {
        let programs = Programs::from_environment()?;
        let [ann, ben, cho, dee] = ["ann", "ben", "cho", "dee"].map(Provider::start);
        let providers = [ann.await?, ben.await?, cho.await?, dee.await?];
        let mesh = Mesh::start(&programs, &json!({}), |cluster| {
            for provider in providers.iter().take(3) {
                cluster.store().create(weighed(provider).pod(provider.name()))?;
            }
            Ok(())
        })
        .await?;
        mesh.routes(&Call::new(INTERFACE, "Hello")).await?;
        let address = mesh.address()?;
        say(&format!(
            "Envoy listens on http://{address}. It knows no provider but those of dubbo-watcher\n\
             Pods. Call it yourself, while this runs:\n    \
             curl -i -X POST -H 'content-type: application/json' http://{address}/{INTERFACE}/Hello\n"
        ))?;
        say("ann and ben have weight 100, cho and dee 200. Three of them are registered.")?;
        let load = Load::start(address, &Call::new(INTERFACE, "Hello"), 4);
        // Half of the time is for what happens, half to look at it.
        let pause = length.map_or(SCENE, |length| SCENE.min(length / (2 * SCENES)));
        Ok(Self { mesh, load, pause, shown: Tally::default(), providers })
    }

    /// The whole story once; the cluster is as before at its end.
    async fn run(&mut self) -> Outcome {
        self.scene().await?;
        self.delete("ben").await?;
        self.scene().await?;
        self.register("dee").await?;
        self.scene().await?;

        say("kill -9 dubbo-watcher, and delete Pod cho while it is gone")?;
        self.mesh.kill_watcher();
        self.mesh.delete("cho")?;
        let before = self.load.tally().count("cho");
        self.load.more(GONE).await?;
        self.load.until("requests as before", |tally| tally.count("cho") > before).await?;
        say("    requests go on to all that were known")?;
        self.scene().await?;
        say("start dubbo-watcher again")?;
        self.mesh.restart_watcher().await?;
        let tally =
            self.load.until("an end of requests to cho", |tally| tally.since("cho") > GONE).await?;
        say(&format!("    cho was left alone from then on; {} failed", tally.failures))?;
        self.scene().await?;

        let call =
            Call::new("com.example.Nobody", "Hello").json().header("rest-service-version", "1.0.0");
        let answer = Connection::open(self.mesh.address()?).await?.call(&call).await?;
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        say(&format!("a request for a service without a provider\n    {} {body}", answer.status))?;
        if answer.status != 503 || !body.contains("com.example.Nobody:1.0.0") {
            return Err("the answer is not 503 with the service's name".into());
        }
        self.register("ben").await?;
        self.register("cho").await?;
        self.delete("dee").await?;
        self.scene().await?;
        say("and so on")
    }

    /// Lets some time pass, and shows who got what meanwhile.
    async fn scene(&mut self) -> Outcome {
        #[expect(clippy::disallowed_methods, reason = "people read what is shown")]
        tokio::time::sleep(self.pause).await;
        let tally = self.load.tally();
        let total = tally.total - self.shown.total;
        let parts: Vec<String> = tally
            .providers
            .keys()
            .map(|name| (name, tally.count(name) - self.shown.count(name)))
            .filter(|(_, count)| *count > 0)
            .map(|(name, count)| format!("{name} {count} ({} %)", count * 100 / total.max(1)))
            .collect();
        say(&format!("    {total} requests: {}", parts.join(", ")))?;
        self.shown = tally;
        Ok(())
    }

    async fn delete(&self, pod: &str) -> Outcome {
        say(&format!("delete Pod {pod}, whose process drains"))?;
        let written = Instant::now();
        self.mesh.delete(pod)?;
        let tally =
            self.load.until("an end of requests to it", |tally| tally.since(pod) > GONE).await?;
        let last =
            tally.providers.get(pod).map(|share| share.last.saturating_duration_since(written));
        say(&format!("    its last request came {} later", millis(last.unwrap_or_default())))
    }

    async fn register(&self, pod: &str) -> Outcome {
        say(&format!("register Pod {pod}"))?;
        let provider = self.providers.iter().find(|provider| provider.name() == pod);
        let provider = provider.ok_or("no such provider")?;
        let before = self.load.tally().count(pod);
        let written = Instant::now();
        self.mesh.register(pod, &weighed(provider))?;
        self.load.until("requests to it", |tally| tally.count(pod) > before).await?;
        say(&format!("    its first request came {} later", millis(written.elapsed())))
    }
}

fn weighed(provider: &Provider) -> Service<'static> {
    let heavy = matches!(provider.name(), "cho" | "dee");
    let weight: &[(&str, &str)] = if heavy { &[("weight", "200")] } else { &[("weight", "100")] };
    Service::at(provider.address()).with(weight)
}

fn millis(time: Duration) -> String {
    format!("{} ms", time.as_millis())
}

fn say(text: &str) -> Outcome {
    Ok(writeln!(std::io::stdout(), "{text}")?)
}
