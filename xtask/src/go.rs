//! The real servers and the real Dubbo that the tests run: kube-apiserver, etcd, kubectl and dubbo-go, built once into
//! the user's cache, by Go and its module proxy. It must never build what is there, nor leave half of it.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use crate::cache;
use crate::process::{Context as _, Failure, Result, Tool, cargo, on_path, root};
use crate::say;

/// The oldest Go that builds all of them.
const OLDEST_GO: (u32, u32) = (1, 26);

/// The way out when Go cannot have a module.
const PROXY: &str = "`go env GOPROXY` names where modules come from: it must be reachable from here, or set another";

/// Programs of one version, in a folder of their own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Build {
    name: &'static str,
    version: &'static str,
    programs: &'static [&'static str],
    /// The folders of our own sources that they are built from; they are built again when one changes.
    sources: &'static [&'static str],
    /// How long it takes the first time, for a person who waits.
    minutes: u32,
    make: fn(&Self, &Path) -> Result,
}

/// kube-apiserver, the newest version first.
pub(crate) const KUBERNETES: [Build; 2] = [kubernetes("v1.36.3"), kubernetes("v1.34.4")];

/// What runs the plugin `kubectl dubbo` in the tests, and brings the chart to a server.
pub(crate) const KUBECTL: Build =
    Build { name: "kubectl", minutes: 3, programs: &["kubectl"], ..KUBERNETES[0] };

/// The store of kube-apiserver, and the programs that look into it.
pub(crate) const ETCD: Build = Build {
    name: "etcd",
    version: "v3.6.16",
    programs: &["etcd", "etcdctl", "etcdutl"],
    sources: &[],
    minutes: 3,
    make: make_etcd,
};

/// Two programs around dubbo-go: `interop` runs its Kubernetes registry, `oracle` asks its functions.
pub(crate) const DUBBO_GO: Build = Build {
    name: "dubbo-go",
    version: "v1.5.9",
    programs: &["interop", "oracle"],
    sources: &["tests/go/dubbo-go"],
    minutes: 2,
    make: make_dubbo_go,
};

/// A provider and a consumer of dubbo-go 3, each beside an agent.
pub(crate) const INTEROP33: Build = Build {
    name: "interop33",
    version: "v3.3.2",
    programs: &["interop33"],
    sources: &["tests/go/interop33", "adapters/dubbo-go"],
    minutes: 1,
    make: make_interop33,
};

/// client-go as a program that lists and watches Pods: what dubbo-watcher is measured beside.
pub(crate) const CLIENT_GO: Build = Build {
    name: "client-go",
    version: "v0.36.3",
    programs: &["informer"],
    sources: &["tests/go/informer"],
    minutes: 2,
    make: make_informer,
};

const fn kubernetes(version: &'static str) -> Build {
    Build {
        name: "kube-apiserver",
        version,
        programs: &["kube-apiserver"],
        sources: &[],
        minutes: 12,
        make: make_kubernetes,
    }
}

/// All of them, what is built soonest first.
pub(crate) fn all() -> impl Iterator<Item = Build> {
    [ETCD, DUBBO_GO, INTEROP33, KUBECTL].into_iter().chain(KUBERNETES)
}

/// The versions of kube-apiserver, as `1.36.3`.
pub(crate) fn kubernetes_numbers() -> [&'static str; 2] {
    KUBERNETES.map(|build| build.number())
}

/// `cargo xtask cluster`: a real control plane until Ctrl-C.
pub(crate) fn cluster(number: &str) -> Result {
    let server = KUBERNETES.iter().find(|build| build.number() == number);
    let server = server.ok_or_else(|| Failure::new(format!("there is no Kubernetes {number}")))?;
    let (etcd, server) = (ETCD.bring()?, server.bring()?);
    let package =
        ["run", "--quiet", "--package", "dubbo-k8s-tests", "--bin", "control_plane", "--"];
    let [first, rest @ ..] = package;
    let tool = cargo(first).args(rest).with_terminal().arg("--etcd").arg(etcd);
    // In the place of this process: a signal to it reaches the program that ends the servers.
    tool.arg("--kube-apiserver").arg(server).replace_this_process()
}

