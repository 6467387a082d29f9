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
        Credential::Token(token) => Some(format!("Bearer {}", config.current(token).reveal())),
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
    // As Go: the name of a user may be any text.
    if !text.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t') {
        return Ok(Secret::new(text));
    }
    Err(ConfigError::BadField {
        entry: config.origin.clone(),
        field,
        reason: "holds characters that cannot be sent".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::fields;
    use crate::kube::config::{Config, Environment, Overrides};

    fn sent(config: &Config) -> Vec<String> {
        let fields = fields(config).unwrap();
        fields.iter().map(|field| format!("{}: {}", field.name, field.value.reveal())).collect()
    }

    fn load(path: &std::path::Path) -> Config {
        let overrides = Overrides { kubeconfig: Some(path.to_owned()), ..Overrides::default() };
        Config::load(&overrides, &Environment::empty([])).unwrap()
    }

    fn kubeconfig(user: &str) -> String {
        format!(
            "clusters: [{{name: c, cluster: {{server: 'https://k.example'}}}}]\ncontexts: [{{name: x, \
             context: {{cluster: c, user: u}}}}]\ncurrent-context: x\nusers: [{{name: u, user: {user}}}]\n"
        )
    }

    /// As client-go sends them: a header a group, keys of extras escaped and in lower case.
    #[test]
    fn who_acts_as_another_user_says_so_in_every_request() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        let user = "{token: t, as: eve, as-uid: '7', as-groups: [a, b], as-user-extra: {'Acme.io/Team': [x, y]}}";
        std::fs::write(&path, kubeconfig(user)).unwrap();
        assert_eq!(
            sent(&load(&path)),
            [
                "authorization: Bearer t",
                "impersonate-user: eve",
                "impersonate-uid: 7",
                "impersonate-group: a",
                "impersonate-group: b",
                "impersonate-extra-acme%2eio%2fteam: x",
                "impersonate-extra-acme%2eio%2fteam: y",
            ]
        );
    }

    /// As Go, whose headers are bytes: what is beyond ASCII is sent in UTF-8, and only a control character is not.
    #[test]
    fn a_name_may_be_any_text_without_control_characters() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        std::fs::write(&path, kubeconfig("{token: ünï, as: müller, as-groups: [团队]}")).unwrap();
        assert_eq!(
            sent(&load(&path)),
            ["authorization: Bearer ünï", "impersonate-user: müller", "impersonate-group: 团队"]
        );
        for user in ["{token: \"a\\nb\"}", "{token: \"\\x7f\"}", "{as: \"a\\0\"}"] {
            std::fs::write(&path, kubeconfig(user)).unwrap();
            assert!(fields(&load(&path)).is_err(), "{user}");
        }
    }

    #[test]
    fn an_id_token_that_another_program_renews_is_sent_from_then_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        let user = |token: &str| {
            let config = format!("{{idp-issuer-url: i, client-id: k, id-token: {token}}}");
            kubeconfig(&format!("{{auth-provider: {{name: oidc, config: {config}}}}}"))
        };
        // {"exp":4102444800}, {"exp":4102444801} and {"exp":1}
        let [first, second, expired] =
            ["eyJleHAiOjQxMDI0NDQ4MDB9", "eyJleHAiOjQxMDI0NDQ4MDF9", "eyJleHAiOjF9"]
                .map(|claims| format!("e30.{claims}.c2ln"));
        std::fs::write(&path, user(&first)).unwrap();
        let config = load(&path);
        assert_eq!(sent(&config), [format!("authorization: Bearer {first}")]);
        std::fs::write(&path, user(&second)).unwrap();
        assert_eq!(sent(&config), [format!("authorization: Bearer {second}")]);
        for unusable in [user(&expired), "users: [".to_owned(), String::new()] {
            std::fs::write(&path, unusable).unwrap();
            assert_eq!(sent(&config), [format!("authorization: Bearer {first}")]);
        }
    }
}
