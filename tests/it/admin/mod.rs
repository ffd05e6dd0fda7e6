//! What an administrator of the server looks at and repairs.

mod dead_letter;
mod list;

pub(crate) use dead_letter::a_job_gave_up;
