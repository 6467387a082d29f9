//! The hash of endpoints whose values never change, over the numbers of the codec. Not for secrets.

pub use dubbo_k8s_codec::random::Random;
use dubbo_k8s_codec::random::{STEP, mix};

/// A hash of some bytes, the same in every proxy and in every version of this crate.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    let fnv = |hash: u64, &byte: &u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    mix(bytes.iter().fold(0xcbf2_9ce4_8422_2325, fnv))
}

/// The hash of the same bytes in another place: `hash` seen as the start of a stream.
pub(crate) fn rehash(hash: u64, index: u64) -> u64 {
    mix(hash.wrapping_add(STEP.wrapping_mul(index)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_never_changes() {
        assert_eq!(hash(b""), 0xf52a_15e9_a9b5_e89b);
        assert_eq!(hash(b"10.0.0.1:50051"), hash(b"10.0.0.1:50051"));
        assert_ne!(hash(b"a"), hash(b"b"));
    }
}
