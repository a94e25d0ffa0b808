//! Statements that are to take effect. Signatures are verified here, outside the writer; what
//! they may do is for the rules.

use axum::{Json, extract::State, http::StatusCode};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use breakglass_api::wire::{
    Accepted, AuthoritySubmission, Proven, ReadingSession, Signed, Submission,
};
use breakglass_core::{Command, Refusal, command::Handout, refusal::Code};
use breakglass_format::{
    CommandId, Digest, Event, Principal,
    act::Command as ActCommand,
    statement::{Approval, Denial, LogHead, Statement as _},
    vocabulary::Occasion,
};
use breakglass_statement::{
    Signed as SignedStatement, StatementError, Verified, VerifiedAct, VerifiedSession, verify_act,
    verify_approval, verify_checkout, verify_denial, verify_enroll, verify_request, verify_session,
    verify_suspend,
};
use breakglass_store::{Blob, Ledger as _};

use super::prepare::Preparation;
use crate::{
    engine::{self, Outcome},
    entropy::random,
    http::{
        app::App, extract::Posted, limit::Counters, nonces::Asking, problem::ApiError,
        sessions::Reader,
    },
};

pub(super) type Answer = Result<(StatusCode, Json<Accepted>), ApiError>;

/// A request for access.
#[utoipa::path(post, path = "/v1/requests", request_body = Submission,
    responses((status = 201, body = Accepted), (status = "4XX", body = breakglass_api::Problem)))]
pub(crate) async fn request(State(app): State<App>, posted: Posted<Submission>) -> Answer {
    let submission = posted.body;
    let verified = app.verified(verify_request(
        submission.statement.as_bytes(),
        &submission.signature,
        &app.authorities(),
    ))?;
    if let Some(repeated) = app.repeated(verified.digest()).await? {
        return Ok(repeated);
    }
    app.own_head(&verified, &verified.statement().log).await?;
    let text = verified.statement();
    let half = text.nonce.as_bytes().first_chunk().copied();
    let asking = Asking {
        person: &verified.signer().person,
        account: &text.account.id,
        incident: &text.incident.id,
    };
    if !app
        .nonces
        .knows(half.unwrap_or_default(), &asking, app.now())
    {
        return Err(ApiError::nonce().at(app.now()));
    }
    app.probe_first(text.incident.id, Occasion::Request).await;
    let blobs = blobs(&verified);
    app.submit(
        Command::Request(Box::new(verified)),
        blobs,
        posted.command_id,
    )
    .await
}

/// Yes to a request.
#[utoipa::path(post, path = "/v1/approvals", request_body = Submission,
    responses((status = 201, body = Accepted), (status = "4XX", body = breakglass_api::Problem)))]
pub(crate) async fn approval(State(app): State<App>, posted: Posted<Submission>) -> Answer {
    let (bytes, armoured) = (posted.body.statement.as_bytes(), &posted.body.signature);
    // Verified as an answer to the request inside; that this is the one on file is a rule, so
    // that an approval of something else is refused on record.
    let inner = Approval::from_bytes(bytes).and_then(|a| a.request.to_bytes());
    let inner = inner.unwrap_or_default();
    let verified = app.verified(verify_approval(bytes, armoured, &inner, &app.authorities()))?;
    app.own_head(&verified, &verified.statement().log).await?;
    let incident = verified.statement().request.incident.id;
    app.probe_first(incident, Occasion::Activation).await;
    let blobs = blobs(&verified);
    app.submit(
        Command::Approve(Box::new(verified)),
        blobs,
        posted.command_id,
    )
    .await
}

/// No to a request.
#[utoipa::path(post, path = "/v1/denials", request_body = Submission,
    responses((status = 201, body = Accepted), (status = "4XX", body = breakglass_api::Problem)))]
pub(crate) async fn denial(State(app): State<App>, posted: Posted<Submission>) -> Answer {
    let (bytes, armoured) = (posted.body.statement.as_bytes(), &posted.body.signature);
    let inner = Denial::from_bytes(bytes).and_then(|d| d.request.to_bytes());
    let inner = inner.unwrap_or_default();
    let verified = app.verified(verify_denial(bytes, armoured, &inner, &app.authorities()))?;
    app.own_head(&verified, &verified.statement().log).await?;
    let blobs = blobs(&verified);
    app.submit(Command::Deny(Box::new(verified)), blobs, posted.command_id)
        .await
}

