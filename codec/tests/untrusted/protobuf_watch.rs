//! Any bytes as a watch in protobuf, in chunks cut anywhere, and as the body of a single answer: no panic, the cuts
//! make no difference, and what is read is what the plain reader reads.

use dubbo_k8s_codec::protobuf::{
    Event, FrameError, FrameReader, Message, Object, parse_event, parse_item, parse_pod,
    parse_status,
};

use crate::plain_protobuf as plain;

const LIMIT: usize = 1 << 20;

fn read(body: &[u8], size: usize) -> (Vec<Vec<u8>>, Result<(), FrameError>) {
    let mut reader = FrameReader::new(LIMIT);
    let mut frames = Vec::new();
    for mut chunk in body.chunks(size) {
        loop {
            match reader.next(&mut chunk) {
                Ok(Some(frame)) => frames.push(frame.bytes().to_vec()),
                Ok(None) => break,
                Err(error) => return (frames, Err(error)),
            }
        }
    }
    (frames, reader.finish())
}

pub(crate) fn check(bytes: &[u8]) {
    let Some((&size, body)) = bytes.split_first() else { return };
    let (frames, end) = read(body, body.len().max(1));
    assert_eq!(read(body, usize::from(size).max(1)), (frames.clone(), end));
    assert_eq!((frames.iter().map(|frame| &**frame).collect(), end.is_ok()), plain::frames(body));
    for bytes in frames.iter().map(|frame| &**frame).chain([body]) {
        assert_eq!(parse_event(Message::Whole(bytes)).map_err(drop), plain::event(bytes));
        assert_eq!(parse_item(Message::Whole(bytes)).map_err(drop), plain::item(bytes));
        assert_eq!(parse_pod(bytes).map_err(drop), plain::pod(bytes));
        assert_eq!(parse_status(bytes).map_err(drop), plain::status(bytes));
        let _ = Object::open(bytes)
            .annotations()
            .chain(Event::open(Message::Whole(bytes)).object().annotations());
    }
}
