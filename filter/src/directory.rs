//! The directory of one service: its providers, ready to be picked by tag, kind of request and method.
//!
//! What has to be computed is computed when the directory is made or its providers grow warmer; a pick only
//! looks it up.

use core::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use dubbo_k8s_codec::Service;

use crate::balance::{ConsistentHash, LeastActive, RoundRobin, WeightedRandom};
use crate::provider::{Kind, Provider};
use crate::random::{Random, rehash};
use crate::request::Request;
use crate::settings::{Balance, Policy};

/// At most this many methods of a service are weighed apart; the others by the weight of the provider.
const MAX_METHODS: usize = 64;

/// The providers of one service.
#[derive(Debug)]
pub struct Directory {
    name: Service<'static>,
    members: Vec<Member>,
    /// Changes with the list of providers.
    digest: u64,
    /// Those without a tag, and those of each tag.
    plain: Group,
    tagged: Vec<(Box<str>, Group)>,
    pools: RefCell<Vec<Pool>>,
}

#[derive(Debug)]
struct Member {
    provider: Rc<Provider>,
    /// Only kept where it decides.
    load: Option<Rc<Load>>,
}

/// The pools for each kind of request, where any provider takes it.
#[derive(Clone, Copy, Debug, Default)]
struct Group {
    grpc: Option<usize>,
    http: Option<usize>,
}

/// The providers that take the same requests.
#[derive(Debug)]
struct Pool {
    members: Vec<u32>,
    all: Picker,
    /// For the methods that a provider weighs apart.
    methods: Vec<(Box<str>, Picker)>,
    /// When all are warm, and when they were weighed last.
    warm_at: u64,
    weighed_at: u64,
}

#[derive(Debug)]
enum Picker {
    Random(WeightedRandom),
    RoundRobin(RoundRobin),
    LeastActive(Rc<RefCell<LeastActive>>),
    Hash(ConsistentHash, WeightedRandom),
}

/// A provider that was picked, and its place among the requests in flight until this is dropped.
#[derive(Debug)]
pub struct Picked {
    /// The provider.
    pub provider: Rc<Provider>,
    #[cfg_attr(
        not(all(target_arch = "wasm32", feature = "plugin")),
        expect(dead_code, reason = "held, so that the request counts")
    )]
    place: Option<Place>,
}

#[cfg(all(target_arch = "wasm32", feature = "plugin"))]
impl Picked {
    /// Whether the request counts at the provider until this is dropped.
    pub(crate) const fn is_counted(&self) -> bool {
        self.place.is_some()
    }
}

/// The requests in flight at one provider, and where that is counted.
#[derive(Debug, Default)]
struct Load {
    active: Cell<u32>,
    homes: RefCell<Vec<(Weak<RefCell<LeastActive>>, u32)>>,
}

#[derive(Debug)]
struct Place(Rc<Load>);

impl Place {
    fn take(load: &Rc<Load>) -> Self {
        load.active.set(load.active.get().saturating_add(1));
        load.update(LeastActive::raise);
        Self(Rc::clone(load))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.active.set(self.0.active.get().saturating_sub(1));
        self.0.update(LeastActive::release);
    }
}

impl Load {
    fn update(&self, what: impl Fn(&mut LeastActive, u32)) {
        let Ok(homes) = self.homes.try_borrow() else { return };
        for (home, index) in &*homes {
            let Some(home) = home.upgrade() else { continue };
            if let Ok(mut home) = home.try_borrow_mut() {
                what(&mut home, *index);
            }
        }
    }
}

/// What a pick goes by beside the request.
#[derive(Debug)]
pub struct PickContext<'a> {
    /// The value of the header that is hashed.
    pub key: Option<&'a [u8]>,
    /// A source of random numbers.
    pub random: &'a mut Random,
}

impl Directory {
    /// The directory of these providers, which takes over the requests in flight from an earlier one.
    pub(crate) fn new(
        name: Service<'static>,
        providers: Vec<Rc<Provider>>,
        earlier: Option<&Self>,
        policy: &Policy,
        now_ms: u64,
        random: &mut Random,
    ) -> Self {
        let digest = digest(&providers);
        let members = members(providers, earlier, policy);
        let mut draft = Draft { members: &members, policy, now_ms, random, pools: Vec::new() };
        let tag = |index: &u32| members.get(*index as usize)?.provider.tag.as_deref();
        let mut by_tag: Vec<u32> = (0..).zip(&members).map(|(index, _)| index).collect();
        by_tag.sort_by_key(tag);
        let (mut plain, mut tagged) = (Group::default(), Vec::new());
        for alike in by_tag.chunk_by(|one, other| tag(one) == tag(other)) {
            let group = draft.group(alike);
            match alike.first().and_then(tag) {
                Some(tag) => tagged.push((tag.into(), group)),
                None => plain = group,
            }
        }
        let pools = RefCell::new(draft.pools);
        Self { name, members, digest, plain, tagged, pools }
    }

