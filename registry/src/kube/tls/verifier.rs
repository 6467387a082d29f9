//! Who may be the server, as kubectl's TLS decides it: webpki first, and [`chain`](super::chain) for what only
//! Go takes.

use std::sync::Arc;

use rustls::{
    CertificateError, DigitallySignedStruct, Error, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    server::ParsedCertificate,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::{authorities::Authorities, chain};
use crate::kube::config::ConfigError;

/// The server has a certificate of these authorities for the name.
#[derive(Debug)]
pub(super) struct Verifier {
    webpki: Arc<WebPkiServerVerifier>,
    authorities: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
    /// The name that is asked for, where it is not the host of the URL (`tls-server-name`).
    name: Option<ServerName<'static>>,
}

impl Verifier {
    pub(super) fn new(
        authorities: Authorities,
        provider: Arc<CryptoProvider>,
        name: Option<ServerName<'static>>,
    ) -> Result<Self, ConfigError> {
        let anchors = Arc::new(authorities.anchors);
        let webpki = WebPkiServerVerifier::builder_with_provider(anchors, Arc::clone(&provider))
            .build()
            .map_err(|error| ConfigError::Tls { reason: error.to_string() })?;
        Ok(Self { webpki, authorities: authorities.certificates, provider, name })
    }

    /// The server's own certificate is among the authorities, byte for byte.
    fn check_trusted(
        certificate: &CertificateDer<'_>,
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Error> {
        chain::check_trusted(&chain::parse(certificate)?, now)?;
        verify_server_name(&ParsedCertificate::try_from(certificate)?, name)
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        host: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let name = self.name.as_ref().unwrap_or(host);
        if chain::is_version_1(&chain::parse(certificate)?) {
            let (expected, presented) = (name.to_owned(), Vec::new());
            return Err(CertificateError::NotValidForNameContext { expected, presented }.into());
        }
        if self.authorities.contains(certificate) {
            Self::check_trusted(certificate, name, now)?;
            return Ok(ServerCertVerified::assertion());
        }
        let verdict =
            self.webpki.verify_server_cert(certificate, intermediates, name, ocsp_response, now);
        let Err(error) = verdict else { return verdict };
        let accepted = may_be_taken(&error)
            && verify_server_name(&ParsedCertificate::try_from(certificate)?, name).is_ok()
            && chain::leads_to_root(
                certificate,
                intermediates,
                &self.authorities,
                &self.provider,
                now,
            );
        if accepted { Ok(ServerCertVerified::assertion()) } else { Err(error) }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Whether webpki refuses for a reason that Go does not have: an authority as a server, or the purpose "any".
fn may_be_taken(error: &Error) -> bool {
    matches!(
        error,
        Error::InvalidCertificate(
            CertificateError::InvalidPurpose
                | CertificateError::InvalidPurposeContext { .. }
                | CertificateError::Other(_)
        )
    )
}

/// `insecure-skip-tls-verify`: no certificate is looked at, of whatever version. The signature of the handshake
/// is not checked either: it would show no more than that the server has the key of a certificate that nothing
/// is known about.
#[derive(Debug)]
pub(super) struct Anyone(pub(super) Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _host: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
