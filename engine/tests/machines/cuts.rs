//! Answers that are cut at every byte there is, in each way that a connection can end: what was
//! not applied comes again, what was is not repeated, and no subscriber sees half of a list. The rig
//! replays the changes strictly, so that one too many or too few fails.

use dubbo_k8s_engine::{Settings, TransportErrorKind, Verb};

use crate::objects::*;
use crate::rig::{Rig, paged, settings};

/// How an answer ends too early.
#[derive(Clone, Copy, Debug)]
enum Cut {
    Reset,
    /// As if it were whole: a proxy that closes in good order.
    End,
    /// Nothing comes any more, until its deadline.
    Silence,
}

const CUTS: [Cut; 3] = [Cut::Reset, Cut::End, Cut::Silence];

fn cut(rig: &mut Rig, how: Cut) {
    let asked = rig.sent.len();
    match how {
        Cut::Reset => rig.fail(TransportErrorKind::Interrupted),
        Cut::End => rig.end(),
        Cut::Silence => {}
    }
    while rig.sent.len() == asked {
        rig.until_sent();
    }
}

/// The changes of a server: version and line.
fn history() -> Vec<(u64, String)> {
    vec![
        (11, added(&pod("b", "u2", 11, &["B"]))),
        (12, modified(&pod("a", "u1", 12, &["A", "C"]))),
        (13, bookmark(13)),
        (14, deleted(&pod("b", "u2", 14, &["B"]))),
        (15, added(&pod("b", "u3", 15, &["D"]))),
    ]
}

#[test]
fn a25_a37_a_watch_cut_at_every_byte_goes_on_where_it_was() {
    let whole: String = history().into_iter().map(|(_, line)| line).collect();
    for how in CUTS {
        for at in 0..=whole.len() {
            // A watch that never said a word is asked about first; that is another test.
            if matches!(how, Cut::Silence) && (at % 7 > 0 || !whole[..at].contains('\n')) {
                continue;
            }
            let mut rig = Rig::watching(10, &[pod("a", "u1", 3, &["A"])]);
            rig.body(&whole[..at]);
            cut(&mut rig, how);
            assert_eq!((rig.request().verb, rig.lists()), (Verb::Watch, 1), "{how:?} at {at}");
            let since: u64 = rig.parameter("resourceVersion").unwrap().parse().unwrap();
            rig.head(200);
            let rest = history().into_iter().filter(|(version, _)| *version > since);
            rig.body(&rest.map(|(_, line)| line).collect::<String>());
            rig.holds(&["A", "C", "D"]);
        }
    }
}

#[test]
fn a24_a40_lists_cut_at_every_byte_are_never_seen_in_part() {
    let pods = [pod("a", "u1", 3, &["A"]), pod("b", "u2", 4, &["B"])];
    let page = list(10, "", &pods);
    let stream = added(&pods[0]) + &added(&pods[1]) + &synced(10);
    for (settings, body) in [(paged(), page), (settings(), stream)] {
        for how in [Cut::Reset, Cut::End] {
            for at in 0..body.len() {
                list_cut(&settings, &body, how, at, &pods);
            }
        }
    }
}

fn list_cut(settings: &Settings, body: &str, how: Cut, at: usize, pods: &[serde_json::Value]) {
    let mut rig = Rig::new(settings.clone());
    rig.head(200);
    rig.body(&body[..at]);
    let complete = rig.engine.status().synced();
    if !complete {
        rig.holds(&[]);
    }
    cut(&mut rig, how);
    // Whatever it asks for now, it gets: once more as a stream or a page, or the watch.
    let initial = rig.parameter("sendInitialEvents").is_some();
    rig.head(200);
    if initial {
        rig.body(&(pods.iter().map(added).collect::<String>() + &synced(10)));
    } else if rig.request().verb == Verb::List {
        rig.body(&list(10, "", pods));
        rig.end();
    }
    rig.holds(&["A", "B"]);
}
