//! The certificates that may vouch for a server, read from PEM as Go reads them: what is between them is a
//! comment, and one that cannot be read is passed over. A bundle without any that can be read is refused.

use rustls::RootCertStore;
use rustls_pki_types::{
    CertificateDer,
    pem::{self, PemObject},
};

use crate::kube::config::ConfigError;

/// The authorities: by name and key for webpki, and as they are.
pub(super) struct Authorities {
    pub(super) anchors: RootCertStore,
    pub(super) certificates: Vec<CertificateDer<'static>>,
    /// How many certificates were passed over.
    pub(super) skipped: usize,
}

impl Authorities {
    /// Those of a PEM bundle.
    pub(super) fn given(bundle: &[u8]) -> Result<Self, ConfigError> {
        let read = Self::of(CertificateDer::pem_slice_iter(bundle));
        if read.certificates.is_empty() {
            let reason = match read.skipped {
                0 => "the certificate authority holds no PEM certificate".to_owned(),
                1 => "the certificate in the certificate authority cannot be read".to_owned(),
                many => {
                    format!(
                        "none of the {many} certificates in the certificate authority can be read"
                    )
                }
            };
            return Err(ConfigError::Tls { reason });
        }
        Ok(read)
    }

    /// Those that this system trusts.
    pub(super) fn of_system() -> Result<Self, ConfigError> {
        let read = Self::of(rustls_native_certs::load_native_certs().certs.into_iter().map(Ok));
        if read.certificates.is_empty() {
            return Err(ConfigError::Tls {
                reason: "this system has no certificate authorities installed; give the server's \
                         with --certificate-authority"
                    .to_owned(),
            });
        }
        Ok(read)
    }

    fn of(found: impl Iterator<Item = Result<CertificateDer<'static>, pem::Error>>) -> Self {
        let mut read =
            Self { anchors: RootCertStore::empty(), certificates: Vec::new(), skipped: 0 };
        for certificate in found {
            match certificate {
                Ok(certificate) if read.anchors.add(certificate.clone()).is_ok() => {
                    read.certificates.push(certificate);
                }
                _ => read.skipped += 1,
            }
        }
        read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_without_a_certificate_that_can_be_read_is_refused() {
        let broken =
            "-----BEGIN CERTIFICATE-----\nbm90IGEgY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n";
        let garbled = "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n";
        for (bundle, reason) in [
            (String::new(), "the certificate authority holds no PEM certificate"),
            ("no PEM".to_owned(), "the certificate authority holds no PEM certificate"),
            (broken.to_owned(), "the certificate in the certificate authority cannot be read"),
            (
                format!("{broken}{garbled}"),
                "none of the 2 certificates in the certificate authority can be read",
            ),
        ] {
            let error = Authorities::given(bundle.as_bytes()).err().unwrap();
            assert_eq!(error.to_string(), format!("cannot set up TLS: {reason}"));
        }
    }
}
