//! The integration tests of the host, one binary.

mod store;
mod support;
