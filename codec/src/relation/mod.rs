//! Whether a consumer calls a provider, with which share of its calls, and if not, the one reason.
//!
//! It judges what it is given. It never reads a Pod, and never asks what time it is.

pub(crate) mod obstacle;
mod party;
#[cfg(test)]
mod tests;
mod texts;

use alloc::string::ToString;
use alloc::vec::Vec;

pub use obstacle::{Mismatch, Obstacle};
pub use party::{Consumer, PodState, Provider, effective};

use crate::Query;
use crate::code::Code;
use crate::dubbo_go::{self, Identity};
use crate::problem::Problem;

/// How a reader of the registry selects providers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rules {
    /// The time, in milliseconds since the epoch, for providers that are still warming up; zero: all are warm.
    pub now_ms: u64,
    /// Whether a consumer reads its own namespace only, as dubbo-go does unless `DUBBO_NAMESPACE` names more.
    pub own_namespace: bool,
    /// Whether providers have to be ready. dubbo-go does not ask.
    pub ready_only: bool,
}

impl Rules {
    /// Those of dubbo-go as it comes, at this time.
    pub const fn dubbo_go(now_ms: u64) -> Self {
        Self { now_ms, own_namespace: true, ready_only: false }
    }
}

/// What a consumer does with a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Relation {
    /// It calls it; the weight is that of this moment in thousandths, warm-up included. Its share is this of the
    /// sum of all.
    Calls(u64),
    /// It never calls it.
    Never(Mismatch),
}

impl Relation {
    /// The weight; zero if it is never called.
    pub const fn weight(&self) -> u64 {
        match self {
            Self::Calls(weight) => *weight,
            Self::Never(_) => 0,
        }
    }
}

/// What a consumer does with each of these providers, in their order.
pub fn relations(
    consumer: &Consumer<'_>,
    providers: &[Provider<'_>],
    rules: Rules,
) -> Vec<Relation> {
    let pair = |provider: &Provider<'_>| mismatch(consumer, provider, rules);
    let mut found: Vec<Option<Mismatch>> = providers.iter().map(pair).collect();
    let tagged = |(provider, mismatch): &(&Provider<'_>, &Option<Mismatch>)| {
        mismatch.is_none() && provider.tag.is_some()
    };
    // As Dubbo's tag router: those of the consumer's tag if there are any, else those without a tag.
    if providers.iter().zip(&found).any(|pair| tagged(&pair)) {
        for (provider, mismatch) in providers.iter().zip(&mut found) {
            if mismatch.is_none() && provider.tag.is_none() {
                let asked = consumer.tag.as_deref().unwrap_or_default();
                *mismatch = Some(Mismatch::new(Obstacle::Tag, asked, ""));
            }
        }
    }
    let relation = |(provider, mismatch): (&Provider<'_>, Option<Mismatch>)| {
        mismatch.map_or_else(|| Relation::Calls(provider.effective(rules.now_ms)), Relation::Never)
    };
    providers.iter().zip(found).map(relation).collect()
}

/// Why this consumer does not call this provider, whatever others there are; none if it does.
pub fn mismatch(
    consumer: &Consumer<'_>,
    provider: &Provider<'_>,
    rules: Rules,
) -> Option<Mismatch> {
    of_service(consumer, provider)
        .or_else(|| {
            (rules.own_namespace && !provider.in_namespace(&consumer.namespace)).then(|| {
                Mismatch::new(
                    Obstacle::Namespace,
                    consumer.namespace.clone(),
                    provider.pod.namespace.clone(),
                )
            })
        })
        .or_else(|| Some(Mismatch::new(provider.obstacle(rules)?, "", "")))
        .or_else(|| {
            let (asked, found) = (consumer.tag.as_deref(), provider.tag.as_deref());
            (found.is_some() && asked != found).then(|| {
                Mismatch::new(Obstacle::Tag, asked.unwrap_or_default(), found.unwrap_or_default())
            })
        })
}

/// In what of the service and its protocol the provider is not what is asked for.
fn of_service(consumer: &Consumer<'_>, provider: &Provider<'_>) -> Option<Mismatch> {
    let (asked, found) = (&consumer.service, &provider.service);
    let text = |part: Option<&str>| part.unwrap_or_default().to_string();
    let mismatch = |obstacle, asked: Option<&str>, found: Option<&str>| {
        Some(Mismatch { obstacle, asked: text(asked), found: text(found) })
    };
    let query = Query::from(asked.clone());
    if !query.takes_interface(found) {
        return mismatch(Obstacle::Interface, Some(&asked.interface), Some(&found.interface));
    }
    if !query.takes_group(found) {
        return mismatch(Obstacle::Group, asked.group(), found.group());
    }
    if !query.takes_version(found) {
        return mismatch(Obstacle::Version, asked.version(), found.version());
    }
    if let Some(protocol) = &consumer.protocol
        && !provider.speaks(protocol)
    {
        return mismatch(Obstacle::Protocol, Some(protocol), Some(&provider.protocol));
    }
    let category = provider.category.as_deref()?;
    mismatch(Obstacle::Category, Some("providers"), Some(category))
}

/// Why a consumer finds no provider to call, if so: the nearest of all reasons. Where it finds some, and they are such
/// that dubbo-go takes none of them, that. A consumer of every interface asks for none.
pub fn lint<'a, 'b: 'a>(
    consumer: &Consumer<'_>,
    providers: impl IntoIterator<Item = &'a Provider<'b>>,
    rules: Rules,
) -> Option<Problem> {
    if consumer.service.interface == "*" {
        return None;
    }
    let mut nearest: Option<Mismatch> = None;
    let mut not_taken: Vec<&Identity> = Vec::new();
    for provider in providers {
        let Some(found) = mismatch(consumer, provider, rules) else {
            let (asked, own) = (consumer.dubbo_go.as_deref()?, provider.dubbo_go.as_deref()?);
            own.mismatch(asked)?;
            not_taken.push(own);
            continue;
        };
        if nearest.as_ref().is_none_or(|it| it.obstacle < found.obstacle) {
            nearest = Some(found);
        }
    }
    if let (false, Some(asked)) = (not_taken.is_empty(), consumer.dubbo_go.as_deref()) {
        return dubbo_go::takes_none(asked, not_taken);
    }
    let problem = |code: Code| Some(Problem::new(code).about(&consumer.service));
    let Some(nearest) = nearest.filter(|it| it.obstacle != Obstacle::Interface) else {
        return problem(Code::ConsumerWithoutProvider);
    };
    let code = match nearest.obstacle {
        Obstacle::Group | Obstacle::Version => Code::GroupOrVersionMismatch,
        Obstacle::Protocol => Code::ProtocolMismatch,
        Obstacle::Namespace => Code::ProviderInOtherNamespace,
        _ => Code::NoUsableProvider,
    };
    problem(code).map(|problem| problem.because(nearest))
}
