//! Wire types of the HTTP API and the typed client, which checks receipts.
