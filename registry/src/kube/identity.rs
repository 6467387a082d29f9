//! Who we are, as header fields: the credential and whom we act as. All values are secrets, so that neither
//! logs nor a Debug output show them. It knows no HTTP library: each host sends them by its own.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::config::{Config, ConfigError, Credential, Secret, read_token};

/// One field of every request. The name is in lower case, and a value can be sent as it is.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) name: Cow<'static, str>,
    pub(crate) value: Secret,
}

/// The fields of every request, in the order of sending. What a plugin issues comes on top.
pub(crate) fn fields(config: &Config) -> Result<Vec<Field>, ConfigError> {
    let mut fields = Vec::new();
    let mut add = |name: Cow<'static, str>, named: &'static str, text: &str| {
        let value = value(config, named, text)?;
        fields.push(Field { name, value });
        Ok(())
    };
    let authorization = match &config.credential {
        Credential::None | Credential::Exec(_) => None,
        Credential::Token(token) => Some(format!("Bearer {}", token.reveal())),
        Credential::TokenFile(path) => Some(format!("Bearer {}", read_token(path)?.reveal())),
        Credential::Basic { username, password } => {
            Some(format!("Basic {}", BASE64.encode(format!("{username}:{}", password.reveal()))))
        }
    };
    if let Some(text) = authorization {
        add("authorization".into(), "the credential", &text)?;
    }
    let Some(who) = &config.impersonation else { return Ok(fields) };
    add("impersonate-user".into(), "as", &who.user)?;
    if let Some(uid) = &who.uid {
        add("impersonate-uid".into(), "as-uid", uid)?;
    }
    for group in &who.groups {
        add("impersonate-group".into(), "as-groups", group)?;
    }
    for (key, text) in &who.extra {
        let key = utf8_percent_encode(key, NON_ALPHANUMERIC).to_string().to_ascii_lowercase();
        add(format!("impersonate-extra-{key}").into(), "as-user-extra", text)?;
    }
    Ok(fields)
}

fn value(config: &Config, field: &'static str, text: &str) -> Result<Secret, ConfigError> {
    if text.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~')) {
        return Ok(Secret::new(text));
    }
    Err(ConfigError::BadField {
        entry: config.origin.clone(),
        field,
        reason: "holds characters that cannot be sent".to_owned(),
    })
}
