//! The work of an agent: moves requests, results and time between applications, the table of registrations and the
//! machine that changes the Pod. It decides nothing about either.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use dubbo_k8s_engine::registration::{
    Edit, Outcome, OwnPod, PodName, RegistrarNotice, RegistrationError, Ticket,
};
use dubbo_k8s_registry::host::{Instant, sleep_until};
use dubbo_k8s_registry::kube::RegistrarDriver;
use tokio::sync::{mpsc, oneshot};

use super::problem::Problem;
use super::shown::{News, Pod, Registration};
use super::table::{Change, Next, Table};
use super::terms::Terms;

/// How long the Pod is looked at for a client that asks for its addresses.
pub(super) const LOOK: Duration = Duration::from_secs(2);

/// How long the last changes of an agent that ends may take.
const LAST: Duration = Duration::from_secs(10);

type Answer = oneshot::Sender<Result<Option<Registration>, Problem>>;

/// A request of a client.
#[derive(Debug)]
pub(super) enum Command {
    Put {
        id: Arc<str>,
        terms: Terms,
        answer: Answer,
    },
    Delete {
        id: Arc<str>,
        answer: Answer,
    },
    List(oneshot::Sender<Vec<Registration>>),
    /// The Pod with its addresses, when they are known.
    Pod(oneshot::Sender<Pod>),
    /// The Pod as far as it is known.
    KnownPod(oneshot::Sender<Pod>),
    Close {
        keep: bool,
        answer: oneshot::Sender<Result<(), RegistrationError>>,
    },
}

