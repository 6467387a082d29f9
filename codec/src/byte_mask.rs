//! Many bytes at once: which of 64 bytes are a given one, as the bits of a word, lowest first.
//!
//! It knows nothing of JSON.

/// 64 bytes to be looked at together.
pub(crate) type Block = [u8; 64];

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64", target_feature = "simd128"))]
pub(crate) use vectors::masked;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64", target_feature = "simd128")))]
pub(crate) use words::masked;

/// The bytes that equal `byte`.
pub(crate) fn equal(block: &Block, byte: u8) -> u64 {
    masked(block, 0, byte)
}

/// With the vectors that every such CPU has, and WebAssembly where they are asked for.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64", target_feature = "simd128"))]
mod vectors {
    use wide::u8x16;

    use super::Block;

    /// The bytes that equal `byte` once the bits of `set` are set in them.
    pub(crate) fn masked(block: &Block, set: u8, byte: u8) -> u64 {
        let (set, byte) = (u8x16::splat(set), u8x16::splat(byte));
        let quarters = block.as_chunks::<16>().0;
        quarters.iter().rev().fold(0, |mask, quarter| {
            let equal = (u8x16::new(*quarter) | set).simd_eq(byte);
            mask << 16 | u64::from(equal.to_bitmask() & 0xffff)
        })
    }
}

/// The same with eight bytes in each word.
#[cfg(any(
    test,
    not(any(target_arch = "x86_64", target_arch = "aarch64", target_feature = "simd128"))
))]
mod words {
    use super::Block;

    pub(crate) fn masked(block: &Block, set: u8, byte: u8) -> u64 {
        let (set, byte) = (u64::from_le_bytes([set; 8]), u64::from_le_bytes([byte; 8]));
        let eighths = block.as_chunks::<8>().0;
        eighths.iter().rev().fold(0, |mask, eighth| {
            mask << 8 | gather(zeros((u64::from_le_bytes(*eighth) | set) ^ byte))
        })
    }

    /// The highest bit of each byte that is zero.
    const fn zeros(word: u64) -> u64 {
        const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
        !(((word & LOW) + LOW) | word | LOW)
    }

    /// The highest bits of eight bytes, next to each other.
    const fn gather(highest: u64) -> u64 {
        (highest >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn both_ways_see_what_a_loop_sees(bytes in prop::collection::vec(0_u8..8, 64), set in 0_u8..4) {
            let block: Block = bytes.try_into().unwrap();
            let plain = |byte: u8| {
                (0..64).fold(0, |mask, at| mask | u64::from(block[at] | set == byte) << at)
            };
            for byte in 0..8 {
                prop_assert_eq!(masked(&block, set, byte), plain(byte));
                prop_assert_eq!(words::masked(&block, set, byte), plain(byte));
            }
            prop_assert_eq!(equal(&block, 3), masked(&block, 0, 3));
        }
    }
}
