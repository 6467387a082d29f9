//! Who calls whom: each consumer of an interface beside each of its providers, as the codec judges the pair.
//!
//! It decides nothing about a pair itself, and looks again only at interfaces in which something has changed.

use std::borrow::Cow;
use std::collections::BTreeMap;

use dubbo_k8s_codec::Category;
use dubbo_k8s_codec::problem::Problem;
use dubbo_k8s_codec::relation::{self, Consumer, Obstacle, PodState, Provider, Relation, Rules};

use super::reading::Role;
use super::{Endpoint, Lonely, Model, Pod};
use crate::verdict::Verdict;

/// An endpoint: its Pod, and its place among the Pod's endpoints.
type Member = (u32, u32);

/// The other side of a pair, and what comes of it.
#[derive(Debug)]
pub struct Call {
    /// The Pod, and the place among its endpoints.
    pub other: Member,
    /// What the consumer of the pair does.
    pub relation: Relation,
    /// The sum of all weights that the consumer has to choose from.
    pub total: u64,
}

/// All pairs of one endpoint, those that call first.
#[derive(Debug, Default)]
pub struct Calls {
    /// The pairs.
    pub pairs: Vec<Call>,
    /// How many of them call.
    pub calling: usize,
}

impl Model {
    /// Works out what follows from all Pods together, for the interfaces in which something has changed.
    pub fn settle(&mut self) {
        let several = self.pods.len() > 1;
        let mut changed = std::mem::take(&mut self.changed);
        if std::mem::replace(&mut self.several, several) != several {
            changed = self.by_name.values().copied().collect();
        }
        let mut interfaces: BTreeMap<String, u32> = BTreeMap::new();
        for id in changed {
            if let Some(node) = self.services.get(id as usize) {
                interfaces.insert(node.service.interface.to_string(), id);
            }
        }
        for interface in interfaces.keys() {
            self.compare(interface, several);
        }
    }

    /// Finds the consumers of an interface that call no provider.
    fn compare(&mut self, interface: &str, several: bool) {
        let services = self.of_interface(interface);
        let providers = self.distinct(&services, Category::Providers);
        let providers: Vec<Provider<'_>> =
            providers.iter().filter_map(|member| self.provider(*member)).collect();
        let lonely = |id: &u32| {
            let consumers = self.distinct(std::slice::from_ref(id), Category::Consumers);
            let each = consumers.into_iter().filter_map(|member| {
                let consumer = self.consumer(member).filter(|_| several)?;
                let problem = relation::lint(&consumer, &providers, Rules::dubbo_go(0))?;
                let traits = self.endpoint(member)?.1.traits;
                Some(Lonely { traits, namespace: (*consumer.namespace).into(), problem, member })
            });
            let mut all: Vec<Lonely> = each.collect();
            let severity = |(_, it): &(usize, &Lonely)| it.problem.code.severity();
            let worst = all.iter().enumerate().rev().max_by_key(severity).map(|(at, _)| at);
            if let Some(worst) = worst {
                all.swap(0, worst);
            }
            all
        };
        let all: Vec<Vec<Lonely>> = services.iter().map(lonely).collect();
        for (id, lonely) in services.iter().zip(all) {
            if let Some(node) = self.services.get_mut(*id as usize) {
                node.lonely = lonely;
            }
        }
    }

    /// The services of an interface, in whatever group and version.
    fn of_interface(&self, interface: &str) -> Vec<u32> {
        let start = format!("{interface}\0");
        let behind = format!("{interface}\u{1}");
        self.by_name.range(start..behind).map(|(_, id)| *id).collect()
    }

    fn members(&self, services: &[u32], category: Category) -> impl Iterator<Item = Member> {
        let nodes = services.iter().filter_map(|id| self.services.get(*id as usize));
        let all = nodes.flat_map(move |node| node.of(category).iter().copied());
        all.filter(|member| self.endpoint(*member).is_some_and(|(_, of)| !of.repeated))
    }

    /// One endpoint of each kind that a relation distinguishes, whatever its weight.
    fn distinct(&self, services: &[u32], category: Category) -> Vec<Member> {
        let mut seen: BTreeMap<String, u32> = BTreeMap::new();
        let is_new = |member: &Member| {
            let Some((pod, endpoint)) = self.endpoint(*member) else { return false };
            let own = [endpoint.believed, endpoint.refused, endpoint.weight > 0, pod.text.deleting];
            let state = [pod.text.ready == Some(false), has_ended(pod), pod.is_unread()];
            let mut kind = endpoint.traits.to_string();
            kind.extend(own.iter().chain(&state).map(|it| if *it { '+' } else { '-' }));
            kind.push_str(&pod.text.namespace);
            seen.insert(kind, 0).is_none()
        };
        self.members(services, category).filter(is_new).collect()
    }

