//! The client against real programs: ssh-keygen, ssh-agent, and the compiled binary against a
//! server.

#[cfg(test)]
mod aftermath;
#[cfg(test)]
mod again;
#[cfg(test)]
mod agent;
#[cfg(test)]
mod attacks;
#[cfg(test)]
mod authority;
#[cfg(test)]
mod away;
#[cfg(test)]
mod course;
#[cfg(test)]
mod damage;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod disk;
#[cfg(test)]
mod epoch;
#[cfg(test)]
mod evidence;
#[cfg(test)]
mod exported;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod foresight;
#[cfg(test)]
mod history;
#[cfg(test)]
mod init;
// Compiled and linted always, so that it does not rot, but of tests only with the feature: without
// other people's programs there is nothing that these could pass or skip. They are in here and not
// in a test program of their own because they are played by the same cast in the same house.
#[cfg(test)]
#[cfg_attr(
    not(feature = "interop"),
    expect(
        dead_code,
        reason = "only `cargo xtask interop` has the programs it needs"
    )
)]
mod interop;
#[cfg(test)]
mod key_files;
#[cfg(test)]
mod kill;
#[cfg(test)]
mod lying_server;
#[cfg(test)]
mod metrics;
#[cfg(test)]
mod notices;
#[cfg(test)]
mod openapi;
#[cfg(test)]
mod postgres;
#[cfg(test)]
mod proxy;
#[cfg(test)]
mod reads;
#[cfg(test)]
mod recover;
#[cfg(test)]
mod runs;
#[cfg(test)]
mod scene;
#[cfg(test)]
mod search;
#[cfg(test)]
mod served;
#[cfg(test)]
mod snapshot;
#[cfg(test)]
mod ssh;
#[cfg(test)]
mod stepped;
#[cfg(test)]
mod suspension;
#[cfg(test)]
mod timeline;
#[cfg(test)]
#[path = "../../../../testdata/foreign/tlogcheck.rs"]
mod tlogcheck;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod two_people;
#[cfg(test)]
mod usage;
#[cfg(test)]
mod vouched;
#[cfg(test)]
mod witness;
#[cfg(test)]
mod witnessed;
