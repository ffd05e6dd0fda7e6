//! What an administrator of the server looks at and repairs.

mod audit;
mod dead_letter;
mod list;
mod overview;
mod retention;
mod session;
mod storage;

pub(crate) use dead_letter::a_job_gave_up;
