//! People: adding them, signing in, finding them.

mod adding;
mod directory;
mod disabling;
mod guessing;
mod lengths;
mod sign_in;
