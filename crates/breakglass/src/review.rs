//! What a second person sees before signing: in plain words, computed from the bytes that are about to
//! be signed and from the verified authority. The server's word is marked as such.

use breakglass_format::{
    AccountId, Timestamp,
    act::{Act, Command, Waive},
    authority::Authority,
    statement::{Request, Warning},
    time::human_s,
    vocabulary::{PurposeKind, Verdict},
};

use crate::{
    actor::{Dossier, Identity, Proposal},
    output::{Tone, line, prose},
};

/// A line of the review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// How it is meant.
    pub tone: Tone,
    /// What it is about.
    pub label: &'static str,
    /// What it says, escaped for a terminal.
    pub text: String,
}

impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = self.text.replace('\n', "\n                ");
        write!(f, "{:<15} {text}", self.label)
    }
}

/// Everything that is signed with an approval of `duration_s`, seen at `now`.
#[must_use]
pub fn of_request(
    dossier: &Dossier,
    authority: &Authority,
    duration_s: i64,
    now: Timestamp,
) -> Vec<Row> {
    let request = dossier.request();
    let mut rows = Vec::new();
    if request.drill {
        rows.push(warning(
            "DRILL",
            "a practice, not the real thing".to_owned(),
        ));
    }
    rows.extend(who_and_what(dossier, authority));
    rows.extend(how_long(request, duration_s, now));
    rows.push(plain("server loss", prose(request.on_server_loss.as_str())));
    rows.extend(control_plane(dossier));
    rows.extend(dangers(request));
    rows.extend(standing(dossier, authority));
    rows
}

fn who_and_what(dossier: &Dossier, authority: &Authority) -> Vec<Row> {
    let request = dossier.request();
    let who = &request.requester;
    let name = authority.person(&who.person).map(|p| line(p.name.as_str()));
    let touch = if dossier.verified().presence() {
        ", touched"
    } else {
        ""
    };
    let account = &request.account;
    let system = authority
        .account(&account.id)
        .map(|a| line(a.system.as_str()));
    vec![
        plain("installation", line(authority.title.as_str())),
        plain("request", dossier.requested().reference.to_string()),
        plain(
            "requester",
            format!(
                "{} ({}), key {}{touch}",
                name.unwrap_or_default(),
                who.principal,
                who.key
            ),
        ),
        incident(dossier),
        plain(
            "account",
            format!(
                "{} on {}, custody {}",
                account.name,
                system.unwrap_or_default(),
                account.custody
            ),
        ),
        plain("wants", wish(request)),
        plain("because", prose(request.justification.as_str())),
    ]
}

/// The incident; its title and why, where the server shows the declaration that the request binds.
fn incident(dossier: &Dossier) -> Row {
    let request = dossier.request();
    let (scenario, severity) = (&request.incident.scenario, request.incident.severity);
    let text = match dossier.declared() {
        Some(declared) => format!(
            "{}, {scenario}, {severity}: {}\n{}",
            declared.reference,
            line(declared.title.as_str()),
            prose(declared.justification.as_str())
        ),
        None => format!(
            "{scenario}, {severity} ({} by the server's word, id {})",
            line(&dossier.view().incident),
            request.incident.id
        ),
    };
    plain("incident", text)
}

fn wish(request: &Request) -> String {
    let purpose = &request.purpose;
    match purpose.kind {
        PurposeKind::Credential => "the credential itself".to_owned(),
        PurposeKind::Action => {
            let artifact = match purpose.artifact.as_str() {
                "" => String::new(),
                artifact => format!(" with {}", line(artifact)),
            };
            let plan = match &purpose.plan.0 {
                Some(plan) => format!(", plan {plan}"),
                None => String::new(),
            };
            format!(
                "{} on {}{artifact}{plan}",
                purpose.action,
                line(purpose.target.as_str())
            )
        }
    }
}

