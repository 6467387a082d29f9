//! Posts every change of the registry to a URL, as JSON: a handler of `dubbo-watcher`.
//!
//! ```text
//! dubbo-watcher watch --handler webhook.wasm=https://hooks.example.com/dubbo --allow-host hooks.example.com
//! ```
//!
//! A snapshot is one POST of `{"event":"snapshot","services":[…]}`, a batch of changes one of
//! `{"event":"changes","changes":[…]}`. An answer of 2xx means that it was taken in; everything else is
//! tried again by the host. It must never keep what was not taken in: the host does.

mod message;
mod post;
mod wit;

use std::cell::RefCell;

use self::wit::Webhook;
use self::wit::exports::dubbo::registry::handler::{Change, Guest, Service};

thread_local! {
    /// Where to post to, from `init` on.
    static URL: RefCell<String> = RefCell::default();
}

impl Guest for Webhook {
    fn init(config: String) -> Result<(), String> {
        if config.is_empty() {
            return Err("no URL: --handler webhook.wasm=URL".to_owned());
        }
        URL.set(config);
        Ok(())
    }

    fn snapshot(services: Vec<Service>) -> Result<(), String> {
        URL.with_borrow(|url| post::post(url, &message::snapshot(&services)))
    }

    fn changed(changes: Vec<Change>) -> Result<(), String> {
        URL.with_borrow(|url| post::post(url, &message::changes(&changes)))
    }

    fn health() -> Result<(), String> {
        Ok(())
    }
}
