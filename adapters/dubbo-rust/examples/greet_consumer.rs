//! A consumer of `greet.GreetService`: calls one of its providers again and again, and prints a line of JSON for each
//! call: `{"call":1,"ok":true,"from":"…","attempts":1}`, with an `error` where it failed.
//!
//! ```text
//! cargo run --example greet_consumer -- --calls 10 --registry 'kubernetes://in-cluster?namespace=shop'
//! ```
#![allow(clippy::print_stdout, reason = "it is a program for a terminal")]

mod greet;

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use argh::FromArgs;
use dubbo::StdError;
use dubbo::codegen::ClientBuilder;
use futures_util::FutureExt as _;
use greet::GreetClient;
use serde_json::json;

/// Calls greet.GreetService over Triple.
#[derive(FromArgs)]
struct Arguments {
    /// the registry; by default that of the service account
    #[argh(option, default = "String::from(\"kubernetes://in-cluster\")")]
    registry: String,
    /// how many calls; 0 is no end
    #[argh(option, default = "0")]
    calls: u64,
    /// the pause between two calls, in milliseconds
    #[argh(option, default = "20")]
    every_ms: u64,
    /// how long one attempt may take, in milliseconds: a provider that is waited for included
    #[argh(option, default = "5000")]
    timeout_ms: u64,
    /// how often a call that has failed is tried again
    #[argh(option, default = "2")]
    retries: u64,
    /// the pause before that, in milliseconds: dubbo-rust may try the same provider until the registry has changed
    #[argh(option, default = "200")]
    retry_after_ms: u64,
    /// whom to greet
    #[argh(option, default = "String::from(\"world\")")]
    name: String,
}

#[tokio::main]
async fn main() -> Result<(), StdError> {
    let arguments: Arguments = argh::from_env();
    greet::log_to_stderr();
    dubbo_registry_kubernetes::install().await?;
    let builder = ClientBuilder::new().with_registry(arguments.registry.parse()?);
    let client = GreetClient::new(builder);
    for call in (1..).take_while(|call| arguments.calls == 0 || *call <= arguments.calls) {
        println!("{}", called(&client, &arguments, call).await);
        tokio::time::sleep(Duration::from_millis(arguments.every_ms)).await;
    }
    Ok(())
}

/// One call, with its retries.
async fn called(client: &GreetClient, arguments: &Arguments, call: u64) -> serde_json::Value {
    let mut attempts = 1;
    loop {
        match attempt(client.clone(), arguments).await {
            Ok(from) => {
                return json!({"call": call, "ok": true, "from": from, "attempts": attempts});
            }
            Err(error) if attempts > arguments.retries => {
                return json!({"call": call, "ok": false, "error": error, "attempts": attempts});
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(arguments.retry_after_ms)).await,
        }
        attempts += 1;
    }
}

/// Where a connection is refused, dubbo 0.4 panics in the task that calls.
async fn attempt(mut client: GreetClient, arguments: &Arguments) -> Result<String, String> {
    let call = AssertUnwindSafe(client.greet(&arguments.name)).catch_unwind();
    let timeout = Duration::from_millis(arguments.timeout_ms);
    let answered = tokio::time::timeout(timeout, call).await.map_err(|late| late.to_string())?;
    let status = answered.map_err(|_| "dubbo-rust has panicked: no connection".to_owned())?;
    status.map_err(|status| status.to_string())
}
