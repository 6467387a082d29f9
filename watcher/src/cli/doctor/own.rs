//! The Pod to register in: the rights on it, its label and its annotation.

use dubbo_k8s_codec::kubernetes::ANNOTATIONS_LIMIT;
use dubbo_k8s_codec::{ANNOTATION, Annotation};
use dubbo_k8s_engine::{
    Verb,
    registration::{Outcome, OwnPod, PodName, RegistrationError},
};
use dubbo_k8s_registry::kube::{Rights, config::ThisPod};

use super::ask::{self, ask, scope_of};
use super::report::Report;
use super::visit::{Visit, place, transport, verbs};
use crate::cli::{ended::Ended, plain::plain};

impl Visit<'_> {
    pub(super) async fn own_pod(&mut self, own: &ThisPod, needed: bool) -> Result<(), Ended> {
        let scope = scope_of(own.name.namespace());
        let mut denied = Vec::new();
        for verb in Rights::REGISTRAR.verbs {
            if !self.may(*verb, &scope, Some(own.name.name())).await? {
                denied.push(*verb);
            }
        }
        // Without `watch` everything works, only later.
        let fatal = needed && denied.iter().any(|verb| *verb != Verb::Watch);
        let all = verbs(Rights::REGISTRAR.verbs);
        let well = format!("may {all} Pod {} {}", own.name.name(), place(&scope));
        self.say_rights(&denied, Rights::REGISTRAR, &scope, fatal, &well)?;
        if denied.contains(&Verb::Get) {
            return Ok(());
        }
        self.look_at(own, needed).await
    }

    async fn look_at(&mut self, own: &ThisPod, needed: bool) -> Result<(), Ended> {
        let name = &own.name;
        let answer = match ask(&mut self.client, ask::pod(name)).await {
            Ok(answer) => answer,
            Err(error) => return Ok(self.report.failure(&self.explain(&transport(error)))?),
        };
        if answer.status == 404 {
            return self.wrong(&RegistrationError::NotFound(name.clone()), needed);
        }
        let Some(pod) = OwnPod::parse(&answer.body).ok().filter(|_| answer.is_ok()) else {
            let failure = answer.failure(Verb::Get, scope_of(name.namespace()));
            return Ok(self.report.failure(&self.explain(&failure))?);
        };
        if own.uid.as_ref().is_some_and(|uid| *uid != pod.uid) {
            return self.wrong(&RegistrationError::Replaced(name.clone()), needed);
        }
        if pod.terminating {
            self.wrong(&RegistrationError::Terminating(name.clone()), false)?;
        }
        label(name, &pod)?;
        self.annotation(name, &pod, needed)
    }

    fn annotation(&mut self, name: &PodName, pod: &OwnPod, needed: bool) -> Result<(), Ended> {
        let Some(value) = pod.annotation() else {
            return Ok(Report::well(&format!("Pod {name} has no {ANNOTATION} yet"))?);
        };
        let annotation = match Annotation::decode(value) {
            Ok(annotation) => annotation,
            Err(error) => {
                let pod = name.clone();
                return self.wrong(&RegistrationError::Unreadable { pod, error }, needed);
            }
        };
        let (records, warnings) = (annotation.records().len(), annotation.warnings());
        let bytes: usize =
            pod.annotations.iter().map(|(name, value)| name.len() + value.len()).sum();
        let used = format!(
            "{records} records; {bytes} of {ANNOTATIONS_LIMIT} bytes of annotations are used"
        );
        match warnings.first() {
            None => Report::well(&format!("Pod {name} carries {used}"))?,
            Some(first) => Report::notice(&format!(
                "Pod {name} carries {used}\nIts annotation is odd: {}\nThe next change of its \
                 records writes it anew.",
                plain(&first.to_string())
            ))?,
        }
        Ok(())
    }

    fn wrong(&mut self, error: &RegistrationError, needed: bool) -> Result<(), Ended> {
        let advice = error.advice().unwrap_or_default();
        let lines: Vec<_> = advice.lines().map(plain).collect();
        let text = format!("{}\n{}", plain(&error.to_string()), lines.join("\n"));
        Ok(self.report.check(false, needed, "", &text)?)
    }
}

fn label(name: &PodName, pod: &OwnPod) -> Result<(), Ended> {
    let mut outcome = Outcome::default();
    outcome.label.clone_from(&pod.label);
    match (&pod.label, outcome.overlooked_label()) {
        (None, _) => Report::well(&format!("Pod {name} has no label yet; registering sets it"))?,
        (Some(_), Some(odd)) => Report::notice(&format!(
            "Pod {name} has the label dubbo.io/label={}, which readers overlook without -l\n\
             kubectl label pod -n {} {} --overwrite dubbo.io/label=dubbo.io-value",
            plain(odd),
            name.namespace(),
            name.name()
        ))?,
        (Some(value), None) => Report::well(&format!("Pod {name} has the label {}", plain(value)))?,
    }
    Ok(())
}