/// Proof that a person holds a key.
#[utoipa::path(post, path = "/v1/enrolments", request_body = Submission,
    responses((status = 201, body = Accepted), (status = "4XX", body = breakglass_api::Problem)))]
pub(crate) async fn enrolment(State(app): State<App>, posted: Posted<Submission>) -> Answer {
    let (bytes, armoured) = (posted.body.statement.as_bytes(), &posted.body.signature);
    let verified = app.verified(verify_enroll(bytes, armoured, &app.authorities()))?;
    let blobs = blobs(&verified);
    app.submit(
        Command::Enroll(Box::new(verified)),
        blobs,
        posted.command_id,
    )
    .await
}

/// A key, or somebody, shall count no longer; or consent to that.
#[utoipa::path(post, path = "/v1/suspensions", request_body = Submission,
    responses((status = 201, body = Accepted), (status = "4XX", body = breakglass_api::Problem)))]
pub(crate) async fn suspension(State(app): State<App>, posted: Posted<Submission>) -> Answer {
    let (bytes, armoured) = (posted.body.statement.as_bytes(), &posted.body.signature);
    let verified = app.verified(verify_suspend(bytes, armoured, &app.authorities()))?;
    if let Some(repeated) = app.repeated(verified.digest()).await? {
        return Ok(repeated);
    }
    let blobs = blobs(&verified);
    app.submit(
        Command::Suspend(Box::new(verified)),
        blobs,
        posted.command_id,
    )
    .await
}

/// A session: certifies the client's key for the short list of acts, and opens the right to read.
#[utoipa::path(post, path = "/v1/sessions", request_body = Signed,
    responses((status = 201, body = ReadingSession), (status = "4XX", body = breakglass_api::Problem)))]
pub(crate) async fn session(
    State(app): State<App>,
    posted: Posted<Signed>,
) -> Result<(StatusCode, Json<ReadingSession>), ApiError> {
    let (bytes, armoured) = (posted.body.statement.as_bytes(), &posted.body.signature);
    let verified = app.verified(verify_session(bytes, armoured, &app.authorities()))?;
    let reader = Reader {
        person: verified.signer().person.clone(),
        key: verified.signer().key.clone(),
        not_after: verified.statement().not_after,
    };
    let (digest, not_after) = (verified.digest(), reader.not_after);
    let blobs = blobs(&verified);
    let command = Command::OpenSession(Box::new(verified));
    if app.tools.read_only.is_some() {
        // Nothing can be recorded, but whoever may read may see why. Such a session signs nothing:
        // acts need it on record.
        app.would_accept(&app.published().world, &command)
            .map_err(|refusal| app.rejected(refusal.into()))?;
    } else {
        let outcome = app.engine.submit(command, blobs, posted.command_id).await;
        if outcome.map_err(|e| app.rejected(e))?.repeated {
            // Who repeats it has seen it, not signed it; a restart of ours changes nothing there.
            return Err(ApiError::from(Refusal::from(Code::Replayed)).at(app.now()));
        }
    }
    let secret = random().map_err(|_| app.rejected(crate::engine::Rejection::Stopped))?;
    // The same statement opens one session: who repeats it has seen it, not signed it.
    let token = app.sessions.open(digest, reader, secret, app.now());
    let token = token.ok_or_else(|| ApiError::from(Refusal::from(Code::Replayed)).at(app.now()))?;
    Ok((
        StatusCode::CREATED,
        Json(ReadingSession { token, not_after }),
    ))
}

/// The next version of the authority, signed by the root threshold of the version before and of
/// itself.
#[utoipa::path(post, path = "/v1/authority", request_body = AuthoritySubmission,
    responses((status = 201, body = Accepted), (status = "4XX", body = breakglass_api::Problem)))]
