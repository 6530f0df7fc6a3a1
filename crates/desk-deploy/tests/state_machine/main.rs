//! Rollouts against the in-memory target double: every step failing, every point crashing.

mod crash;
mod damage;
mod desk;
mod lock;
mod overtaken;
mod standing;
mod steps;
mod undeploy;