    /// The name of the service.
    pub const fn name(&self) -> &Service<'static> {
        &self.name
    }

    /// How many endpoints it has.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Whether it was made of these very providers.
    pub(crate) fn is_of(&self, providers: &[Rc<Provider>]) -> bool {
        self.digest == digest(providers)
    }

    /// Picks a provider for a request.
    pub fn pick(&self, request: &Request<'_>, context: &mut PickContext<'_>) -> Option<Picked> {
        let mut pools = self.pools.try_borrow_mut().ok()?;
        let pool = pools.get_mut(self.pool(request)?)?;
        let member = self.members.get(pool.pick(request.method, context)? as usize)?;
        // The pools count the new request too.
        drop(pools);
        let place = member.load.as_ref().map(Place::take);
        Some(Picked { provider: Rc::clone(&member.provider), place })
    }

    /// How much it weighs beside other directories that a request may go to as well; 0 if it has no provider
    /// for it.
    pub(crate) fn standing(&self, request: &Request<'_>, key: Option<&[u8]>) -> Standing {
        let Some(pool) = self.pool(request) else { return Standing::default() };
        let Ok(pools) = self.pools.try_borrow() else { return Standing::default() };
        let Some(pool) = pools.get(pool) else { return Standing::default() };
        let of_key = |key| {
            rehash(crate::random::hash(key), crate::random::hash(self.name.to_string().as_bytes()))
        };
        let own = pool.methods.iter().find(|(method, _)| **method == *request.method);
        match own.map_or(&pool.all, |(_, picker)| picker) {
            Picker::Random(table) => Standing::Weight(table.total()),
            Picker::RoundRobin(turns) => Standing::Weight(turns.total()),
            Picker::LeastActive(levels) => {
                let fewest = levels.try_borrow().ok().and_then(|levels| levels.fewest());
                fewest.map_or(Standing::Weight(0), Standing::Requests)
            }
            Picker::Hash(_, table) if table.total() == 0 => Standing::Weight(0),
            Picker::Hash(_, table) => {
                key.map_or(Standing::Weight(table.total()), |key| Standing::Hash(of_key(key)))
            }
        }
    }

    /// The pool of a request: a tag that no provider has falls back to those without one, unless it is forced.
    fn pool(&self, request: &Request<'_>) -> Option<usize> {
        let of = |group: &Group| match request.kind {
            Kind::Grpc => group.grpc,
            Kind::Http => group.http,
        };
        match request.tag {
            None => of(&self.plain),
            Some(tag) => match self.tagged.binary_search_by(|(known, _)| (**known).cmp(tag)) {
                Ok(at) => self.tagged.get(at).and_then(|(_, group)| of(group)),
                Err(_) if request.force_tag => None,
                Err(_) => of(&self.plain),
            },
        }
    }

    /// Computes the weights of the providers again that are still warming up.
    pub(crate) fn warm(&self, policy: &Policy, now_ms: u64, random: &mut Random) {
        let Ok(mut pools) = self.pools.try_borrow_mut() else { return };
        for pool in pools.iter_mut().filter(|pool| pool.weighed_at < pool.warm_at) {
            pool.weigh(&self.members, policy, now_ms, random);
        }
    }
}

/// What a directory is compared by with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Weight(u64),
    Requests(u32),
    Hash(u64),
}

impl Default for Standing {
    fn default() -> Self {
        Self::Weight(0)
    }
}

/// Pools in the making.
struct Draft<'a> {
    members: &'a [Member],
    policy: &'a Policy,
    now_ms: u64,
    random: &'a mut Random,
    pools: Vec<Pool>,
}

impl Draft<'_> {
    /// The pools of those with these numbers: one if all speak the same.
    fn group(&mut self, indices: &[u32]) -> Group {
        let members = self.members;
        let takes = |index: u32, kind| {
            members.get(index as usize).is_some_and(|member| member.provider.speaks.takes(kind))
        };
        let of = |kind| indices.iter().copied().filter(|index| takes(*index, kind)).collect();
        let (grpc, http): (Vec<u32>, Vec<u32>) = (of(Kind::Grpc), of(Kind::Http));
        if grpc == http {
            let pool = self.pool(grpc);
            return Group { grpc: pool, http: pool };
        }
        Group { grpc: self.pool(grpc), http: self.pool(http) }
    }

    fn pool(&mut self, members: Vec<u32>) -> Option<usize> {
        if members.is_empty() {
            return None;
        }
        let mut pool = Pool {
            warm_at: 0,
            weighed_at: 0,
            members,
            all: Picker::Random(WeightedRandom::default()),
            methods: Vec::new(),
        };
        let of = |index: &u32| self.members.get(*index as usize);
        let providers = pool.members.iter().filter_map(of);
        pool.warm_at = providers.map(|member| member.provider.warm_at()).max().unwrap_or_default();
        pool.weigh(self.members, self.policy, self.now_ms, self.random);
        self.pools.push(pool);
        Some(self.pools.len() - 1)
    }
}

