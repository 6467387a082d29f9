//! What dubbo-go makes of the URL of a record, as problems with their places in the key.
//!
//! It judges by [`check`] and [`differences`] alone, and reads no record itself.

use alloc::vec::Vec;

use super::{Finding, GoUrl, Reason, check, differences};
use crate::code::Code;
use crate::problem::{Detail, Problem};
use crate::{Annotation, Category, Key, Url, WarningCode};

/// Why dubbo-go refuses the URL of a record; `None` also for what only a provider's URL needs, in
/// another category: dubbo-go writes consumers without a port and reads no consumer.
pub fn refusal(url: &str, category: Category) -> Option<Finding> {
    check(url).err().filter(|finding| refuses(*finding, category))
}

fn refuses(finding: Finding, category: Category) -> bool {
    category == Category::Providers || !finding.reason.is_of_port()
}

/// What dubbo-go refuses in a record, or reads in another way. `read` is the URL as this crate reads
/// it; without it, dubbo-go's verdict is on what it takes for the URL in a key that is no key here.
pub fn problems(key: &str, read: Option<(&Url<'_>, Category)>) -> Vec<Problem> {
    match read {
        Some((url, category)) => of_read(key, url, category, check(url.as_str())),
        None => of_unread(key).into_iter().collect(),
    }
}

/// The same of a URL that has been [checked](check).
pub(crate) fn of_read(
    key: &str,
    url: &Url<'_>,
    category: Category,
    checked: Result<(), Finding>,
) -> Vec<Problem> {
    let place = |code, finding: Finding| {
        let source = url.as_str().get(finding.span(url.as_str())).unwrap_or_default();
        let problem = of(code, finding.reason, Key::place_in_url(key, finding.offset), source);
        match finding.instead(url.as_str()) {
            Some(instead) => problem.because(Detail::Instead(instead)),
            None => problem,
        }
    };
    let otherwise = |finding| place(Code::DubboGoReadsOtherwise, finding);
    let notes = differences(url, category == Category::Providers);
    let Err(finding) = checked else { return notes.map(otherwise).collect() };
    let first = match Some(finding).filter(|it| refuses(*it, category)) {
        Some(refused) => Some(place(Code::DubboGoRefusesUrl, refused)),
        None => Some(finding).filter(|it| it.reason == Reason::ManyColons).map(otherwise),
    };
    // Of what is not read at all only the zone says something more.
    let zones = notes.filter(|it| it.reason == Reason::Ipv6Zone).map(otherwise);
    first.into_iter().chain(zones).collect()
}

/// dubbo-go takes for a provider's URL all that follows `/providers/`.
fn of_unread(key: &str) -> Option<Problem> {
    const BEFORE: &str = "/providers/";
    let start = key.find(BEFORE)? + BEFORE.len();
    let url = key.get(start..)?;
    let finding = GoUrl::parse_escaped(url).err()?;
    let source = url.get(finding.span(url)).unwrap_or_default();
    Some(of(Code::DubboGoRefusesUrl, finding.reason, start + finding.offset, source))
}

fn of(code: Code, reason: Reason, key_offset: usize, source: &str) -> Problem {
    let source = Some(source.into()).filter(|_| !source.is_empty());
    Problem { reason: Some(reason), key_offset: Some(key_offset), ..Problem::new(code) }
        .because(Detail::Wrong(reason.phrase(), source))
}

/// Whether dubbo-go reads an annotation that was decoded: of all that is accepted here it refuses two oddities, and
/// skips the whole Pod.
pub fn reads(annotation: &Annotation) -> bool {
    use WarningCode::{MissingPadding, StandardAlphabet};
    let beyond = |code| matches!(code, StandardAlphabet | MissingPadding);
    !annotation.warnings().iter().any(|warning| beyond(warning.code))
}

/// That dubbo-go's consumer takes none of the providers that this crate would give it, if so.
pub fn takes_none<'a>(
    consumer: &super::Identity,
    providers: impl IntoIterator<Item = &'a super::Identity>,
) -> Option<Problem> {
    let mut nearest = None;
    for provider in providers {
        let mismatch = provider.mismatch(consumer)?;
        nearest = nearest.max(Some((mismatch, provider)));
    }
    let (mismatch, provider) = nearest?;
    let problem =
        Problem::new(Code::DubboGoTakesNoProvider).because(Detail::Wrong(mismatch.phrase(), None));
    let values = [consumer.value(mismatch), provider.value(mismatch)];
    Some(values.iter().filter(|it| !it.is_empty()).fold(problem, Problem::about))
}
