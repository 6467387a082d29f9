//! What comes from outside: licences, sources, and crates that may not be in the tree at all. Works
//! offline; `deny.toml` says the same to cargo-deny, which knows advisories too.

use spdx::{Expression, LicenseReq, ParseMode};

use crate::workspace::Package;

/// Licences that Apache-2.0 code may be linked with. Kept equal to `deny.toml`'s list by a test.
const LICENCES: [&str; 11] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MPL-2.0",
    "Unicode-3.0",
    "Zlib",
];

/// The one place packages may come from; it is cargo's name for it, whatever mirror stands behind.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// This project speaks the Kubernetes API itself: no crate of the kube family, tests included.
const BANNED: [&str; 4] = ["kube", "kube-*", "k8s-openapi*", "kubelet*"];

/// What is wrong with the tree, one line each.
pub(crate) fn problems(packages: &[Package]) -> Vec<String> {
    packages.iter().flat_map(|package| of_package(package).into_iter().flatten()).collect()
}

fn of_package(package: &Package) -> [Option<String>; 3] {
    let Package { name, version, .. } = package;
    let banned = BANNED.iter().any(|pattern| matches(pattern, name));
    let foreign = package.source.as_deref().filter(|source| *source != REGISTRY);
    [
        banned.then(|| {
            format!("{name} {version} is of the kube family, which this project does without")
        }),
        foreign.map(|source| format!("{name} {version} comes from {source}, not from crates.io")),
        licence_problem(package.license.as_deref()).map(|why| format!("{name} {version}: {why}")),
    ]
}

fn licence_problem(licence: Option<&str>) -> Option<String> {
    let Some(text) = licence else { return Some("it names no licence".into()) };
    match Expression::parse_mode(text, ParseMode::LAX) {
        Err(error) => Some(format!("its licence {text} cannot be read: {}", error.reason)),
        Ok(expression) if expression.evaluate(is_allowed) => None,
        Ok(_) => Some(format!("its licence {text} is not on the list in supply.rs and deny.toml")),
    }
}

/// A licence "or any later version" (`+`) is allowed where the version it names is.
fn is_allowed(asked: &LicenseReq) -> bool {
    let asked = asked.to_string();
    LICENCES.contains(&asked.strip_suffix('+').unwrap_or(&asked))
}

fn matches(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |start| name.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, license: &str) -> Package {
        Package {
            name: name.into(),
            version: "1.0.0".into(),
            license: Some(license.into()),
            source: Some(REGISTRY.into()),
            ..Package::default()
        }
    }

    #[test]
    fn every_side_of_an_and_and_one_side_of_an_or_must_be_allowed() {
        for fine in [
            "MIT",
            "MIT/Apache-2.0",
            "MPL-2.0+",
            "GPL-3.0-only OR MIT",
            "(Apache-2.0 OR MIT) AND BSD-3-Clause",
        ] {
            assert_eq!(problems(&[package("x", fine)]), [""; 0], "{fine}");
        }
        for bad in [
            "GPL-3.0-only",
            "LGPL-2.1+",
            "MIT AND GPL-3.0-only",
            "Apache-2.0 WITH Classpath-exception-2.0",
            "not a licence",
        ] {
            assert_eq!(problems(&[package("x", bad)]).len(), 1, "{bad}");
        }
        assert_eq!(problems(&[Package { license: None, ..package("x", "") }]).len(), 1);
    }

    #[test]
    fn the_kube_family_is_found_by_its_names() {
        for name in ["kube", "kube-core", "k8s-openapi", "k8s-openapi-derive", "kubelet-api"] {
            assert_eq!(problems(&[package(name, "MIT")]).len(), 1, "{name}");
        }
        assert_eq!(
            problems(&[package("dubbo-k8s-codec", "MIT"), package("kubernetes", "MIT")]),
            [""; 0]
        );
    }

    #[test]
    fn a_git_source_is_foreign() {
        let foreign =
            Package { source: Some("git+https://example/x".into()), ..package("x", "MIT") };
        assert!(problems(&[foreign])[0].contains("git+https://example/x"));
    }

    #[test]
    fn deny_toml_has_the_same_lists() {
        let deny = include_str!("../../deny.toml");
        let section = |name: &str| {
            deny.split(&format!("{name} = [")).nth(1).unwrap().split("\n]").next().unwrap()
        };
        let quoted =
            |text: &str| text.split('"').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(quoted(section("allow")), LICENCES);
        assert!(quoted(section("deny")).contains(&"kube".to_owned()));
    }
}
