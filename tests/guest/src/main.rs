//! The codec as a command: one question a line on stdin, `decode ANNOTATION` or `encode RECORDS`, and
//! one JSON answer a line on stdout. It must never do more than move lines: the answers are the library's.

use std::io::{BufRead, Write};

use codec_guest::{decode, encode};

fn main() -> std::io::Result<()> {
    let mut answers = std::io::stdout().lock();
    for question in std::io::stdin().lock().split(b'\n') {
        let question = question?;
        let answer = match question.split_at_checked(b"decode ".len()) {
            Some((b"decode ", annotation)) => decode(annotation),
            Some((b"encode ", records)) => encode(records),
            _ => b"a question is `decode ANNOTATION` or `encode RECORDS`".to_vec(),
        };
        answers.write_all(&answer)?;
        answers.write_all(b"\n")?;
    }
    answers.flush()
}
