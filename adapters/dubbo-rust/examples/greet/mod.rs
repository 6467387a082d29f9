//! The service `greet.GreetService` of dubbo-go's samples, as `dubbo-build` would generate it from `greet.proto`: without
//! protoc. Provider and consumer share it.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use dubbo::codegen::{
    Body, BoxFuture, ClientBuilder, Request, Response, RpcInvocation, Service, StdError,
    TripleClient, TripleServer, UnarySvc, empty_body,
};
use dubbo::status::Status;
use http::uri::PathAndQuery;
use serde::{Deserialize, Serialize};

/// The interface.
pub(crate) const INTERFACE: &str = "greet.GreetService";

/// Warnings and errors of dubbo-rust and of the registry; the output is for programs.
pub(crate) fn log_to_stderr() {
    let log = tracing_subscriber::fmt().with_writer(std::io::stderr);
    log.with_max_level(tracing_subscriber::filter::LevelFilter::WARN).init();
}

const GREET: &str = "/greet.GreetService/Greet";

#[derive(Clone, PartialEq, Serialize, Deserialize, prost::Message)]
pub(crate) struct GreetRequest {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
}

#[derive(Clone, PartialEq, Serialize, Deserialize, prost::Message)]
pub(crate) struct GreetResponse {
    #[prost(string, tag = "1")]
    pub(crate) greeting: String,
}

/// A consumer of the service.
#[derive(Clone)]
pub(crate) struct GreetClient(TripleClient);

impl GreetClient {
    #[allow(dead_code, reason = "the provider calls nothing")]
    pub(crate) fn new(builder: ClientBuilder) -> Self {
        Self(TripleClient::new(builder))
    }

    #[allow(dead_code, reason = "the provider calls nothing")]
    pub(crate) async fn greet(&mut self, name: &str) -> Result<String, Status> {
        let invocation = RpcInvocation::default()
            .with_service_unique_name(INTERFACE.to_owned())
            .with_method_name("Greet".to_owned());
        let request = Request::new(GreetRequest { name: name.to_owned() });
        let path = PathAndQuery::from_static(GREET);
        let response: Response<GreetResponse> = self.0.unary(request, path, invocation).await?;
        Ok(response.into_parts().1.greeting)
    }
}

/// What a provider of the service does.
type Greet = dyn Fn(GreetRequest) -> Result<GreetResponse, Status> + Send + Sync;

/// A provider of the service, for dubbo-rust's server.
#[derive(Clone)]
pub(crate) struct GreetServer(Arc<Greet>);

impl GreetServer {
    /// Makes a provider known to dubbo-rust, which serves it when `Dubbo::start` is called.
    #[allow(dead_code, reason = "the consumer provides nothing")]
    pub(crate) fn register(
        greet: impl Fn(GreetRequest) -> Result<GreetResponse, Status> + Send + Sync + 'static,
    ) -> Result<(), StdError> {
        use dubbo::protocol::triple::TRIPLE_SERVICES;
        use dubbo::utils::boxed_clone::BoxCloneService;
        let service = BoxCloneService::new(Self(Arc::new(greet)));
        let mut services = TRIPLE_SERVICES.write().map_err(|_| "dubbo-rust's services are lost")?;
        services.insert(INTERFACE.to_owned(), service);
        Ok(())
    }
}

impl<B> Service<http::Request<B>> for GreetServer
where
    B: Body + Send + 'static,
    B::Error: Into<StdError> + Send + 'static,
{
    type Response = http::Response<dubbo::BoxBody>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let method = Method(Arc::clone(&self.0));
        Box::pin(async move {
            if request.uri().path() == GREET {
                let mut server = TripleServer::<GreetRequest, GreetResponse>::new();
                return Ok(server.unary(method, request).await);
            }
            let mut unimplemented = http::Response::new(empty_body());
            let headers = unimplemented.headers_mut();
            headers.insert("grpc-status", http::HeaderValue::from_static("12"));
            headers.insert("content-type", http::HeaderValue::from_static("application/grpc"));
            Ok(unimplemented)
        })
    }
}

struct Method(Arc<Greet>);

impl UnarySvc<GreetRequest> for Method {
    type Response = GreetResponse;
    type Future = BoxFuture<Response<GreetResponse>, Status>;

    fn call(&mut self, request: Request<GreetRequest>) -> Self::Future {
        let greet = Arc::clone(&self.0);
        Box::pin(async move { greet(request.into_inner()).map(Response::new) })
    }
}