impl Build {
    /// Name and version, for a person.
    pub(crate) fn title(&self) -> String {
        format!("{} {}", self.name, self.version.trim_start_matches('v'))
    }

    /// The version, as `1.36.3`.
    pub(crate) const fn number(&self) -> &'static str {
        self.version.split_at(1).1
    }

    /// The folder with the programs: the cache's, else built there. Two at once wait for each other.
    pub(crate) fn bring(&self) -> Result<PathBuf> {
        let dir = cache::folder(&self.key()?)?;
        let is_ready = || self.programs.iter().all(|program| dir.join(program).is_file());
        if !is_ready() {
            cache::fill(&dir, is_ready, |partial| self.build(partial))?;
        }
        Ok(dir)
    }

    /// What the cache knows it by.
    fn key(&self) -> Result<String> {
        let versioned = format!("{}-{}", self.name, self.version);
        self.sources.iter().try_fold(versioned, |key, sources| {
            Ok(format!("{key}-{:016x}", digest_of(&root().join(sources))?))
        })
    }

    fn build(&self, partial: &Path) -> Result {
        check_go()?;
        say::note(&format!(
            "building {} by the Go module proxy (about {} minutes of CPU, once)",
            self.title(),
            self.minutes
        ));
        let work = tempfile::tempdir().context(|| "making a folder to build in".into())?;
        (self.make)(self, work.path()).context(|| format!("{} cannot be had", self.title()))?;
        for program in self.programs {
            fs::copy(work.path().join("bin").join(program), partial.join(program))
                .context(|| format!("keeping {program}"))?;
        }
        Ok(())
    }
}

/// Whether Go is here and new enough; says what to install if not.
pub(crate) fn check_go() -> Result {
    if !on_path("go") {
        return Err(Failure::new(format!("there is no go on the PATH: {INSTALL_GO}")));
    }
    new_enough(Tool::new("go").args(["env", "GOVERSION"]).read()?.trim())
}

const INSTALL_GO: &str = "install Go 1.26 or newer (https://go.dev/dl), or set KUBEBUILDER_ASSETS to a folder with \
                          etcd and kube-apiserver";

fn new_enough(go: &str) -> Result {
    match version(go) {
        Some(version) if version >= OLDEST_GO => Ok(()),
        _ => Err(Failure::new(format!("{go} is too old: {INSTALL_GO}"))),
    }
}

/// `go1.26.8` is (1, 26).
fn version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.strip_prefix("go")?.split(['.', 'r', 'b']).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// A digest of the names and contents of all files of a folder.
fn digest_of(folder: &Path) -> Result<u64> {
    let mut hasher = DefaultHasher::new();
    let reading = || format!("reading {}", folder.display());
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .context(reading)?
        .map(|entry| Ok(entry.context(reading)?.path()))
        .collect::<Result<_>>()?;
    entries.sort();
    for path in entries {
        path.file_name().hash(&mut hasher);
        if path.is_dir() {
            digest_of(&path)?.hash(&mut hasher);
        } else {
            fs::read(&path).context(reading)?.hash(&mut hasher);
        }
    }
    Ok(hasher.finish())
}

fn go(work: &Path) -> Tool {
    // At the lowest priority: it runs beside the other steps of a check.
    Tool::new("nice").arg("go").env("GOFLAGS", "-mod=mod -buildvcs=false").dir(work)
}

