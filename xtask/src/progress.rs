//! What is done and what is left, on a terminal: one line that is written over. In a pipe or a log it must never write more
//! than a line for each step.
#![expect(clippy::print_stderr, reason = "a line that is written over is no line of output")]

use std::io::{IsTerminal as _, Write as _};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::say;

/// Steps of a known number.
pub(crate) struct Progress {
    all: usize,
    done: usize,
    current: Option<Waiting>,
}

impl Progress {
    pub(crate) const fn of(all: usize) -> Self {
        Self { all, done: 0, current: None }
    }

    /// Ends the step before, if there is one, and begins the next.
    pub(crate) fn step(&mut self, what: &str) {
        self.current = None;
        self.done += 1;
        self.current = Some(Waiting::on(&format!("[{}/{}] {what}", self.done, self.all)));
    }
}

/// One thing that takes its time: its line shows how long, until this is dropped.
pub(crate) struct Waiting {
    end: Option<Sender<()>>,
    clock: Option<JoinHandle<()>>,
}

impl Waiting {
    pub(crate) fn on(what: &str) -> Self {
        let (end, ended) = channel::<()>();
        if !std::io::stderr().is_terminal() {
            say::note(what);
            return Self { end: Some(end), clock: None };
        }
        let what = what.to_owned();
        let clock = std::thread::spawn(move || {
            let started = Instant::now();
            loop {
                eprint!("\r\x1b[K{what}  {}", clock_face(started.elapsed()));
                let _ = std::io::stderr().flush();
                if ended.recv_timeout(Duration::from_secs(1)) != Err(RecvTimeoutError::Timeout) {
                    break;
                }
            }
            eprintln!("\r\x1b[K{what}  {}", clock_face(started.elapsed()));
        });
        Self { end: Some(end), clock: Some(clock) }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // The clock ends when its channel does.
        drop(self.end.take());
        if let Some(clock) = self.clock.take() {
            let _ = clock.join();
        }
    }
}

fn clock_face(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_shown_in_minutes_and_seconds() {
        let face = |seconds| clock_face(Duration::from_secs(seconds));
        assert_eq!([face(0), face(61), face(3600)], ["0:00", "1:01", "60:00"]);
    }

    #[test]
    fn a_step_ends_when_the_next_begins_and_at_the_end() {
        let mut progress = Progress::of(2);
        progress.step("one");
        progress.step("two");
        assert_eq!(progress.done, progress.all);
        drop(progress);
    }
}
