//! Any bytes as a list in protobuf, in chunks cut anywhere: no panic, the cuts make no difference, and what is read
//! is what the plain reader reads.

use dubbo_k8s_codec::protobuf::{ListReader, Message, parse_item};
use dubbo_k8s_codec::{ListError, ListMeta, Pod};

use crate::plain_protobuf as plain;

fn read(body: &[u8], size: usize) -> Result<(Vec<Vec<u8>>, ListMeta), ListError> {
    let mut reader = ListReader::new();
    let mut items = Vec::new();
    for mut chunk in body.chunks(size) {
        while let Some(item) = reader.next(&mut chunk)? {
            items.push(item.bytes().to_vec());
        }
    }
    Ok((items, reader.finish()?))
}

pub(crate) fn check(bytes: &[u8]) {
    let Some((&size, body)) = bytes.split_first() else { return };
    let whole = read(body, body.len().max(1));
    assert_eq!(read(body, usize::from(size).max(1)), whole);
    let pods = whole.map(|(items, meta)| {
        (
            items
                .iter()
                .map(|item| parse_item(Message::Whole(item)).map_err(drop))
                .map(owned)
                .collect(),
            meta,
        )
    });
    assert_eq!(pods.map_err(drop), plain::list(body));
}

/// The same outcome, which the item does not outlive.
fn owned(pod: Result<Pod<'_>, ()>) -> Result<Pod<'static>, ()> {
    let own = |text: std::borrow::Cow<'_, str>| text.into_owned().into();
    let pod = pod?;
    Ok(Pod {
        namespace: own(pod.namespace),
        name: own(pod.name),
        uid: own(pod.uid),
        resource_version: own(pod.resource_version),
        label: pod.label.map(own),
        annotation: pod.annotation.map(own),
        phase: pod.phase.map(own),
        ..pod
    })
}