/// A module of ours that builds commands of others at the versions that they ask for themselves.
fn write_module(work: &Path, require: &str, imports: &[&str]) -> Result {
    fs::write(work.join("go.mod"), require).context(|| "writing go.mod".into())?;
    let imports = imports.iter().map(|path| ["import _ \"", path, "\"\n"].concat());
    let tools = format!("//go:build tools\n\npackage server\n\n{}", imports.collect::<String>());
    fs::write(work.join("tools.go"), tools).context(|| "writing tools.go".into())
}

/// The `go.mod` of a module at a version, as the proxy has it.
fn module_file(work: &Path, module: &str) -> Result<String> {
    let said = Tool::new("go").args(["mod", "download", "-json", module]).dir(work).read();
    let said = said.context(|| format!("the module {module} cannot be had; {PROXY}"))?;
    let said: serde_json::Value =
        serde_json::from_str(&said).context(|| format!("asking for {module}"))?;
    let path = said.get("GoMod").and_then(serde_json::Value::as_str);
    let path = path.ok_or_else(|| Failure::new(format!("there is no module {module}")))?;
    fs::read_to_string(path).context(|| format!("reading {path}"))
}

fn make_kubernetes(build: &Build, work: &Path) -> Result {
    let [program] = build.programs else {
        return Err(Failure::new(format!("{} is more than one program", build.name)));
    };
    let file = module_file(work, &format!("k8s.io/kubernetes@{}", build.version))?;
    let command = format!("k8s.io/kubernetes/cmd/{program}");
    write_module(work, &requirements(&file, build.version), &[&command])?;
    let minor = build.number().split('.').nth(1).unwrap_or_default();
    let package = "k8s.io/component-base/version";
    let flags = format!(
        "-s -w -X {package}.gitVersion={} -X {package}.gitMajor=1 -X {package}.gitMinor={minor}",
        build.version
    );
    let out = format!("bin/{program}");
    go(work).args(["build", "-trimpath", "-ldflags", &flags, "-o", &out, &command]).read().map(drop)
}

/// What Kubernetes requires, for a module that is not Kubernetes: its staging modules at their published versions.
fn requirements(file: &str, version: &str) -> String {
    let go = file.lines().find(|line| line.starts_with("go ")).unwrap_or_default();
    let staged = version.replacen("v1.", "v0.", 1);
    let mut text = format!("module server\n{go}\nrequire k8s.io/kubernetes {version}\n");
    let mut in_require = false;
    for line in file.lines() {
        match line {
            "require (" => in_require = true,
            ")" => in_require = false,
            _ => {}
        }
        let module = line.trim_start();
        if let Some((name, _)) = module.split_once(" => ./staging/") {
            let name = name.trim_start_matches("replace ");
            text.extend(["replace ", name, " => ", name, " ", &staged, "\n"]);
        } else if in_require && line.starts_with('\t') && !line.ends_with("v0.0.0") {
            text.extend(["require ", module, "\n"]);
        }
    }
    text
}

fn make_etcd(build: &Build, work: &Path) -> Result {
    let file = module_file(work, &format!("go.etcd.io/etcd/server/v3@{}", build.version))?;
    let go_line = file.lines().find(|line| line.starts_with("go ")).unwrap_or_default();
    let modules = ["server", "etcdctl", "etcdutl"].map(|name| format!("go.etcd.io/etcd/{name}/v3"));
    let required = modules.iter().map(|module| format!("require {module} {}\n", build.version));
    let text = format!("module server\n{go_line}\n{}", required.collect::<String>());
    write_module(work, &text, &modules.each_ref().map(String::as_str))?;
    for (program, module) in build.programs.iter().zip(&modules) {
        let out = format!("bin/{program}");
        let args = ["build", "-trimpath", "-ldflags", "-s -w", "-o", &out, module];
        go(work).args(args).read()?;
    }
    Ok(())
}

