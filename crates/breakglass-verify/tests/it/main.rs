//! A log with real keys and signatures, its evidence folder, and everything that can be wrong
//! with either.

#[cfg(test)]
mod after;
#[cfg(test)]
mod assembled;
#[cfg(test)]
mod bring;
#[cfg(test)]
mod copies;
#[cfg(test)]
mod derived;
#[cfg(test)]
mod emitted;
#[cfg(test)]
mod mutations;
#[cfg(test)]
mod people;
#[cfg(test)]
mod piecewise;
#[cfg(test)]
mod random;
#[cfg(test)]
mod rich;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod rules_of_aftermath;
#[cfg(test)]
mod rules_of_attestation;
#[cfg(test)]
mod rules_of_authority;
#[cfg(test)]
mod rules_of_closing;
#[cfg(test)]
mod rules_of_control_plane;
#[cfg(test)]
mod rules_of_epochs;
#[cfg(test)]
mod rules_of_notices;
#[cfg(test)]
mod rules_of_plans;
#[cfg(test)]
mod rules_of_record;
#[cfg(test)]
mod rules_of_recovery;
#[cfg(test)]
mod rules_of_runs;
#[cfg(test)]
mod rules_of_suspension;
#[cfg(test)]
mod runs;
#[cfg(test)]
mod scribe;
#[cfg(test)]
mod specification;
#[cfg(test)]
mod steps;
#[cfg(test)]
mod story;
