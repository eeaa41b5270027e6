//! Stories over real components, a real store and real sockets, most of them on virtual time. A file a story; see
//! `tests/README.md` for how to add one.

#[cfg(test)]
mod architecture;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod busy;
#[cfg(test)]
mod calendar;
#[cfg(test)]
mod chaos;
#[cfg(test)]
mod check;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod crm_down;
#[cfg(test)]
mod deploy;
#[cfg(test)]
mod endpoint;
#[cfg(test)]
mod guide;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod inbound;
#[cfg(test)]
mod languages;
#[cfg(test)]
mod misbehaving;
#[cfg(test)]
mod model;
#[cfg(test)]
mod outbound;
#[cfg(test)]
mod outcomes;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod scene;
#[cfg(test)]
mod stock;
#[cfg(test)]
mod stop;
#[cfg(test)]
mod trying;
#[cfg(test)]
mod upkeep;
#[cfg(test)]
mod versions;
#[cfg(test)]
mod whatsapp_check;
