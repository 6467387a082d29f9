//! Any bytes as an annotation, and as the JSON in one: no panic, offsets inside the input, and what
//! was read is written and read again as the same records.

use dubbo_k8s_codec::Annotation;

pub(crate) fn check(bytes: &[u8]) {
    for read in [Annotation::decode_bytes(bytes), Annotation::from_json(bytes)] {
        match read {
            Ok(annotation) => {
                let written = annotation.encode();
                let again = Annotation::decode(&written).unwrap();
                assert!(again.records().eq(annotation.records()));
                assert_eq!(again.encode(), written);
                assert!(annotation.warnings().iter().all(|warning| warning.offset <= bytes.len()));
            }
            Err(error) => {
                assert!(error.offset <= bytes.len());
                assert!(error.decoded_offset.is_none_or(|offset| offset <= bytes.len()));
            }
        }
    }
    // What is JSON of the right shape to a strict reader is read, with the same keys.
    if let Ok(strict) = serde_json::from_slice::<Vec<Strict>>(bytes) {
        let read = Annotation::from_json(bytes).unwrap();
        let keys = |annotation: &Annotation| -> Vec<String> {
            annotation.records().map(|record| record.key.to_owned()).collect()
        };
        assert_eq!(keys(&read), strict.into_iter().map(|record| record.k).collect::<Vec<_>>());
    }
}

#[derive(serde::Deserialize)]
struct Strict {
    k: String,
    #[serde(rename = "v")]
    _v: String,
}
