//! Servers over the database of a cluster: the real binary and a real Apache Cassandra.

mod database;
