//! Router, handlers, sessions, the engine and the worker. Owns clock, entropy and runtime.
