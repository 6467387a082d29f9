//! LIST and GET: which state answers which resourceVersion, and how it is paged. Changes nothing.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, Response, header};
use serde_json::{Map, Value, json};

use super::accept;
use super::answer::{self, Body};
use super::continuation::Token;
use super::object::{Encoding, Form, Object, Place, Representation};
use super::request::{ListOptions, Match, Request, parse_version};
use super::shared::Shared;
use super::status::Status;
use super::store::Snapshot;
use super::{json, protobuf};

/// Answers longer than this are compressed for a client that accepts gzip.
const MIN_COMPRESSED: usize = 128 * 1024;

/// About how long the chunks of a long list are.
const CHUNK: usize = 64 * 1024;

/// A LIST of one namespace, or of all.
pub(crate) async fn list(
    shared: &Shared,
    request: &Request,
    namespace: Option<&str>,
) -> Result<Response<Body>, Status> {
    let shape = accept::negotiate(&request.accept, &shared.options)?.of_list()?;
    let options = ListOptions::parse(&request.query, false, shared.options.streaming_list)?;
    let scope = Scope::choose(shared, &options).await?;
    let page = Page::cut(&scope, &options, namespace);
    if page.length(shape) > MIN_COMPRESSED && accepts_gzip(request) {
        return Ok(compressed(shared, request, page, shape).await);
    }
    Ok(answer::ok(shape.encoding, page.body(shape)))
}

/// A GET of one Pod.
pub(crate) async fn get(
    shared: &Shared,
    request: &Request,
    namespace: &str,
    name: &str,
) -> Result<Response<Body>, Status> {
    let shape = accept::negotiate(&request.accept, &shared.options)?.of_object()?;
    let version = version_of(request.query.get("resourceVersion"))?;
    reach(shared, version).await?;
    let pod = shared.store.get(namespace, name).ok_or_else(|| Status::not_found(name))?;
    let body = print(&pod, shape);
    if body.len() > MIN_COMPRESSED && accepts_gzip(request) {
        return Ok(gzip_answer(shape.encoding, Bytes::from(gzip([Bytes::from(body)]))));
    }
    Ok(answer::ok(shape.encoding, answer::json(body)))
}

/// The answer with one object, as GET and PATCH give it.
pub(crate) fn object(pod: &Object, shape: Representation) -> Response<Body> {
    answer::ok(shape.encoding, answer::json(print(pod, shape)))
}

/// One object: a line of JSON, or the message in its envelope.
fn print(pod: &Object, shape: Representation) -> Vec<u8> {
    match shape.encoding {
        Encoding::Json => {
            let mut body = Vec::with_capacity(pod.printed_length(shape.form) + 64);
            pod.write(shape.form, Place::Alone, pod.version, &mut body);
            body.push(b'\n');
            body
        }
        Encoding::Protobuf => shape.form.wrap(&pod.message(shape.form, pod.version)),
    }
}

/// A list of all Pods in one page as JSON, in pieces.
pub(crate) fn all(snapshot: &Snapshot, form: Form) -> impl Iterator<Item = Bytes> + Send + use<> {
    let pods = snapshot.pods(None, None).cloned().collect();
    Page { version: snapshot.version, next: None, remaining: None, pods }.lines(form)
}

