//! `doctor`: can it reach, read, watch, patch, review callers? What is missing, and the fix. It asks and changes
//! nothing. Status 1 when something that is needed is missing.

#[cfg(unix)]
mod agent;
pub(super) mod ask;
mod network;
mod own;
mod policy;
mod reading;
mod report;
mod serving;
mod visit;

use std::time::{Duration, SystemTime};

use dubbo_k8s_engine::Verb;
use dubbo_k8s_engine::catalog::Scope;
use dubbo_k8s_registry::kube::{
    Rights,
    config::{Config, Credential, Environment, Namespaces, ThisPod, Trust},
};

use self::ask::{ask, scope_of};
use self::report::Report;
use self::visit::{Visit, place, transport, verbs};
use super::{
    arguments::{Doctor, Need},
    ended::Ended,
    plain::{plain, plain_lines},
    session::connect,
};

/// Beyond this a token may count as not yet valid, or as expired.
const SKEW: Duration = Duration::from_mins(1);

pub(super) async fn run(arguments: &Doctor) -> Result<(), Ended> {
    let environment = Environment::of_process();
    let mut report = Report::default();
    let found = Config::load(&arguments.connection.overrides(), &environment)
        .and_then(|config| Ok((connect(config.clone())?, config)));
    let (client, config) = match found {
        Ok(found) => found,
        Err(error) => {
            report.failure(&plain_lines(&error.to_string()))?;
            return report.end();
        }
    };
    let wire = arguments.connection.wire();
    let mut visit = Visit { client, config: &config, report, user: None, wire };
    visit.examine(arguments, &environment).await?;
    visit.report.end()
}