pub(super) struct Task {
    driver: RegistrarDriver,
    commands: mpsc::Receiver<Command>,
    news: Box<dyn FnMut(News<'_>) + Send>,
    started: Instant,
    table: Table,
    pod: Pod,
    /// The changes under way.
    tickets: BTreeMap<Ticket, (Arc<str>, u64)>,
    /// Who waits for a change, by its number.
    waiting: Vec<Waiting>,
    /// The Pod is being read.
    look: Option<Ticket>,
    lookers: Vec<oneshot::Sender<Pod>>,
    /// Why the Pod is not as it should be.
    trouble: Option<Problem>,
    closing: Option<Closing>,
}

struct Waiting {
    id: Arc<str>,
    number: u64,
    answer: Answer,
}

struct Closing {
    answer: oneshot::Sender<Result<(), RegistrationError>>,
    result: Result<(), RegistrationError>,
}

impl Task {
    pub(super) fn new(
        driver: RegistrarDriver,
        pod: &PodName,
        uid: Option<String>,
        commands: mpsc::Receiver<Command>,
        news: Box<dyn FnMut(News<'_>) + Send>,
    ) -> Self {
        let (namespace, name) = (pod.namespace().to_owned(), pod.name().to_owned());
        Self {
            driver,
            commands,
            news,
            started: Instant::now(),
            table: Table::default(),
            pod: Pod { namespace, name, uid, ips: Vec::new() },
            tickets: BTreeMap::new(),
            waiting: Vec::new(),
            look: None,
            lookers: Vec::new(),
            trouble: None,
            closing: None,
        }
    }

    pub(super) async fn run(mut self) -> Result<(), RegistrationError> {
        // What an earlier agent left behind is found by the first look, however long the server is away.
        self.look = Some(self.driver.submit(Edit::Read, None));
        let mut notices = Vec::new();
        loop {
            let wake = self.table.next_wake().filter(|_| self.closing.is_none());
            let wake = wake.map(|wake| self.started + wake);
            tokio::select! {
                command = self.commands.recv() => match command {
                    Some(command) => self.command(command),
                    // Every handle is gone without a word: what is registered stays.
                    None => return Ok(()),
                },
                () = self.driver.next(&mut notices) => {}
                () = sleep_until(wake) => self.expire(),
            }
            for notice in notices.drain(..) {
                (self.news)(News::Notice(&notice));
                self.notice(notice)?;
            }
            if let Some(closing) = self.closing.take_if(|_| self.tickets.is_empty()) {
                // A caller that has gone knows how it ended: it ended.
                let _ = closing.answer.send(closing.result);
                return Ok(());
            }
        }
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    fn command(&mut self, command: Command) {
        let now = self.now();
        match command {
            Command::Put { answer, .. } | Command::Delete { answer, .. }
                if self.closing.is_some() =>
            {
                let _ = answer.send(Err(Problem::closing()));
            }
            Command::Put { id, terms, answer } => {
                let next = self.table.put(now, &id, &terms);
                self.follow(id, next, answer);
            }
            Command::Delete { id, answer } => {
                let next = self.table.delete(now, &id);
                self.follow(id, next, answer);
            }
            Command::List(answer) => {
                let _ = answer.send(self.table.list(now, self.trouble.as_ref()));
            }
            Command::Pod(answer) => self.show_pod(answer),
            Command::KnownPod(answer) => {
                let _ = answer.send(self.pod.clone());
            }
            Command::Close { keep, answer } => {
                self.closing = Some(Closing { answer, result: Ok(()) });
                // Changes without an end are not waited for: the ends come after them, and have one.
                self.tickets.clear();
                if !keep {
                    self.table.end_all().into_iter().for_each(|end| self.submit(end, Some(LAST)));
                }
            }
        }
    }

    fn follow(&mut self, id: Arc<str>, next: Result<Next, Problem>, answer: Answer) {
        let number = match next {
            Ok(Next::Wait(number)) => number,
            Ok(Next::Change(change)) => {
                let number = change.number;
                self.submit(change, None);
                number
            }
            Ok(Next::Done) => {
                let _ = answer.send(Ok(self.shown(&id)));
                return;
            }
            Err(problem) => {
                let _ = answer.send(Err(problem));
                return;
            }
        };
        self.waiting.retain(|waiting| !waiting.answer.is_closed());
        self.waiting.push(Waiting { id, number, answer });
    }

    fn submit(&mut self, change: Change, timeout: Option<Duration>) {
        let id = Arc::clone(&change.lease.id);
        let ticket = self.driver.submit(Edit::Lease(change.lease), timeout);
        self.tickets.insert(ticket, (id, change.number));
    }

    fn shown(&self, id: &Arc<str>) -> Option<Registration> {
        self.table.get(id, self.now(), self.trouble.as_ref())
    }

    fn show_pod(&mut self, answer: oneshot::Sender<Pod>) {
        if !self.pod.ips.is_empty() && self.pod.uid.is_some() {
            let _ = answer.send(self.pod.clone());
            return;
        }
        self.lookers.retain(|looker| !looker.is_closed());
        self.lookers.push(answer);
        if self.trouble.is_some() {
            self.answer_lookers();
        } else if self.look.is_none() {
            self.look = Some(self.driver.submit(Edit::Read, Some(LOOK)));
        }
    }

    fn answer_lookers(&mut self) {
        for looker in self.lookers.drain(..) {
            let _ = looker.send(self.pod.clone());
        }
    }

    fn expire(&mut self) {
        let waiting = &self.waiting;
        let waits = |id: &str| {
            waiting.iter().any(|waiting| *waiting.id == *id && !waiting.answer.is_closed())
        };
        for end in self.table.expire(self.started.elapsed(), waits) {
            (self.news)(News::Ended { id: &end.lease.id });
            self.submit(end, None);
        }
    }

    fn notice(&mut self, notice: RegistrarNotice) -> Result<(), RegistrationError> {
        match notice {
            RegistrarNotice::Done { ticket, outcome } => {
                self.trouble = None;
                self.done(ticket, outcome);
            }
            RegistrarNotice::Failed { ticket, error } => self.failed(ticket, error),
            RegistrarNotice::Retrying { error, .. } => {
                self.trouble = Some(Problem::of(&error));
                self.answer_lookers();
            }
            RegistrarNotice::Recovered | RegistrarNotice::PutBack { .. } => self.trouble = None,
            RegistrarNotice::TakenOver(leases) => self.table.take_over(self.now(), &leases),
            RegistrarNotice::Lost(error) => return Err(error),
            _ => {}
        }
        Ok(())
    }

    fn done(&mut self, ticket: Ticket, outcome: Outcome) {
        if self.look.take_if(|look| *look == ticket).is_some() {
            if let Some(pod) = outcome.pod {
                self.read(*pod);
            }
            self.answer_lookers();
        }
        let Some((id, number)) = self.tickets.remove(&ticket) else { return };
        let waiting = self.waiting_for(number);
        let waits = waiting.iter().any(|waiting| !waiting.answer.is_closed());
        self.table.done(self.now(), &id, number, waits);
        let shown = self.shown(&id);
        // Only of an earlier agent a registration is ended that is not known.
        let nothing = outcome.changed.is_empty() && outcome.unchanged.is_empty();
        for waiting in waiting {
            let answer = if nothing { Err(Problem::unknown(&id)) } else { Ok(shown.clone()) };
            let _ = waiting.answer.send(answer);
        }
    }

    fn read(&mut self, pod: OwnPod) {
        self.pod.uid = Some(pod.uid);
        self.pod.ips = pod.ips.unwrap_or_default();
    }

    fn failed(&mut self, ticket: Ticket, error: RegistrationError) {
        if self.look.take_if(|look| *look == ticket).is_some() {
            (self.news)(News::Unreadable(&error));
            self.answer_lookers();
        }
        let Some((id, number)) = self.tickets.remove(&ticket) else { return };
        let problem = Problem::of(&error);
        let waiting = self.waiting_for(number);
        let waits = waiting.iter().any(|waiting| !waiting.answer.is_closed());
        self.table.failed(self.now(), &id, number, &problem, waits);
        for waiting in waiting {
            let _ = waiting.answer.send(Err(problem.clone()));
        }
        if let Some(closing) = &mut self.closing {
            closing.result = Err(error);
        }
    }

    /// Takes out who waits for a change.
    fn waiting_for(&mut self, number: u64) -> Vec<Waiting> {
        let waiting = std::mem::take(&mut self.waiting).into_iter();
        let (found, others) = waiting.partition(|waiting| waiting.number == number);
        self.waiting = others;
        found
    }
}
