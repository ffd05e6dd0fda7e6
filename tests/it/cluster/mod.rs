//! Servers over the database of a cluster: the real binary and a real Apache Cassandra;
//! and what connects servers: a real NATS.

mod bus;
mod database;
mod export;
mod faults;
mod files;
mod link;
mod nodes;
