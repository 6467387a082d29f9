//! The guest's C-like interface: buffers in linear memory, passed as address and length. The only file
//! that is unsafe, and it must never look into a buffer.
//!
//! The host asks for a buffer with `alloc`, fills it and passes it to `decode` or `encode`, which take
//! it over. Their answer is a buffer too, its address in the upper 32 bits and its length in the lower;
//! the host reads it and gives it back with `free`.
#![allow(unsafe_code)] // a wasm interface is made of exported names and raw addresses

/// A buffer of `length` zeroed bytes.
#[unsafe(no_mangle)]
extern "C" fn alloc(length: usize) -> *mut u8 {
    Box::into_raw(vec![0_u8; length].into_boxed_slice()).cast()
}

/// Gives a buffer back.
///
/// # Safety
/// `address` and `length` are of a buffer from here that was not given back yet.
#[unsafe(no_mangle)]
unsafe extern "C" fn free(address: *mut u8, length: usize) {
    // SAFETY: the caller's promise above is what `taken` asks for.
    drop(unsafe { taken(address, length) });
}

/// The answer to an annotation, see [`crate::decode`].
///
/// # Safety
/// As for `free`.
#[unsafe(no_mangle)]
unsafe extern "C" fn decode(address: *mut u8, length: usize) -> u64 {
    // SAFETY: the caller's promise above is what `taken` asks for.
    given(crate::decode(&unsafe { taken(address, length) }))
}

/// The answer to a JSON list of records, see [`crate::encode`].
///
/// # Safety
/// As for `free`.
#[unsafe(no_mangle)]
unsafe extern "C" fn encode(address: *mut u8, length: usize) -> u64 {
    // SAFETY: the caller's promise above is what `taken` asks for.
    given(crate::encode(&unsafe { taken(address, length) }))
}

/// Takes a buffer back from the host.
///
/// # Safety
/// `address` and `length` are of a buffer from `alloc` or `given` that is no longer in use.
unsafe fn taken(address: *mut u8, length: usize) -> Box<[u8]> {
    let buffer = core::ptr::slice_from_raw_parts_mut(address, length);
    // SAFETY: every buffer of this interface was a boxed slice of exactly this length.
    unsafe { Box::from_raw(buffer) }
}

/// Hands a buffer to the host.
fn given(answer: Vec<u8>) -> u64 {
    let length = answer.len() as u64;
    let address = Box::into_raw(answer.into_boxed_slice()).cast::<u8>();
    ((address as u64) << 32) | length
}
