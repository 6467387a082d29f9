//! Leases: what several applications keep in one Pod, and what a later machine finds of it.

use dubbo_k8s_codec::{ANNOTATION, LEASES, Record, encode};

use super::super::leases::write;
use super::*;

fn leasing() -> RegistrarSettings {
    RegistrarSettings { leases: true, ..settings(false) }
}

fn lease(id: &str, names: &[&str]) -> Edit {
    Edit::Lease(of(id, names))
}

fn of(id: &str, names: &[&str]) -> Lease {
    Lease { id: id.into(), seconds: 30, keys: names.iter().map(|name| key(name)).collect() }
}

impl Bench {
    fn leased(leases: &[(&str, &[&str])]) -> Self {
        let mut bench = Self::new(leasing());
        for (id, names) in leases {
            bench.submit(lease(id, names));
        }
        bench.settle();
        bench
    }

    /// Another machine over the same server; the first one is gone without a word.
    fn next(self) -> Self {
        Self { model: self.model, ..Self::new(leasing()) }
    }

    fn done(&mut self, edit: Edit) -> Result<Outcome, RegistrationError> {
        let ticket = self.submit(edit);
        self.settle();
        self.outcome(ticket)
    }

    fn taken_over(&mut self) -> Vec<Lease> {
        let mut found = self.notices.iter().filter_map(|notice| match notice {
            RegistrarNotice::TakenOver(leases) => Some(leases.clone()),
            _ => None,
        });
        let leases = found.next().expect("it has looked");
        assert!(found.next().is_none(), "once");
        leases
    }

    fn written(&self) -> Option<&str> {
        self.model.pod.as_ref()?["metadata"]["annotations"][LEASES].as_str()
    }
}

#[test]
fn a_lease_is_replaced_by_its_difference_in_one_request() {
    let mut bench = Bench::leased(&[("app", &["a.A", "b.B"])]);
    let patches = bench.model.patches.len();
    let outcome = bench.done(lease("app", &["b.B", "c.C"])).unwrap();
    assert_eq!(outcome.changed, [key("a.A"), key("c.C")]);
    assert_eq!(bench.keys(), [&*key("b.B"), &*key("c.C")]);
    assert_eq!(bench.model.patches.len(), patches + 1);
    let same = bench.done(lease("app", &["b.B", "c.C"])).unwrap();
    assert_eq!((same.patch, bench.model.patches.len()), (None, patches + 1));
}

#[test]
fn a_record_of_several_leases_goes_with_the_last() {
    let mut bench = Bench::leased(&[("one", &["a.A"]), ("two", &["a.A", "b.B"])]);
    bench.done(lease("two", &[])).unwrap();
    assert_eq!(bench.keys(), [&*key("a.A")]);
    bench.done(lease("one", &[])).unwrap();
    assert_eq!((bench.keys().len(), bench.written()), (0, None));
}

#[test]
fn a_later_machine_holds_what_an_earlier_one_left_behind_and_nothing_else() {
    let mut bench = Bench::leased(&[("one", &["a.A"]), ("two", &["b.B"])]);
    bench.done(add(&["other.O"])).unwrap();
    let mut next = bench.next();
    next.done(Edit::Read).unwrap();
    assert_eq!(next.taken_over(), [of("one", &["a.A"]), of("two", &["b.B"])]);
    assert_eq!(next.model.patches.len(), 2, "looking writes nothing");
    next.accept_watch();
    next.model.set_records(&[&key("other.O")]);
    next.tell_last_event();
    next.settle();
    assert_eq!(next.keys().len(), 3, "what it took over is put back");
    next.done(lease("one", &["c.C"])).unwrap();
    next.done(lease("two", &[])).unwrap();
    assert_eq!(next.keys(), [&*key("other.O"), &*key("c.C")]);
}

