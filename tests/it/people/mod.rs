//! People: adding them, signing in, finding them.

mod adding;
mod directory;
mod disabling;
mod editing;
mod guessing;
mod lengths;
mod sign_in;