impl Pool {
    fn pick(&mut self, method: &str, context: &mut PickContext<'_>) -> Option<u32> {
        let own = self.methods.iter_mut().find(|(known, _)| **known == *method);
        let picker = own.map_or(&mut self.all, |(_, picker)| picker);
        let place = match picker {
            Picker::Random(table) => table.pick(context.random),
            Picker::RoundRobin(turns) => turns.pick(),
            Picker::LeastActive(levels) => levels.try_borrow().ok()?.pick(context.random),
            Picker::Hash(ring, table) => match context.key {
                Some(key) => ring.pick(key),
                None => table.pick(context.random),
            },
        };
        self.members.get(place? as usize).copied()
    }

    /// Computes what picks go by.
    fn weigh(&mut self, members: &[Member], policy: &Policy, now_ms: u64, random: &mut Random) {
        self.weighed_at = now_ms;
        let providers: Vec<&Member> =
            self.members.iter().filter_map(|index| members.get(*index as usize)).collect();
        let zone = policy.zone.as_deref();
        let is_near = |member: &Member| zone.is_some() && member.provider.zone.as_deref() == zone;
        let weights = |method: Option<&str>| -> Vec<u64> {
            let weight = |provider: &Provider| {
                let full = method.map_or(provider.weight, |method| provider.weight_of(method));
                provider.effective(full, now_ms)
            };
            let all = || providers.iter().map(|member| (is_near(member), weight(&member.provider)));
            let prefers_near = all().any(|(is_near, weight)| is_near && weight > 0);
            let counts = |(is_near, weight)| if is_near || !prefers_near { weight } else { 0 };
            all().map(counts).collect()
        };
        self.all = picker(policy, &weights(None), &providers, Some(&self.all), random);
        // Requests in flight are counted for all methods together.
        if policy.balance == Balance::LeastActive {
            return;
        }
        let mut methods: Vec<(Box<str>, Picker)> = Vec::new();
        for (method, _) in providers.iter().flat_map(|member| &*member.provider.methods) {
            if methods.len() < MAX_METHODS && methods.iter().all(|(known, _)| known != method) {
                let weights = weights(Some(method));
                methods.push((method.clone(), picker(policy, &weights, &providers, None, random)));
            }
        }
        self.methods = methods;
    }
}

fn picker(
    policy: &Policy,
    weights: &[u64],
    members: &[&Member],
    earlier: Option<&Picker>,
    random: &mut Random,
) -> Picker {
    let weights = weights.iter().copied();
    match &policy.balance {
        Balance::WeightedRandom => Picker::Random(WeightedRandom::new(weights)),
        Balance::WeightedRoundRobin => Picker::RoundRobin(RoundRobin::new(weights, random)),
        Balance::LeastActive => {
            if let Some(Picker::LeastActive(levels)) = earlier {
                if let Ok(mut levels) = levels.try_borrow_mut() {
                    levels.weigh(weights);
                }
                return Picker::LeastActive(Rc::clone(levels));
            }
            let active = members.iter().map(|member| member.active());
            let levels = Rc::new(RefCell::new(LeastActive::new(weights.zip(active))));
            for (index, member) in (0..).zip(members) {
                let homes = member.load.as_ref().map(|load| load.homes.try_borrow_mut());
                if let Some(Ok(mut homes)) = homes {
                    homes.retain(|(home, _)| home.strong_count() > 0);
                    homes.push((Rc::downgrade(&levels), index));
                }
            }
            Picker::LeastActive(levels)
        }
        Balance::ConsistentHash(_) => {
            let names = members.iter().map(|member| &*member.provider.address);
            let ring = ConsistentHash::new(names.zip(weights.clone()));
            Picker::Hash(ring, WeightedRandom::new(weights))
        }
    }
}

impl Member {
    fn active(&self) -> u32 {
        self.load.as_ref().map_or(0, |load| load.active.get())
    }
}

/// The members in the order of their addresses, each address once.
fn members(
    mut providers: Vec<Rc<Provider>>,
    earlier: Option<&Directory>,
    policy: &Policy,
) -> Vec<Member> {
    providers.sort_by(|one, other| one.address.cmp(&other.address));
    providers.dedup_by(|one, other| one.address == other.address);
    if policy.balance != Balance::LeastActive {
        let member = |provider| Member { provider, load: None };
        return providers.into_iter().map(member).collect();
    }
    let known: &[Member] = earlier.map_or(&[], |earlier| &earlier.members);
    let load = |address: &str| {
        let at = known.binary_search_by(|member| (*member.provider.address).cmp(address)).ok()?;
        known.get(at)?.load.clone()
    };
    let member = |provider: Rc<Provider>| {
        let load = load(&provider.address).unwrap_or_default();
        Member { provider, load: Some(load) }
    };
    providers.into_iter().map(member).collect()
}

/// A digest of which providers these are: they are shared, so each is its own identity.
fn digest(providers: &[Rc<Provider>]) -> u64 {
    let start = providers.len() as u64;
    providers
        .iter()
        .fold(start, |digest, provider| rehash(digest, Rc::as_ptr(provider).addr() as u64))
}
