//! The flags that say which server, and as whom: names and meanings are kubectl's. It reads no file.

use std::{path::PathBuf, time::Duration};

use clap::{
    Args, ValueEnum,
    builder::{OsStringValueParser, TypedValueParser},
};
#[cfg(not(target_os = "wasi"))]
use clap_complete::ArgValueCandidates;
use dubbo_k8s_engine::Wire;
use dubbo_k8s_registry::kube::config::Overrides;

#[cfg(not(target_os = "wasi"))]
use super::candidates;

/// Which server, and as whom.
#[derive(Debug, Args)]
#[command(next_help_heading = "Connection (before or behind the verb)")]
pub(super) struct Connection {
    /// The kubeconfig to use instead of $KUBECONFIG or ~/.kube/config
    #[arg(long, value_name = "FILE", value_parser = path())]
    kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig to use
    #[arg(long)]
    #[cfg_attr(not(target_os = "wasi"), arg(add = ArgValueCandidates::new(candidates::contexts)))]
    context: Option<String>,
    /// The cluster of the kubeconfig to use instead of the context's
    #[arg(long, value_name = "NAME")]
    #[cfg_attr(not(target_os = "wasi"), arg(add = ArgValueCandidates::new(candidates::clusters)))]
    cluster: Option<String>,
    /// The user of the kubeconfig to use instead of the context's
    #[arg(long, value_name = "NAME")]
    #[cfg_attr(not(target_os = "wasi"), arg(add = ArgValueCandidates::new(candidates::users)))]
    user: Option<String>,
    /// URL of the kube-apiserver; http only to this machine, for `kubectl proxy`
    #[arg(short, long, value_name = "URL")]
    #[cfg_attr(target_os = "wasi", arg(env = "DUBBO_SERVER"))]
    server: Option<String>,
    /// The name in the server's certificate, where it is not the host of its URL
    #[arg(long, value_name = "NAME")]
    tls_server_name: Option<String>,
    /// PEM file of the authorities that may vouch for the server
    #[arg(long, value_name = "FILE", value_parser = path())]
    certificate_authority: Option<PathBuf>,
    /// PEM file of our own certificate
    #[arg(long, value_name = "FILE", value_parser = path())]
    client_certificate: Option<PathBuf>,
    /// PEM file of its private key
    #[arg(long, value_name = "FILE", value_parser = path())]
    client_key: Option<PathBuf>,
    /// File with the bearer token; it is read again every minute
    #[arg(long, value_name = "FILE", value_parser = path())]
    token_file: Option<PathBuf>,
    /// Do not check the server's certificate
    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        conflicts_with = "certificate_authority"
    )]
    insecure_skip_tls_verify: Option<bool>,
    /// Act as this user
    #[arg(long = "as", value_name = "USER")]
    impersonate: Option<String>,
    /// Act as the user with this uid
    #[arg(long = "as-uid", value_name = "UID")]
    impersonate_uid: Option<String>,
    /// Act as a member of this group; repeat it for several
    #[arg(long = "as-group", value_name = "GROUP")]
    impersonate_groups: Vec<String>,
    /// Give up on a single request after this time, such as 30, 5s, 2m; 0 is never. A watch is one
    /// request, and the next one goes on from there
    #[arg(long, value_name = "TIME", value_parser = duration)]
    request_timeout: Option<Duration>,
    /// The form in which to ask for Pods [default: protobuf, or JSON where a server has nothing else]
    #[arg(long, value_enum, value_name = "FORM")]
    wire: Option<Form>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    /// Protobuf, or JSON where a server or a proxy has nothing else
    Protobuf,
    /// JSON only, for debugging
    Json,
}

/// A path that may be empty, as kubectl takes it.
fn path() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(PathBuf::from)
}

