//! What leaves the house: P5, P6, P8, P9 and the outbound guard, over real sockets and on virtual time.

mod callbacks;
mod messages;
mod receiver;
mod world;
