//! What a reflector works with while it handles one input.

use alloc::vec::Vec;
use core::time::Duration;

use crate::catalog::{Catalog, Changes};

use super::{Notice, Output, Request, Settings, StreamId};

/// The engine's things, lent to one reflector.
pub(super) struct Context<'a> {
    pub(super) now: Duration,
    pub(super) settings: &'a Settings,
    pub(super) catalog: &'a mut Catalog,
    pub(super) changes: &'a mut Changes,
    pub(super) streams: &'a mut Streams,
    pub(super) out: &'a mut Vec<Output>,
}

/// The names of exchanges, in the order in which they were started.
#[derive(Debug, Default)]
pub(super) struct Streams {
    next: u64,
    /// Exchanges before this one were sent with a credential that has been read again since.
    refreshed: u64,
}

impl Context<'_> {
    pub(super) fn send(&mut self, request: Request) -> StreamId {
        let stream = StreamId(self.streams.next);
        self.streams.next += 1;
        self.out.push(Output::Send { stream, request });
        stream
    }

    pub(super) fn cancel(&mut self, stream: StreamId) {
        self.out.push(Output::Cancel { stream });
    }

    /// Emits it, after the changes that came before it.
    pub(super) fn notice(&mut self, notice: Notice) {
        self.tell_changes();
        self.out.push(Output::Notice(notice));
    }

    pub(super) fn tell_changes(&mut self) {
        if core::mem::take(&mut self.changes.first_list) {
            self.out.push(Output::Notice(Notice::FirstList));
        }
        let problems = self.changes.problems.drain(..).map(Notice::Problem);
        let changes = self.changes.changes.drain(..).map(Notice::Change);
        let pods = self.changes.pods.drain(..).map(Notice::Pod);
        self.out.extend(changes.chain(problems).chain(pods).map(Output::Notice));
    }

    /// Asks for the credential to be read again, once for all exchanges that were refused with
    /// the same one.
    pub(super) fn refresh_credential(&mut self, refused: StreamId) {
        if refused.0 >= self.streams.refreshed {
            self.streams.refreshed = self.streams.next;
            self.notice(Notice::RefreshCredential);
        }
    }
}
