//! What nodes say to each other: frames that one sends another, numbered, and questions with their answers.
//! All of it is `MessagePack`; both ends are of one version.

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::bus::Start;
use crate::ids::{Id, SessionId, UserId};

/// People, 16 bytes each: a frame may name two thousand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct People(Bytes);

impl People {
    pub(crate) fn iter(&self) -> impl Iterator<Item = UserId> + '_ {
        self.0.as_chunks::<16>().0.iter().map(|id| Id(*id))
    }
}

impl FromIterator<UserId> for People {
    fn from_iter<I: IntoIterator<Item = UserId>>(users: I) -> Self {
        let bytes: Vec<u8> = users.into_iter().flat_map(|user| user.0).collect();
        Self(bytes.into())
    }
}

/// What one node tells another. Only its number says whether one was lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Frame {
    /// Push this to the connections of these people; `[event, data]` in either codec. `term` is the position
    /// before the first of the term in which it was delivered; 0 for what any node may tell.
    Push {
        term: u64,
        to: People,
        json: Bytes,
        msgpack: Bytes,
    },
    /// Close the connections of a session that has ended.
    EndSession([u8; 16]),
    /// These people have a connection here now, and these have none any more.
    Online { came: People, went: People },
}

impl Frame {
    pub(crate) const fn end_session(session: SessionId) -> Self {
        Self::EndSession(session.0)
    }
}

/// A place in what one node sends another. A node that forgot another begins a new stream with it, so a number
/// alone says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    /// Which stream: a number that the sending node gives once.
    pub(crate) stream: u32,
    /// Counts the frames of the stream: 1, 2, 3, …
    pub(crate) number: u64,
}

/// Frames on their way together.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Envelope {
    pub(crate) from: Start,
    /// Of the first; the others follow it without a gap.
    pub(crate) mark: Mark,
    pub(crate) frames: Vec<Bytes>,
}

/// What is asked over the link.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Ask {
    /// Are you there?
    Alive,
    /// Run a commit ([`storage::Store::accept`]).
    Commit(Bytes),
    /// Wait until the effects of this position have run.
    EffectsRan(u64),
    /// Write the checkpoint of effects; wait until it has passed this position.
    EffectsKept(u64),
    /// Try what is parked now.
    TryParked,
    /// Who has a connection with you?
    Online,
    /// What you sent me behind this mark.
    After(Mark),
    /// Do you have all I sent you up to this mark?
    Heard(Mark),
}

/// An answer.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Reply {
    Alive,
    /// Nothing if the writer ended before it answered. `sent` marks the last frame that went to the asking node
    /// before: whoever is told the answer must have been told those first.
    Commit {
        reply: Option<Bytes>,
        sent: Mark,
    },
    Effects {
        done: bool,
        sent: Mark,
    },
    Online(People),
    /// Frames behind the mark that was asked for. `more` says that there are further ones, `bus` that the bus carries what
    /// is sent.
    After {
        frames: Vec<Bytes>,
        more: bool,
        bus: bool,
    },
    /// That is another stream now, of which nothing was asked for yet.
    Other(u32),
    /// Frames behind the mark that was asked for are not kept any more; the last one sent is this.
    Gone(Mark),
    Heard(bool),
    /// The question makes no sense to this node.
    Not,
}

pub(crate) fn encode<T: Serialize>(said: &T) -> Bytes {
    // Only a type that cannot be written at all would fail here, and it would fail in every test.
    rmp_serde::to_vec(said).map_or_else(|_| Bytes::new(), Bytes::from)
}

pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    rmp_serde::from_slice(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(said: T) {
        assert_eq!(decode::<T>(&encode(&said)), Some(said));
    }

    #[test]
    fn what_is_said_arrives_as_it_was_said() {
        let to: People = [Id([1; 16]), Id([0xC1; 16])].into_iter().collect();
        assert_eq!(to.iter().collect::<Vec<_>>(), [Id([1; 16]), Id([0xC1; 16])]);
        let push = Frame::Push {
            term: 1_024,
            to: to.clone(),
            json: Bytes::from_static(b"[]"),
            msgpack: Bytes::from_static(b"\x90"),
        };
        there(push.clone());
        there(Frame::end_session(Id([7; 16])));
        there(Frame::Online {
            came: to.clone(),
            went: People::default(),
        });
        there(Envelope {
            from: Start {
                node: "a".to_owned(),
                boot: u64::MAX,
            },
            mark: Mark {
                stream: 3,
                number: 9,
            },
            frames: vec![encode(&push), Bytes::new()],
        });
        there(Ask::Commit(Bytes::from_static(b"\xC1")));
        there(Ask::After(Mark::default()));
        there(Reply::Commit {
            reply: None,
            sent: Mark::default(),
        });
        there(Reply::After {
            frames: vec![encode(&push)],
            more: true,
            bus: false,
        });
        there(Reply::Online(to));
        assert_eq!(decode::<Reply>(b"\xC1"), None);
    }
}
