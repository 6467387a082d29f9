//! Certificates that Go's crypto/x509 takes and webpki does not: a server's own certificate that is one of the
//! authorities, one that is an authority itself, and one whose purpose is "any". It checks dates, purposes,
//! authorities and signatures, and never the name: that is checked before.
//!
//! Whatever it does not know is refused.

use rustls::{CertificateError, Error, SignatureScheme, crypto::CryptoProvider};
use rustls_pki_types::{CertificateDer, UnixTime};
use x509_parser::{
    certificate::X509Certificate, extensions::ParsedExtension, prelude::FromDer as _,
    x509::X509Version,
};

/// No real chain has more intermediate certificates.
const LONGEST: usize = 8;

/// Reads a certificate of any version.
pub(super) fn parse<'a>(certificate: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, Error> {
    match X509Certificate::from_der(certificate) {
        Ok(([], parsed)) => Ok(parsed),
        _ => Err(CertificateError::BadEncoding.into()),
    }
}

/// Whether a certificate is of version 1, which has neither names nor purposes.
pub(super) fn is_version_1(certificate: &X509Certificate<'_>) -> bool {
    certificate.version() == X509Version::V1
}

/// A certificate that is trusted as it is: it must be valid now, and may be a server's.
pub(super) fn check_trusted(certificate: &X509Certificate<'_>, now: UnixTime) -> Result<(), Error> {
    let validity = certificate.validity();
    let instant = |time: i64| {
        UnixTime::since_unix_epoch(std::time::Duration::from_secs(
            u64::try_from(time).unwrap_or_default(),
        ))
    };
    let not_before = instant(validity.not_before.timestamp());
    let not_after = instant(validity.not_after.timestamp());
    if now < not_before {
        return Err(CertificateError::NotValidYetContext { time: now, not_before }.into());
    }
    if now > not_after {
        return Err(CertificateError::ExpiredContext { time: now, not_after }.into());
    }
    if !may_serve(certificate) {
        return Err(CertificateError::InvalidPurpose.into());
    }
    Ok(())
}

/// Whether `certificate` was issued by one of `roots`, directly or by way of `intermediates`.
pub(super) fn leads_to_root(
    certificate: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    roots: &[CertificateDer<'_>],
    provider: &CryptoProvider,
    now: UnixTime,
) -> bool {
    let usable = |certificate: &X509Certificate<'_>| {
        check_trusted(certificate, now).is_ok() && has_known_extensions(certificate)
    };
    let Some(mut child) = parse(certificate).ok().filter(usable) else { return false };
    let read = |certificates| {
        let parsed = <[CertificateDer<'_>]>::iter(certificates).filter_map(|one| parse(one).ok());
        parsed.filter(usable).collect::<Vec<_>>()
    };
    let (intermediates, roots) = (read(intermediates), read(roots));
    for below in 0..=LONGEST {
        let issued = |parent: &&X509Certificate<'_>| issued_by(&child, parent, below, provider);
        if roots.iter().any(|root| issued(&root)) {
            return true;
        }
        // Version 1 does not say that it is an authority: only a root is believed without.
        let mut authorities = intermediates.iter().filter(|one| !is_version_1(one));
        let Some(parent) = authorities.find(issued) else { return false };
        child = parent.clone();
    }
    false
}

/// Whether `parent` may have issued `child`, and has. `below` certificates stand between it and the server's.
fn issued_by(
    child: &X509Certificate<'_>,
    parent: &X509Certificate<'_>,
    below: usize,
    provider: &CryptoProvider,
) -> bool {
    child.issuer().as_raw() == parent.subject().as_raw()
        && is_authority(parent, below)
        && is_signed_by(child, parent, provider)
}

fn is_authority(certificate: &X509Certificate<'_>, below: usize) -> bool {
    if is_version_1(certificate) {
        return true;
    }
    let Ok(Some(constraints)) = certificate.basic_constraints() else { return false };
    let Ok(usage) = certificate.key_usage() else { return false };
    let longest = constraints.value.path_len_constraint;
    constraints.value.ca
        && usage.is_none_or(|usage| usage.value.key_cert_sign())
        && longest.is_none_or(|longest| below as u64 <= u64::from(longest))
}

fn is_signed_by(
    child: &X509Certificate<'_>,
    parent: &X509Certificate<'_>,
    provider: &CryptoProvider,
) -> bool {
    let Some(scheme) = scheme(&child.signature_algorithm.algorithm.to_id_string()) else {
        return false;
    };
    let known = provider.signature_verification_algorithms.mapping;
    let mut algorithms = known.iter().filter(|(of, _)| *of == scheme).flat_map(|(_, all)| *all);
    let key = &parent.public_key().subject_public_key.data;
    let message = child.tbs_certificate.as_ref();
    // A key of another kind than the algorithm's is refused by it.
    algorithms.any(|algorithm| {
        algorithm.verify_signature(key, message, &child.signature_value.data).is_ok()
    })
}

/// The name that TLS has for how a certificate is signed. SHA-1 and older are not there.
fn scheme(algorithm: &str) -> Option<SignatureScheme> {
    Some(match algorithm {
        "1.2.840.113549.1.1.11" => SignatureScheme::RSA_PKCS1_SHA256,
        "1.2.840.113549.1.1.12" => SignatureScheme::RSA_PKCS1_SHA384,
        "1.2.840.113549.1.1.13" => SignatureScheme::RSA_PKCS1_SHA512,
        "1.2.840.10045.4.3.2" => SignatureScheme::ECDSA_NISTP256_SHA256,
        "1.2.840.10045.4.3.3" => SignatureScheme::ECDSA_NISTP384_SHA384,
        "1.2.840.10045.4.3.4" => SignatureScheme::ECDSA_NISTP521_SHA512,
        "1.3.101.112" => SignatureScheme::ED25519,
        _ => return None,
    })
}

/// Whether its purposes include a server's; without any it has every purpose.
fn may_serve(certificate: &X509Certificate<'_>) -> bool {
    match certificate.extended_key_usage() {
        Ok(None) => true,
        Ok(Some(usage)) => usage.value.any || usage.value.server_auth,
        Err(_) => false,
    }
}

/// Name constraints are webpki's business: who has them is not believed here.
fn has_known_extensions(certificate: &X509Certificate<'_>) -> bool {
    certificate.extensions().iter().all(|extension| match extension.parsed_extension() {
        ParsedExtension::NameConstraints(_) => false,
        ParsedExtension::BasicConstraints(_)
        | ParsedExtension::KeyUsage(_)
        | ParsedExtension::ExtendedKeyUsage(_)
        | ParsedExtension::SubjectAlternativeName(_) => true,
        _ => !extension.critical,
    })
}
