//! Sealing: server envelopes and key slots, HPKE envelopes to a one-time key. Entropy is an argument.
