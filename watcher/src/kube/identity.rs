//! Who we are, as headers: the credential and whom we act as. All of them are marked sensitive, so
//! that neither hyper's logs nor a Debug output show them.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::config::{Config, ConfigError, Credential, read_token};

/// The headers of every request. What a plugin issues comes on top.
pub(crate) fn headers(config: &Config) -> Result<HeaderMap, ConfigError> {
    let mut headers = HeaderMap::new();
    let authorization = match &config.credential {
        Credential::None | Credential::Exec(_) => None,
        Credential::Token(token) => Some(format!("Bearer {}", token.reveal())),
        Credential::TokenFile(path) => Some(format!("Bearer {}", read_token(path)?.reveal())),
        Credential::Basic { username, password } => {
            Some(format!("Basic {}", BASE64.encode(format!("{username}:{}", password.reveal()))))
        }
    };
    if let Some(text) = authorization {
        headers.insert(header::AUTHORIZATION, value(config, "the credential", &text)?);
    }
    let Some(who) = &config.impersonation else { return Ok(headers) };
    let name = HeaderName::from_static;
    headers.insert(name("impersonate-user"), value(config, "as", &who.user)?);
    if let Some(uid) = &who.uid {
        headers.insert(name("impersonate-uid"), value(config, "as-uid", uid)?);
    }
    for group in &who.groups {
        headers.append(name("impersonate-group"), value(config, "as-groups", group)?);
    }
    for (key, text) in &who.extra {
        let key = format!("impersonate-extra-{}", utf8_percent_encode(key, NON_ALPHANUMERIC));
        let text = value(config, "as-user-extra", text)?;
        if let Ok(key) = HeaderName::try_from(key) {
            headers.append(key, text);
        }
    }
    Ok(headers)
}

fn value(config: &Config, field: &'static str, text: &str) -> Result<HeaderValue, ConfigError> {
    let mut value = HeaderValue::from_str(text).map_err(|_| ConfigError::BadField {
        entry: config.origin.clone(),
        field,
        reason: "holds characters that cannot be sent".to_owned(),
    })?;
    value.set_sensitive(true);
    Ok(value)
}
