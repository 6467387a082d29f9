//! Asks dubbo-go itself and the codec the same million questions.
//!
//! Outside the check, for it needs a program that answers by dubbo-go's own functions: questions as
//! JSON lines at its input, the same with the answers at its output. `DUBBO_GO_ORACLE` names it,
//! `DUBBO_GO_QUESTIONS` how many are asked, `DUBBO_GO_SEED` which.

use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::answer;
use super::questions::Questions;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

#[test]
#[ignore = "asks a program that DUBBO_GO_ORACLE names"]
fn random_urls_are_judged_as_by_dubbo_go() {
    let oracle = std::env::var_os("DUBBO_GO_ORACLE").expect("DUBBO_GO_ORACLE names a program");
    let count = usize::try_from(number("DUBBO_GO_QUESTIONS", 1_000_000)).unwrap();
    let questions = Questions::seeded(number("DUBBO_GO_SEED", 15)).take(count);
    let mut child =
        Command::new(oracle).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut to = BufWriter::new(child.stdin.take().unwrap());
    let asking = std::thread::spawn(move || {
        questions.into_iter().for_each(|question| writeln!(to, "{question}").unwrap());
    });
    let (mut asked, mut refused, mut wrong) = (0, 0, Vec::new());
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let answer: Value = serde_json::from_str(&line.unwrap()).unwrap();
        asked += 1;
        refused += usize::from(answer["ok"] == false);
        wrong.extend(answer::check(&answer).err());
    }
    asking.join().unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(asked, count);
    assert!(refused > count / 10 && refused < count / 10 * 9, "{refused} of {count} refused");
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(20)].join("\n")
    );
}
