//! The documentation against the programs: what is generated, links, code blocks. `UPDATE_DOCS=1` writes what is generated.

#![cfg(test)]

mod generate;
mod pages;
mod problems;
mod walkthrough;
