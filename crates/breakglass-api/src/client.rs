//! The typed client: blocking, one request at a time, several servers tried in turn.
//!
//! Loopback never goes through a proxy, redirects are never followed, answers are bounded.

use std::time::Duration;

use breakglass_tlog::EntriesPath;
use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;
use ureq::http::{Response, StatusCode};

use crate::{
    encode::encode,
    problem::Problem,
    receipt::{LogTrust, ReceiptError, Received},
    view::{
        AccountView, DocumentView, FoundPage, GrantView, IncidentView, PersonView, ProposalView,
        ReadinessView, RefusalView, RequestDossier, RequestView, RunView, WhoamiView,
    },
    wire::{
        Accepted, AuthorityChain, AuthoritySubmission, EntryPage, LogSearch, ReadingSession,
        RequestTerms, Status, Submission,
    },
};

/// Longest answer that is read.
const ANSWER_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// How long, and how often in a row, a question waits for its turn.
const WAIT_MAX: Duration = Duration::from_secs(5);
const WAITS_MAX: u32 = 10;
/// How long one call may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// Where statements of a kind are posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// `request` statements.
    Requests,
    /// `approval` statements.
    Approvals,
    /// `denial` statements.
    Denials,
    /// `checkout` statements.
    Checkouts,
    /// `act` statements.
    Acts,
    /// `enroll` statements.
    Enrolments,
    /// `suspend` statements.
    Suspensions,
}

impl Endpoint {
    /// The path.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Requests => "/v1/requests",
            Self::Approvals => "/v1/approvals",
            Self::Denials => "/v1/denials",
            Self::Checkouts => "/v1/checkouts",
            Self::Acts => "/v1/acts",
            Self::Enrolments => "/v1/enrolments",
            Self::Suspensions => "/v1/suspensions",
        }
    }
}