#[test]
fn a_change_that_comes_before_the_first_look_is_made_to_what_was_left_behind() {
    let mut next = Bench::leased(&[("one", &["a.A"]), ("two", &["b.B"])]).next();
    next.submit(lease("one", &["c.C"]));
    next.done(lease("two", &[])).unwrap();
    assert_eq!(next.keys(), [&*key("c.C")]);
    assert_eq!(next.model.patches.len(), 2, "the earlier machine's, and one for both changes");
}

#[test]
fn what_another_writer_took_out_meanwhile_is_no_longer_written_down() {
    let mut bench = Bench::leased(&[("one", &["a.A", "b.B"]), ("two", &["c.C"])]);
    bench.model.edit(|metadata| {
        metadata["annotations"][ANNOTATION] = json!(encode([Record::new(&key("b.B"))]));
    });
    let mut next = bench.next();
    next.done(Edit::Read).unwrap();
    assert_eq!(next.taken_over(), [of("one", &["b.B"])]);
    assert_eq!(next.written(), write(&[of("one", &["b.B"])]).as_deref());
}

#[test]
fn the_note_of_the_leases_is_put_back_too() {
    let mut bench = Bench::leased(&[("app", &["a.A"])]);
    bench.accept_watch();
    let written = bench.written().unwrap().to_owned();
    bench
        .model
        .edit(|metadata| drop(metadata["annotations"].as_object_mut().unwrap().remove(LEASES)));
    bench.tell_last_event();
    bench.settle();
    assert_eq!(bench.written(), Some(&*written));
}

#[test]
fn a_refused_lease_leaves_the_one_before_and_holds_nothing_of_its_own() {
    let mut bench = Bench::leased(&[("app", &["a.A"])]);
    let huge = "x".repeat(250_000);
    let error = bench.done(lease("app", &["b.B", &huge])).unwrap_err();
    assert!(matches!(error, RegistrationError::TooLarge { .. }));
    assert_eq!(bench.keys(), [&*key("a.A")]);
    assert_eq!(bench.written(), write(&[of("app", &["a.A"])]).as_deref());
    assert!(bench.machine.is_settled());
}

#[test]
fn an_addition_that_is_refused_is_not_held() {
    let mut bench = Bench::holding(&["a.A"]);
    let huge = "x".repeat(250_000);
    bench.done(add(&["b.B", &huge])).unwrap_err();
    bench.notices.clear();
    bench.model.edit(|metadata| metadata["annotations"]["tick"] = json!("1"));
    bench.tell_last_event();
    bench.settle();
    assert_eq!((bench.keys(), &*bench.notices), (vec![key("a.A").to_string()], &[][..]));
}

#[test]
fn the_end_of_a_lease_that_is_refused_keeps_it() {
    let mut bench = Bench::leased(&[("app", &["a.A"])]);
    let ticket = bench.submit(lease("app", &[]));
    bench.refuse(403, "Forbidden", "no");
    assert!(bench.outcome(ticket).unwrap_err().forbidden().is_some());
    bench.done(lease("app", &[])).unwrap();
    assert_eq!((bench.keys().len(), bench.written()), (0, None));
}

#[test]
fn a_machine_without_leases_leaves_those_of_another_alone() {
    let bench = Bench::leased(&[("app", &["a.A"])]);
    let written = bench.written().unwrap().to_owned();
    let mut other = Bench { model: bench.model, ..Bench::new(settings(true)) };
    other.done(add(&["b.B"])).unwrap();
    assert_eq!((other.keys().len(), other.written()), (2, Some(&*written)));
}

#[test]
fn in_a_pod_that_is_gone_a_lease_has_ended_and_none_begins() {
    let mut bench = Bench::leased(&[("app", &["a.A"])]);
    bench.model.delete();
    let ticket = bench.submit(lease("app", &[]));
    bench.settle();
    assert!(bench.outcome(ticket).is_ok());
    assert!(matches!(bench.notices.last(), Some(RegistrarNotice::Lost(_))));
    assert!(matches!(bench.done(lease("app", &["b.B"])), Err(RegistrationError::Gone(_))));
}
