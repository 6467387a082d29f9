//! A digest of a text, to find it quickly. It must never serve as the identity of anything: texts of equal
//! digests are still compared.

/// Sixty-four bits of a text. Not cryptographic: texts made for it can have equal digests, which costs comparisons.
pub(crate) fn digest(text: &str) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |sum: u64, word: [u8; 8]| {
        (sum ^ u64::from_le_bytes(word)).wrapping_mul(FACTOR).rotate_left(29)
    };
    // Two sums, because each step of one has to wait for the step before.
    let (mut one, mut two) = (text.len() as u64, FACTOR);
    let (words, rest) = text.as_bytes().as_chunks::<8>();
    let (pairs, single) = words.as_chunks::<2>();
    for &[first, second] in pairs {
        (one, two) = (mix(one, first), mix(two, second));
    }
    let mut last = [0; 8];
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    one = single.iter().fold(one, |sum, &word| mix(sum, word));
    two = mix(two, last);
    let sum = (one ^ two.rotate_left(32)).wrapping_mul(FACTOR);
    sum ^ sum >> 32
}

#[cfg(test)]
mod tests {
    use alloc::string::String;
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn texts_that_differ_anywhere_have_different_digests() {
        let text = "/dubbo/a.B/providers/dubbo%3A%2F%2F10.0.0.1";
        let mut digests = Vec::from([digest(text)]);
        for at in 0..text.len() {
            let other: String =
                text.char_indices().map(|(i, c)| if i == at { '!' } else { c }).collect();
            digests.push(digest(&other));
            digests.push(digest(&text[..at]));
        }
        digests.sort_unstable();
        digests.dedup();
        assert_eq!(digests.len(), 2 * text.len() + 1);
    }
}
