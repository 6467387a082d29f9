//! What a credential plugin prints: an `ExecCredential`, read and checked. Never quoted.

use std::{fmt, time::SystemTime};

use http::HeaderValue;
use serde::Deserialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::kube::config::{ExecVersion, Secret, parse as parse_yaml};

/// What a plugin issued.
#[derive(PartialEq, Eq)]
pub(in crate::kube) struct Issued {
    /// The `Authorization` header, marked sensitive.
    pub(in crate::kube) authorization: Option<HeaderValue>,
    /// Certificate chain and key, PEM.
    pub(in crate::kube) identity: Option<(Secret, Secret)>,
    expires: Option<SystemTime>,
}

/// Shows nothing but what kind of credential it is.
impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issued")
            .field("token", &self.authorization.is_some())
            .field("certificate", &self.identity.is_some())
            .field("expires", &self.expires)
            .finish()
    }
}

impl Issued {
    pub(super) fn has_expired(&self, now: SystemTime) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ExecCredential {
    api_version: Option<String>,
    kind: Option<String>,
    status: Option<Status>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    expiration_timestamp: Option<String>,
    token: Option<Secret>,
    client_certificate_data: Option<Secret>,
    client_key_data: Option<Secret>,
}

/// Reads what was printed, or says what is wrong with it: the end of a sentence that begins with
/// the program.
pub(super) fn parse(printed: &[u8], version: ExecVersion) -> Result<Issued, String> {
    let credential: ExecCredential = parse_yaml(printed).map_err(|(line, column)| {
        format!(
            "did not print an ExecCredential: not such JSON or YAML at line {line}, column {column}"
        )
    })?;
    if credential.kind.as_deref() != Some("ExecCredential") {
        return Err("printed something else than an ExecCredential (kind)".to_owned());
    }
    if credential.api_version.as_deref() != Some(version.as_str()) {
        return Err(format!(
            "printed another apiVersion than the kubeconfig asks for ({})",
            version.as_str()
        ));
    }
    let status = credential.status.ok_or("printed no status")?;
    let some = |secret: Option<Secret>| secret.filter(|secret| !secret.is_empty());
    let authorization = some(status.token).map(|token| bearer(&token)).transpose()?;
    let identity = match (some(status.client_certificate_data), some(status.client_key_data)) {
        (Some(certificate), Some(key)) => Some((certificate, key)),
        (None, None) => None,
        _ => return Err("printed only one of certificate and key".to_owned()),
    };
    if authorization.is_none() && identity.is_none() {
        return Err("printed neither a token nor a client certificate".to_owned());
    }
    let expires = status.expiration_timestamp.as_deref().map(instant).transpose()?;
    Ok(Issued { authorization, identity, expires })
}

fn bearer(token: &Secret) -> Result<HeaderValue, String> {
    let mut value = HeaderValue::try_from(format!("Bearer {}", token.reveal()).into_bytes())
        .map_err(|_| "printed a token with characters that cannot be sent")?;
    value.set_sensitive(true);
    Ok(value)
}

fn instant(text: &str) -> Result<SystemTime, String> {
    OffsetDateTime::parse(text, &Rfc3339)
        .map(SystemTime::from)
        .map_err(|_| "printed an expirationTimestamp that is no RFC 3339 time".to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn v1(status: &str) -> Result<Issued, String> {
        let text = format!(
            r#"{{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential",
                "status":{status}}}"#
        );
        parse(text.as_bytes(), ExecVersion::V1)
    }

    #[test]
    fn a_token_or_a_certificate_is_a_credential() {
        let issued = v1(r#"{"token":"s3cr3t"}"#).unwrap();
        assert_eq!(issued.authorization.as_ref().unwrap(), "Bearer s3cr3t");
        assert!(!issued.has_expired(SystemTime::now() + Duration::from_secs(1 << 33)));
        assert!(!format!("{issued:?} {:?}", issued.authorization).contains("s3cr3t"));

        let pair = r#"{"clientCertificateData":"c","clientKeyData":"k",
            "expirationTimestamp":"2026-11-27T22:00:00+01:00"}"#;
        let issued = v1(pair).unwrap();
        assert_eq!(issued.identity, Some((Secret::new("c"), Secret::new("k"))));
        let nine = SystemTime::UNIX_EPOCH + Duration::from_hours(498_837);
        assert!(issued.has_expired(nine) && !issued.has_expired(nine - Duration::from_secs(1)));
    }

    #[test]
    fn an_answer_may_be_yaml_in_any_encoding_of_text() {
        let json = r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential",
            "status":{"token":"t","clientKeyData":null}}"#;
        let yaml = "apiVersion: client.authentication.k8s.io/v1\nkind: ExecCredential\n\
                    status:\n  token: t\n";
        for text in [json, yaml] {
            let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            for printed in [
                text.as_bytes().to_vec(),
                [b"\xef\xbb\xbf", text.as_bytes()].concat(),
                [b"\xff\xfe", &*wide].concat(),
            ] {
                let issued = parse(&printed, ExecVersion::V1).unwrap();
                assert_eq!(issued.authorization.unwrap(), "Bearer t");
            }
        }
    }

    #[test]
    fn what_is_wrong_is_said_without_a_quotation() {
        for (status, reason) in [
            ("{}", "printed neither a token nor a client certificate"),
            (r#"{"token":""}"#, "printed neither a token nor a client certificate"),
            (r#"{"clientKeyData":"s3cr3t"}"#, "printed only one of certificate and key"),
            (r#"{"token":"s3cr3t\n"}"#, "printed a token with characters that cannot be sent"),
            (
                r#"{"token":"x","expirationTimestamp":"s3cr3t"}"#,
                "printed an expirationTimestamp that is no RFC 3339 time",
            ),
            ("null", "printed no status"),
        ] {
            assert_eq!(v1(status).unwrap_err(), reason);
        }
        let error = v1(r#"{"token":["s3cr3t"]}"#).unwrap_err();
        assert_eq!(
            error,
            "did not print an ExecCredential: not such JSON or YAML at line 2, column 27"
        );
        assert!(!error.contains("s3cr3t"), "{error}");
        let other = br#"{"apiVersion":"s3cr3t","kind":"ExecCredential","status":{"token":"x"}}"#;
        let error = parse(other, ExecVersion::V1Beta1).unwrap_err();
        let expected = "printed another apiVersion than the kubeconfig asks for \
                        (client.authentication.k8s.io/v1beta1)";
        assert_eq!(error, expected);
        assert_eq!(
            parse(br#"{"kind":"s3cr3t"}"#, ExecVersion::V1).unwrap_err(),
            "printed something else than an ExecCredential (kind)"
        );
    }
}