impl Connection {
    /// Adds what stands before the verb; what stands behind it counts more.
    pub(super) fn take(&mut self, before: &Self) -> Result<(), &'static str> {
        let or = |own: &mut Option<String>, other: &Option<String>| {
            *own = own.take().or_else(|| other.clone());
        };
        or(&mut self.context, &before.context);
        or(&mut self.cluster, &before.cluster);
        or(&mut self.user, &before.user);
        or(&mut self.server, &before.server);
        or(&mut self.tls_server_name, &before.tls_server_name);
        or(&mut self.impersonate, &before.impersonate);
        or(&mut self.impersonate_uid, &before.impersonate_uid);
        let or = |own: &mut Option<PathBuf>, other: &Option<PathBuf>| {
            *own = own.take().or_else(|| other.clone());
        };
        or(&mut self.kubeconfig, &before.kubeconfig);
        or(&mut self.certificate_authority, &before.certificate_authority);
        or(&mut self.client_certificate, &before.client_certificate);
        or(&mut self.client_key, &before.client_key);
        or(&mut self.token_file, &before.token_file);
        self.impersonate_groups.splice(..0, before.impersonate_groups.iter().cloned());
        self.insecure_skip_tls_verify =
            self.insecure_skip_tls_verify.or(before.insecure_skip_tls_verify);
        self.request_timeout = self.request_timeout.or(before.request_timeout);
        self.wire = self.wire.or(before.wire);
        if self.insecure_skip_tls_verify == Some(true) && self.certificate_authority.is_some() {
            return Err(
                "--insecure-skip-tls-verify and --certificate-authority exclude each other",
            );
        }
        Ok(())
    }

    /// The form in which to ask for Pods.
    pub(super) fn wire(&self) -> Wire {
        match self.wire {
            Some(Form::Json) => Wire::Json,
            Some(Form::Protobuf) | None => Wire::Protobuf,
        }
    }

    /// What is empty is not given, as for kubectl: scripts write `--context "$CONTEXT"`.
    pub(super) fn overrides(&self) -> Overrides {
        let text = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let path = |path: &Option<PathBuf>| path.clone().filter(|it| !it.as_os_str().is_empty());
        Overrides {
            kubeconfig: path(&self.kubeconfig),
            context: text(&self.context),
            server: text(&self.server),
            cluster: text(&self.cluster),
            user: text(&self.user),
            tls_server_name: text(&self.tls_server_name),
            certificate_authority: path(&self.certificate_authority),
            token_file: path(&self.token_file),
            insecure_skip_tls_verify: self.insecure_skip_tls_verify.unwrap_or_default(),
            client_certificate: path(&self.client_certificate),
            client_key: path(&self.client_key),
            impersonate: text(&self.impersonate),
            impersonate_uid: text(&self.impersonate_uid),
            impersonate_groups: self.impersonate_groups.clone(),
            request_timeout: self.request_timeout.filter(|time| !time.is_zero()),
        }
    }
}

/// A duration as kubectl reads `--request-timeout`: whole seconds, or numbers with units as Go has them.
fn duration(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse() {
        return Ok(Duration::from_secs(seconds));
    }
    let wrong =
        || "a number of seconds, or numbers with units, such as 5s, 1m30s, 500ms".to_owned();
    let (mut rest, mut sum) = (text.strip_prefix('+').unwrap_or(text), Duration::ZERO);
    if rest.is_empty() && !text.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = |ch: char| !ch.is_ascii_digit() && ch != '.';
        let (number, more) = rest.split_at(rest.find(digits).ok_or_else(wrong)?);
        let (unit, more) =
            more.split_at(more.find(|ch: char| ch.is_ascii_digit()).unwrap_or(more.len()));
        let seconds = match unit {
            "ns" => 1e-9,
            "us" | "µs" | "μs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return Err(wrong()),
        };
        let number: f64 = number.parse().map_err(|_| wrong())?;
        let part = Duration::try_from_secs_f64(number * seconds).map_err(|_| wrong())?;
        sum = sum.checked_add(part).ok_or_else(wrong)?;
        rest = more;
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::duration;

    #[test]
    fn a_request_timeout_is_one_of_kubectl() {
        for (text, milliseconds) in [
            ("0", 0),
            ("30", 30_000),
            ("5s", 5000),
            ("1m30s", 90_000),
            ("1.5h", 5_400_000),
            ("500ms", 500),
            ("0s", 0),
            ("", 0),
            ("+5s", 5000),
            ("+5", 5000),
            (".5s", 500),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in ["+", "-1", "s", "5x", "5 s", "1..2s", "1m3", "99999999999999999999h"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
