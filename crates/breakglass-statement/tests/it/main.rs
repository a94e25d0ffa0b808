//! Tests through the public interface.

#[cfg(test)]
mod agreement;
#[cfg(test)]
mod allowed_signers;
#[cfg(all(test, feature = "danger-assertion"))]
mod assertion;
#[cfg(test)]
mod attacks;
#[cfg(test)]
mod chain;
#[cfg(test)]
mod enroll;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod keygen;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod meaning;
#[cfg(test)]
mod openssh;
#[cfg(test)]
mod passkey;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod session;
#[cfg(test)]
mod stock;
#[cfg(test)]
mod world;
