//! The registry for dubbo-go 3 and the programs around it, checked by Go itself. It must never change what they require:
//! a module that `go.sum` does not name is an error.

use crate::process::{Failure, Result, Tool, on_path, root};
use crate::say;

/// What applications import, and the programs that import it for the tests.
const ADAPTER: &str = "adapters/dubbo-go";
const PROGRAMS: &str = "tests/go/interop33";

/// Why data races cannot be looked for here, and what to install.
pub(crate) type NoRaces = String;

/// Formats, vets and tests both modules, the one that is imported with the race detector where there is a C compiler.
pub(crate) fn check() -> Result<Option<NoRaces>> {
    let no_races = no_races()?;
    for module in [ADAPTER, PROGRAMS] {
        say::line(module);
        let unformatted = tool("gofmt", module).args(["-l", "."]).read()?;
        if !unformatted.is_empty() {
            let files = unformatted.trim_end().replace('\n', ", ");
            return Err(Failure::new(format!("gofmt would change {files} of {module}")));
        }
        tool("go", module).args(["vet", "./..."]).run()?;
        let is_racing = module == ADAPTER && no_races.is_none();
        let race = is_racing.then_some("-race");
        tool("go", module).arg("test").args(race).arg("./...").run()?;
    }
    Ok(no_races)
}

fn no_races() -> Result<Option<NoRaces>> {
    let compiler = tool("go", ADAPTER).args(["env", "CC"]).read()?;
    let compiler = compiler.trim();
    let is_there = compiler.split(' ').next().is_some_and(on_path);
    let why = || format!("no data race was looked for: there is no {compiler}; install gcc");
    Ok((!is_there).then(why))
}

fn tool(program: &str, module: &str) -> Tool {
    let tool = Tool::new("nice").arg(program).dir(&root().join(module));
    tool.env("GOFLAGS", "-mod=readonly -buildvcs=false")
}
