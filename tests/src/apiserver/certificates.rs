//! The server's own certificate authority: made anew at each start, never written with its key.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, SanType,
};
use rustls::RootCertStore;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ServerConfig, WebPkiClientVerifier};

use super::StartError;

/// A certificate authority, and what it issues.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate with its key, both PEM. Its Debug output shows no key.
#[derive(Clone)]
pub struct Identity {
    /// The certificate.
    pub certificate_pem: String,
    /// Its private key, PKCS#8.
    pub key_pem: String,
    /// The public half of it.
    pub public_key_pem: String,
    pub(crate) certificate_der: CertificateDer<'static>,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Identity")
            .field("certificate_pem", &self.certificate_pem)
            .finish_non_exhaustive()
    }
}

impl Authority {
    /// A new authority with a new key.
    pub fn new() -> Result<Self, StartError> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "scripted-kube-apiserver-ca");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        Ok(Self { issuer })
    }

    /// The authority's certificate.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate for a TLS client; the server knows the user by it.
    pub fn client(&self, user: &str) -> Result<Identity, StartError> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, user);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.issue(&params)
    }

    /// A certificate for a server on the loopback interface, by the names of a kube-apiserver.
    pub fn server(&self) -> Result<Identity, StartError> {
        let mut params = CertificateParams::new(vec![
            "localhost".to_owned(),
            "kubernetes".to_owned(),
            "kubernetes.default".to_owned(),
            "kubernetes.default.svc".to_owned(),
        ])?;
        params.distinguished_name.push(DnType::CommonName, "scripted-kube-apiserver");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        for address in [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)] {
            params.subject_alt_names.push(SanType::IpAddress(address));
        }
        self.issue(&params)
    }

    /// TLS 1.3 (as the captures) and 1.2, with client certificates optional. `protocols` in the
    /// order of preference: the server decides.
    pub(crate) fn server_config(
        &self,
        protocols: Vec<Vec<u8>>,
    ) -> Result<Arc<ServerConfig>, StartError> {
        let identity = self.server()?;
        let key = PrivateKeyDer::from_pem_slice(identity.key_pem.as_bytes())
            .map_err(|error| StartError::Key(error.to_string()))?;

        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone())?;
        let provider: Arc<CryptoProvider> = Arc::new(aws_lc_rs::default_provider());
        let clients = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone())
            .allow_unauthenticated()
            .build()
            .map_err(|error| StartError::Verifier(error.to_string()))?;
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(clients)
            .with_single_cert(vec![identity.certificate_der], key)?;
        config.alpn_protocols = protocols;
        Ok(Arc::new(config))
    }

    fn issue(&self, params: &CertificateParams) -> Result<Identity, StartError> {
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Identity {
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
            public_key_pem: key.public_key_pem(),
            certificate_der: certificate.der().clone(),
        })
    }
}
