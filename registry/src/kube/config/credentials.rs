//! Who we are, from the user entry of a candidate: our certificate, the credential, and whom to act as. What
//! kubectl refuses in an entry that is used is refused, also where it would not be needed.

use std::{collections::BTreeMap, time::SystemTime};

use super::{
    AuthProvider, ConfigError, Credential, Environment, Identity, Impersonation, User,
    candidate::{Candidate, material},
    oidc::{self, IdToken},
    read_token,
};

impl Candidate {
    pub(super) fn identity(&self) -> Result<Option<Identity>, ConfigError> {
        let User {
            client_certificate, client_certificate_data, client_key, client_key_data, ..
        } = &self.user;
        let entry = &self.user_entry;
        let certificate = material(
            entry,
            "client-certificate-data",
            client_certificate_data.as_ref(),
            client_certificate.as_deref(),
        )?;
        let key =
            material(entry, "client-key-data", client_key_data.as_ref(), client_key.as_deref())?;
        match (certificate, key) {
            (Some(certificate), Some(key)) => Ok(Some(Identity { certificate, key })),
            // A key without a certificate is never used, by kubectl either.
            (None, _) => Ok(None),
            (Some(_), None) => Err(ConfigError::BadField {
                entry: entry.clone(),
                field: "client-certificate",
                reason: "has no client-key beside it".to_owned(),
            }),
        }
    }

    pub(super) fn credential(&self, environment: &Environment) -> Result<Credential, ConfigError> {
        let user = &self.user;
        let token = user.token.clone().filter(|token| !token.is_empty());
        let username = user.username.clone().filter(|name| !name.is_empty());
        let password = user.password.clone().filter(|password| !password.is_empty());
        let is_basic = username.is_some() || (password.is_some() && token.is_some());
        if is_basic && (token.is_some() || user.token_file.is_some()) {
            return Err(self.contradiction("a token", "a username or a password"));
        }
        let is_known = token.is_some() || user.token_file.is_some() || username.is_some();
        // What is not needed is checked all the same, as by kubectl.
        let provided = self.provided(environment, is_known)?;
        if let Some(path) = &user.token_file {
            // A readable token file beats an inline token; an unreadable one leaves it in place.
            return match (read_token(path), token) {
                (Ok(_), _) => Ok(Credential::TokenFile(path.clone())),
                (Err(_), Some(token)) => Ok(Credential::Token(token)),
                (Err(error), None) => Err(error),
            };
        }
        Ok(match (token, username) {
            (Some(token), _) => Credential::Token(token),
            (None, Some(username)) => {
                Credential::Basic { username, password: password.unwrap_or_default() }
            }
            (None, None) => provided,
        })
    }

    /// What a plugin or a provider gives, which are asked only when there is neither a token nor a password
    /// (`is_known`), as by client-go.
    fn provided(
        &self,
        environment: &Environment,
        is_known: bool,
    ) -> Result<Credential, ConfigError> {
        match (&self.user.exec, &self.user.auth_provider) {
            (Some(_), Some(_)) => Err(self.contradiction("an exec plugin", "an auth-provider")),
            (Some(exec), None) => {
                let extensions = self.cluster.extensions.as_deref().unwrap_or_default();
                let mut extensions = extensions.iter();
                let config = extensions.find(|one| one.name == "client.authentication.k8s.io/exec");
                let terminal = environment.is_interactive() || is_known;
                let config = config.and_then(|extension| extension.json.as_ref());
                let plugin = exec.clone().check(&self.user_entry, terminal, config)?;
                Ok(Credential::Exec(Box::new(plugin)))
            }
            (None, Some(provider)) => self.provider(provider, is_known),
            (None, None) => Ok(Credential::None),
        }
    }

    fn provider(&self, provider: &AuthProvider, is_known: bool) -> Result<Credential, ConfigError> {
        let instead = match provider.name.as_str() {
            "oidc" => {
                oidc::check(&self.user_entry, provider)?;
                return if is_known {
                    Ok(Credential::None)
                } else {
                    let token = oidc::token(&self.user_entry, provider, SystemTime::now())?;
                    Ok(Credential::Token(token))
                };
            }
            "gcp" => {
                "Kubernetes removed it in 1.26: install gke-gcloud-auth-plugin and run `gcloud \
                 container clusters get-credentials`"
            }
            "azure" => "Kubernetes removed it in 1.26: run `kubelogin convert-kubeconfig`",
            _ => "kubectl does not know it either: use an exec plugin or a --token-file",
        };
        Err(ConfigError::Unsupported {
            entry: self.user_entry.clone(),
            feature: format!("the auth-provider `{}`", provider.name),
            instead,
        })
    }

    /// Where the token is read again that a provider gave, and no other.
    pub(super) fn id_token(&self) -> Option<IdToken> {
        let user = &self.user;
        let has_token = user.token.as_ref().is_some_and(|token| !token.is_empty());
        let provided = user.auth_provider.is_some() && !has_token && user.token_file.is_none();
        self.user_source.clone().filter(|_| provided)
    }

    fn contradiction(&self, first: &'static str, second: &'static str) -> ConfigError {
        ConfigError::Contradiction { entry: self.user_entry.clone(), first, second }
    }

    pub(super) fn impersonation(&self) -> Result<Option<Impersonation>, ConfigError> {
        let user = &self.user;
        let groups = user.impersonate_groups.clone().unwrap_or_default();
        let extra: Vec<_> = user
            .impersonate_extra
            .iter()
            .flatten()
            .flat_map(|(key, values)| values.iter().map(|value| (key.clone(), value.clone())))
            .collect();
        match user.impersonate.clone().filter(|name| !name.is_empty()) {
            Some(name) => Ok(Some(Impersonation {
                user: name,
                uid: user.impersonate_uid.clone().filter(|uid| !uid.is_empty()),
                groups,
                extra,
            })),
            None if groups.is_empty()
                && user.impersonate_extra.as_ref().is_none_or(BTreeMap::is_empty)
                && user.impersonate_uid.as_ref().is_none_or(String::is_empty) =>
            {
                Ok(None)
            }
            None => Err(ConfigError::BadField {
                entry: self.user_entry.clone(),
                field: "as",
                reason: "is missing, but as-uid, as-groups or as-user-extra is there".to_owned(),
            }),
        }
    }
}