/// Why a call gave no usable answer.
#[derive(Debug, Error)]
pub enum ClientError {
    /// No server could be reached, or the connection broke: it may or may not have happened.
    #[error("{url}: {detail}")]
    Unreachable {
        /// The last server tried.
        url: String,
        /// What the transport said.
        detail: String,
    },
    /// The server refused, and says why.
    #[error("{0}")]
    Refused(Box<Problem>),
    /// The answer is not one of this API's.
    #[error("{url} answered with status {status} and something that is not this API's: {detail}")]
    Foreign {
        /// The server.
        url: String,
        /// The HTTP status.
        status: u16,
        /// What was wrong with it.
        detail: String,
    },
    /// The receipt does not hold: the server says it did something that its log does not prove.
    #[error(transparent)]
    Receipt(#[from] ReceiptError),
}

/// A client of one installation.
#[derive(Debug, Clone)]
pub struct Client {
    agent: ureq::Agent,
    servers: Vec<String>,
    token: Option<String>,
    timeout: Duration,
}

impl Client {
    /// A client of these servers (`https://host:port`), trusting the given roots for TLS.
    ///
    /// `tls` is ignored for `http://`, which only loopback servers speak.
    #[must_use]
    pub fn new(servers: Vec<String>, tls: Option<ureq::tls::TlsConfig>) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None);
        let config = match tls {
            Some(tls) => config.tls_config(tls),
            None => config,
        };
        Self {
            agent: config.build().into(),
            servers,
            token: None,
            timeout: CALL_TIMEOUT,
        }
    }

    /// The same client, of which a call may take so long and no longer.
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The same client with a reading session.
    #[must_use]
    pub fn with_token(mut self, token: Option<String>) -> Self {
        self.token = token;
        self
    }

    /// The servers, in the order they are tried.
    #[must_use]
    pub fn servers(&self) -> &[String] {
        &self.servers
    }

    /// Posts a statement and checks the receipt: what comes back is what the log proves.
    pub fn submit(
        &self,
        endpoint: Endpoint,
        submission: &Submission,
        trust: &LogTrust,
    ) -> Result<(Vec<Received>, Accepted), ClientError> {
        let accepted: Accepted = self.post(endpoint.path(), submission)?;
        let received: Result<Vec<Received>, ReceiptError> = accepted
            .receipt
            .iter()
            .map(|proven| trust.check(proven))
            .collect();
        Ok((received?, accepted))
    }

    /// Exchanges a session statement for the right to read.
    pub fn open_session(
        &self,
        session: &crate::wire::Signed,
    ) -> Result<ReadingSession, ClientError> {
        self.post("/v1/sessions", session)
    }

    /// What anybody may know.
    pub fn status(&self) -> Result<Status, ClientError> {
        self.get("/v1/status")
    }

    /// The authority and how it came to be.
    pub fn authority(&self) -> Result<AuthorityChain, ClientError> {
        self.get("/v1/authority")
    }

    /// Publishes the next version of the authority and checks the receipt.
    pub fn publish(
        &self,
        submission: &AuthoritySubmission,
        trust: &LogTrust,
    ) -> Result<Vec<Received>, ClientError> {
        let accepted: Accepted = self.post("/v1/authority", submission)?;
        let received: Result<Vec<Received>, ReceiptError> = accepted
            .receipt
            .iter()
            .map(|proven| trust.check(proven))
            .collect();
        Ok(received?)
    }

    /// Who the reading session belongs to.
    pub fn whoami(&self) -> Result<WhoamiView, ClientError> {
        self.get("/v1/whoami")
    }

    /// Everybody in the authority in force, and whether their keys count.
    pub fn people(&self) -> Result<Vec<PersonView>, ClientError> {
        self.get("/v1/people")
    }

    /// Whether an emergency could be handled now.
    pub fn readiness(&self) -> Result<ReadinessView, ClientError> {
        self.get("/v1/readiness")
    }

    /// What a request must say. `incident` and `account` as people type them.
    pub fn terms(&self, account: &str, incident: &str) -> Result<RequestTerms, ClientError> {
        self.get(&format!(
            "/v1/terms?account={}&incident={}",
            encode(account),
            encode(incident)
        ))
    }

    /// Incidents, newest first: all that are not closed, and the newest of those that are.
    pub fn incidents(&self) -> Result<Vec<IncidentView>, ClientError> {
        self.get("/v1/incidents")
    }

    /// Incidents that are `open` or `resolved`, newest first. The open ones are told even while what
    /// is closed cannot be shown.
    pub fn incidents_in(&self, state: &str) -> Result<Vec<IncidentView>, ClientError> {
        self.get(&format!("/v1/incidents?state={}", encode(state)))
    }

    /// Closed incidents whose reference has a lower number, newest first.
    pub fn incidents_before(&self, number: u64) -> Result<Vec<IncidentView>, ClientError> {
        self.get(&format!("/v1/incidents?before={number}"))
    }

    /// One incident.
    pub fn incident(&self, id: &str) -> Result<IncidentView, ClientError> {
        self.get(&format!("/v1/incidents/{}", encode(id)))
    }

    /// What was refused in an incident, oldest first.
    pub fn refusals(&self, id: &str) -> Result<Vec<RefusalView>, ClientError> {
        self.get(&format!("/v1/incidents/{}/refusals", encode(id)))
    }

    /// What people wrote about an incident afterwards, oldest first.
    pub fn documents(&self, id: &str) -> Result<Vec<DocumentView>, ClientError> {
        self.get(&format!("/v1/incidents/{}/documents", encode(id)))
    }

    /// The timeline of an incident, as text: a heading for each day, a line for each entry.
    pub fn timeline(&self, id: &str) -> Result<Vec<String>, ClientError> {
        self.get(&format!("/v1/incidents/{}/timeline", encode(id)))
    }

    /// Requests; `pending` only those that wait for approvals.
    pub fn requests(&self, pending: bool) -> Result<Vec<RequestView>, ClientError> {
        self.get(if pending {
            "/v1/requests?state=pending"
        } else {
            "/v1/requests"
        })
    }

    /// One request, with everything an approver checks.
    pub fn request(&self, id: &str) -> Result<RequestDossier, ClientError> {
        self.get(&format!("/v1/requests/{}", encode(id)))
    }

    /// Grants, newest first.
    pub fn grants(&self) -> Result<Vec<GrantView>, ClientError> {
        self.get("/v1/grants")
    }

    /// Grants that are active, newest first; told even while what is closed cannot be shown.
    pub fn active_grants(&self) -> Result<Vec<GrantView>, ClientError> {
        self.get("/v1/grants?state=active")
    }

    /// Grants of closed incidents whose reference has a lower number, newest first.
    pub fn grants_before(&self, number: u64) -> Result<Vec<GrantView>, ClientError> {
        self.get(&format!("/v1/grants?before={number}"))
    }

    /// One grant.
    pub fn grant(&self, id: &str) -> Result<GrantView, ClientError> {
        self.get(&format!("/v1/grants/{}", encode(id)))
    }

    /// Accounts.
    pub fn accounts(&self) -> Result<Vec<AccountView>, ClientError> {
        self.get("/v1/accounts")
    }

    /// What waits for a second person at an account, newest first.
    pub fn proposals(&self, account: &str) -> Result<Vec<ProposalView>, ClientError> {
        self.get(&format!("/v1/accounts/{}/proposals", encode(account)))
    }

    /// What waits for a second person about an incident.
    pub fn incident_proposals(&self, incident: &str) -> Result<Vec<ProposalView>, ClientError> {
        self.get(&format!("/v1/incidents/{}/proposals", encode(incident)))
    }

    /// Runs, newest first.
    pub fn runs(&self) -> Result<Vec<RunView>, ClientError> {
        self.get("/v1/runs")
    }

    /// Runs of incidents that were never closed, newest first; told even while what is closed
    /// cannot be shown.
    pub fn recent_runs(&self) -> Result<Vec<RunView>, ClientError> {
        self.get("/v1/runs?limit=0")
    }

    /// One run.
    pub fn run(&self, id: &str) -> Result<RunView, ClientError> {
        self.get(&format!("/v1/runs/{}", encode(id)))
    }

    /// The latest signed checkpoint, as text.
    pub fn checkpoint(&self) -> Result<String, ClientError> {
        self.text("/v1/log/checkpoint")
    }

    /// The last checkpoint that enough of the server's own witnesses cosigned, as text; `None`
    /// where there is none.
    pub fn cosigned(&self) -> Result<Option<String>, ClientError> {
        match self.text("/v1/log/cosigned") {
            Err(ClientError::Refused(problem)) if problem.status == 404 => Ok(None),
            text => text.map(Some),
        }
    }

    /// The entry at an index with its proof.
    pub fn prove(&self, index: u64) -> Result<crate::wire::Proven, ClientError> {
        self.get(&format!("/v1/log/proof/{index}"))
    }

    /// The proof that the log at `new` continues the log at `old`: base64 hashes.
    pub fn consistency(&self, old: u64, new: u64) -> Result<Vec<String>, ClientError> {
        self.get(&format!("/v1/log/consistency?old={old}&new={new}"))
    }

    /// A page of raw entries, for auditors.
    pub fn entries(&self, from: u64) -> Result<EntryPage, ClientError> {
        self.get(&format!("/v1/log/entries?from={from}"))
    }

    /// A page of the entries that have all that is looked for: for auditors, and within one incident
    /// for everybody.
    pub fn search(&self, search: &LogSearch) -> Result<FoundPage, ClientError> {
        self.get(&format!("/v1/log/search?{}", search.query()))
    }

    /// A blob, for auditors; `None` where the server does not have it or never exports it.
    pub fn blob(&self, digest: &str) -> Result<Option<Vec<u8>>, ClientError> {
        self.bytes(&format!("/v1/blobs/{}", encode(digest)))
    }

    /// A bundle of raw entries, for auditors; `None` where the log is not so long.
    pub fn bundle(&self, path: &EntriesPath) -> Result<Option<Vec<u8>>, ClientError> {
        self.bytes(&format!("/log/{path}"))
    }

    /// What is served as it is; `None` where there is nothing.
    fn bytes(&self, path: &str) -> Result<Option<Vec<u8>>, ClientError> {
        match self.ask(path)? {
            (_, mut response) if response.status() == StatusCode::OK => {
                Ok(Some(read(&mut response).map_err(|detail| {
                    ClientError::Foreign {
                        url: self.url(),
                        status: 200,
                        detail,
                    }
                })?))
            }
            (_, response) if response.status() == StatusCode::NOT_FOUND => Ok(None),
            (url, response) => Err(problem(url, response)),
        }
    }

    fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        let (url, response) = self.ask(path)?;
        parse(url, response)
    }

    fn text(&self, path: &str) -> Result<String, ClientError> {
        let (url, mut response) = self.ask(path)?;
        if response.status() != StatusCode::OK {
            return Err(problem(url, response));
        }
        let status = response.status().as_u16();
        let bytes = read(&mut response);
        bytes
            .and_then(|b| String::from_utf8(b).map_err(|e| e.to_string()))
            .map_err(|detail| ClientError::Foreign {
                url,
                status,
                detail,
            })
    }

    /// Posts any body; public for calls that this version of the client does not know.
    pub fn post<B: Serialize, T: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
    ) -> Result<T, ClientError> {
        let (url, response) = self.call(path, Some(body))?;
        parse(url, response)
    }

    /// Asks, and asks again where the server says in how many seconds: an export asks a lot.
    fn ask(&self, path: &str) -> Result<(String, Response<ureq::Body>), ClientError> {
        for _ in 0..WAITS_MAX {
            let (url, response) = self.call(path, None::<&()>)?;
            let wait = (response.status() == StatusCode::TOO_MANY_REQUESTS)
                .then(|| response.headers().get("retry-after"))
                .flatten()
                .and_then(|v| v.to_str().ok()?.parse().ok())
                .map(Duration::from_secs)
                .filter(|wait| *wait <= WAIT_MAX);
            let Some(wait) = wait else {
                return Ok((url, response));
            };
            std::thread::sleep(wait);
        }
        self.call(path, None::<&()>)
    }

    /// Tries the servers in turn; the next one only where no connection was made.
    fn call<B: Serialize>(
        &self,
        path: &str,
        body: Option<&B>,
    ) -> Result<(String, Response<ureq::Body>), ClientError> {
        let mut last = ClientError::Unreachable {
            url: self.url(),
            detail: "no server is configured".to_owned(),
        };
        for server in &self.servers {
            let url = format!("{server}{path}");
            let bearer = self.token.as_ref().map(|t| format!("Bearer {t}"));
            let sent = match body {
                None => {
                    let call = self.agent.get(&url).config();
                    let call = call.timeout_global(Some(self.timeout)).build();
                    match &bearer {
                        Some(b) => call.header("Authorization", b).call(),
                        None => call.call(),
                    }
                }
                Some(body) => {
                    let call = self.agent.post(&url).config();
                    let call = call.timeout_global(Some(self.timeout)).build();
                    let call = call.header("Content-Type", "application/json");
                    let call = match &bearer {
                        Some(b) => call.header("Authorization", b),
                        None => call,
                    };
                    let text = serde_json::to_vec(body).unwrap_or_default();
                    call.send(&text[..])
                }
            };
            match sent {
                Ok(response) => return Ok((server.clone(), response)),
                Err(error) => {
                    let connected = !is_unconnected(&error);
                    last = ClientError::Unreachable {
                        url: server.clone(),
                        detail: error.to_string(),
                    };
                    if connected {
                        break;
                    }
                }
            }
        }
        Err(last)
    }

    fn url(&self) -> String {
        self.servers.first().cloned().unwrap_or_default()
    }
}

