//! Every test that needs more than one crate, in one binary.

mod admin;
mod bot;
mod cluster;
mod connection;
mod conversation;
mod covered;
mod examples;
mod file;
mod message;
mod people;
mod resume;
mod samples;
mod server;
mod story;
mod table;
mod tidy;
