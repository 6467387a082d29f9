//! `auth-provider: oidc` of a kubeconfig, as kubectl has it built in: the id-token is a bearer token as long as it
//! is valid. A new one is never asked for: that is for the program that wrote the kubeconfig, or for kubectl; what it
//! writes there is read.

use std::{
    path::PathBuf,
    time::{Duration, SystemTime},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;

use super::{AuthProvider, ConfigError, Kubeconfig, Secret};

/// A token that ends within this time counts as expired, as for kubectl.
const LEEWAY: Duration = Duration::from_secs(10);

/// Where an id-token stands, so that the one that replaces it is read.
#[derive(Clone, Debug)]
pub(super) struct IdToken {
    /// The kubeconfig files, as they are merged.
    pub(super) files: Vec<PathBuf>,
    /// The user entry.
    pub(super) user: String,
}

impl IdToken {
    /// The token that stands there now, if it is valid.
    pub(super) fn read(&self) -> Option<Secret> {
        let kubeconfig = Kubeconfig::of_files(&self.files).ok()?;
        let provider = kubeconfig.users.get(&self.user)?.auth_provider.as_ref()?;
        let token = token(&self.user, provider, SystemTime::now()).ok();
        token.filter(|_| provider.name == "oidc")
    }
}

/// The bearer token that the provider holds at this time.
pub(super) fn token(
    entry: &str,
    provider: &AuthProvider,
    now: SystemTime,
) -> Result<Secret, ConfigError> {
    let bad = |reason: &str| ConfigError::BadField {
        entry: entry.to_owned(),
        field: "auth-provider oidc",
        reason: reason.to_owned(),
    };
    let refreshable = setting(provider, "refresh-token").is_some();
    let Some(token) = setting(provider, "id-token") else {
        return Err(bad(if refreshable {
            "has no id-token; run `kubectl get pods`, which gets one by the refresh-token"
        } else {
            "has neither an id-token nor a refresh-token; log in again"
        }));
    };
    let expires = expiry(token).ok_or_else(|| bad("has an id-token that is not a JWT"))?;
    match (now + LEEWAY).duration_since(expires) {
        // What has no end yet is before it.
        Err(_) => Ok(token.clone()),
        Ok(ago) => Err(ConfigError::ExpiredIdToken {
            entry: entry.to_owned(),
            expired: words(ago),
            refreshable,
        }),
    }
}

/// What must be there for kubectl to take it at all.
pub(super) fn check(entry: &str, provider: &AuthProvider) -> Result<(), ConfigError> {
    for needed in ["idp-issuer-url", "client-id"] {
        if setting(provider, needed).is_none() {
            return Err(ConfigError::BadField {
                entry: entry.to_owned(),
                field: "auth-provider oidc",
                reason: format!("has no {needed}"),
            });
        }
    }
    Ok(())
}

fn setting<'a>(provider: &'a AuthProvider, name: &str) -> Option<&'a Secret> {
    provider.config.get(name).filter(|value| !value.is_empty())
}

/// When a JWT ends; the epoch where it does not say so, as for kubectl. Its signature is the server's business.
fn expiry(token: &Secret) -> Option<SystemTime> {
    #[derive(Deserialize)]
    struct Claims {
        #[serde(default)]
        exp: f64,
    }
    let mut parts = token.reveal().split('.');
    let (Some(_), Some(claims), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let claims: Claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
    let since = Duration::try_from_secs_f64(claims.exp).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(since)
}

/// A duration in one unit.
fn words(time: Duration) -> String {
    match time.as_secs() {
        seconds @ ..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds @ 7200..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(config: &[(&str, String)]) -> AuthProvider {
        let config = config.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(value)));
        AuthProvider { name: "oidc".to_owned(), config: config.collect() }
    }

    fn jwt(claims: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn an_id_token_is_a_bearer_token_until_it_expires() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let read = |config: &[(&str, String)]| match token("u", &provider(config), now) {
            Ok(_) => "token".to_owned(),
            Err(error) => error.to_string(),
        };
        let ending = |exp: &str| ("id-token", jwt(&format!("{{\"exp\":{exp}}}")));
        let refresh = ("refresh-token", "s3cr3t".to_owned());
        assert_eq!(read(&[ending("1000011")]), "token");
        assert_eq!(read(&[ending("1000011.5")]), "token");
        let ways = "log in again with the program that wrote it, use an exec plugin (`kubectl \
                    oidc-login`), or give a --token-file";
        for (config, expected) in [
            (vec![ending("1000010")], format!("u: the id-token expired 0 s ago\n  {ways}")),
            (vec![ending("992000")], format!("u: the id-token expired 2 h ago\n  {ways}")),
            (
                vec![ending("700000"), refresh.clone()],
                format!(
                    "u: the id-token expired 3 days ago\n  run `kubectl get pods`, which renews it \
                     by its refresh-token; or {ways}"
                ),
            ),
            (
                vec![("id-token", "s3cr3t".to_owned())],
                "u: auth-provider oidc has an id-token that is not a JWT".to_owned(),
            ),
            (
                vec![refresh],
                "u: auth-provider oidc has no id-token; run `kubectl get pods`, which gets one by \
                 the refresh-token"
                    .to_owned(),
            ),
            (
                vec![("id-token", String::new())],
                "u: auth-provider oidc has neither an id-token nor a refresh-token; log in again"
                    .to_owned(),
            ),
        ] {
            assert_eq!(read(&config), expected);
        }
    }
}
