//! Messages: sending, reading history (`IM-03` for text, pictures and files, `IM-i02`). A message **is** its entry in
//! the conversation's log; (conversation, seq) names it. A resend with the same client id answers the
//! first result.

pub mod history;
pub mod hours;
pub mod rows;
pub mod send;
pub mod senders;
pub mod types;

use crate::api::Registry;
use crate::api::registry::Access;

/// Adds the rows of this section to the table.
pub fn register(api: &mut Registry) {
    api.section("message")
        .write(
            "send",
            Access::Member,
            "Send a text, or a file that was uploaded",
            send::send,
        )
        .read(
            "list",
            Access::Member,
            "Messages of a conversation, in order",
            history::list,
        )
        .event::<types::Created>("message.created", "A message in a conversation one is in");
}
