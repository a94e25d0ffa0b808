//! Tests of the ledger through its public interface.

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod flips;
#[cfg(test)]
mod foreign;
#[cfg(test)]
mod highwater;
#[cfg(test)]
mod history;
#[cfg(test)]
mod repair;
#[cfg(test)]
mod sqlite;
#[cfg(test)]
mod tamper;
#[cfg(test)]
#[path = "../../../../testdata/foreign/tlogcheck.rs"]
mod tlogcheck;
