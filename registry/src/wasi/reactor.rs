//! Runs one future on the one thread there is, and puts the component to sleep when that waits:
//! `wasi:io/poll` with everything that it waits for. It reads nothing and decides nothing.
//!
//! A wait that is dropped is forgotten at once: the host does not let go of a response before the
//! pollable that belongs to it.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    io,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use super::{
    Instant,
    bindings::{self, Pollable},
};

thread_local! {
    static WAITS: RefCell<Waits> = RefCell::default();
}

/// Everything that the future waits for.
#[derive(Default)]
struct Waits {
    last: u64,
    open: BTreeMap<u64, (Until, Waker)>,
}

#[derive(Clone)]
enum Until {
    Ready(Arc<Pollable>),
    Due(Instant),
}

/// Whether the future has asked to be polled again.
struct Alarm(AtomicBool);

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs a future to its end. It fails if the future waits for nothing that can happen.
pub fn block_on<T>(work: impl Future<Output = T>) -> io::Result<T> {
    let mut work = pin!(work);
    let alarm = Arc::new(Alarm(AtomicBool::new(true)));
    let waker = Waker::from(Arc::clone(&alarm));
    let mut context = Context::from_waker(&waker);
    loop {
        while alarm.0.swap(false, Ordering::Relaxed) {
            if let Poll::Ready(done) = work.as_mut().poll(&mut context) {
                return Ok(done);
            }
        }
        sleep()?;
    }
}

/// Waits until then; for ever without a time. Cancellation safe.
pub async fn sleep_until(when: Option<Instant>) {
    match when {
        Some(when) if when <= Instant::now() => {}
        Some(when) => Wait::new(Until::Due(when)).await,
        None => std::future::pending().await,
    }
}

/// Waits until it is ready; for a task that has just found that it is not.
pub(super) async fn ready(pollable: &Arc<Pollable>) {
    Wait::new(Until::Ready(Arc::clone(pollable))).await;
}

struct Wait {
    until: Until,
    place: Option<u64>,
}

impl Wait {
    fn new(until: Until) -> Self {
        Self { until, place: None }
    }
}

impl Future for Wait {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        WAITS.with_borrow_mut(|waits| match self.place {
            None => {
                waits.last += 1;
                let entry = (self.until.clone(), context.waker().clone());
                waits.open.insert(waits.last, entry);
                self.place = Some(waits.last);
                Poll::Pending
            }
            Some(place) => match waits.open.get_mut(&place) {
                Some((_, waker)) => {
                    waker.clone_from(context.waker());
                    Poll::Pending
                }
                None => Poll::Ready(()),
            },
        })
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            WAITS.with_borrow_mut(|waits| waits.open.remove(&place));
        }
    }
}

/// Sleeps until something is ready or due, and wakes the tasks that wait for it. One timer for all that
/// is due some time is enough, and only a sleep needs it.
fn sleep() -> io::Result<()> {
    let (mut places, mut pollables, mut next) = (Vec::new(), Vec::new(), None::<Instant>);
    WAITS.with_borrow(|waits| {
        for (place, (until, _)) in &waits.open {
            match until {
                Until::Ready(pollable) => {
                    places.push(*place);
                    pollables.push(Arc::clone(pollable));
                }
                Until::Due(when) => next = Some(next.map_or(*when, |next| next.min(*when))),
            }
        }
    });
    if let Some(next) = next {
        pollables.push(Arc::new(bindings::timer(next.since(Instant::now()))));
    }
    if pollables.is_empty() {
        return Err(io::Error::other("waiting for nothing that can happen"));
    }
    let list: Vec<&Pollable> = pollables.iter().map(|pollable| &**pollable).collect();
    let ready = bindings::poll(&list);
    let ready: Vec<u64> =
        ready.iter().filter_map(|at| places.get(usize::try_from(*at).ok()?)).copied().collect();
    let now = next.map(|_| Instant::now());
    WAITS.with_borrow_mut(|waits| {
        let over = waits.open.extract_if(.., |place, (until, _)| match until {
            Until::Ready(_) => ready.contains(place),
            Until::Due(when) => now.is_some_and(|now| *when <= now),
        });
        over.for_each(|(_, (_, waker))| waker.wake());
    });
    Ok(())
}
