//! What is in the program that people run: a bill of materials in CycloneDX, made of cargo's own metadata and lock
//! file. The same tree gives the same bill, byte for byte; it must never name what is only built or tested with.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::process::{Context as _, Failure, Result, cargo, root};

/// The package that is shipped.
const SHIPPED: &str = "dubbo-k8s-watcher";

/// The bill of `dubbo-watcher`, for all platforms.
pub(crate) fn bill() -> Result<String> {
    let text = cargo("metadata").args(["--format-version", "1", "--locked"]).read()?;
    let metadata: Value =
        serde_json::from_str(&text).context(|| "reading cargo's metadata".into())?;
    let lock = std::fs::read_to_string(root().join("Cargo.lock"))
        .context(|| "reading Cargo.lock".into())?;
    let bill = of(&metadata, &checksums(&lock));
    let bill = bill.ok_or_else(|| Failure::new("cargo's metadata is not as expected"))?;
    serde_json::to_string_pretty(&bill).context(|| "writing the bill".into())
}

fn of(metadata: &Value, checksums: &BTreeMap<(String, String), String>) -> Option<Value> {
    let packages = metadata.get("packages")?.as_array()?;
    let by_id: BTreeMap<&str, &Value> = packages
        .iter()
        .filter_map(|package| Some((package.get("id")?.as_str()?, package)))
        .collect();
    let edges = edges(metadata)?;
    let root = by_id.iter().find(|(_, package)| text(package, "name") == SHIPPED)?;
    let mut reached = BTreeSet::new();
    let mut next = vec![*root.0];
    while let Some(id) = next.pop() {
        if reached.insert(id) {
            next.extend(edges.get(id).into_iter().flatten());
        }
    }
    let package = |id: &&str| by_id.get(id).copied();
    let mut components: Vec<Value> = reached
        .iter()
        .filter(|id| *id != root.0)
        .filter_map(package)
        .map(|package| component(package, "library", checksums))
        .collect();
    components.sort_by_key(|component| text(component, "bom-ref").to_owned());
    let mut dependencies: Vec<Value> = reached
        .iter()
        .filter_map(|id| {
            let on = edges.get(id).into_iter().flatten().filter_map(package).map(name);
            let on: BTreeSet<String> = on.collect();
            Some(json!({"ref": name(package(id)?), "dependsOn": on}))
        })
        .collect();
    dependencies.sort_by_key(|dependency| text(dependency, "ref").to_owned());
    Some(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": component(root.1, "application", checksums)},
        "components": components,
        "dependencies": dependencies,
    }))
}

/// From each package to those that are linked into it.
fn edges(metadata: &Value) -> Option<BTreeMap<&str, Vec<&str>>> {
    let nodes = metadata.get("resolve")?.get("nodes")?.as_array()?;
    let edge = |node: &'_ _| {
        let node: &Value = node;
        Some((node.get("id")?.as_str()?, linked(node.get("deps")?)))
    };
    nodes.iter().map(edge).collect()
}

/// Those that are neither for building nor for tests alone.
fn linked(dependencies: &Value) -> Vec<&str> {
    let is_linked = |dependency: &&Value| {
        let kinds = dependency.get("dep_kinds").and_then(Value::as_array).into_iter().flatten();
        kinds.into_iter().any(|kind| kind.get("kind").is_some_and(Value::is_null))
    };
    let all = dependencies.as_array().into_iter().flatten();
    all.filter(is_linked).filter_map(|one| one.get("pkg")?.as_str()).collect()
}

fn component(package: &Value, kind: &str, checksums: &BTreeMap<(String, String), String>) -> Value {
    let (called, version) = (text(package, "name"), text(package, "version"));
    let mut component = json!({
        "type": kind,
        "bom-ref": name(package),
        "name": called,
        "version": version,
        "purl": name(package),
        // `/` is how cargo wrote OR before it took SPDX.
        "licenses": [{"expression": text(package, "license").replace('/', " OR ")}],
    });
    if let Some(checksum) = checksums.get(&(called.to_owned(), version.to_owned()))
        && let Some(members) = component.as_object_mut()
    {
        let hashes = json!([{"alg": "SHA-256", "content": checksum}]);
        members.insert("hashes".to_owned(), hashes);
    }
    component
}

fn name(package: &Value) -> String {
    format!("pkg:cargo/{}@{}", text(package, "name"), text(package, "version"))
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value.get(member).and_then(Value::as_str).unwrap_or_default()
}

/// The checksums of a lock file by name and version.
fn checksums(lock: &str) -> BTreeMap<(String, String), String> {
    let of_package = |package: &str| {
        let member = |name: &str| {
            let mut lines = package.lines().filter_map(|line| line.split_once(" = "));
            let (_, value) = lines.find(|(key, _)| *key == name)?;
            Some(value.trim_matches('"').to_owned())
        };
        Some(((member("name")?, member("version")?), member("checksum")?))
    };
    lock.split("[[package]]").filter_map(of_package).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str) -> Value {
        json!({"id": name, "name": name, "version": "1.0.0", "license": "MIT/Apache-2.0"})
    }

    fn depends(on: &str, kind: Option<&str>) -> Value {
        json!({"pkg": on, "dep_kinds": [{"kind": kind}]})
    }

    #[test]
    fn a_bill_names_what_is_linked_and_nothing_else() {
        let names = [SHIPPED, "linked", "deeper", "builds", "tests"];
        let metadata = json!({
            "packages": names.map(package),
            "resolve": {"nodes": [
                {"id": SHIPPED, "deps": [
                    depends("linked", None), depends("builds", Some("build")), depends("tests", Some("dev")),
                ]},
                {"id": "linked", "deps": [depends("deeper", None)]},
                {"id": "deeper", "deps": []},
                {"id": "builds", "deps": []},
                {"id": "tests", "deps": []},
            ]},
        });
        let lock = "[[package]]\nname = \"deeper\"\nversion = \"1.0.0\"\nchecksum = \"00ff\"\n";
        let bill = of(&metadata, &checksums(lock)).unwrap();
        let components = bill["components"].as_array().unwrap();
        let named: Vec<_> = components.iter().map(|component| text(component, "purl")).collect();
        assert_eq!(named, ["pkg:cargo/deeper@1.0.0", "pkg:cargo/linked@1.0.0"]);
        assert_eq!(components[0]["hashes"][0]["content"], "00ff");
        assert_eq!(components[0]["licenses"][0]["expression"], "MIT OR Apache-2.0");
        assert_eq!(bill["metadata"]["component"]["name"], SHIPPED);
        let own = &bill["dependencies"][1];
        assert_eq!(own["dependsOn"], json!(["pkg:cargo/linked@1.0.0"]));
    }
}
