//! A shop in threads of the test, with a folder of its own, and the adapters called as functions.

mod connector;
mod crash;
mod malformed;
mod rotator;
mod server;

use std::{num::NonZeroU64, path::Path};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    adapter::{self, Failure},
    client::{Answer, Client},
    secret::Secret,
    server::{Faults, Running, Server},
    state::State,
};

const ACCOUNT: &str = "shop-root";
const PASSWORD: &str = "first \"password\"";
const NEW_PASSWORD: &str = "second pässword";
/// Where nobody listens: a port that no system hands out by itself.
const NOBODY: &str = "http://127.0.0.1:1";

struct Shop {
    dir: TempDir,
    running: Running,
}

impl Shop {
    fn new() -> Self {
        Self::with(|_| Faults::default())
    }

    /// Makes the nth change and closes without an answer.
    fn dropping(nth: u64) -> Self {
        Self::with(|_| Faults {
            drop_answer_after_change: NonZeroU64::new(nth),
            away: None,
        })
    }

    fn with(faults: impl FnOnce(&Path) -> Faults) -> Self {
        let dir = folder();
        let faults = faults(dir.path());
        let running = Server::bind(dir.path(), faults).unwrap().start().unwrap();
        Self { dir, running }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.running.port())
    }

    fn client(&self) -> Client {
        self.url().parse().unwrap()
    }

    fn get(&self, path: &str) -> Answer {
        self.client().get(path).unwrap()
    }

    fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.client().post(path, fields).unwrap()
    }

    fn log_in(&self, password: &str) -> u16 {
        let fields = [("account", ACCOUNT), ("password", password)];
        self.post("/login", &fields).status
    }

    fn roll_back(&self, password: &str, to: &str, key: &str) -> Answer {
        let fields = [
            ("account", ACCOUNT),
            ("password", password),
            ("to", to),
            ("idempotency_key", key),
        ];
        self.post("/switch", &fields)
    }

    fn version(&self) -> String {
        let health: Value = self.get("/health").json().unwrap();
        health["version"].as_str().unwrap().to_owned()
    }

    fn rotator(&self, request: &Value) -> Value {
        ask(&self.url(), request, super::rotator::answer)
    }

    fn connector(&self, request: &Value) -> Value {
        ask(&self.url(), request, super::connector::answer)
    }
}

/// A folder with a broken shop.
fn folder() -> TempDir {
    let dir = TempDir::new().unwrap();
    State::create(dir.path(), ACCOUNT, &Secret::new(PASSWORD)).unwrap();
    dir
}

/// Calls an adapter like a program, and checks that it tells no password.
fn ask(
    url: &str,
    request: &Value,
    answer: impl FnOnce(Client, &str, &[u8]) -> Result<Value, Failure>,
) -> Value {
    let mut request = request.clone();
    request["protocol"] = json!(1);
    let input = request.to_string();
    let (answer, done) = adapter::converse(url, &mut input.as_bytes(), answer);
    assert_eq!(done, answer.get("ok").is_some());
    for password in [PASSWORD, NEW_PASSWORD] {
        let quoted = Value::from(password).to_string();
        assert!(!answer.to_string().contains(quoted.trim_matches('"')));
    }
    answer
}

/// The class of an answer that is an error.
fn class(answer: &Value) -> &str {
    answer["error"]["class"].as_str().unwrap()
}
