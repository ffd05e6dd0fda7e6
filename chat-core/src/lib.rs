//! What the conversations, the people and the permissions of Chaoke are, without sockets: rules,
//! methods, delivery. `gateway` puts it on the wire; `storage` keeps it.
//!
//! Start reading at [`node::Node`] (what runs), [`api::Registry`] (the table of methods) and
//! [`message`] (the feature that everything else serves).

pub mod admin;
pub mod api;
pub mod audit;
pub mod bot;
pub mod bus;
pub mod bytes32;
pub mod clock;
pub mod cluster;
pub mod connection;
pub mod conversation;
pub mod ctx;
pub mod delivery;
pub mod directory;
pub mod effect;
pub mod export;
pub mod file;
pub mod host;
pub mod ids;
pub mod job;
pub mod limits;
pub mod message;
pub mod node;
pub mod permission;
pub mod presence;
pub mod random;
pub mod record;
pub mod secret;
pub mod tables;
#[cfg(test)]
mod testing;
pub mod text;

/// Adds the methods and events of this crate to the table.
pub fn register(api: &mut api::Registry) {
    connection::register(api);
    directory::register(api);
    conversation::register(api);
    message::register(api);
    file::register(api);
    bot::register(api);
    presence::register(api);
    admin::register(api);
}

/// The kinds of jobs of this crate.
pub fn jobs() -> Vec<job::Kind> {
    let mut kinds = vec![
        conversation::rebuild::kind(),
        admin::retention::kind(),
        file::upload::kind(),
    ];
    kinds.extend(file::expire::kinds());
    kinds
}

/// The kinds of effects of this crate.
pub fn effects() -> Vec<effect::Kind> {
    let mut kinds = directory::effects();
    kinds.extend(conversation::effects::kinds());
    kinds.extend(job::effects());
    kinds.extend(audit::kinds());
    kinds.extend(file::usage::kinds());
    kinds
}
