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
mod evidence;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod foresight;
#[cfg(test)]
mod history;
#[cfg(test)]
mod init;
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
mod runs;
#[cfg(test)]
mod scene;
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
mod witness;
#[cfg(test)]
mod witnessed;