impl Visit<'_> {
    async fn examine(
        &mut self,
        arguments: &Doctor,
        environment: &Environment,
    ) -> Result<(), Ended> {
        Report::well(&format!("configuration from {}", plain(&self.config.origin)))?;
        self.way()?;
        if !self.reach().await? || !self.identify().await? {
            return Ok(());
        }
        let (all, named) = (arguments.all_namespaces, &arguments.namespaces);
        let own = ThisPod::find(
            arguments.pod.as_deref(),
            named.first().map(String::as_str),
            environment,
            &self.config.namespace,
        );
        // Many a shell and every container has a HOSTNAME; with these it is that of a Pod.
        let inside = ["NAMESPACE", "POD_NAMESPACE", "KUBERNETES_SERVICE_HOST"];
        let inside = inside.into_iter().any(|name| environment.get(name).is_some());
        let is_meant = arguments.pod.is_some() || (inside && environment.get("HOSTNAME").is_some());
        let needs = |need, usually| match arguments.needs.as_slice() {
            [] => usually,
            needs => needs.contains(&need),
        };
        let (read, register) = (needs(Need::Read, true), needs(Need::Register, is_meant));
        if needs(Need::Review, false) {
            self.may_review().await?;
        }
        match Namespaces::choose(all, named, environment, &self.config.namespace) {
            Ok(Namespaces::All) => self.may_read(&Scope::All, read).await?,
            Ok(Namespaces::These(namespaces)) => {
                for name in namespaces {
                    self.exists(&name).await?;
                    self.may_read(&scope_of(&name), read).await?;
                }
            }
            Err(error) => self.report.failure(&plain_lines(&error.to_string()))?,
        }
        #[cfg(unix)]
        self.ask_agent().await?;
        let policy = needs(Need::Policy, false);
        match own {
            Ok(own) if policy && !register => self.policy(&own).await,
            Ok(own) if is_meant || register => {
                self.own_pod(&own, register).await?;
                if policy { self.policy(&own).await } else { Ok(()) }
            }
            Err(error) if register || policy => {
                Ok(self.report.failure(&plain_lines(&error.to_string()))?)
            }
            _ => Ok(Report::notice("no Pod to register in: neither HOSTNAME nor --pod")?),
        }
    }

    /// What stands between: a proxy, and a program that has to give the credential.
    fn way(&self) -> Result<(), Ended> {
        if let Some(proxy) = &self.config.proxy {
            let (proxy, origin) = (proxy.to_string(), proxy.origin());
            Report::notice(&format!("the way leads through {} ({origin})", plain(&proxy)))?;
        }
        if let Credential::Exec(plugin) = &self.config.credential {
            let command = plugin.command.display().to_string();
            Report::notice(&format!(
                "the plugin `{}` gives the credential ({})",
                plain(&command),
                plugin.version.as_str()
            ))?;
        }
        Ok(())
    }

    /// The server answers, over a connection that can be trusted, and its clock is near ours.
    async fn reach(&mut self) -> Result<bool, Ended> {
        let answer = match ask(&mut self.client, ask::version()).await {
            Ok(answer) => answer,
            Err(error) => {
                self.report.failure(&self.explain(&transport(error)))?;
                return Ok(false);
            }
        };
        let server = &self.config.server;
        let version = answer.json();
        let version = version.get("gitVersion").and_then(serde_json::Value::as_str);
        match version.filter(|_| answer.is_ok()) {
            Some(version) => {
                Report::well(&format!("{server} answers: Kubernetes {}", plain(version)))?;
                reading::version(version)?;
            }
            None => Report::notice(&format!(
                "{server} answers, but does not say its version ({}); is it a kube-apiserver?",
                answer.status
            ))?,
        }
        self.connection()?;
        if let Some(date) = answer.date {
            self.clock(date)?;
        }
        Ok(true)
    }

    fn connection(&mut self) -> Result<(), Ended> {
        let how = match &self.config.trust {
            _ if self.config.server.scheme() == "http" => {
                return Ok(Report::notice("plain http: for `kubectl proxy` on this machine only")?);
            }
            Trust::Anyone => {
                return Ok(Report::notice(
                    "the server's certificate is not checked (insecure-skip-tls-verify): anyone \
                     on the way can read the credentials\n\
                     Give --certificate-authority FILE instead.",
                )?);
            }
            Trust::System => "by an authority of this system",
            Trust::Authorities(_) => "by the cluster's authority",
        };
        Ok(Report::well(&format!("TLS, and the server's certificate is vouched for {how}"))?)
    }

    fn clock(&mut self, server: SystemTime) -> Result<(), Ended> {
        let well = "the clock agrees with the server's";
        let apart = apart(SystemTime::now(), server);
        let otherwise = apart.as_deref().unwrap_or_default();
        Ok(self.report.check(apart.is_none(), false, well, otherwise)?)
    }

    /// The server accepts the credentials.
    async fn identify(&mut self) -> Result<bool, Ended> {
        let request = ask::access(Verb::List, &scope_of(&self.config.namespace), None);
        match ask(&mut self.client, request).await {
            Err(error) => self.report.failure(&self.explain(&transport(error)))?,
            Ok(answer) if answer.is_ok() => {
                let who = ask(&mut self.client, ask::identity()).await;
                let who = who.ok().map(|answer| answer.json()).unwrap_or_default();
                let user =
                    who.pointer("/status/userInfo/username").and_then(serde_json::Value::as_str);
                self.user = user.map(str::to_owned);
                let user = self.user.as_deref().map(plain);
                let user = user.map_or(String::new(), |user| format!(" as {user}"));
                Report::well(&format!("the server accepts the credentials{user}"))?;
                return Ok(true);
            }
            Ok(answer) => {
                let scope = scope_of(&self.config.namespace);
                let failure = answer.failure(Verb::Create, scope);
                let mut text = self.explain(&failure);
                if answer.status == 403 {
                    // A caller that may not even ask is anonymous.
                    text = format!(
                        "the server took us for an anonymous user (403): there are no credentials that it \
                         knows\nLog in to the cluster, or give a --token-file.\n{}",
                        plain(&failure.to_string())
                    );
                }
                self.report.failure(&text)?;
            }
        }
        Ok(false)
    }

    async fn exists(&mut self, namespace: &str) -> Result<(), Ended> {
        let answer = ask(&mut self.client, ask::namespace(namespace)).await;
        if answer.is_ok_and(|answer| answer.status == 404) {
            Report::notice(&format!("the namespace {namespace} does not exist"))?;
        }
        Ok(())
    }

    async fn may_read(&mut self, scope: &Scope, needed: bool) -> Result<(), Ended> {
        let mut denied = Vec::new();
        for verb in Rights::READER.verbs {
            if !self.may(*verb, scope, None).await? {
                denied.push(*verb);
            }
        }
        let well = format!("may {} pods {}", verbs(Rights::READER.verbs), place(scope));
        self.say_rights(&denied, Rights::READER, scope, needed, &well)?;
        if !denied.is_empty() {
            return Ok(());
        }
        self.try_reading(scope, self.wire).await?;
        self.look_at_network(scope).await?;
        self.ask_serving(scope).await
    }
}

/// What is to be said of a clock that is too far from the server's.
fn apart(now: SystemTime, server: SystemTime) -> Option<String> {
    // A Date header has whole seconds.
    let apart = now.duration_since(server).or_else(|_| server.duration_since(now));
    let apart = apart.unwrap_or_default();
    let seconds = apart.as_secs();
    let which = if now > server { "ahead of" } else { "behind" };
    (apart > SKEW).then(|| {
        format!(
            "the clock is {seconds} s {which} the server's: tokens and certificates may count as \
             expired or not yet valid\nKeep it by NTP (timedatectl set-ntp true)."
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_far_off_is_reported_with_its_direction_and_the_way_out() {
        let server = SystemTime::UNIX_EPOCH + Duration::from_hours(1);
        for seconds in [0, 1, 60] {
            let off = Duration::from_secs(seconds);
            assert_eq!((apart(server + off, server), apart(server - off, server)), (None, None));
        }
        let off = Duration::from_secs(61);
        let said = apart(server + off, server).unwrap();
        assert!(said.starts_with("the clock is 61 s ahead of the server's: tokens"), "{said}");
        assert!(said.ends_with("\nKeep it by NTP (timedatectl set-ntp true)."), "{said}");
        let said = apart(server - off, server).unwrap();
        assert!(said.starts_with("the clock is 61 s behind the server's"), "{said}");
    }
}