fn how_long(request: &Request, duration_s: i64, now: Timestamp) -> Vec<Row> {
    let asked = request.duration_s;
    let time = if duration_s < asked {
        format!(
            "{} of the {} asked for",
            human_s(duration_s),
            human_s(asked)
        )
    } else {
        human_s(asked)
    };
    let uses = match request.uses {
        0 => ", any number of checkouts and runs".to_owned(),
        1 => ", one checkout or run".to_owned(),
        n => format!(", {n} checkouts or runs"),
    };
    let left_s = request.approve_by.since_ms(now).max(0) / 1000;
    let mut rows = vec![
        plain("for", format!("{time}{uses}")),
        plain(
            "lapses",
            format!("{} ({} left)", request.approve_by, human_s(left_s)),
        ),
    ];
    if let Some(grant) = &request.extends.0 {
        rows.push(plain("prolongs", format!("grant {grant} by this much")));
    }
    rows
}

/// What the server says of the control plane: its word, which nothing here proves.
fn control_plane(dossier: &Dossier) -> Option<Row> {
    let known = dossier.view().control_plane.as_ref()?;
    let text = match (&known.verdict, known.at) {
        (Some(verdict), Some(at)) => format!("the server says: {}, probed {at}", line(verdict)),
        _ => "the server says: not probed yet".to_owned(),
    };
    let up = known.verdict.as_deref() == Some(Verdict::Up.as_str());
    Some(if up {
        warning("control plane", text)
    } else {
        plain("control plane", text)
    })
}

fn dangers(request: &Request) -> Vec<Row> {
    let attested = request.control_plane.attested.as_str();
    let attested = (!attested.is_empty()).then(|| {
        let text = format!(
            "the requester attests that it is UNUSABLE: {}",
            prose(attested)
        );
        warning("control plane", text)
    });
    let warnings = request
        .warnings
        .iter()
        .map(|w| warning("warning", sentence(w)));
    attested.into_iter().chain(warnings).collect()
}

/// The sentence of a warning's code; the client knows it, the server only names the code.
fn sentence(warning: &Warning) -> String {
    let args: Vec<String> = warning.args.iter().map(|a| line(a.as_str())).collect();
    let args = args.join(", ");
    let code = warning.code.as_str();
    match warning.says(&args) {
        Some(says) => says,
        None if args.is_empty() => format!("{code} (this client does not know the sentence)"),
        None => format!("{code}: {args} (this client does not know the sentence)"),
    }
}

fn standing(dossier: &Dossier, authority: &Authority) -> Vec<Row> {
    let request = dossier.request();
    let view = dossier.view();
    let needs = dossier.requested().needs;
    let scenario = &request.incident.scenario;
    let rule = authority.entitlement(&request.requester.person, &request.account.id, scenario);
    let each: Vec<String> = rule.map_or_else(Vec::new, |e| {
        e.require_each.iter().map(ToString::to_string).collect()
    });
    let each = match each.is_empty() {
        true => String::new(),
        false => format!(", one each from {}", each.join(" and ")),
    };
    let so_far = match view.approved_by.is_empty() {
        true => "nobody".to_owned(),
        false => line(&view.approved_by.join(", ")),
    };
    let mut rows = vec![
        plain("takes", format!("{needs} approvals{each}")),
        plain("approved by", format!("{so_far} (the server's word)")),
    ];
    rows.extend(view.set_aside.iter().map(|who| {
        let text = format!("{} approved, is suspended, and does not count", line(who));
        warning("set aside", text)
    }));
    rows.push(plain("statement", dossier.verified().digest().to_string()));
    rows
}

