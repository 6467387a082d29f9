//! Any bytes as a list, in chunks cut anywhere: no panic, and the cuts make no difference.

use dubbo_k8s_codec::{ListError, ListMeta, ListReader, Pod};
use serde_json::Value;

fn read(body: &[u8], size: usize) -> Result<(Vec<Vec<u8>>, ListMeta), ListError> {
    let mut reader = ListReader::new();
    let mut items = Vec::new();
    for mut chunk in body.chunks(size) {
        while let Some(item) = reader.next(&mut chunk)? {
            items.push(item.to_vec());
        }
    }
    Ok((items, reader.finish()?))
}

pub(crate) fn check(bytes: &[u8]) {
    let Some((&size, body)) = bytes.split_first() else { return };
    let whole = read(body, body.len().max(1));
    assert_eq!(read(body, usize::from(size).max(1)), whole);
    // Whatever a strict reader takes for a list is one, with the same items.
    if let Ok(Value::Object(list)) = serde_json::from_slice(body)
        && let (Some(Value::Array(items)), Ok((found, _))) = (list.get("items"), &whole)
        && body.windows(7).filter(|name| name == b"\"items\"").count() == 1
    {
        assert_eq!(items.len(), found.len());
    }
    for item in whole.iter().flat_map(|(items, _)| items) {
        let _ = Pod::parse(item);
    }
}
