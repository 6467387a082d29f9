//! `dubbo-k8s-component-encode MODULE COMPONENT`: makes a component of a module that carries the description of its world.
//!
//! A program of its own, so that nothing else of the workspace waits for its dependencies. Built for WASI instead, the
//! component would import what std of WASI might use, and every host would have to bring it.

use std::error::Error;
use std::path::PathBuf;

use wit_component::ComponentEncoder;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(module), Some(component), None) =
        (arguments.next(), arguments.next(), arguments.next())
    else {
        return Err("usage: dubbo-k8s-component-encode MODULE COMPONENT".into());
    };
    let module = std::fs::read(module)?;
    let bytes = ComponentEncoder::default().module(&module)?.validate(true).encode()?;
    Ok(std::fs::write(component, bytes)?)
}