pub(crate) async fn authority(
    State(app): State<App>,
    posted: Posted<AuthoritySubmission>,
) -> Answer {
    let authorities = app.authorities();
    let signatures: Result<Vec<(Principal, String)>, ApiError> = posted
        .body
        .signatures
        .into_iter()
        .map(|s| {
            Ok((
                s.principal
                    .parse()
                    .map_err(|_| ApiError::bad("no principal"))?,
                s.signature,
            ))
        })
        .collect();
    let signatures = signatures.map_err(|e| e.at(app.now()))?;
    let current = authorities.current();
    let next = current.succeed(posted.body.document.as_bytes(), &signatures);
    let next = next.map_err(|e| {
        Counters::add(&app.counters.unauthenticated);
        ApiError::chain(&e).at(app.now())
    })?;
    // The document's own time is its signers' word; by ours the keys must count too.
    if !next.threshold_holds_at(current, app.now()) {
        return Err(ApiError::from(Refusal::from(Code::KeyNotValid)).at(app.now()));
    }
    let blobs = crate::genesis::authority_blobs(&next);
    app.submit(crate::genesis::publication(&next), blobs, posted.command_id)
        .await
}

/// Hand me the credential, sealed to my one-time key.
#[utoipa::path(post, path = "/v1/checkouts", request_body = Submission,
    responses((status = 201, body = Accepted), (status = "4XX", body = breakglass_api::Problem)))]
pub(crate) async fn checkout(State(app): State<App>, posted: Posted<Submission>) -> Answer {
    let (bytes, armoured) = (posted.body.statement.as_bytes(), &posted.body.signature);
    let verified = app.verified(verify_checkout(bytes, armoured, &app.authorities()))?;
    if let Some(repeated) = app.repeated(verified.digest()).await? {
        return Ok(repeated);
    }
    let mut blobs = blobs(&verified);
    let handout = match app.prepare_handout(&verified).await {
        Ok(envelope) => {
            let (version, blob) = envelope;
            let handout = Handout {
                envelope: blob.digest,
                version,
            };
            blobs.push(blob);
            handout
        }
        // The writer refuses it as well, and puts the refusal on record.
        Err(Preparation::Refused) => Handout {
            envelope: verified.digest(),
            version: 0,
        },
        Err(Preparation::Failed(error)) => return Err(error),
    };
    let command = Command::Checkout(Box::new(verified), handout);
    app.submit(command, blobs, posted.command_id).await
}

/// Everything else a person does.
#[utoipa::path(post, path = "/v1/acts", request_body = Submission,
    responses((status = 201, body = Accepted), (status = "4XX", body = breakglass_api::Problem)))]
pub(crate) async fn act(State(app): State<App>, posted: Posted<Submission>) -> Answer {
    let submission = posted.body;
    let authorities = app.authorities();
    let session = submission
        .session
        .as_ref()
        .map(|signed| verify_session(signed.statement.as_bytes(), &signed.signature, &authorities));
    let session: Option<VerifiedSession> = app.verified(session.transpose())?;
    let (bytes, armoured) = (submission.statement.as_bytes(), &submission.signature);
    let verified = app.verified(verify_act(bytes, armoured, session.as_ref(), &authorities))?;
    // A plan has two entries, with the connector's answer between them: a repeated one goes on.
    let plans = matches!(verified.statement().command, ActCommand::Plan(_));
    if !plans && let Some(repeated) = app.repeated(verified.digest()).await? {
        return Ok(repeated);
    }
    let attachments =
        attachments(&verified, &submission.attachments).map_err(|e| e.at(app.now()))?;
    let mut blobs = blobs(&verified);
    let prepared = app.prepare_act(&verified, &attachments, &mut blobs).await?;
    if plans {
        return app.plan(verified, blobs, posted.command_id).await;
    }
    let command = Command::Act(Box::new(verified), prepared);
    app.submit(command, blobs, posted.command_id).await
}

/// The statement and its signature, which lie beside the entries they cause.
fn blobs<S: SignedStatement>(verified: &Verified<S>) -> Vec<Blob> {
    vec![
        engine::public(verified.bytes().to_vec()),
        engine::public(verified.armoured().as_bytes().to_vec()),
    ]
}

/// Documents of one act at most: many acts share one transaction.
const ATTACHMENTS_MAX: usize = 8;

