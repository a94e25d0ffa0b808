//! Statements that arrive at the same moment: whatever order they are taken in, the log that comes
//! of it keeps every rule, and what may happen once happens once.

use std::sync::Barrier;

use breakglass::demo::{KEY, SECOND_KEY};
use breakglass_api::{
    Client, Problem,
    wire::{Accepted, Submission},
};
use breakglass_format::{
    act::{Because, Command, NoArgs},
    statement::{Kind, Request, Statement as _},
};
use breakglass_verify::{Options, check};

use super::hand::{Hand, path};
use crate::{
    exported::export,
    scene::{Cast, Scene},
};

const ROUNDS: i64 = 20;

type Post = (Kind, Submission);

fn house() -> (Scene, Cast) {
    let scene = Scene::set_with(|_, config| {
        config.limits.statements_per_minute = 1_000_000;
        config.limits.reads_per_minute = 1_000_000;
    });
    let mut cast = scene.cast();
    cast.take_custody(&scene);
    (scene, cast)
}

/// Posts everything at once; what each came to, in the order given.
fn at_once(scene: &Scene, posts: &[Post]) -> Vec<Result<Accepted, Box<Problem>>> {
    let barrier = Barrier::new(posts.len());
    std::thread::scope(|scope| {
        let each = posts.iter().map(|(kind, submission)| {
            let client = Client::new(vec![scene.url.clone()], None);
            let barrier = &barrier;
            scope.spawn(move || {
                barrier.wait();
                match client.post(path(*kind), submission) {
                    Ok(accepted) => Ok(accepted),
                    Err(breakglass_api::ClientError::Refused(problem)) => Err(problem),
                    Err(error) => panic!("{error}"),
                }
            })
        });
        let each: Vec<_> = each.collect();
        each.into_iter().map(|t| t.join().unwrap()).collect()
    })
}

/// Yes of three people, one of them with both keys, and the requester's second thoughts.
fn answers(scene: &Scene, cast: &Cast, reference: &str) -> Vec<Post> {
    let dossier = cast.bob.client().request(reference).unwrap();
    let request = Request::from_bytes(dossier.request.statement.as_bytes()).unwrap();
    let id = dossier.view.id.clone();
    let mut posts = Vec::new();
    for (actor, key) in [
        (&cast.bob, KEY),
        (&cast.bob, SECOND_KEY),
        (&cast.carol, KEY),
        (&cast.dave, KEY),
    ] {
        let whose = actor.identity().principal.as_str();
        let mut hand = Hand::with_file(scene, actor, whose, key);
        let approval = hand.approval(request.clone(), dossier.log.clone());
        posts.push((Kind::Approval, hand.sign(&approval)));
    }
    let mut alice = Hand::enrolled(scene, &cast.alice);
    let withdraw = alice.act(Command::Withdraw(NoArgs {}), &id);
    posts.push((Kind::Act, alice.sign(&withdraw)));
    posts
}

/// Four checkouts, the return and a revocation.
fn uses(scene: &Scene, cast: &Cast, grant: &str) -> Vec<Post> {
    let id = cast.alice.client().grant(grant).unwrap().id;
    let mut alice = Hand::enrolled(scene, &cast.alice);
    let mut posts: Vec<Post> = (0..4)
        .map(|_| {
            let checkout = alice.checkout(id.parse().unwrap());
            (Kind::Checkout, alice.sign(&checkout))
        })
        .collect();
    let give_back = alice.act(Command::Return(NoArgs {}), &id);
    posts.push((Kind::Act, alice.sign(&give_back)));
    let mut bob = Hand::enrolled(scene, &cast.bob);
    let reason = "no".parse().unwrap();
    let revoke = bob.act(Command::Revoke(Because { reason }), &id);
    posts.push((Kind::Act, bob.sign(&revoke)));
    posts
}

#[test]
fn approvals_withdrawals_checkouts_and_revocations_race_and_every_rule_holds() {
    let (scene, mut cast) = house();
    let incident = cast.declare();
    let mut version = 2;
    let (mut granted, mut withdrawn) = (0, 0);
    for round in 1..=ROUNDS {
        let reference = cast.request(&incident);
        let came_to = at_once(&scene, &answers(&scene, &cast, &reference));
        let by_bob = came_to[..2].iter().filter(|c| c.is_ok()).count();
        assert!(by_bob <= 1, "round {round}: bob counts twice");
        let yes = came_to[..4].iter().filter(|c| c.is_ok()).count();
        let view = cast.alice.client().request(&reference).unwrap().view;
        match view.state.as_str() {
            "granted" => {
                assert_eq!(yes, 2, "round {round}");
                assert!(came_to[4].is_err(), "round {round}: granted and withdrawn");
                granted += 1;
            }
            "withdrawn" => {
                assert!(yes < 2, "round {round}");
                withdrawn += 1;
                continue;
            }
            other => panic!("round {round}: {other}: {came_to:?}"),
        }
        let grants = cast.alice.client().grants().unwrap();
        let grant = grants.iter().find(|g| g.request == reference).unwrap();
        let came_to = at_once(&scene, &uses(&scene, &cast, &grant.reference));
        let ends = came_to[4..].iter().filter(|c| c.is_ok()).count();
        assert_eq!(ends, 1, "round {round}: it ends once: {came_to:?}");
        if came_to[..4].iter().any(Result::is_ok) {
            version += 1;
            cast.wait_for_version(version);
        }
    }
    assert_eq!(granted + withdrawn, ROUNDS);
    let frank = &cast.frank;
    let folder = export(frank.client(), frank.trust(), frank.now()).unwrap();
    let options = Options {
        pin: Some(scene.stage.genesis),
        ..Options::default()
    };
    assert_eq!(check(&folder, &options).findings, []);
}

#[test]
fn the_same_statement_from_many_hands_takes_effect_once() {
    let (scene, mut cast) = house();
    let incident = cast.declare();
    cast.request(&incident);
    let posts = answers(&scene, &cast, "R-1");
    let size = scene.log_size();
    let same: Vec<Post> = std::iter::repeat_n(posts[0].clone(), 16).collect();
    let came_to = at_once(&scene, &same);
    let first = came_to.iter().filter(|c| matches!(c, Ok(a) if !a.repeated));
    assert_eq!(first.count(), 1, "{came_to:?}");
    // Whoever came later is told that it was accepted, or that Bob has said yes already.
    for other in came_to.iter().filter_map(|c| c.as_ref().err()) {
        assert!(
            ["replayed", "already_approved"].contains(&other.code.as_str()),
            "{other:?}"
        );
    }
    let approved = cast.bob.client().request("R-1").unwrap().view;
    assert_eq!(approved.state, "pending");
    let refusals = came_to.iter().filter(|c| c.is_err()).count() as u64;
    assert!(scene.log_size() <= size + 1 + refusals);
}
