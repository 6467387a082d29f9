//! TLS for one server: which authorities vouch for it, and our own certificate. TLS 1.2 or newer,
//! ring for the cryptography, chosen here and not by a process-wide default.
//!
//! Key material stays in this file: no error and no Debug output may show it.

use std::{net::IpAddr, sync::Arc};

use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
};
use rustls_pki_types::{
    CertificateDer, PrivateKeyDer, ServerName, UnixTime,
    pem::{self, PemObject},
};

use super::{
    config::{Config, ConfigError, Identity, Secret, Trust},
    pool,
};

/// What the files held when they were last read. Two of them are compared to notice a rotation.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct TlsMaterial {
    authorities: Option<Vec<u8>>,
    certificate: Option<Vec<u8>>,
    key: Option<Vec<u8>>,
}

impl TlsMaterial {
    pub(super) fn read(config: &Config) -> Result<Self, ConfigError> {
        let authorities = match &config.trust {
            Trust::Authorities(material) => Some(material.read("the certificate authority")?),
            Trust::System | Trust::Anyone => None,
        };
        let (certificate, key) = match &config.identity {
            Some(Identity { certificate, key }) => (
                Some(certificate.read("the client certificate")?),
                Some(key.read("the client key")?),
            ),
            None => (None, None),
        };
        Ok(Self { authorities, certificate, key })
    }

    /// Our certificate, unless the configuration has one itself.
    pub(super) fn identify(&mut self, certificate: &Secret, key: &Secret) {
        if self.certificate.is_none() {
            self.certificate = Some(certificate.reveal().as_bytes().to_vec());
            self.key = Some(key.reveal().as_bytes().to_vec());
        }
    }

    /// The configuration for rustls; ALPN offers HTTP/2 first.
    pub(super) fn client_config(&self, settings: &Config) -> Result<ClientConfig, ConfigError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| refused(&error))?;
        let verifier = self.verifier(settings, provider)?;
        let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
        let mut config = match (&self.certificate, &self.key) {
            (Some(certificate), Some(key)) => {
                let chain = certificates("the client certificate", certificate)?;
                let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| ConfigError::Tls {
                    reason: format!("the client key is not usable PEM ({})", pem_fault(&error)),
                })?;
                builder.with_client_auth_cert(chain, key).map_err(|error| refused(&error))?
            }
            _ => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let address =
            settings.server_name.as_deref().is_some_and(|name| name.parse::<IpAddr>().is_ok());
        config.enable_sni = !address;
        Ok(config)
    }

    /// Who may be the server: whoever holds a certificate of the authorities for the name.
    fn verifier(
        &self,
        settings: &Config,
        provider: Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ServerCertVerifier>, ConfigError> {
        let roots = match (&settings.trust, &self.authorities) {
            (Trust::Anyone, _) => return Ok(Arc::new(Unusual { provider, check: Check::Nothing })),
            (_, Some(pem)) => given_roots(pem)?,
            (_, None) => system_roots()?,
        };
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
                .build()
                .map_err(|error| ConfigError::Tls { reason: error.to_string() })?;
        match &settings.server_name {
            Some(name) if pool::name_in_url(settings).is_none() => {
                let name =
                    ServerName::try_from(name.clone()).map_err(|_| ConfigError::BadField {
                        entry: settings.origin.clone(),
                        field: "tls-server-name",
                        reason: "is not a DNS name or an address".to_owned(),
                    })?;
                Ok(Arc::new(Unusual { provider, check: Check::Name(verifier, name) }))
            }
            _ => Ok(verifier),
        }
    }
}

/// For servers that the system's authorities vouch for, without a certificate of ours. Where the
/// system has none, no certificate is accepted.
pub fn system_tls() -> Result<ClientConfig, ConfigError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| refused(&error))?;
    let roots = system_roots().unwrap_or_else(|_none| RootCertStore::empty());
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn refused(error: &rustls::Error) -> ConfigError {
    ConfigError::Tls { reason: error.to_string() }
}

fn given_roots(pem: &[u8]) -> Result<RootCertStore, ConfigError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates("the certificate authority", pem)? {
        roots.add(certificate).map_err(|error| refused(&error))?;
    }
    Ok(roots)
}

fn system_roots() -> Result<RootCertStore, ConfigError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(ConfigError::Tls {
            reason: "this system has no certificate authorities installed; give the server's with \
                     --certificate-authority"
                .to_owned(),
        });
    }
    Ok(roots)
}

fn certificates(
    what: &'static str,
    pem: &[u8],
) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let fault = |reason: &str| ConfigError::Tls { reason: format!("{what} {reason}") };
    let chain = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| fault(&format!("is not usable PEM ({})", pem_fault(&error))))?;
    if chain.is_empty() { Err(fault("holds no PEM certificate")) } else { Ok(chain) }
}

/// The kind of fault only: some variants quote the text.
fn pem_fault(error: &pem::Error) -> &'static str {
    match error {
        pem::Error::MissingSectionEnd { .. } => "a section has no end",
        pem::Error::IllegalSectionStart { .. } => "a section begins wrongly",
        pem::Error::Base64Decode(_) => "its base64 is broken",
        pem::Error::NoItemsFound => "nothing of the kind is in it",
        _ => "it cannot be read",
    }
}

/// Checks a server's certificate otherwise than by the host of the URL. The handshake is signed by
/// its key all the same.
#[derive(Debug)]
struct Unusual {
    provider: Arc<CryptoProvider>,
    check: Check,
}

#[derive(Debug)]
enum Check {
    /// `insecure-skip-tls-verify`: any certificate will do.
    Nothing,
    /// `tls-server-name` where the URL cannot carry it: it must be for this name.
    Name(Arc<WebPkiServerVerifier>, ServerName<'static>),
}

impl ServerCertVerifier for Unusual {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match &self.check {
            Check::Nothing => Ok(ServerCertVerified::assertion()),
            Check::Name(verifier, name) => {
                verifier.verify_server_cert(end_entity, intermediates, name, ocsp_response, now)
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
