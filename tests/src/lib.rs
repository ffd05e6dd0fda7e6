//! A world to test in: a real server, real sockets, people who talk. A scenario reads like a story:
//!
//! ```no_run
//! # async fn story() {
//! let world = world::World::start().await;
//! let zhang = world.company("超客").admin("张三").await;
//! let li = zhang.adds("李四").await;
//! zhang.writes(&li, "你好").await;
//! li.sees("你好").await;
//! # }
//! ```
//!
//! What speaks to the server here shares no code with it: frames are written and read by `serde_json` and
//! `rmp-serde` directly, sockets are tokio-tungstenite's client, HTTP is reqwest. Nothing waits a fixed
//! time: [`eventually`] asks until what should happen has happened.

mod answer;
mod certificate;
mod codec;
mod company;
mod device;
mod dice;
mod eventually;
mod files;
mod nats;
mod person;
mod process;
mod ran;
mod scene;
mod socket;
mod wire;

pub use answer::{HttpAnswer, Refusal};
pub use certificate::certificate;
pub use codec::Codec;
pub use company::Company;
pub use device::{Device, Opening};
pub use dice::Dice;
pub use eventually::{SOON, eventually, within};
pub use files::Fetched;
pub use nats::{Nats, Stored};
pub use person::{Person, Tokens, fresh_id};
pub use process::{Process, Said, binary, runs, says, says_in};
pub use ran::Ran;
pub use scene::{Setup, World};
pub use socket::{Close, Connecting, Push, Socket};
pub use wire::Wire;
