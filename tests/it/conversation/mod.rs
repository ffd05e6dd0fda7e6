//! Direct chats, discussions, who is in them, who has read what.

mod capacity;
mod direct;
mod discussion;
mod presence;
mod reading;
mod roster;
