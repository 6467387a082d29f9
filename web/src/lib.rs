//! The browser inspector.
pub mod diff;
pub mod document;
pub mod editing;
pub mod encoding;
pub mod events;
pub mod json;
pub mod layers;
pub mod model;
pub mod pod;
pub mod rows;
pub mod spans;
pub mod verdict;
pub mod yaml;
