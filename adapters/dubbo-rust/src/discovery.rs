//! From the live registry to dubbo-rust's directory: the task behind one subscription. It must never end the stream or
//! put an error into it while the registry lives: dubbo-rust would not look for providers of the service again.

use dubbo::StdError;
use dubbo::extension::registry_extension::{DiscoverStream, ServiceChange};
use dubbo::logger::tracing::warn;
use dubbo_k8s_codec::{Category, Url};
use dubbo_k8s_engine::catalog::{Change, ChangeKind};
use dubbo_k8s_registry::{Subscription, Update};
use futures_util::StreamExt as _;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::callable::callable;
use crate::delivery::Delivery;

/// Changes that wait in a channel are old by the time they are read: dubbo-rust reads only when it calls.
const WAITING: usize = 1;

/// What a subscription yields, as dubbo-rust's directory takes it. The task ends with the stream.
pub(crate) fn discover(updates: Subscription) -> (DiscoverStream, JoinHandle<()>) {
    let (changes, stream) = mpsc::channel(WAITING);
    (stream, tokio::spawn(follow(updates, changes)))
}

async fn follow(mut updates: Subscription, changes: mpsc::Sender<Result<ServiceChange, StdError>>) {
    let mut delivery = Delivery::default();
    loop {
        tokio::select! {
            update = updates.next() => match update {
                Some(update) => take(update, &mut delivery),
                None => return,
            },
            permit = changes.reserve(), if delivery.is_due() => match permit {
                Ok(permit) => if let Some(change) = delivery.next() { permit.send(Ok(change)) },
                Err(_) => return,
            },
            () = changes.closed() => return,
        }
    }
}

fn take(update: Update, delivery: &mut Delivery) {
    match update {
        Update::Snapshot(snapshot) => {
            delivery.replace(snapshot.providers().filter_map(|provider| judged(provider.url())));
        }
        Update::Change(change) => match (change.kind, provider(&change)) {
            (ChangeKind::Added, Some(url)) => delivery.add(url),
            (ChangeKind::Removed, Some(url)) => delivery.remove(url),
            // The value of a record says nothing about the provider.
            (ChangeKind::Updated, _) | (_, None) => {}
        },
        Update::Disconnected { error, .. } | Update::Failed { error, .. } => {
            warn!("the Kubernetes registry goes on with what is known: {error}");
        }
        _ => {}
    }
}

/// The URL by which dubbo-rust calls the provider that has come or gone, if it is one.
fn provider(change: &Change) -> Option<String> {
    change.facts.leaf_category().filter(|category| *category == Category::Providers)?;
    judged(&Url::parse(change.url()?).ok()?)
}

fn judged(url: &Url<'_>) -> Option<String> {
    let judged = callable(url);
    if let Err(why) = &judged {
        warn!(
            "{}://{} provides {} and is not called: {why}",
            url.scheme(),
            url.host(),
            url.service()
        );
    }
    judged.ok()
}
