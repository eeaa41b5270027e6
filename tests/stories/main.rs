//! Stories over real components, a real store and real sockets, most of them on virtual time. A file a story; see
//! `tests/README.md` for how to add one.

mod architecture;
mod bad_input;
mod crash;
mod crm_down;
mod deploy;
mod guide;
mod scene;
mod stock;
mod stop;