fn is_unconnected(error: &ureq::Error) -> bool {
    let refused = |io: &std::io::Error| io.kind() == std::io::ErrorKind::ConnectionRefused;
    matches!(
        error,
        ureq::Error::ConnectionFailed | ureq::Error::HostNotFound
    ) || matches!(error, ureq::Error::Io(io) if refused(io))
}

fn read(response: &mut Response<ureq::Body>) -> Result<Vec<u8>, String> {
    let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX);
    body.read_to_vec().map_err(|e| e.to_string())
}

fn parse<T: DeserializeOwned>(
    url: String,
    mut response: Response<ureq::Body>,
) -> Result<T, ClientError> {
    if !response.status().is_success() {
        return Err(problem(url, response));
    }
    let status = response.status().as_u16();
    let parsed =
        read(&mut response).and_then(|b| serde_json::from_slice(&b).map_err(|e| e.to_string()));
    parsed.map_err(|detail| ClientError::Foreign {
        url,
        status,
        detail,
    })
}

fn problem(url: String, mut response: Response<ureq::Body>) -> ClientError {
    let status = response.status().as_u16();
    match read(&mut response)
        .and_then(|b| serde_json::from_slice::<Problem>(&b).map_err(|e| e.to_string()))
    {
        Ok(problem) => ClientError::Refused(Box::new(problem)),
        Err(detail) => ClientError::Foreign {
            url,
            status,
            detail,
        },
    }
}
