//! What it costs to hand a change to a handler that does nothing, beside a closure that is called with the
//! same change and does nothing. Prints a table in Markdown.
//!
//! `EMPTY_HANDLER=misbehaving_handler.wasm cargo bench -p dubbo-k8s-watcher --bench handlers`, or `cargo xtask bench
//! handlers`, which builds the handler.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark may stop at once")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dubbo_k8s_codec::{Category, Key};
use dubbo_k8s_engine::catalog::{Change, ChangeKind, Holder, StoredKey};
use dubbo_k8s_watcher::handlers::{Options, Spec, Standalone};

/// Calls of one sample, and samples.
const CALLS: u32 = 200;
const SAMPLES: usize = 50;

fn main() {
    let Some(file) = std::env::var_os("EMPTY_HANDLER") else {
        println!("EMPTY_HANDLER names no component: run `cargo xtask bench handlers`");
        return;
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let spec = Spec { file: file.into(), config: String::new() };
    let compiled = Instant::now();
    let mut handler = Standalone::load(spec, Options::default(), |_| {}).unwrap();
    let compiled = compiled.elapsed();
    let (one, hundred) = (changes(1), changes(100));

    println!("| what | median | per change |");
    println!("|---|---|---|");
    for batch in [&one, &hundred] {
        // Called by a pointer that is not known at compile time, as a handler is.
        let closure = black_box(nothing as fn(&[Change]));
        let took = median(|| (0..CALLS).for_each(|_| closure(black_box(batch))));
        row(&format!("closure, {} at a time", batch.len()), took, batch.len());
    }
    runtime.block_on(handler.begin()).unwrap();
    let took = median(|| {
        runtime.block_on(async {
            for _ in 0..CALLS {
                handler.health().await.unwrap();
            }
        });
    });
    row("handler, a call without anything", took, 1);
    for batch in [&one, &hundred] {
        let took = median(|| {
            runtime.block_on(async {
                for _ in 0..CALLS {
                    handler.changed(black_box(batch)).await.unwrap();
                }
            });
        });
        row(&format!("handler, {} at a time", batch.len()), took, batch.len());
    }
    let took = median(|| {
        runtime.block_on(async {
            for _ in 0..CALLS {
                handler.begin().await.unwrap();
            }
        });
    });
    row("a new instance and `init`", took, 1);
    println!("| compiling it, once | {compiled:.1?} | |");
}

fn nothing(changes: &[Change]) {
    black_box(changes);
}

fn row(what: &str, took: Duration, changes: usize) {
    let each = took / u32::try_from(changes).unwrap();
    println!("| {what} | {took:.2?} | {each:.2?} |");
}

/// The median time of one call.
fn median(mut calls: impl FnMut()) -> Duration {
    calls();
    let mut samples: Vec<Duration> = (0..SAMPLES)
        .map(|_| {
            let started = Instant::now();
            calls();
            started.elapsed()
        })
        .collect();
    samples.sort_unstable();
    samples.get(SAMPLES / 2).copied().unwrap_or_default() / CALLS
}

/// As a provider registers: a URL with some twenty parameters.
fn changes(number: usize) -> Vec<Change> {
    (0..number)
        .map(|number| {
            let parameters = "&some.parameter=its.value".repeat(20);
            let url = format!(
                "dubbo://10.0.{}.{}:20880/com.example.Greeter?interface=com.example.Greeter{parameters}",
                number / 250,
                number % 250
            );
            let key = Key::leaf("com.example.Greeter", Category::Providers, &url).to_string();
            let holder = Holder {
                namespace: "shop".into(),
                pod: format!("greeter-{number}").into(),
                uid: format!("6b0ce5a1-9d4f-4b43-a2a0-{number:012}").into(),
            };
            let (key, holder) = (StoredKey::from(&*key), Arc::new(holder));
            Change::new(ChangeKind::Added, &key, &"".into(), &holder, &"12345".into())
        })
        .collect()
}
