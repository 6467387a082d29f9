//! The head of a request, read in place: one block of bytes as a proxy hands it over, and of it only the
//! headers that decide where the request goes. It must never copy a header.

use crate::settings::{ORIGINAL_DST_HEADER, OVERRIDE_HEADER};

/// The headers of a request that routing knows, as they were sent.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Head<'a> {
    path: Option<&'a [u8]>,
    content_type: Option<&'a [u8]>,
    group: [Option<&'a [u8]>; 2],
    version: [Option<&'a [u8]>; 2],
    tag: Option<&'a [u8]>,
    force_tag: Option<&'a [u8]>,
    /// The header whose value is hashed.
    key: Option<&'a [u8]>,
    names_endpoint: [bool; 2],
}

impl<'a> Head<'a> {
    /// Reads a block: the number of headers, the lengths of each name and value, then each of them with a zero
    /// behind it. What is cut ends the headers. `hashed` is the name of one more header to find.
    pub(crate) fn read(block: &'a [u8], hashed: Option<&str>) -> Self {
        let mut head = Self::default();
        for (name, value) in pairs(block) {
            if hashed.is_some_and(|hashed| hashed.as_bytes() == name) {
                head.key.get_or_insert(value);
            }
            head.keep(name, value);
        }
        head
    }

    fn keep(&mut self, name: &[u8], value: &'a [u8]) {
        let [group, rest_group] = &mut self.group;
        let [version, rest_version] = &mut self.version;
        let place = match name {
            b":path" => &mut self.path,
            b"content-type" => &mut self.content_type,
            b"tri-service-group" => group,
            b"rest-service-group" => rest_group,
            b"tri-service-version" => version,
            b"rest-service-version" => rest_version,
            b"dubbo.tag" => &mut self.tag,
            b"dubbo.force.tag" => &mut self.force_tag,
            name => {
                for (header, is_named) in ENDPOINTS.iter().zip(&mut self.names_endpoint) {
                    *is_named |= header.as_bytes() == name;
                }
                return;
            }
        };
        place.get_or_insert(value);
    }

    /// The value of a header that routing knows; none where it is no text.
    pub(crate) fn text(&self, name: &str) -> Option<&'a str> {
        let [group, rest_group] = self.group;
        let [version, rest_version] = self.version;
        let value = match name {
            ":path" => self.path,
            "content-type" => self.content_type,
            "tri-service-group" => group,
            "rest-service-group" => rest_group,
            "tri-service-version" => version,
            "rest-service-version" => rest_version,
            "dubbo.tag" => self.tag,
            "dubbo.force.tag" => self.force_tag,
            _ => None,
        };
        core::str::from_utf8(value?).ok()
    }

    /// The value of the header that is hashed.
    pub(crate) const fn key(&self) -> Option<&'a [u8]> {
        self.key
    }

    /// The headers that name an endpoint, and that the client has sent.
    pub(crate) fn forged(&self) -> impl Iterator<Item = &'static str> {
        ENDPOINTS.into_iter().zip(self.names_endpoint).filter(|(_, is)| *is).map(|(name, _)| name)
    }
}

/// Who names an endpoint himself could reach whatever the proxy can reach.
const ENDPOINTS: [&str; 2] = [ORIGINAL_DST_HEADER, OVERRIDE_HEADER];

/// The headers in a block, in their order.
fn pairs(block: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let (count, rest) = block.split_first_chunk::<4>().unwrap_or((&[0; 4], &[]));
    let lengths = (u32::from_le_bytes(*count) as usize).saturating_mul(8);
    let (lengths, mut texts) = rest.split_at_checked(lengths).unwrap_or_default();
    let (lengths, _) = lengths.as_chunks::<4>();
    let mut text = move |length: &[u8; 4]| {
        let (text, rest) = texts.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        texts = rest.get(1..)?;
        Some(text)
    };
    let (lengths, _) = lengths.as_chunks::<2>();
    lengths.iter().map_while(move |[name, value]| Some((text(name)?, text(value)?)))
}

/// A block of these headers.
#[cfg(any(all(target_arch = "wasm32", feature = "plugin"), test))]
pub(crate) fn block<V: AsRef<[u8]>>(headers: &[(&str, V)]) -> Vec<u8> {
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes();
    let mut block = number(headers.len()).to_vec();
    for (name, value) in headers {
        block.extend([number(name.len()), number(value.as_ref().len())].as_flattened());
    }
    for (name, value) in headers {
        for text in [name.as_bytes(), value.as_ref()] {
            block.extend(text);
            block.push(0);
        }
    }
    block
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_first_of_each_header_counts() {
        let block = block(&[
            (":path", &b"/a.B/get"[..]),
            ("x-user", b"\xff"),
            ("tri-service-group", b"g"),
            ("tri-service-group", b"other"),
            ("x-user", b"other"),
            ("dubbo.tag", b"\xff"),
            ("x-envoy-original-dst-host", b"1.1.1.1:1"),
        ]);
        let head = Head::read(&block, Some("x-user"));
        assert_eq!(head.text(":path"), Some("/a.B/get"));
        assert_eq!(head.text("tri-service-group"), Some("g"));
        assert_eq!(head.text("dubbo.tag"), None, "no text");
        assert_eq!(head.key(), Some(&b"\xff"[..]));
        assert_eq!(head.forged().collect::<Vec<_>>(), ["x-envoy-original-dst-host"]);
    }

    #[test]
    fn the_header_that_is_hashed_may_be_one_that_routing_knows() {
        let block = block(&[(":path", b"/a.B/get")]);
        let head = Head::read(&block, Some(":path"));
        assert_eq!((head.key(), head.text(":path")), (Some(&b"/a.B/get"[..]), Some("/a.B/get")));
    }

    #[test]
    fn a_block_that_is_cut_has_the_headers_before_the_cut() {
        let block = block(&[(":path", "/a.B/get"), ("dubbo.tag", "gray")]);
        for end in 0..block.len() {
            let head = Head::read(&block[..end], None);
            assert_eq!(head.text("dubbo.tag"), None, "{end}");
        }
        assert_eq!(Head::read(&block, None).text("dubbo.tag"), Some("gray"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_harm(block: Vec<u8>, count in 0_u8..4) {
            let counted = [&[count, 0, 0, 0], &*block].concat();
            Head::read(&block, Some("x"));
            Head::read(&counted, Some("x"));
        }
    }
}
