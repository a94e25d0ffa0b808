//! The command protocol with real children: small shell scripts.

#[cfg(test)]
mod child;
#[cfg(test)]
mod connector;
#[cfg(test)]
mod probe;
#[cfg(test)]
mod rotator;
#[cfg(test)]
mod script;
