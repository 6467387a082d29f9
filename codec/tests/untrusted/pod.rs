//! Any bytes as a Pod, a watch event, a Status and an instance: no panic, and an instance is read as it is
//! written.

use dubbo_k8s_codec::{Instance, Pod, Status, WatchEvent};

pub(crate) fn check(bytes: &[u8]) {
    let _ = (Pod::parse(bytes), Status::parse(bytes));
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(instance) = Instance::parse(text)
    {
        assert_eq!(Instance::parse(&instance.to_json()).unwrap(), instance);
    }
    for line in bytes.split(|&byte| byte == b'\n') {
        let _ = WatchEvent::parse(line);
    }
}
