//! The registry for dubbo-go 3 and the programs around it, checked by Go itself. It must never change what they require:
//! a module that `go.sum` does not name is an error.

use crate::go;
use crate::process::{Failure, Result, Tool, on_path, root};
use crate::say;

/// The modules that are ours, what is imported first.
const MODULES: [&str; 2] = ["adapters/dubbo-go", "tests/go/interop33"];

/// Why data races cannot be looked for here, and what to install.
pub(crate) type NoRaces = String;

/// Formats, vets and tests each module, with the race detector where there is a C compiler.
pub(crate) fn check() -> Result<Option<NoRaces>> {
    go::check_go()?;
    let no_races = no_races()?;
    for module in MODULES {
        say::line(module);
        let unformatted = tool("gofmt", module).args(["-l", "."]).read()?;
        if !unformatted.is_empty() {
            let files = unformatted.trim_end().replace('\n', ", ");
            return Err(Failure::new(format!("gofmt would change {files} of {module}")));
        }
        tool("go", module).args(["vet", "./..."]).run()?;
        let test = tool("go", module).arg("test");
        let test = match no_races {
            None => test.arg("-race"),
            Some(_) => test.env("CGO_ENABLED", "0"),
        };
        test.arg("./...").run()?;
    }
    Ok(no_races)
}

fn no_races() -> Result<Option<NoRaces>> {
    let compiler = tool("go", MODULES[0]).args(["env", "CC"]).read()?;
    let compiler = compiler.trim();
    let is_there = compiler.split(' ').next().is_some_and(on_path);
    let why = || format!("no data race was looked for: there is no {compiler}; install gcc");
    Ok((!is_there).then(why))
}

fn tool(program: &str, module: &str) -> Tool {
    let tool = Tool::new("nice").arg(program).dir(&root().join(module));
    tool.env("GOFLAGS", "-mod=readonly -buildvcs=false")
}
