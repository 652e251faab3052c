//! Machines and the file that holds them: an embedded authority but for its thread, its clock and
//! its queue of requests.

mod file;
mod groups;
mod truths;

pub use truths::Truths;