/// Everything that is signed by agreeing to what another person proposes.
#[must_use]
pub fn of_proposal(proposal: &Proposal, authority: &Authority) -> Vec<Row> {
    let act = proposal.act();
    let who = &act.signer;
    let name = authority.person(&who.person).map(|p| line(p.name.as_str()));
    let account: Option<AccountId> = proposal.object().parse().ok();
    let account = account.and_then(|id| authority.account(&id));
    let about = match account {
        Some(a) => plain(
            "account",
            format!("{} on {}", a.name, line(a.system.as_str())),
        ),
        None => plain("incident", line(proposal.about())),
    };
    let mut rows = vec![
        plain("installation", line(authority.title.as_str())),
        about,
        plain(
            "proposed by",
            format!(
                "{} ({}), key {}",
                name.unwrap_or_default(),
                who.principal,
                who.key
            ),
        ),
        plain("at", act.issued_at.to_string()),
    ];
    rows.extend(what_is_proposed(act));
    let left_s = proposal.until().since_ms(proposal.time()).max(0) / 1000;
    rows.push(plain(
        "lapses",
        format!("{} ({} left)", proposal.until(), human_s(left_s)),
    ));
    rows.push(plain("statement", proposal.verified().digest().to_string()));
    rows
}

fn what_is_waived(waive: &Waive) -> Vec<Row> {
    let about = if waive.subject.is_empty() {
        String::new()
    } else {
        format!(" of {}", line(waive.subject.as_str()))
    };
    let mut rows = vec![
        plain(
            "wants",
            format!("to let a duty go: {}{about}", waive.obligation),
        ),
        plain("because", prose(waive.reason.as_str())),
    ];
    if waive.account_gone {
        rows.push(warning("you attest", "that the account is gone".to_owned()));
    }
    rows
}

fn what_is_proposed(act: &Act) -> Vec<Row> {
    match &act.command {
        Command::Rotate(because) => vec![
            plain("wants", "to rotate the credential now".to_owned()),
            plain("because", prose(because.reason.as_str())),
        ],
        Command::AttestRotation(attest) => vec![
            warning(
                "you attest",
                format!(
                    "that the target takes version {} and refuses the one before",
                    attest.version
                ),
            ),
            plain("how", prose(attest.how.as_str())),
        ],
        Command::AddCredential(add) => {
            let fields: Vec<&str> = add.fields.iter().map(|f| f.as_str()).collect();
            let sealed: Vec<String> = act.documents.iter().map(ToString::to_string).collect();
            vec![
                plain(
                    "wants",
                    format!("to put a credential into custody: {}", fields.join(", ")),
                ),
                plain("sealed as", sealed.join(", ")),
            ]
        }
        Command::Waive(waive) => what_is_waived(waive),
        Command::Transfer(transfer) => vec![
            plain("wants", format!("{} to lead from now on", transfer.to)),
            plain("because", prose(transfer.reason.as_str())),
        ],
        // Nothing else takes two people; what this client does not know, nobody signs unseen.
        Command::Declare(_)
        | Command::Note(_)
        | Command::Probe(_)
        | Command::SetContact(_)
        | Command::Record(_)
        | Command::Withdraw(_)
        | Command::Return(_)
        | Command::Revoke(_)
        | Command::Cancel(_)
        | Command::Plan(_)
        | Command::Run(_)
        | Command::Resolve(_)
        | Command::NotifyCab(_)
        | Command::FileReport(_)
        | Command::CompleteReview(_)
        | Command::DecideCab(_)
        | Command::ReviewAccess(_)
        | Command::UpdateProcedure(_)
        | Command::Close(_) => vec![warning(
            "wants",
            format!("{}, which this client cannot explain", act.command.word()),
        )],
    }
}

/// Whose signature it is going to be.
#[must_use]
pub fn signing(identity: &Identity) -> Row {
    let text = format!("{} with the key {}", identity.principal, identity.key);
    plain("you sign as", text)
}

const fn plain(label: &'static str, text: String) -> Row {
    let tone = Tone::Plain;
    Row { tone, label, text }
}

const fn warning(label: &'static str, text: String) -> Row {
    let tone = Tone::Warning;
    Row { tone, label, text }
}