/// Waits until the store has reached `version`; 504 when it does not in time.
pub(crate) async fn reach(shared: &Shared, version: u64) -> Result<(), Status> {
    let mut changes = shared.store.subscribe();
    let reached = async {
        while shared.store.resource_version() < version {
            if changes.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::time::timeout(shared.options.future_wait, reached)
        .await
        .map_err(|_| Status::too_large(version, shared.store.resource_version()))
}

fn version_of(text: &str) -> Result<u64, Status> {
    parse_version(text)
        .map_err(|message| Status::bad_request(format!("invalid resource version: {message}")))
}

/// The state that is listed, and where the page begins.
struct Scope {
    snapshot: Snapshot,
    start: Option<String>,
    limit: usize,
}

impl Scope {
    async fn choose(shared: &Shared, options: &ListOptions) -> Result<Self, Status> {
        if !options.continue_token.is_empty() {
            return Self::continued(shared, options);
        }
        let version = version_of(&options.resource_version)?;
        reach(shared, version).await?;
        // A version with a limit and no match is exact, for the sake of old clients.
        let exact = match options.version_match {
            Match::Exact => true,
            Match::NotOlderThan => false,
            Match::Unset => options.limit > 0 && version > 0,
        };
        let snapshot = if exact {
            shared.store.snapshot_at(version).ok_or_else(Status::expired_list)?
        } else {
            shared.store.snapshot()
        };
        // The watch cache, which answers version 0, knows no pages.
        let limit = if options.resource_version == "0" { 0 } else { options.limit };
        Ok(Self { snapshot, start: None, limit })
    }

    fn continued(shared: &Shared, options: &ListOptions) -> Result<Self, Status> {
        if !matches!(options.resource_version.as_str(), "" | "0") {
            return Err(Status::bad_request(
                "specifying resource version is not allowed when using continue",
            ));
        }
        let token = Token::decode(&options.continue_token)?;
        let snapshot = match token.version() {
            None => shared.store.snapshot(),
            Some(version) => shared
                .store
                .snapshot_at(version)
                .ok_or_else(|| Status::expired_token(token.inconsistent().encode()))?,
        };
        Ok(Self { snapshot, start: Some(token.start().to_owned()), limit: options.limit })
    }
}

/// The Pods of one answer.
struct Page {
    version: u64,
    next: Option<String>,
    remaining: Option<usize>,
    pods: Vec<Arc<Object>>,
}

impl Page {
    fn cut(scope: &Scope, options: &ListOptions, namespace: Option<&str>) -> Self {
        let version = scope.snapshot.version;
        let mut all = scope
            .snapshot
            .pods(namespace, scope.start.as_deref())
            .filter(|pod| options.selector.matches(pod));
        if scope.limit == 0 {
            return Self { version, next: None, remaining: None, pods: all.cloned().collect() };
        }
        let pods: Vec<Arc<Object>> = all.by_ref().take(scope.limit).cloned().collect();
        let rest = all.count();
        let last = pods.last().filter(|_| rest > 0);
        let next = last.map(|pod| {
            let key = match namespace {
                Some(_) => pod.name.to_string(),
                None => pod.key(),
            };
            Token::after(&key, version).encode()
        });
        let remaining = (rest > 0 && options.selector.is_empty()).then_some(rest);
        Self { version, next, remaining, pods }
    }

    fn metadata(&self) -> Value {
        let mut metadata = Map::new();
        metadata.insert("resourceVersion".to_owned(), json!(self.version.to_string()));
        if let Some(token) = &self.next {
            metadata.insert("continue".to_owned(), json!(token));
        }
        if let Some(remaining) = self.remaining {
            metadata.insert("remainingItemCount".to_owned(), json!(remaining));
        }
        metadata.into()
    }

    fn opening(&self, form: Form) -> Vec<u8> {
        let mut opening = match form {
            Form::Full => br#"{"kind":"PodList","apiVersion":"v1","metadata":"#.to_vec(),
            Form::Metadata => {
                br#"{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1","metadata":"#
                    .to_vec()
            }
        };
        opening.extend(json::compact(&self.metadata()));
        opening.extend_from_slice(br#","items":["#);
        opening
    }

    /// About how long it is.
    fn length(&self, shape: Representation) -> usize {
        self.pods.iter().map(|pod| pod.printed_length(shape.form) + 1).sum()
    }

    /// The body in pieces, printed as they are taken.
    fn pieces(self, shape: Representation) -> Box<dyn Iterator<Item = Bytes> + Send> {
        match shape.encoding {
            Encoding::Json => Box::new(self.lines(shape.form)),
            Encoding::Protobuf => Box::new(std::iter::once(self.message(shape.form))),
        }
    }

    /// The whole list as protobuf: its length stands at its beginning.
    fn message(&self, form: Form) -> Bytes {
        let mut list = protobuf::bytes(1, &protobuf::list_meta(&self.metadata()));
        for pod in &self.pods {
            list.extend(protobuf::bytes(2, &pod.message(form, pod.version)));
        }
        let (opening, closing) = match form {
            Form::Full => protobuf::envelope("v1", "PodList"),
            Form::Metadata => protobuf::envelope("meta.k8s.io/v1", "PartialObjectMetadataList"),
        };
        [&opening[..], &protobuf::bytes(2, &list), &closing].concat().into()
    }

    /// The text in pieces.
    fn lines(self, form: Form) -> impl Iterator<Item = Bytes> + Send + use<> {
        let mut opening = Some(self.opening(form));
        let mut pods = self.pods.into_iter().enumerate();
        let mut done = false;
        std::iter::from_fn(move || {
            if done {
                return None;
            }
            let mut piece = opening.take().unwrap_or_default();
            piece.reserve(CHUNK);
            while piece.len() < CHUNK {
                let Some((position, pod)) = pods.next() else {
                    piece.extend_from_slice(b"]}\n");
                    done = true;
                    break;
                };
                if position > 0 {
                    piece.push(b',');
                }
                pod.write(form, Place::Item, pod.version, &mut piece);
            }
            Some(Bytes::from(piece))
        })
    }

    fn body(self, shape: Representation) -> Body {
        if self.length(shape) <= CHUNK {
            let whole: Vec<u8> = self.pieces(shape).flatten().collect();
            return answer::json(whole);
        }
        answer::open(stream::iter(self.pieces(shape).flat_map(chunks).map(Ok)))
    }
}

/// Bytes in pieces of at most a chunk.
fn chunks(mut bytes: Bytes) -> impl Iterator<Item = Bytes> + Send {
    std::iter::from_fn(move || {
        let length = bytes.len().min(2 * CHUNK);
        (length > 0).then(|| bytes.split_to(length))
    })
}

/// Only the exact word is understood: no quality, no case, no star.
fn accepts_gzip(request: &Request) -> bool {
    request.accept_encoding.split(',').any(|token| token.trim() == "gzip")
}

/// Compresses each version of each list once: a benchmark that fetches it again measures itself.
async fn compressed(
    shared: &Shared,
    request: &Request,
    page: Page,
    shape: Representation,
) -> Response<Body> {
    let key = (request.target.clone(), shape, page.version);
    if let Some(body) = shared.compressed.get(&key) {
        return gzip_answer(shape.encoding, body);
    }
    let packed = tokio::task::spawn_blocking(move || gzip(page.pieces(shape))).await;
    let body = Bytes::from(packed.unwrap_or_default());
    shared.compressed.put(key, body.clone());
    gzip_answer(shape.encoding, body)
}

fn gzip_answer(encoding: Encoding, body: Bytes) -> Response<Body> {
    let mut response = answer::ok(encoding, answer::open(stream::iter(chunks(body).map(Ok))));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    response
}

/// One gzip member of all pieces.
pub(crate) fn gzip(pieces: impl IntoIterator<Item = Bytes>) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for piece in pieces {
        if encoder.write_all(&piece).is_err() {
            break;
        }
    }
    encoder.finish().unwrap_or_default()
}
