//! Machines: what they are told comes from outside, so nothing of it may break them.

mod authority;
mod group;
mod audit;
mod saga;
mod opening;
mod shard;
mod feed;
mod bot;

pub(crate) use audit::audit;
pub(crate) use authority::authority;
pub(crate) use bot::bot;
pub(crate) use feed::feed;
pub(crate) use group::group;
pub(crate) use opening::opening;
pub(crate) use saga::saga;
pub(crate) use shard::shard;

/// Inputs of one run. What is left of the bytes is not looked at.
const STEPS_MAX: usize = 256;
