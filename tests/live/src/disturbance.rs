//! What goes wrong between the watcher and the server, besides the server's own restarts: a relay that
//! cuts, slows and stalls in turn, the same each time.

use std::time::Duration;

use dubbo_k8s_tests::relay::{Flow, Relay};
use tokio::time::sleep;

/// Between two disturbances. No divisor of the time between restarts, so that they meet them anywhere.
const BETWEEN: Duration = Duration::from_secs(7);

/// One after the other, and from the start again. Dead connections come first: after them the list is read
/// anew, which takes memory that is not needed before, and a soak has to have that behind it before it
/// asks whether memory grows.
const TURNS: [Turn; 5] = [Turn::Dead, Turn::CutLater, Turn::Slow, Turn::Stall, Turn::Cut];

#[derive(Clone, Copy, Debug)]
enum Turn {
    /// All connections are closed.
    Cut,
    /// They are closed in the middle of something.
    CutLater,
    /// About 400 KiB a second.
    Slow,
    /// Nothing passes for a while, on connections to come either.
    Stall,
    /// Nothing ever passes again on the connections there are; their other end has to notice.
    Dead,
}

/// How long each lasts. A dead connection is noticed after 45 s without an answer to a ping.
const SLOW: Duration = Duration::from_secs(4);
const STALL: Duration = Duration::from_secs(4);
const DEAD: Duration = Duration::from_secs(50);

/// What was done so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Done {
    pub(crate) cuts: u64,
    pub(crate) slow: u64,
    pub(crate) stalls: u64,
    pub(crate) dead: u64,
}

/// Disturbs for ever; the caller that drops it afterwards lets all pass again. Cancellation
/// safe.
pub(crate) async fn disturb(relay: &Relay, done: &mut Done) {
    loop {
        for turn in TURNS {
            sleep(BETWEEN).await;
            match turn {
                Turn::Cut => {
                    done.cuts += 1;
                    relay.set_open(Flow::Cut);
                }
                Turn::CutLater => {
                    done.cuts += 1;
                    relay.set_open(Flow::CutAfter { bytes: 10_007 });
                }
                Turn::Slow => {
                    done.slow += 1;
                    relay.set(Flow::Slow { bytes: 4096, pause: Duration::from_millis(10) });
                    sleep(SLOW).await;
                    relay.set(Flow::Pass);
                }
                Turn::Stall => {
                    done.stalls += 1;
                    relay.set(Flow::Stall);
                    sleep(STALL).await;
                    relay.set(Flow::Pass);
                }
                Turn::Dead => {
                    done.dead += 1;
                    relay.set_open(Flow::Stall);
                    sleep(DEAD).await;
                }
            }
        }
    }
}
