//! The arguments of Envoy's foreign function `set_envoy_filter_state`: a protobuf message, put together in place.
//! It must never allocate.

/// The key under which a cluster of type `ORIGINAL_DST` looks for the endpoint before all else.
pub(crate) const ORIGINAL_DST_STATE: &str = "envoy.network.transport_socket.original_dst_address";

/// The longest message: the key, and an address with a scope and a port.
const ROOM: usize = 128;

/// Tags of the fields `path` and `value`, both strings. The field `span` is left at its default: as long as the
/// request's filters are there.
const PATH: u8 = 1 << 3 | 2;
const VALUE: u8 = 2 << 3 | 2;

/// `SetEnvoyFilterStateArguments`.
pub(crate) struct FilterState {
    message: [u8; ROOM],
    length: usize,
}

impl FilterState {
    /// The arguments to keep a value under a key; none if they are too long.
    pub(crate) fn new(path: &str, value: &str) -> Option<Self> {
        let mut state = Self { message: [0; ROOM], length: 0 };
        state.field(PATH, path)?;
        state.field(VALUE, value)?;
        Some(state)
    }

    fn field(&mut self, tag: u8, text: &str) -> Option<()> {
        // One byte holds a length up to 127, and no more fits in here.
        let length = u8::try_from(text.len()).ok().filter(|length| *length < 128)?;
        self.put(&[tag, length])?;
        self.put(text.as_bytes())
    }

    fn put(&mut self, bytes: &[u8]) -> Option<()> {
        let place = self.message.get_mut(self.length..)?.get_mut(..bytes.len())?;
        place.copy_from_slice(bytes);
        self.length += bytes.len();
        Some(())
    }

    /// The message.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.message.get(..self.length).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_is_that_of_protobuf() {
        let state = FilterState::new("key", "10.0.0.1:1").unwrap();
        assert_eq!(state.bytes(), b"\x0a\x03key\x12\x0a10.0.0.1:1");
    }

    #[test]
    fn every_address_fits_and_what_does_not_is_refused() {
        let longest = "[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255%4294967295]:65535";
        assert!(FilterState::new(ORIGINAL_DST_STATE, longest).is_some());
        assert!(FilterState::new(ORIGINAL_DST_STATE, &"x".repeat(80)).is_none());
        assert!(FilterState::new("key", &"x".repeat(130)).is_none());
    }
}
