//! The sans-IO core under a virtual clock, fed with scripted answers. Tests whose name starts with
//! `a` and a number hold one behaviour each of what a raw LIST and WATCH client must get right; nothing
//! here opens a socket or sleeps.

#[cfg(test)]
mod captures;
#[cfg(test)]
mod changes;
#[cfg(test)]
mod cuts;
#[cfg(test)]
mod list_watch;
#[cfg(test)]
mod model;
#[cfg(test)]
mod objects;
#[cfg(test)]
mod protobuf;
#[cfg(test)]
mod rig;
#[cfg(test)]
mod streaming_list;
#[cfg(test)]
mod transport;
#[cfg(test)]
mod wire;
