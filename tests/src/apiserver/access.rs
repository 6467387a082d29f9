//! Who asks, and whether they may: bearer tokens, client certificates, impersonation and a table
//! of grants in the place of RBAC. Never logs a token.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::certificates::Identity;
use super::request::{Credentials, Request, Resource, Verb};
use super::status::{Details, Status};

/// The user of a request without credentials.
pub(crate) const ANONYMOUS: &str = "system:anonymous";

/// What a user may do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Grant {
    /// The user's name, such as `system:serviceaccount:shop:dubbo`.
    pub user: String,
    /// The verbs on pods; empty means every verb.
    pub verbs: Vec<Verb>,
    /// The namespaces; empty means every namespace, and the cluster scope.
    pub namespaces: Vec<String>,
}

impl Grant {
    /// Everything, everywhere, impersonation included.
    pub fn all(user: impl Into<String>) -> Self {
        Self { user: user.into(), verbs: Vec::new(), namespaces: Vec::new() }
    }

    /// Some verbs on the pods of some namespaces.
    pub fn pods(
        user: impl Into<String>,
        verbs: impl IntoIterator<Item = Verb>,
        namespaces: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        Self {
            user: user.into(),
            verbs: verbs.into_iter().collect(),
            namespaces: namespaces.into_iter().map(Into::into).collect(),
        }
    }

    fn allows(&self, user: &str, verb: Verb, namespace: Option<&str>) -> bool {
        let in_scope = |namespace: &str| self.namespaces.iter().any(|one| one == namespace);
        self.user == user
            && (self.verbs.is_empty() || self.verbs.contains(&verb))
            && (self.namespaces.is_empty() || namespace.is_some_and(in_scope))
    }
}

/// The tokens, certificates and grants that the server knows; they may change while it runs.
#[derive(Default)]
pub struct Access {
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    tokens: HashMap<String, String>,
    certificates: HashMap<Vec<u8>, String>,
    revoked: HashSet<Vec<u8>>,
    grants: Vec<Grant>,
}

impl std::fmt::Debug for Access {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let table = self.lock();
        formatter
            .debug_struct("Access")
            .field("tokens", &table.tokens.len())
            .field("grants", &table.grants)
            .finish_non_exhaustive()
    }
}

impl Access {
    /// Accepts a token as that of `user`. Without a grant the user gets 403, not 401.
    pub fn add_token(&self, token: impl Into<String>, user: impl Into<String>) {
        self.lock().tokens.insert(token.into(), user.into());
    }

    /// Refuses a token from now on, with 401. Open watches go on, as on a real server.
    pub fn revoke_token(&self, token: &str) {
        self.lock().tokens.remove(token);
    }

    /// Refuses a client certificate from now on, with 401, as one that has expired.
    pub fn revoke_certificate(&self, identity: &Identity) {
        self.lock().revoked.insert(identity.certificate_der.to_vec());
    }

    /// Adds a right.
    pub fn grant(&self, grant: Grant) {
        self.lock().grants.push(grant);
    }

    /// Takes all rights of a user away.
    pub fn revoke_grants(&self, user: &str) {
        self.lock().grants.retain(|grant| grant.user != user);
    }

    pub(crate) fn add_certificate(&self, der: &[u8], user: &str) {
        self.lock().certificates.insert(der.to_vec(), user.to_owned());
    }

    /// The user of a request; 401 for a token that is not known, and 403 for an impersonation
    /// that is not allowed.
    pub(crate) fn user(&self, request: &Request) -> Result<String, Status> {
        let user = self.authenticate(&request.credentials)?;
        match &request.credentials.impersonate {
            None => Ok(user),
            Some(other) if self.is_admin(&user) => Ok(other.clone()),
            Some(_) => {
                let verb = format!("impersonate-on:user-info:{}", request.verb);
                Err(forbidden(&user, &verb, &request.resource))
            }
        }
    }

    /// 403 unless `user` may do what the request asks for.
    pub(crate) fn authorize(&self, user: &str, request: &Request) -> Result<(), Status> {
        let open = matches!(
            request.resource,
            Resource::Version | Resource::Health { .. } | Resource::AccessReviews
        );
        if open || self.allows(user, request.verb, request.resource.namespace()) {
            return Ok(());
        }
        Err(forbidden(user, &request.verb.to_string(), &request.resource))
    }

    /// The user of a token, as a review of it says.
    pub(crate) fn user_of(&self, token: &str) -> Option<String> {
        self.lock().tokens.get(token).cloned()
    }

    /// Whether `user` may do this to pods.
    pub(crate) fn allows(&self, user: &str, verb: Verb, namespace: Option<&str>) -> bool {
        self.lock().grants.iter().any(|grant| grant.allows(user, verb, namespace))
    }

    fn authenticate(&self, credentials: &Credentials) -> Result<String, Status> {
        let table = self.lock();
        if credentials.certificate.as_ref().is_some_and(|der| table.revoked.contains(der)) {
            return Err(Status::unauthorized());
        }
        if let Some(user) =
            credentials.certificate.as_ref().and_then(|der| table.certificates.get(der))
        {
            return Ok(user.clone());
        }
        match credentials.token.as_deref() {
            None | Some("") => Ok(ANONYMOUS.to_owned()),
            Some(token) => table.tokens.get(token).cloned().ok_or_else(Status::unauthorized),
        }
    }

    pub(crate) fn is_admin(&self, user: &str) -> bool {
        self.lock().grants.contains(&Grant::all(user))
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn forbidden(user: &str, verb: &str, resource: &Resource) -> Status {
    let Some(kind) = resource.kind() else {
        let path = resource.path();
        let message = format!("forbidden: User \"{user}\" cannot {verb} path \"{path}\"");
        return Status::new(403, "Forbidden", message).with_details(Details::default());
    };
    let name = resource.name().unwrap_or_default();
    let subject = if name.is_empty() { kind.to_owned() } else { format!("{kind} \"{name}\"") };
    let scope = match resource.namespace() {
        Some(namespace) => format!("in the namespace \"{namespace}\""),
        None => "at the cluster scope".to_owned(),
    };
    let message = format!(
        "{subject} is forbidden: User \"{user}\" cannot {verb} resource \"{kind}\" in API group \"\" {scope}"
    );
    let details =
        Details { name: name.to_owned(), kind: kind.to_owned().into(), ..Details::default() };
    Status::new(403, "Forbidden", message).with_details(details)
}
