//! An image for container engines, without one: the layout of the Open Container Initiative as a tar archive, one static
//! program and nothing else in it.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::archive::{self, Entry};
use super::digest;
use super::platform::{Platform, VERSION};
use crate::process::{Context as _, Result};

/// The user `nonroot` of distroless images.
const USER: &str = "65532:65532";

/// The layout, one image for each target.
pub(super) fn layout(images: &[(&Platform, &PathBuf)], time: u64) -> Result<Vec<u8>> {
    let mut blobs = Blobs(Vec::new());
    let mut manifests = Vec::new();
    for (target, binary) in images {
        let bytes = fs::read(binary).context(|| format!("reading {}", binary.display()))?;
        manifests.push(image(&mut blobs, target, bytes, time)?);
    }
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": manifests,
    });
    let index = blobs.add("application/vnd.oci.image.index.v1+json", to_bytes(&index));
    let named = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [with(index, &[("annotations", json!({"org.opencontainers.image.ref.name": VERSION}))])],
    });
    let mut entries = blobs.0;
    entries.push(Entry::file("oci-layout", to_bytes(&json!({"imageLayoutVersion": "1.0.0"}))));
    entries.push(Entry::file("index.json", to_bytes(&named)));
    archive::tar(&entries, time)
}

/// The descriptor of one image's manifest.
fn image(blobs: &mut Blobs, target: &Platform, program: Vec<u8>, time: u64) -> Result<Value> {
    let layer = archive::tar(&[Entry::program("dubbo-watcher", program)], time)?;
    let content = format!("sha256:{}", digest::sha256(&layer));
    let layer = blobs.add("application/vnd.oci.image.layer.v1.tar+gzip", archive::gzip(&layer)?);
    let config = json!({
        "architecture": target.arch,
        "os": target.os,
        "config": {
            "User": USER,
            "Entrypoint": ["/dubbo-watcher"],
            "ExposedPorts": {"7777/tcp": {}},
            "Labels": {
                "org.opencontainers.image.title": "dubbo-watcher",
                "org.opencontainers.image.version": VERSION,
                "org.opencontainers.image.licenses": "Apache-2.0",
            },
        },
        "rootfs": {"type": "layers", "diff_ids": [content]},
        "history": [{"created_by": "cargo xtask dist"}],
    });
    let config = blobs.add("application/vnd.oci.image.config.v1+json", to_bytes(&config));
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": config,
        "layers": [layer],
    });
    let manifest = blobs.add("application/vnd.oci.image.manifest.v1+json", to_bytes(&manifest));
    Ok(with(manifest, &[("platform", json!({"architecture": target.arch, "os": target.os}))]))
}

/// Content by its digest.
struct Blobs(Vec<Entry>);

impl Blobs {
    /// Keeps it, and gives its descriptor.
    fn add(&mut self, media_type: &str, bytes: Vec<u8>) -> Value {
        let digest = digest::sha256(&bytes);
        let size = bytes.len();
        let entry = Entry::file(&format!("blobs/sha256/{digest}"), bytes);
        if !self.0.contains(&entry) {
            self.0.push(entry);
        }
        json!({"mediaType": media_type, "digest": format!("sha256:{digest}"), "size": size})
    }
}

fn with(mut descriptor: Value, members: &[(&str, Value)]) -> Value {
    if let Some(object) = descriptor.as_object_mut() {
        object.extend(members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    }
    descriptor
}

fn to_bytes(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Read as _;

    use super::*;
    use crate::dist::platform::named;

    #[test]
    fn every_descriptor_leads_to_a_blob_of_its_digest_and_size() {
        let folder = tempfile::tempdir().unwrap();
        let binary = folder.path().join("program");
        fs::write(&binary, "code").unwrap();
        let targets = ["x86_64-unknown-linux-musl", "aarch64-unknown-linux-musl"];
        let targets = targets.map(|triple| named(triple).unwrap());
        let images: Vec<_> = targets.iter().map(|target| (target, &binary)).collect();
        let bytes = layout(&images, 7).unwrap();
        assert_eq!(bytes, layout(&images, 7).unwrap());
        let mut files = BTreeMap::new();
        for entry in tar::Archive::new(bytes.as_slice()).entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            files.insert(entry.path().unwrap().display().to_string(), bytes);
        }
        let mut open = vec![serde_json::from_slice::<Value>(&files["index.json"]).unwrap()];
        let mut seen = 0;
        while let Some(value) = open.pop() {
            let lists = ["manifests", "layers"].map(|name| value[name].as_array().cloned());
            let descriptors =
                lists.into_iter().flatten().flatten().chain([value["config"].clone()]);
            for descriptor in descriptors.filter(|it| it["digest"].is_string()) {
                let digest = descriptor["digest"].as_str().unwrap();
                let blob = &files[&format!("blobs/{}", digest.replace(':', "/"))];
                assert_eq!(digest, format!("sha256:{}", digest::sha256(blob)));
                assert_eq!(descriptor["size"], blob.len());
                open.extend(serde_json::from_slice(blob));
                seen += 1;
            }
        }
        // One index of two manifests, each with a configuration and a layer.
        assert_eq!(seen, 1 + 2 + 4);
    }
}
