//! Manual pages, made of the same definition as `--help`. It must never say what `--help` does not.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use clap::{Command, CommandFactory as _};
use clap_mangen::Man;

use super::arguments::{Arguments, Manual};
use super::{ended::Ended, terminal};

/// Writes the pages.
pub(super) fn run(arguments: &Manual) -> Result<(), Ended> {
    let mut command = Arguments::command();
    command.build();
    let Some(folder) = &arguments.folder else {
        let mut out = terminal::data();
        Man::new(command).render(&mut out)?;
        return Ok(out.flush()?);
    };
    write_pages(&command, folder).map_err(|error| {
        let error = format!("cannot write manual pages into {}: {error}", folder.display());
        terminal::say_error(&format!("{error}\n  Name a folder that you may write to."));
        Ended::Failed
    })
}

fn write_pages(command: &Command, folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    write_page(command.clone(), command.get_name(), folder)?;
    for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help") {
        let name = format!("{}-{}", command.get_name(), verb.get_name());
        write_page(verb.clone(), &name, folder)?;
    }
    Ok(())
}

fn write_page(command: Command, name: &str, folder: &Path) -> io::Result<()> {
    // The name of a verb's page is not what a person types for it.
    let usage = command.get_bin_name().map(str::to_owned);
    let command = command.display_name(name.to_owned());
    let command = usage.into_iter().fold(command, Command::bin_name);
    let mut page = Vec::new();
    Man::new(command).title(name.to_uppercase()).render(&mut page)?;
    fs::write(folder.join(name).with_extension("1"), page)
}
