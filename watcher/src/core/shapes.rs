//! Stand-ins for the codec's catalog, until it has landed.
#![allow(missing_docs)]

use std::sync::Arc;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    All,
    Namespace(Arc<str>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProblemChange;

#[derive(Debug, Default)]
pub struct Catalog;
