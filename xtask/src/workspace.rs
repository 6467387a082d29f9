//! The workspace as `cargo metadata` prints it: packages, who depends on whom, licences. Only what the
//! checks ask for; it must never guess what cargo did not say.

use std::path::Path;

use serde_json::Value;

use crate::process::{Context as _, Failure, Result, cargo, root};

/// One package of the resolved tree.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) license: Option<String>,
    /// `None` for a package of this workspace or of a path, else where it comes from.
    pub(crate) source: Option<String>,
    pub(crate) member: bool,
    pub(crate) publishable: bool,
    /// Others can depend on it.
    pub(crate) is_library: bool,
    pub(crate) features: Vec<String>,
    /// Every direct dependency by package name, build and development ones included.
    pub(crate) dependencies: Vec<String>,
}

/// Every package of the tree, for all platforms.
pub(crate) fn packages() -> Result<Vec<Package>> {
    packages_of(&root())
}

/// The same of the workspace in another folder.
pub(crate) fn packages_of(folder: &Path) -> Result<Vec<Package>> {
    let metadata = cargo("metadata").dir(folder).args(["--format-version", "1", "--locked"]);
    let text = metadata.read()?;
    let metadata: Value =
        serde_json::from_str(&text).context(|| "reading cargo's metadata".into())?;
    parse(&metadata).ok_or_else(|| Failure::new("cargo's metadata is not as expected"))
}

/// The members of this workspace.
pub(crate) fn members(packages: &[Package]) -> impl Iterator<Item = &Package> {
    packages.iter().filter(|package| package.member)
}

fn parse(metadata: &Value) -> Option<Vec<Package>> {
    let members = metadata.get("workspace_members")?.as_array()?;
    let packages = metadata.get("packages")?.as_array()?;
    packages.iter().map(|package| parse_package(package, members)).collect()
}

fn parse_package(package: &Value, members: &[Value]) -> Option<Package> {
    let text = |field: &str| package.get(field).and_then(Value::as_str).map(str::to_owned);
    let features = package.get("features")?.as_object()?;
    let dependencies = package.get("dependencies")?.as_array()?;
    Some(Package {
        name: text("name")?,
        version: text("version")?,
        license: text("license"),
        source: text("source"),
        member: members.contains(package.get("id")?),
        publishable: package
            .get("publish")
            .is_none_or(|to| to.as_array().is_none_or(|to| !to.is_empty())),
        is_library: package
            .get("targets")
            .and_then(Value::as_array)
            .is_some_and(|targets| targets.iter().any(is_library)),
        features: features.keys().filter(|name| *name != "default").cloned().collect(),
        dependencies: dependencies
            .iter()
            .filter_map(|dependency| Some(dependency.get("name")?.as_str()?.to_owned()))
            .collect(),
    })
}

fn is_library(target: &Value) -> bool {
    let kinds = target.get("kind").and_then(Value::as_array);
    kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind == "lib"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_sources_and_publishing_are_distinguished() {
        let metadata = serde_json::json!({
            "workspace_members": ["a 1"],
            "packages": [
                {"id": "a 1", "name": "a", "version": "1", "license": "MIT", "source": null, "publish": [],
                 "features": {"default": [], "std": []}, "dependencies": [{"name": "b"}]},
                {"id": "b 2", "name": "b", "version": "2", "license": null, "source": "registry+x",
                 "publish": null, "features": {}, "dependencies": [], "targets": [{"kind": ["lib"]}]},
            ],
        });
        let [a, b] = &parse(&metadata).unwrap()[..] else { panic!("two packages") };
        assert!(a.member && !a.publishable && a.source.is_none() && !a.is_library);
        assert!(b.is_library);
        assert_eq!(
            (a.features.as_slice(), a.dependencies.as_slice()),
            (&["std".to_owned()][..], &["b".to_owned()][..])
        );
        assert!(!b.member && b.publishable && b.source.is_some() && b.license.is_none());
    }
}