/// `interop` is built over dubbo-go as it is, `oracle` over a copy in which one file more opens what is private.
fn make_dubbo_go(build: &Build, work: &Path) -> Result {
    let sources = root().join("tests/go/dubbo-go");
    let copy =
        |from: &Path, to: &Path| Tool::new("cp").arg("-r").arg(from).arg(to).read().map(drop);
    for name in ["go.mod", "go.sum", "interop", "oracle"] {
        copy(&sources.join(name), &work.join(name))?;
    }
    go(work).args(["build", "-trimpath", "-o", "bin/interop", "./interop"]).read()?;
    let module = format!("github.com/apache/dubbo-go@{}", build.version);
    let listed = ["list", "-m", "-f", "{{.Dir}}", "github.com/apache/dubbo-go"];
    let dir = go(work).args(listed).read()?;
    copy(Path::new(dir.trim()), &work.join("dubbo-go"))?;
    Tool::new("chmod").args(["-R", "u+w", "dubbo-go"]).dir(work).read()?;
    copy(&sources.join("opened.go.txt"), &work.join("dubbo-go/remoting/kubernetes/opened.go"))?;
    let replace = format!("{module}=./dubbo-go");
    go(work).args(["mod", "edit", "-replace", &replace]).read()?;
    go(work).args(["build", "-trimpath", "-o", "bin/oracle", "./oracle"]).read().map(drop)
}

/// It is built where it stands, beside the module that it is about, and as `go vet` compiles for the check.
fn make_interop33(_: &Build, work: &Path) -> Result {
    let out = work.join("bin/interop33");
    let build = Tool::new("nice").args(["go", "build", "-o"]).arg(out).arg(".");
    build
        .env("GOFLAGS", "-mod=readonly -buildvcs=false")
        .dir(&root().join("tests/go/interop33"))
        .read()
        .map(drop)
}

fn make_informer(_: &Build, work: &Path) -> Result {
    let sources = root().join("tests/go/informer");
    for name in ["go.mod", "go.sum", "main.go"] {
        fs::copy(sources.join(name), work.join(name)).context(|| format!("copying {name}"))?;
    }
    go(work).args(["build", "-trimpath", "-o", "bin/informer", "."]).read().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_go_version_is_its_first_two_numbers() {
        assert_eq!(version("go1.26.8"), Some((1, 26)));
        assert_eq!(version("go1.27rc1"), Some((1, 27)));
        assert_eq!(version("devel"), None);
    }

    #[test]
    fn an_old_go_is_refused_with_the_way_out() {
        assert!(new_enough("go1.26.0").is_ok());
        let refused = new_enough("go1.21.5").unwrap_err().to_string();
        assert!(refused.starts_with("go1.21.5 is too old: install Go 1.26 or newer"), "{refused}");
    }

    #[test]
    fn a_digest_changes_with_every_file_and_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("inner")).unwrap();
        let mut seen = vec![digest_of(folder.path()).unwrap()];
        for (name, text) in [("a", "1"), ("a", "2"), ("inner/b", "1")] {
            fs::write(at(name), text).unwrap();
            seen.push(digest_of(folder.path()).unwrap());
        }
        fs::rename(at("inner/b"), at("inner/c")).unwrap();
        seen.push(digest_of(folder.path()).unwrap());
        assert_eq!(digest_of(folder.path()).unwrap(), seen[4], "the same files, the same digest");
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 5);
    }

    #[test]
    fn staging_modules_get_their_published_versions_and_the_rest_stays() {
        let file = "module k8s.io/kubernetes\n\ngo 1.26.0\n\nrequire (\n\tgithub.com/x/y v1.2.3 // indirect\n\
                    \tk8s.io/api v0.0.0\n)\n\nreplace (\n\tk8s.io/api => ./staging/src/k8s.io/api\n)\n";
        assert_eq!(
            requirements(file, "v1.36.3"),
            "module server\ngo 1.26.0\nrequire k8s.io/kubernetes v1.36.3\n\
             require github.com/x/y v1.2.3 // indirect\nreplace k8s.io/api => k8s.io/api v0.36.3\n"
        );
    }
}
