//! The handlers of `watch` and `serve`: compiled before anything else is done, so that a mistake is said at
//! once, and heard on stderr from then on.

use dubbo_k8s_engine::Notice;
use dubbo_k8s_registry::kube::Driver;
use dubbo_k8s_registry::{Feed, LogLimits, Registry};
use dubbo_k8s_watcher::handlers::{Handlers, LogMessage, Options, Prepared};
use dubbo_k8s_watcher::sandbox::Compiler;

use super::{
    arguments::Handling,
    ended::Ended,
    plain::{plain, plain_lines},
    terminal,
};

/// Reads and compiles them; `None` without any.
pub(super) async fn prepare(arguments: &Handling) -> Result<Option<Prepared>, Ended> {
    if arguments.handlers.is_empty() {
        return Ok(None);
    }
    let options = Options {
        allowed_hosts: arguments.allowed_hosts.clone(),
        folder: arguments.handler_dir.clone(),
        compiler: Compiler::confined()?,
        ..Options::default()
    };
    let specs = arguments.handlers.clone();
    let loading = tokio::task::spawn_blocking(move || Prepared::load(&specs, options));
    match loading.await.map_err(std::io::Error::other)? {
        Ok(prepared) => Ok(Some(prepared)),
        Err(error) => {
            terminal::say_error(&plain_lines(&error.to_string()));
            Err(Ended::Misused)
        }
    }
}

/// Starts them on a registry.
pub(super) fn start(prepared: Prepared, registry: &Registry) -> Handlers {
    prepared.start(registry, say)
}

fn say(message: LogMessage<'_>) {
    let label = terminal::WARNING;
    let label = if message.failure { format!("{label}warning:{label:#} ") } else { String::new() };
    terminal::say(&format!("{label}handler {}: {}", message.handler, plain(message.text)));
}

/// Handlers of a caller that drives the driver itself.
pub(super) struct Fed {
    feed: Feed,
    _registry: Registry,
    _handlers: Handlers,
}

impl Fed {
    pub(super) fn start(prepared: Prepared, driver: &mut Driver) -> Self {
        let (registry, feed) = Registry::fed(driver, LogLimits::default());
        let handlers = start(prepared, &registry);
        Self { feed, _registry: registry, _handlers: handlers }
    }

    /// Passes on what the driver has just message.
    pub(super) fn publish(&mut self, driver: &Driver, notices: &[Notice]) {
        self.feed.publish(driver, &mut notices.to_vec());
    }
}
