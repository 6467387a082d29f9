//! TLS for the clients of `serve`: a certificate and its key in two files, read again when they are replaced. What
//! cannot be used leaves the last good pair in place: the two are not replaced at the same moment.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;
use std::{fmt, fs, io};

use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::server::{ClientHello, ResolvesServerCert, ServerConfig};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// TLS with a certificate from files.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

/// Why there is no certificate to serve with.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file holds no PEM of this sort.
    #[error("there is no {what} in {}, which must be PEM", path.display())]
    Empty {
        /// What should be there.
        what: &'static str,
        /// Which file.
        path: PathBuf,
    },
    /// The two do not fit, or are of a sort that TLS here does not have.
    #[error("the certificate and its key cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
}

impl Tls {
    /// Reads the two files, which are PEM: the certificate with those that vouch for it, and its private key.
    ///
    /// # Errors
    ///
    /// When one of them cannot be read, or the two do not belong together.
    pub fn new(certificate: PathBuf, key: PathBuf) -> Result<Self, TlsError> {
        let provider = Arc::new(default_provider());
        let stamp = [stamp(&certificate), stamp(&key)];
        let pair = Arc::new(read(&certificate, &key, &provider)?);
        let files = Files {
            certificate,
            key,
            provider: Arc::clone(&provider),
            used: Mutex::new(Used { stamp, pair }),
        };
        let builder = ServerConfig::builder_with_provider(provider);
        let builder = builder.with_safe_default_protocol_versions()?.with_no_client_auth();
        let mut config = builder.with_cert_resolver(Arc::new(files));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)) })
    }

    pub(super) fn acceptor(&self) -> &TlsAcceptor {
        &self.acceptor
    }
}

struct Files {
    certificate: PathBuf,
    key: PathBuf,
    provider: Arc<CryptoProvider>,
    used: Mutex<Used>,
}

struct Used {
    stamp: [Stamp; 2],
    pair: Arc<CertifiedKey>,
}

/// When a file was written, and how long it is.
type Stamp = Option<(SystemTime, u64)>;

fn stamp(path: &Path) -> Stamp {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

fn read(
    certificate: &Path,
    key: &Path,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, TlsError> {
    let text = |path: &Path| {
        let path = path.to_owned();
        fs::read(&path).map_err(|source| TlsError::Unreadable { path, source })
    };
    let empty = |what, path: &Path| TlsError::Empty { what, path: path.to_owned() };
    let (certificates, private) = (text(certificate)?, text(key)?);
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&certificates).collect();
    let chain = chain.ok().filter(|chain| !chain.is_empty());
    let chain = chain.ok_or_else(|| empty("certificate", certificate))?;
    let private = PrivateKeyDer::from_pem_slice(&private).map_err(|_| empty("private key", key))?;
    Ok(CertifiedKey::from_der(chain, private, provider)?)
}

impl Files {
    /// The pair of now: two looks at the file system for each handshake, which is far below its cost.
    fn current(&self) -> Arc<CertifiedKey> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = [stamp(&self.certificate), stamp(&self.key)];
        if stamp != used.stamp
            && let Ok(pair) = read(&self.certificate, &self.key, &self.provider)
        {
            *used = Used { stamp, pair: Arc::new(pair) };
        }
        Arc::clone(&used.pair)
    }
}

impl ResolvesServerCert for Files {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }
}

/// Nothing of the key.
impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Files").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}
