//! `SelfSubjectAccessReview`: a user asks what they may do. Every authenticated user may ask, as
//! by the cluster role `system:basic-user` of a real server; nothing is kept. `TokenReview` and
//! `SubjectAccessReview`: a server asks about others, which takes the right to everything here.

use http::Response;
use serde_json::{Value, json};

use super::answer::{self, Body};
use super::json;
use super::object::Encoding;
use super::request::{IDENTITY_PATH, Request, TOKEN_PATH, Verb};
use super::status::Status;
use super::{Access, access::ANONYMOUS};

/// What a token without an audience of its own is for.
const OWN_AUDIENCE: &str = "https://kubernetes.default.svc.cluster.local";

/// Answers a review of another user or their token.
pub(crate) fn review_others(access: &Access, request: &Request) -> Result<Response<Body>, Status> {
    let mut review: Value = serde_json::from_slice(&request.body)
        .map_err(|error| Status::bad_request(error.to_string()))?;
    let text = |at: &str| json::at(&review, at).as_str().unwrap_or_default().to_owned();
    let status = if request.target == TOKEN_PATH {
        let audiences =
            json::at(&review, "/spec/audiences").as_array().cloned().unwrap_or_default();
        let is_meant = audiences.is_empty() || audiences.contains(&json!(OWN_AUDIENCE));
        match access.user_of(&text("/spec/token")).filter(|_| is_meant) {
            Some(user) => json!({"authenticated": true, "audiences": [OWN_AUDIENCE],
                "user": {"username": user, "groups": ["system:authenticated"]}}),
            None => json!({"user": {}, "error": "[invalid bearer token, unknown]"}),
        }
    } else {
        let user = text("/spec/user");
        let verb = Verb::from_name(&text("/spec/resourceAttributes/verb"));
        let namespace = text("/spec/resourceAttributes/namespace");
        let namespace = Some(&*namespace).filter(|namespace| !namespace.is_empty());
        let pods = text("/spec/resourceAttributes/resource") == "pods";
        let path = text("/spec/nonResourceAttributes/path");
        let allowed = pods && verb.is_some_and(|verb| access.allows(&user, verb, namespace))
            || !path.is_empty() && access.is_admin(&user);
        json!({"allowed": allowed})
    };
    json::object_at(&mut review, &[]).insert("status".to_owned(), status);
    Ok(created(&review))
}

/// Answers a review of what `user` may do to pods; about all else the answer is no. On
/// [`IDENTITY_PATH`] the answer is the user.
pub(crate) fn review(
    access: &Access,
    user: &str,
    request: &Request,
) -> Result<Response<Body>, Status> {
    if request.verb != Verb::Create {
        let message = "the server does not allow this method on the requested resource";
        return Err(Status::new(405, "MethodNotAllowed", message));
    }
    if user == ANONYMOUS {
        let message = "selfsubjectaccessreviews.authorization.k8s.io is forbidden: User \"system:anonymous\" \
                       cannot create resource \"selfsubjectaccessreviews\" in API group \
                       \"authorization.k8s.io\" at the cluster scope";
        return Err(Status::new(403, "Forbidden", message));
    }
    let mut review: Value = serde_json::from_slice(&request.body)
        .map_err(|error| Status::bad_request(error.to_string()))?;
    if request.target == IDENTITY_PATH {
        let info = json::object_at(&mut review, &["status", "userInfo"]);
        info.insert("username".to_owned(), json!(user));
        return Ok(created(&review));
    }
    let attributes = json::at(&review, "/spec/resourceAttributes");
    if !attributes.is_object() {
        return Err(Status::bad_request(
            "spec.resourceAttributes: exactly one of nonResourceAttributes or resourceAttributes must be specified",
        ));
    }
    let text =
        |name: &str| attributes.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let pods = text("resource") == Some("pods") && text("group").is_none();
    let verb = text("verb").and_then(Verb::from_name);
    let reviews = [
        (Some("authentication.k8s.io"), Some("tokenreviews")),
        (Some("authorization.k8s.io"), Some("subjectaccessreviews")),
    ];
    let allowed = pods && verb.is_some_and(|verb| access.allows(user, verb, text("namespace")))
        || reviews.contains(&(text("group"), text("resource"))) && access.is_admin(user);
    json::object_at(&mut review, &["metadata"]).clear();
    let status = json::object_at(&mut review, &["status"]);
    status.insert("allowed".to_owned(), json!(allowed));
    if allowed {
        let reason = format!("RBAC: allowed to User \"{user}\"");
        status.insert("reason".to_owned(), json!(reason));
    }
    Ok(created(&review))
}

fn created(review: &Value) -> Response<Body> {
    let mut body = json::compact(review);
    body.push(b'\n');
    let mut response = answer::ok(Encoding::Json, answer::json(body));
    *response.status_mut() = http::StatusCode::CREATED;
    response
}

#[cfg(test)]
mod tests {
    use super::super::Grant;
    use super::*;
    use bytes::Bytes;
    use http_body_util::BodyExt as _;

    async fn ask(user: &str, attributes: Value) -> (u16, Value) {
        let access = Access::default();
        access.grant(Grant::pods("ann", [Verb::List, Verb::Watch], ["shop"]));
        access.grant(Grant::all("root"));
        let head = http::Request::post(super::super::request::ACCESS_PATH)
            .body(())
            .unwrap()
            .into_parts()
            .0;
        let body = json!({"spec": {"resourceAttributes": attributes}}).to_string();
        let request = Request::new(&head, None, Bytes::from(body));
        match review(&access, user, &request) {
            Ok(response) => {
                let code = response.status().as_u16();
                let body = response.into_body().collect().await.unwrap().to_bytes();
                (code, serde_json::from_slice(&body).unwrap())
            }
            Err(status) => (status.code, Value::Null),
        }
    }

    #[tokio::test]
    async fn a_review_answers_what_a_request_would_meet() {
        for (user, verb, namespace, allowed) in [
            ("ann", "list", "shop", true),
            ("ann", "patch", "shop", false),
            ("ann", "list", "other", false),
            ("ann", "list", "", false),
            ("root", "patch", "", true),
            ("bob", "get", "shop", false),
        ] {
            let attributes = json!({"resource": "pods", "verb": verb, "namespace": namespace});
            let (code, body) = ask(user, attributes).await;
            assert_eq!((code, &body["status"]["allowed"]), (201, &json!(allowed)), "{user} {verb}");
        }
        let (_, secrets) = ask("root", json!({"resource": "secrets", "verb": "get"})).await;
        assert_eq!(secrets["status"]["allowed"], json!(false));
        assert_eq!(ask(ANONYMOUS, json!({})).await.0, 403);
        assert_eq!(ask("ann", Value::Null).await.0, 400);
    }
}
