//! What reqwest, hyper, rustls and the system say when an exchange breaks, in the core's words:
//! a kind, the reason, and the way out where there is one. Never a URL or a header.

use std::{error::Error, io};

use rustls::{AlertDescription, CertificateError};
use rustls_pki_types::UnixTime;
use time::OffsetDateTime;

use super::config::Config;
use dubbo_k8s_engine::{TransportError, TransportErrorKind as Kind};

/// The server's name could not be resolved.
#[derive(Debug, thiserror::Error)]
#[error("{host}: {source}")]
pub(super) struct ResolveError {
    pub(super) host: String,
    pub(super) source: io::Error,
}

/// Who is at the other end, for messages: host and port.
#[derive(Debug)]
pub(super) struct Peer {
    server: String,
    proxy: Option<String>,
}

impl Peer {
    pub(super) fn of(config: &Config) -> Self {
        let host = config.server.host_str().unwrap_or_default();
        let port = config.server.port_or_known_default().unwrap_or_default();
        let proxy = config.proxy.as_ref();
        let proxy = proxy.map(|proxy| format!("the proxy {proxy} (from {})", proxy.origin()));
        Self { server: format!("{host}:{port}"), proxy }
    }

    /// Who is connected to.
    fn nearest(&self) -> &str {
        self.proxy.as_deref().unwrap_or(&self.server)
    }
}

/// Turns an error of reqwest into the core's.
pub(super) fn transport_error(error: &reqwest::Error, peer: &Peer) -> TransportError {
    let causes = Causes::of(error);
    if let Some(resolve) = causes.resolve {
        return TransportError::new(Kind::Resolve, resolve.to_string());
    }
    if let Some(tls) = causes.tls {
        return TransportError::new(Kind::Tls, tls_reason(tls, peer));
    }
    if error.is_connect() {
        return connect_error(error, causes, peer);
    }
    if error.is_timeout() {
        return TransportError::new(Kind::Deadline, "pings were not answered");
    }
    let text = match causes.io.map(io::Error::kind) {
        Some(io::ErrorKind::UnexpectedEof) => format!("{} closed it", peer.server),
        Some(io::ErrorKind::ConnectionReset) => format!("{} reset it", peer.server),
        _ => causes.innermost,
    };
    TransportError::new(Kind::Interrupted, text)
}

fn connect_error(error: &reqwest::Error, causes: Causes<'_>, peer: &Peer) -> TransportError {
    let nearest = peer.nearest();
    if error.is_timeout() {
        return TransportError::new(Kind::Connect, format!("{nearest} did not answer"));
    }
    match (causes.io.map(io::Error::kind), &peer.proxy) {
        (Some(io::ErrorKind::ConnectionRefused), _) => {
            TransportError::new(Kind::Connect, format!("{nearest} refused the connection"))
        }
        // A proxy that refuses has no io::Error; one that cannot reach the server just closes.
        (None | Some(io::ErrorKind::UnexpectedEof), Some(proxy)) => TransportError::new(
            Kind::Connect,
            format!("{proxy} does not lead to {}: {}", peer.server, causes.innermost),
        ),
        // After TCP has connected only the handshake is left of "connect".
        (Some(io::ErrorKind::UnexpectedEof), None) => TransportError::new(
            Kind::Tls,
            format!("{nearest} closed the connection; is it the port of a kube-apiserver?"),
        ),
        (Some(_), _) => {
            TransportError::new(Kind::Connect, format!("{nearest}: {}", causes.innermost))
        }
        (None, None) => TransportError::new(Kind::Connect, causes.innermost),
    }
}

/// What is known of the causes, found by walking the chain once.
struct Causes<'a> {
    resolve: Option<&'a ResolveError>,
    tls: Option<&'a rustls::Error>,
    io: Option<&'a io::Error>,
    /// The innermost cause in its own words; it is the one without a URL.
    innermost: String,
}

impl<'a> Causes<'a> {
    fn of(error: &'a reqwest::Error) -> Self {
        let mut found = Self { resolve: None, tls: None, io: None, innermost: String::new() };
        let mut next = error.source();
        while let Some(cause) = next {
            found.look_at(cause);
            next = cause.source();
            // `io::Error::source` skips the error that it wraps.
            if let Some(inner) = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
                next = Some(inner);
            }
        }
        found
    }

    fn look_at(&mut self, cause: &'a (dyn Error + 'static)) {
        self.resolve = self.resolve.or_else(|| cause.downcast_ref());
        self.tls = self.tls.or_else(|| cause.downcast_ref());
        self.io = cause.downcast_ref().or(self.io);
        self.innermost = cause.to_string();
    }
}

/// What is wrong with the handshake, and what to do about it.
fn tls_reason(error: &rustls::Error, peer: &Peer) -> String {
    match error {
        rustls::Error::InvalidCertificate(certificate) => certificate_reason(certificate),
        rustls::Error::InvalidMessage(_) => {
            format!("{} does not speak TLS; is it a plain http port?", peer.server)
        }
        rustls::Error::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateExpired
            | AlertDescription::UnknownCA,
        ) => "the server refused our client certificate (client-certificate in the kubeconfig)"
            .to_owned(),
        other => other.to_string(),
    }
}

fn certificate_reason(error: &CertificateError) -> String {
    match error {
        // Clusters like to give their authorities the same name; the signature distinguishes them.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "the server's certificate is signed by an authority that is not trusted here; give \
             the right one with --certificate-authority or in the kubeconfig"
                .to_owned()
        }
        CertificateError::NotValidForNameContext { expected, presented } => {
            let expected = expected.to_str();
            match names(presented) {
                names if names.is_empty() => format!(
                    "the server's certificate names no server at all, so it is not for {expected}; \
                     the cluster must renew it with subject alternative names"
                ),
                names => format!(
                    "the server's certificate is for {names}, not for {expected}; use a server \
                     address that is in the certificate, or set tls-server-name in the kubeconfig"
                ),
            }
        }
        CertificateError::ExpiredContext { time, not_after } => format!(
            "the server's certificate expired on {}, and it is {} by this machine's clock; the \
             cluster must renew it, or the clock is wrong",
            date(*not_after),
            date(*time)
        ),
        CertificateError::NotValidYetContext { time, not_before } => format!(
            "the server's certificate is not valid before {}, and it is {} by this machine's \
             clock; is the clock right?",
            date(*not_before),
            date(*time)
        ),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "the server's certificate is not for servers (its purpose, the extended key usage, is \
             another); is it a client's?"
                .to_owned()
        }
        other => format!("the server's certificate is not acceptable: {other}"),
    }
}

/// The names of a certificate as webpki lists them, `DnsName("a")` and `IpAddress(::1)`, in plain words. Those that a
/// server cannot have, such as an address of e-mail, are none.
fn names(presented: &[String]) -> String {
    const AT_MOST: usize = 8;
    let plain = presented.iter().filter_map(|name| {
        let (kind, inner) = name.split_once('(')?;
        let inner = inner.strip_suffix(')')?.trim_matches('"');
        matches!(kind, "DnsName" | "IpAddress").then_some(inner)
    });
    let plain: Vec<_> = plain.collect();
    let shown: Vec<_> = plain.iter().take(AT_MOST).copied().collect();
    let mut said = shown.join(", ");
    if plain.len() > AT_MOST {
        said.push_str(", …");
    }
    said
}

/// A moment as people write it.
fn date(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    let Ok(time) = OffsetDateTime::from_unix_timestamp(seconds) else { return seconds.to_string() };
    let (year, month, day) = (time.year(), u8::from(time.month()), time.day());
    let (hour, minute, second) = time.to_hms();
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}
