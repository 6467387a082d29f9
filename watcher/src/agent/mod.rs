//! Registrations of one Pod with a lease, for applications in any language: what `dubbo-watcher agent` adds to the HTTP
//! API. Which records the Pod carries is decided by [`Registrar`](dubbo_k8s_engine::registration::Registrar) alone; here
//! is who asked for them and until when. It must never keep a record for an application that has stopped to renew it.

mod limits;
mod problem;
mod shown;
mod table;
mod task;
mod terms;

use std::time::Duration;

use dubbo_k8s_engine::registration::{PodName, RegistrationError};
use dubbo_k8s_registry::kube::RegistrarDriver;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

pub use self::limits::{
    API, DEFAULT_LEASE, LARGEST_BODY, LONGEST_ID, LONGEST_LEASE, MOST_REGISTRATIONS, MOST_URLS,
    SHORTEST_LEASE,
};
pub use self::problem::Problem;
pub use self::shown::{News, Pod, RegisteredUrl, Registration, UrlState};
use self::task::{Command, Task};
pub use self::terms::Terms;

/// Requests that wait for the task, at most.
const BACKLOG: usize = 64;

/// The registrations of one Pod. Cheap to clone; all clones work on the same Pod.
#[derive(Debug, Clone)]
pub struct Agent {
    commands: mpsc::Sender<Command>,
    pod: PodName,
}

/// How a change ended.
#[derive(Debug)]
pub enum Changed {
    /// It is done; the registration is like this now, or gone.
    Done(Option<Registration>),
    /// It is not done yet, and goes on.
    Pending(Registration),
}

impl Agent {
    /// An agent for this Pod, and the work that it does, which reports to `news`. The driver's machine must keep leases
    /// ([`RegistrarSettings::leases`](dubbo_k8s_engine::registration::RegistrarSettings::leases)); `uid` is that of the
    /// Pod where it is known.
    ///
    /// The work ends without an error after [`Agent::close`], and with one when the Pod is gone. Dropping it leaves in the
    /// Pod what is registered.
    pub fn new(
        driver: RegistrarDriver,
        pod: PodName,
        uid: Option<String>,
        news: impl FnMut(News<'_>) + Send + 'static,
    ) -> (Self, impl Future<Output = Result<(), RegistrationError>> + Send) {
        let (commands, receiver) = mpsc::channel(BACKLOG);
        let task = Task::new(driver, &pod, uid, receiver, Box::new(news));
        (Self { commands, pod }, task.run())
    }

    /// The name of the Pod.
    pub fn pod_name(&self) -> &PodName {
        &self.pod
    }

    /// Registers exactly these URLs under an id, or renews it, and waits so long for the server.
    ///
    /// Cancel safe: the change goes on, and the registration ends with its lease.
    ///
    /// # Errors
    /// When a limit is reached, or the Pod cannot or must not carry one of the URLs. Nothing was changed then.
    pub async fn put(&self, id: &str, terms: Terms, wait: Duration) -> Result<Changed, Problem> {
        let put = |answer| Command::Put { id: id.into(), terms, answer };
        self.change(id, wait, put).await
    }

    /// Ends a registration, and waits so long for the server.
    ///
    /// Cancel safe: the change goes on.
    ///
    /// # Errors
    /// When there is no such registration, or the server refuses the change; it stays then.
    pub async fn delete(&self, id: &str, wait: Duration) -> Result<Changed, Problem> {
        let delete = |answer| Command::Delete { id: id.into(), answer };
        self.change(id, wait, delete).await
    }

    async fn change(
        &self,
        id: &str,
        wait: Duration,
        command: impl FnOnce(oneshot::Sender<Result<Option<Registration>, Problem>>) -> Command,
    ) -> Result<Changed, Problem> {
        let (answer, answered) = oneshot::channel();
        self.send(command(answer)).await?;
        match timeout(wait, answered).await {
            Ok(answer) => Ok(Changed::Done(answer.map_err(|_| Problem::closing())??)),
            Err(_) => Ok(self.get(id).await?.map_or(Changed::Done(None), |registration| {
                if registration.is_settled() {
                    Changed::Done(Some(registration))
                } else {
                    Changed::Pending(registration)
                }
            })),
        }
    }

    /// One registration. Cancel safe.
    ///
    /// # Errors
    /// When the agent has ended.
    pub async fn get(&self, id: &str) -> Result<Option<Registration>, Problem> {
        let all = self.list().await?;
        Ok(all.into_iter().find(|registration| *registration.id == *id))
    }

    /// All registrations, by their ids. Cancel safe.
    ///
    /// # Errors
    /// When the agent has ended.
    pub async fn list(&self) -> Result<Vec<Registration>, Problem> {
        self.ask(Command::List).await
    }

    /// The Pod. While its addresses are not known, it is read again, for a short time. Cancel safe.
    ///
    /// # Errors
    /// When the agent has ended.
    pub async fn pod(&self) -> Result<Pod, Problem> {
        match timeout(task::LOOK, self.ask(Command::Pod)).await {
            Ok(pod) => pod,
            Err(_) => self.ask(Command::KnownPod).await,
        }
    }

    /// Ends all registrations, unless the Pod is to `keep` them for an agent that follows, and then the agent.
    ///
    /// Cancel safe: the end goes on.
    ///
    /// # Errors
    /// When they could not be taken out of the Pod within ten seconds.
    pub async fn close(&self, keep: bool) -> Result<(), RegistrationError> {
        let (answer, answered) = oneshot::channel();
        // An agent that has ended has nothing left to do.
        if self.commands.send(Command::Close { keep, answer }).await.is_err() {
            return Ok(());
        }
        answered.await.unwrap_or(Ok(()))
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, Problem> {
        let (answer, answered) = oneshot::channel();
        self.send(command(answer)).await?;
        answered.await.map_err(|_| Problem::closing())
    }

    async fn send(&self, command: Command) -> Result<(), Problem> {
        self.commands.send(command).await.map_err(|_| Problem::closing())
    }
}

/// Whether an id can be one of a registration.
///
/// # Errors
/// When it cannot.
pub fn check_id(id: &str) -> Result<(), Problem> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(legal) && id != "." && id != ".." {
        return Ok(());
    }
    Err(Problem::bad_id(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_short_and_needs_no_escape() {
        for good in ["a", "shop.v1_0-x", &"i".repeat(LONGEST_ID)] {
            assert!(check_id(good).is_ok(), "{good}");
        }
        for bad in ["", ".", "..", "a b", "a/b", "ä", "a\0", &"i".repeat(LONGEST_ID + 1)] {
            assert_eq!(check_id(bad).unwrap_err().code(), "bad-id", "{bad}");
        }
    }
}
