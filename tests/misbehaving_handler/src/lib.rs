//! A handler that misbehaves on request: it does what its configuration says, and writes down what it got. With
//! none it does nothing at all, which is what is measured. For tests and benchmarks alone.

mod wit;

use std::cell::RefCell;
use std::hint::black_box;
use std::time::{Duration, Instant};

use self::wit::Misbehaving;
use self::wit::dubbo::registry::files;
use self::wit::exports::dubbo::registry::handler::{Change, Guest, Service};

/// What a slow one needs for any number of changes.
const SLOW: Duration = Duration::from_millis(500);

/// What one instance knows.
#[derive(Default)]
struct State {
    config: String,
    received: String,
    calls: u32,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
}

impl Guest for Misbehaving {
    fn init(config: String) -> Result<(), String> {
        if config == "refuse init" {
            return Err("refused as configured".to_owned());
        }
        STATE.with_borrow_mut(|state| state.config = config);
        Ok(())
    }

    fn snapshot(services: Vec<Service>) -> Result<(), String> {
        STATE.with_borrow_mut(|state| {
            if state.config.is_empty() {
                return Ok(());
            }
            let names: Vec<_> = services.iter().map(|service| service.name.as_str()).collect();
            state.write(&format!("snapshot {}", names.join(",")))
        })
    }

    fn changed(changes: Vec<Change>) -> Result<(), String> {
        STATE.with_borrow_mut(|state| {
            if state.config.is_empty() {
                return Ok(());
            }
            state.calls += 1;
            state.act()?;
            if state.config == "slow" {
                return Ok(());
            }
            for change in &changes {
                let service = change.service.as_deref().unwrap_or_default();
                state.write(&format!("{:?} {service}", change.kind))?;
            }
            Ok(())
        })
    }

    fn health() -> Result<(), String> {
        STATE.with_borrow(|state| match state.config.as_str() {
            "ill" => Err("not well".to_owned()),
            _ => Ok(()),
        })
    }
}

impl State {
    /// What the configuration wants of a change.
    fn act(&self) -> Result<(), String> {
        match self.config.as_str() {
            "refuse" => return Err("refused as configured".to_owned()),
            "refuse once" if self.calls == 1 => return Err("refused as configured".to_owned()),
            "slow" => {
                let begun = Instant::now();
                while begun.elapsed() < SLOW {
                    black_box(());
                }
            }
            "spin" => loop {
                black_box(());
            },
            "hoard" => {
                let mut all = Vec::new();
                loop {
                    all.push(black_box(vec![1_u8; 1 << 20]));
                }
            }
            "trap" => {
                #[cfg(target_arch = "wasm32")]
                core::arch::wasm32::unreachable();
            }
            "open" => {
                let opened = std::fs::read("/etc/hostname").is_ok() || std::env::vars().count() > 0;
                files::write("../outside", b"x").err().ok_or("it let me")?;
                if opened {
                    return Err("it let me".to_owned());
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Adds a line to the file `received`, or the one that it is to keep.
    fn write(&mut self, line: &str) -> Result<(), String> {
        self.received.push_str(line);
        self.received.push('\n');
        let file = self.config.strip_prefix("keep ").unwrap_or("received");
        files::write(file, self.received.as_bytes())
    }
}