/// The documents that an act names, and no others.
fn attachments(act: &VerifiedAct, posted: &[String]) -> Result<Vec<Blob>, ApiError> {
    if posted.len() > ATTACHMENTS_MAX {
        return Err(ApiError::attachment("an act has at most 8 attachments"));
    }
    let mut found = Vec::new();
    for text in posted {
        let bytes = STANDARD
            .decode(text)
            .map_err(|_| ApiError::attachment("an attachment is not base64"))?;
        if bytes.len() > breakglass_format::limits::BLOB_BYTES_MAX {
            return Err(ApiError::attachment("an attachment is larger than 64 KiB"));
        }
        found.push(engine::sealed(bytes));
    }
    let named = &act.statement().documents;
    // Each named, and each that is named: one posted twice is not two.
    let posted = |digest: &Digest| found.iter().any(|b| b.digest == *digest);
    let all = named.len() == found.len() && named.iter().all(posted);
    if !all || !found.iter().all(|b| named.contains(&b.digest)) {
        return Err(ApiError::attachment(
            "the attachments are not the documents that are named",
        ));
    }
    Ok(found)
}

impl App {
    pub(super) fn verified<T>(&self, result: Result<T, StatementError>) -> Result<T, ApiError> {
        result.map_err(|error| {
            Counters::add(&self.counters.unauthenticated);
            ApiError::from(error).at(self.now())
        })
    }

    pub(super) fn rejected(&self, rejection: crate::engine::Rejection) -> ApiError {
        Counters::add(&self.counters.refused);
        ApiError::from(rejection).at(self.now())
    }

    /// Refuses, on record, a statement that names a state of the log which this log never had:
    /// once accepted, it would say for ever that somebody saw another history.
    async fn own_head<S: SignedStatement>(
        &self,
        verified: &Verified<S>,
        head: &LogHead,
    ) -> Result<(), ApiError> {
        let (root, size) = (head.root, u64::try_from(head.size).unwrap_or(u64::MAX));
        let ours = self.engine.read(move |ledger| {
            size <= ledger.head().size()
                && ledger
                    .root_at(size)
                    .is_ok_and(|ours| ours.as_bytes() == root.as_bytes())
        });
        if ours.await.map_err(|e| self.rejected(e))? {
            return Ok(());
        }
        let command = Command::ForeignHead {
            signer: verified.signer().clone(),
            statement: verified.digest(),
            kind: S::KIND,
        };
        match self.engine.submit(command, Vec::new(), None).await {
            Err(rejection) => Err(self.rejected(rejection)),
            Ok(_) => Err(ApiError::from(Refusal::from(Code::ForeignLog)).at(self.now())),
        }
    }

    async fn submit(
        &self,
        command: Command,
        blobs: Vec<Blob>,
        command_id: Option<CommandId>,
    ) -> Answer {
        let outcome = self.engine.submit(command, blobs, command_id).await;
        let outcome = outcome.map_err(|e| self.rejected(e))?;
        Counters::add(&self.counters.accepted);
        self.render(outcome).await
    }

    /// The answer of a statement that took effect before.
    async fn repeated(
        &self,
        statement: Digest,
    ) -> Result<Option<(StatusCode, Json<Accepted>)>, ApiError> {
        match self.engine.repeat(statement).await {
            None => Ok(None),
            Some(Err(rejection)) => Err(self.rejected(rejection)),
            Some(Ok(outcome)) => self.render(outcome).await.map(Some),
        }
    }

    pub(super) async fn render(&self, outcome: Outcome) -> Answer {
        let mut envelope = None;
        let mut receipt = Vec::new();
        for proven in outcome.entries {
            if let Event::BreakGlassAccess(access) = &proven.entry.event
                && let Some(digest) = access.envelope.0
            {
                envelope = self.envelope(digest).await?;
            }
            let entry = String::from_utf8_lossy(&proven.bytes).into_owned();
            receipt.push(Proven {
                entry,
                proof: proven.proof,
            });
        }
        let accepted = Accepted {
            receipt,
            envelope,
            repeated: outcome.repeated,
        };
        let status = if outcome.repeated {
            StatusCode::OK
        } else {
            StatusCode::CREATED
        };
        Ok((status, Json(accepted)))
    }

    async fn envelope(&self, digest: Digest) -> Result<Option<String>, ApiError> {
        let blob = self.engine.read(move |ledger| ledger.blob(&digest)).await;
        let blob = blob.map_err(|e| self.rejected(e))?;
        let blob = blob.map_err(|e| self.rejected(e.into()))?;
        Ok(blob.map(|b| STANDARD.encode(b.bytes)))
    }
}
