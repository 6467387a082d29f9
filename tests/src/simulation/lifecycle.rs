//! What one Pod of the simulation goes through: created, running, registered, spoiled and mended, terminating,
//! gone. When it happens is decided elsewhere.

use crate::apiserver::{Status, object_at, rfc3339};
use crate::pods::{ANNOTATION, Draft};
use crate::registration::annotation;

use super::{CALM, Fleet, Pod, SCHEDULING, STARTING, Simulation, Step, TERMINATING, deployments};

impl Simulation {
    pub(super) fn create(&mut self, fleet: usize) -> Result<u64, Status> {
        let Some(Fleet { deployment, generation, .. }) = self.fleets.get(fleet).copied() else {
            return Ok(0);
        };
        let number = self.steps;
        self.addresses += 1;
        let ip = format!("10.244.{}.{}", self.addresses / 250, self.addresses % 250 + 2);
        let hash = deployment.template_hash(generation);
        let suffix = self.suffix();
        let draft = Draft {
            namespace: deployment.namespace,
            deployment: deployment.name,
            template_hash: &hash,
            suffix: &suffix,
            label: None,
            annotation: None,
            phase: "Pending",
            ready: false,
            ip: &ip,
            created: &rfc3339(self.timestamp()),
        };
        self.store.create(draft.pod())?;
        self.pods.push(Pod { number, fleet, generation, name: draft.name(), ip, leaving: false });
        self.plan(SCHEDULING, Step::Run { pod: number });
        Ok(number)
    }

    pub(super) fn run(&mut self, number: u64) -> Result<(), Status> {
        self.change(number, |pod| {
            object_at(pod, &["status"]).insert("phase".to_owned(), "Running".into());
        })?;
        self.plan(STARTING, Step::Register { pod: number });
        Ok(())
    }

    /// The process writes itself into its Pod, and becomes ready.
    pub(super) fn register(&mut self, number: u64) -> Result<(), Status> {
        let timestamp = self.timestamp();
        let Some((pod, deployment)) = self.find(number) else { return Ok(()) };
        let keys = deployment.keys(&pod.ip, timestamp);
        let (namespace, label) = (deployment.namespace, deployment.label());
        let name = pod.name.clone();
        let draft = Draft {
            namespace,
            deployment: deployment.name,
            template_hash: &deployment.template_hash(pod.generation),
            suffix: "",
            label: Some(label),
            annotation: Some(&annotation(keys)),
            phase: "Running",
            ready: true,
            ip: &pod.ip,
            created: &rfc3339(timestamp),
        };
        let mut registered = draft.pod();
        self.tolerate(self.store.update(namespace, &name, |pod| {
            for part in ["labels", "annotations", "managedFields"] {
                if let Some(value) = object_at(&mut registered, &["metadata"]).shift_remove(part) {
                    object_at(pod, &["metadata"]).insert(part.to_owned(), value);
                }
            }
            let status = std::mem::take(object_at(&mut registered, &["status"]));
            *object_at(pod, &["status"]) = status;
        }))
    }

    pub(super) fn terminate(&mut self, number: u64) -> Result<(), Status> {
        let Some((pod, deployment)) = self.find(number).filter(|(pod, _)| !pod.leaving) else {
            return Ok(());
        };
        let gone_at = rfc3339(self.timestamp() + 30);
        let result = self.store.terminate_by(deployment.namespace, &pod.name, &gone_at);
        if let Some(pod) = self.pods.iter_mut().find(|pod| pod.number == number) {
            pod.leaving = true;
        }
        self.plan(TERMINATING, Step::Delete { pod: number });
        self.tolerate(result)
    }

    pub(super) fn delete(&mut self, number: u64) -> Result<(), Status> {
        let Some((pod, deployment)) = self.find(number) else { return Ok(()) };
        let result = self.store.delete(deployment.namespace, &pod.name);
        self.pods.retain(|pod| pod.number != number);
        self.tolerate(result)
    }

    /// A script of a user writes half an annotation.
    pub(super) fn spoil(&mut self, text: &str) -> Result<(), Status> {
        let Some(number) = self.newest_of(deployments::SPOILED) else { return Ok(()) };
        let Some((pod, deployment)) = self.find(number) else { return Ok(()) };
        let result = self.store.annotate(deployment.namespace, &pod.name, ANNOTATION, Some(text));
        self.tolerate(result)
    }

    /// The process notices and writes its own again; soon the script comes by once more.
    pub(super) fn mend(&mut self) -> Result<(), Status> {
        if let Some(number) = self.newest_of(deployments::SPOILED) {
            self.register(number)?;
        }
        self.plan(CALM * 2, Step::Break);
        Ok(())
    }

    fn change(
        &mut self,
        number: u64,
        edit: impl FnOnce(&mut serde_json::Value),
    ) -> Result<(), Status> {
        let Some((pod, deployment)) = self.find(number) else { return Ok(()) };
        let result = self.store.update(deployment.namespace, &pod.name, edit);
        self.tolerate(result)
    }

    /// Another client of the server may have deleted a Pod of the simulation.
    #[expect(clippy::unused_self, reason = "reads as what the simulation does")]
    fn tolerate(&self, result: Result<u64, Status>) -> Result<(), Status> {
        match result {
            Err(status) if status.code != 404 => Err(status),
            _ => Ok(()),
        }
    }
}
