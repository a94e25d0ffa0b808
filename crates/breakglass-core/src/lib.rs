//! The rules: what may happen next, what then became true, what is now due. No IO, no clock.
