//! The client against real programs: ssh-keygen, ssh-agent, and the compiled binary.

#[cfg(test)]
mod agent;
#[cfg(test)]
mod authority;
#[cfg(test)]
mod key_files;
#[cfg(test)]
mod ssh;
#[cfg(test)]
mod usage;
