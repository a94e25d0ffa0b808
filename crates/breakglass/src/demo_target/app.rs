//! What the shop answers to whom.
//!
//! ```text
//! GET  /                  the page of the current release
//! GET  /health            {"version":…,"status":"ok"|"broken","detail":…}, with the page's status
//! GET  /releases          {"current":…,"releases":[…]}
//! GET  /operations/KEY    {"handle":…,"state":"running"|"succeeded","from":…,"to":…}, once every
//!                         connection that came before this one is over
//! POST /switch          {account,password,to,idempotency_key} → 202 {"handle":…}
//! POST /password          {account,current_password,new_password} → 200
//! POST /login             {account,password} → 200
//! ```
//!
//! 401: not the account's password. 404: no such thing. 409: no such release. 422: the key was
//! used for another rollback.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;

use super::{
    file::FileError,
    http::{Method, Request, Response},
    secret::Secret,
    site::{Accepted, Key},
    state::State,
};

/// The longest password, in bytes.
const PASSWORD_BYTES_MAX: usize = 1024;

/// An answer, and whether giving it meant a change.
#[derive(Debug)]
pub(super) struct Outcome {
    /// The answer.
    pub(super) response: Response,
    /// Whether a password or the release is another one now.
    pub(super) changed: bool,
}

impl From<Response> for Outcome {
    fn from(response: Response) -> Self {
        Self {
            response,
            changed: false,
        }
    }
}

/// The shop, for several connections at a time; one of them at a time sees the folder.
#[derive(Debug)]
pub(super) struct App(Mutex<State>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Login {
    account: String,
    password: Secret,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PasswordChange {
    account: String,
    current_password: Secret,
    new_password: Secret,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rollback {
    account: String,
    password: Secret,
    to: String,
    idempotency_key: String,
}

/// Either an answer or an answer: the second one came early.
type Answer = Result<Outcome, Outcome>;

impl From<FileError> for Outcome {
    fn from(error: FileError) -> Self {
        Response::error(500, &error.to_string()).into()
    }
}

impl App {
    /// A shop on an open folder.
    pub(super) const fn new(state: State) -> Self {
        Self(Mutex::new(state))
    }

    /// Answers.
    pub(super) fn answer(&self, request: &Request) -> Outcome {
        let answer = match (request.method, request.path.as_str()) {
            (Method::Get, "/") => self.page(),
            (Method::Get, "/health") => self.health(),
            (Method::Get, "/releases") => self.releases(),
            (Method::Post, "/switch") => self.roll_back(request),
            (Method::Post, "/password") => self.change_password(request),
            (Method::Post, "/login") => self.log_in(request),
            (Method::Get, "/switch" | "/password" | "/login")
            | (Method::Post, "/" | "/health" | "/releases") => refuse(405, "not like this"),
            (Method::Get, path) => self.operation(path),
            (Method::Post, _) => refuse(404, "no such thing"),
        };
        answer.unwrap_or_else(|early| early)
    }

    /// What is on disk is whole even where a thread died in the middle.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn page(&self) -> Answer {
        let page = self.state().site.current()?.page;
        Ok(Response::text(page.status, &page.text).into())
    }

    fn health(&self) -> Answer {
        let release = self.state().site.current()?;
        let page = release.page;
        let status = if page.status == 200 { "ok" } else { "broken" };
        let body = json!({ "version": release.version, "status": status, "detail": page.text });
        Ok(Response::json(page.status, &body).into())
    }

    fn releases(&self) -> Answer {
        let state = self.state();
        let current = state.site.current()?.version;
        let body = json!({ "current": current, "releases": state.site.versions()? });
        Ok(Response::json(200, &body).into())
    }

    fn operation(&self, path: &str) -> Answer {
        let key = path
            .strip_prefix("/operations/")
            .and_then(|key| key.parse().ok());
        let Some(key) = key else {
            return refuse(404, "no such thing");
        };
        let Some(operation) = self.state().site.operation(&key)? else {
            return refuse(404, "no such operation");
        };
        let state = if operation.done {
            "succeeded"
        } else {
            "running"
        };
        let body = json!({
            "handle": handle(&key), "state": state, "from": operation.from, "to": operation.to,
        });
        Ok(Response::json(200, &body).into())
    }

    fn log_in(&self, request: &Request) -> Answer {
        let login: Login = parse(request)?;
        admit(&self.state(), &login.account, &login.password)?;
        Ok(Response::json(200, &json!({})).into())
    }

    fn change_password(&self, request: &Request) -> Answer {
        let change: PasswordChange = parse(request)?;
        let new = change.new_password.expose();
        if new.is_empty() || new.len() > PASSWORD_BYTES_MAX {
            return refuse(422, "the new password is empty or too long");
        }
        let state = self.state();
        admit(&state, &change.account, &change.current_password)?;
        state.accounts.set(&change.account, &change.new_password)?;
        Ok(Outcome {
            response: Response::json(200, &json!({})),
            changed: true,
        })
    }

    /// 202, although it is done by then: what is served is for the caller to look at.
    fn roll_back(&self, request: &Request) -> Answer {
        let wish: Rollback = parse(request)?;
        let Ok(key) = wish.idempotency_key.parse::<Key>() else {
            return refuse(400, "the idempotency key is not 1 to 64 of a-z, 0-9 and -");
        };
        let state = self.state();
        admit(&state, &wish.account, &wish.password)?;
        let changed = match state.site.roll_back(&key, &wish.account, &wish.to)? {
            Accepted::Now => true,
            Accepted::Before => false,
            Accepted::KeyReused => return refuse(422, "the key was used for another rollback"),
            Accepted::UnknownRelease => return refuse(409, "no such release"),
        };
        Ok(Outcome {
            response: Response::json(202, &json!({ "handle": handle(&key) })),
            changed,
        })
    }
}

/// What a rollback is called: where it can be looked at.
fn handle(key: &Key) -> String {
    format!("operations/{}", key.as_str())
}

fn refuse(status: u16, detail: &str) -> Answer {
    Err(Response::error(status, detail).into())
}

fn admit(state: &State, account: &str, password: &Secret) -> Result<(), Outcome> {
    // No account has such a one, and hashing it is work that anybody could ask for.
    let possible = password.expose().len() <= PASSWORD_BYTES_MAX;
    if possible && state.accounts.accept(account, password)? {
        Ok(())
    } else {
        Err(Response::error(401, "not the password of this account").into())
    }
}

/// The parser's own message would quote what it could not read.
fn parse<T: DeserializeOwned>(request: &Request) -> Result<T, Outcome> {
    serde_json::from_slice(&request.body)
        .map_err(|_| Response::error(400, "the body is not the JSON of this request").into())
}