    /// An endpoint and its Pod.
    pub fn endpoint(&self, (pod, place): Member) -> Option<(&Pod, &Endpoint)> {
        let pod = self.pods.get(pod as usize)?;
        Some((pod, pod.endpoints.get(place as usize)?))
    }

    fn consumer(&self, member: Member) -> Option<Consumer<'_>> {
        let (pod, endpoint) = self.endpoint(member)?;
        let Role::Consumer(of) = &self.traits.get(endpoint.traits as usize)?.role else {
            return None;
        };
        let mut consumer = of.borrowed();
        consumer.namespace = Cow::Borrowed(&pod.text.namespace);
        Some(consumer)
    }

    fn provider(&self, member: Member) -> Option<Provider<'_>> {
        let (pod, endpoint) = self.endpoint(member)?;
        let Role::Provider(of) = &self.traits.get(endpoint.traits as usize)?.role else {
            return None;
        };
        // It shares the texts of what it was made of.
        let mut provider: Provider<'_> = of.borrowed();
        (provider.weight, provider.registered_ms) = (endpoint.weight, endpoint.registered_ms);
        (provider.believed, provider.refused) = (endpoint.believed, endpoint.refused);
        provider.pod = pod_state(pod);
        Some(provider)
    }

    /// Why a consumer calls no provider, if so.
    pub fn lonely(&self, member: Member) -> Option<&Problem> {
        let (pod, endpoint) = self.endpoint(member)?;
        let node = self.services.get(endpoint.service as usize)?;
        let is_of =
            |it: &&Lonely| it.traits == endpoint.traits && it.namespace == pod.text.namespace;
        node.lonely.iter().find(is_of).map(|it| &it.problem)
    }

    /// Why no consumer calls a provider, if so.
    pub fn unusable(&self, member: Member) -> Option<Obstacle> {
        self.provider(member)?.obstacle(Rules::dubbo_go(0))
    }

    /// The pairs of an endpoint at this time: what a consumer would call, or who would call a provider.
    pub fn calls(&self, member: Member, now_ms: u64) -> Calls {
        let Some((_, endpoint)) = self.endpoint(member) else { return Calls::default() };
        let Some(node) = self.services.get(endpoint.service as usize) else {
            return Calls::default();
        };
        let services = self.of_interface(&node.service.interface);
        let all: Vec<Member> = self.members(&services, Category::Providers).collect();
        let providers: Vec<Provider<'_>> = all.iter().filter_map(|it| self.provider(*it)).collect();
        let rules = Rules::dubbo_go(now_ms);
        let relations = |consumer: &Consumer<'_>| relation::relations(consumer, &providers, rules);
        let sum = |all: &[Relation]| all.iter().map(Relation::weight).sum::<u64>();
        let mut pairs: Vec<Call> = Vec::new();
        if endpoint.category == Category::Consumers {
            let Some(consumer) = self.consumer(member) else { return Calls::default() };
            let found = relations(&consumer);
            let total = sum(&found);
            let each = all.into_iter().zip(found);
            pairs.extend(each.map(|(other, relation)| Call { other, relation, total }));
        } else if let Some(own) = all.iter().position(|it| *it == member) {
            // Consumers of a kind do the same: each kind is asked once.
            let mut known: Vec<((u32, &str), Relation, u64)> = Vec::new();
            for other in self.members(&services, Category::Consumers) {
                let Some((pod, of)) = self.endpoint(other) else { continue };
                let kind = (of.traits, &*pod.text.namespace);
                if !known.iter().any(|(it, ..)| *it == kind) {
                    let Some(consumer) = self.consumer(other) else { continue };
                    let mut found = relations(&consumer);
                    let total = sum(&found);
                    known.push((kind, found.swap_remove(own), total));
                }
                if let Some((_, relation, total)) = known.iter().find(|(it, ..)| *it == kind) {
                    pairs.push(Call { other, relation: relation.clone(), total: *total });
                }
            }
        }
        let calls = |call: &Call| call.relation.weight() > 0;
        let (mut all, others): (Vec<Call>, Vec<Call>) = pairs.into_iter().partition(calls);
        let calling = all.len();
        all.extend(others);
        Calls { pairs: all, calling }
    }
}

fn has_ended(pod: &Pod) -> bool {
    pod.is_gone() || matches!(pod.text.phase.as_deref(), Some("Succeeded" | "Failed"))
}

fn pod_state(pod: &Pod) -> PodState<'_> {
    let mut state = PodState::default();
    state.namespace = Cow::Borrowed(&pod.text.namespace);
    state.not_selected = pod.verdict == Verdict::NotSelected;
    state.refused = pod.verdict == Verdict::Refused;
    state.ended = has_ended(pod);
    (state.deleting, state.ready) = (pod.text.deleting, pod.text.ready);
    state
}
