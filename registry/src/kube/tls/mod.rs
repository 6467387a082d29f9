//! TLS for one server: which authorities vouch for it, and our own certificate. TLS 1.2 or newer. It takes
//! what kubectl takes, whose TLS is Go's.
//!
//! Key material stays in this folder: no error and no Debug output may show it.

mod authorities;
mod chain;
mod crypto;
mod verifier;

use std::{net::IpAddr, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    client::danger::ServerCertVerifier,
    crypto::CryptoProvider,
    sign::{CertifiedKey, SingleCertAndKey},
};
use rustls_pki_types::{
    CertificateDer, PrivateKeyDer, ServerName,
    pem::{self, PemObject},
};

use self::{
    authorities::Authorities,
    verifier::{Anyone, Verifier},
};
use super::config::{Config, ConfigError, Identity, Secret, Trust};

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

    /// How many certificates of the authorities cannot be read.
    pub(super) fn skipped_authorities(&self) -> usize {
        let authorities = self.authorities.as_deref().map(Authorities::given);
        authorities.and_then(Result::ok).map_or(0, |authorities| authorities.skipped)
    }

    /// The configuration for rustls; ALPN offers HTTP/2 first.
    pub(super) fn client_config(&self, settings: &Config) -> Result<ClientConfig, ConfigError> {
        let provider = crypto::provider();
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| refused(&error))?;
        let verifier = self.verifier(settings, Arc::clone(&provider))?;
        let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
        let mut config = match (&self.certificate, &self.key) {
            (Some(certificate), Some(key)) => {
                let identity = identity(certificate, key, &provider)?;
                builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity)))
            }
            _ => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let address =
            settings.server_name.as_deref().is_some_and(|name| name.parse::<IpAddr>().is_ok());
        config.enable_sni = !address;
        Ok(config)
    }

    /// Who may be the server: every holder of a certificate of the authorities for the name.
    fn verifier(
        &self,
        settings: &Config,
        provider: Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ServerCertVerifier>, ConfigError> {
        let authorities = match (&settings.trust, &self.authorities) {
            (Trust::Anyone, _) => return Ok(Arc::new(Anyone(provider))),
            (_, Some(bundle)) => Authorities::given(bundle)?,
            (_, None) => Authorities::of_system()?,
        };
        let name = match &settings.server_name {
            Some(name) if name_in_url(settings).is_none() => {
                let name = ServerName::try_from(name.clone());
                Some(name.map_err(|_| ConfigError::BadField {
                    entry: settings.origin.clone(),
                    field: "tls-server-name",
                    reason: "is not a DNS name or an address".to_owned(),
                })?)
            }
            _ => None,
        };
        Ok(Arc::new(Verifier::new(authorities, provider, name)?))
    }
}

/// For servers that the system's authorities vouch for, without a certificate of ours. Where the
/// system has none, no certificate is accepted.
///
/// # Errors
/// [`ConfigError::Tls`] if the TLS library refuses the settings.
pub fn system_tls() -> Result<ClientConfig, ConfigError> {
    let builder = ClientConfig::builder_with_provider(crypto::provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| refused(&error))?;
    let anchors = Authorities::of_system().map(|authorities| authorities.anchors);
    let anchors = anchors.unwrap_or_else(|_none| RootCertStore::empty());
    let mut config = builder.with_root_certificates(anchors).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn refused(error: &rustls::Error) -> ConfigError {
    ConfigError::Tls { reason: error.to_string() }
}

/// Our own certificate and its key. Whether the certificate is acceptable is for the server to say: of any
/// version, expired or not. That the two belong together is checked where the certificate can be read: while
/// both rotate they do not.
fn identity(
    certificate: &[u8],
    key: &[u8],
    provider: &CryptoProvider,
) -> Result<CertifiedKey, ConfigError> {
    let unusable = |what: &str, reason: &str| ConfigError::Tls {
        reason: format!("the client {what} is not usable PEM ({reason})"),
    };
    let chain = CertificateDer::pem_slice_iter(certificate).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|error| unusable("certificate", pem_fault(&error)))?;
    let Some(own) = chain.first() else {
        let reason = "the client certificate holds no PEM certificate".to_owned();
        return Err(ConfigError::Tls { reason });
    };
    let key = PrivateKeyDer::from_pem_slice(key);
    let key = key.map_err(|error| unusable("key", pem_fault(&error)))?;
    let key = provider.key_provider.load_private_key(by_content(key)).map_err(|error| {
        ConfigError::Tls { reason: format!("the client key is of no known kind: {error}") }
    })?;
    let belongs = match (chain::parse(own), key.public_key()) {
        (Ok(own), Some(public)) => own.public_key().raw == public.as_ref(),
        _ => true,
    };
    if !belongs {
        let reason = "the client key does not belong to the client certificate".to_owned();
        return Err(ConfigError::Tls { reason });
    }
    Ok(CertifiedKey::new(chain, key))
}

/// A key by what it is, whatever its PEM label says: Go does not mind the label either.
fn by_content(key: PrivateKeyDer<'static>) -> PrivateKeyDer<'static> {
    match PrivateKeyDer::try_from(key.secret_der()) {
        Ok(known) => known.clone_key(),
        Err(_) => key,
    }
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

/// The name to expect in the certificate, and whether it can be the host of the URL as well: then
/// SNI carries it. A proxy has to get the real host, and an address never is SNI.
pub(super) fn name_in_url(config: &Config) -> Option<&str> {
    let name = config.server_name.as_deref()?;
    (config.proxy.is_none() && name.parse::<IpAddr>().is_err()).then_some(name)
}
