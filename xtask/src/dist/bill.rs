//! What a program is made of: a bill of materials in `CycloneDX` JSON, one component for each crate that is compiled into
//! it. It must never list what is not, such as what only tests use.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::{Value, json};

use super::platform::{Platform, VERSION};
use crate::process::{Context as _, Result, cargo, root};

/// The bill of the program for one target.
pub(super) fn of(target: &Platform) -> Result<String> {
    let tree = cargo("tree").args(["--locked", "--target", target.triple, "--edges", "normal"]);
    let tree = tree.args(["--package", "dubbo-k8s-watcher", "--prefix", "none"]);
    let tree = tree.args(["--format", "{p}\t{l}"]).read()?;
    let lock = root().join("Cargo.lock");
    let lock = fs::read_to_string(&lock).context(|| format!("reading {}", lock.display()))?;
    Ok(format!("{:#}\n", bill(&tree, &checksums(&lock))))
}

fn bill(tree: &str, checksums: &BTreeMap<(String, String), String>) -> Value {
    let lines: BTreeSet<&str> = tree.lines().map(|line| line.trim_end_matches(" (*)")).collect();
    let components: Vec<Value> =
        lines.iter().filter_map(|line| component(line, checksums)).collect();
    json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {
            "type": "application",
            "bom-ref": "dubbo-watcher",
            "name": "dubbo-watcher",
            "version": VERSION,
            "licenses": [{"license": {"id": "Apache-2.0"}}],
        }},
        "components": components,
    })
}

/// One line is `name v1.2.3 (where from)`, a tab, and the licence.
fn component(line: &str, checksums: &BTreeMap<(String, String), String>) -> Option<Value> {
    let (package, licence) = line.split_once('\t')?;
    let mut words = package.split(' ');
    let (name, version) = (words.next()?, words.next()?.strip_prefix('v')?);
    if name == "dubbo-k8s-watcher" {
        return None;
    }
    let purl = format!("pkg:cargo/{name}@{}", version.replace('+', "%2B"));
    let licence = licence.trim_end_matches(" (*)");
    // Some crates still part alternatives as cargo once did.
    let licence =
        (!licence.is_empty()).then(|| json!({"expression": licence.replace('/', " OR ")}));
    let checksum = checksums.get(&(name.to_owned(), version.to_owned()));
    let hash = checksum.map(|checksum| json!({"alg": "SHA-256", "content": checksum}));
    Some(json!({
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
        "licenses": licence.into_iter().collect::<Vec<_>>(),
        "hashes": hash.into_iter().collect::<Vec<_>>(),
    }))
}

/// Of each package in a lock file that has one, the checksum of what crates.io has.
fn checksums(lock: &str) -> BTreeMap<(String, String), String> {
    let package = |text: &str| {
        let value = |name: &str| {
            let start = format!("{name} = \"");
            let line = text.lines().find_map(|line| line.strip_prefix(&start));
            line.and_then(|line| line.strip_suffix('"')).map(str::to_owned)
        };
        Some(((value("name")?, value("version")?), value("checksum")?))
    };
    lock.split("[[package]]").filter_map(package).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_comes_once_with_licence_and_checksum_and_the_program_is_no_part_of_itself() {
        let lock = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0+b\"\nsource = \"x\"\nchecksum = \"77\"\n\n\
                    [[package]]\nname = \"dubbo-k8s-codec\"\nversion = \"0.1.0\"\n";
        let tree = "dubbo-k8s-watcher v0.1.0 (/x)\tApache-2.0\na v1.0.0+b\tMIT/Apache-2.0\n\
                    dubbo-k8s-codec v0.1.0 (/y)\tApache-2.0\na v1.0.0+b\tMIT/Apache-2.0 (*)\n";
        let bill = bill(tree, &checksums(lock));
        let [a, codec] = bill["components"].as_array().unwrap().as_slice() else {
            panic!("{bill}")
        };
        assert_eq!(a["purl"], "pkg:cargo/a@1.0.0%2Bb");
        assert_eq!(a["licenses"][0]["expression"], "MIT OR Apache-2.0");
        assert_eq!(a["hashes"][0]["content"], "77");
        assert_eq!((&codec["name"], &codec["hashes"]), (&json!("dubbo-k8s-codec"), &json!([])));
    }
}
