//! Connections that take places and give nothing.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use super::wire::{connect, drain, get};
use crate::scene::Scene;

/// A server with few places, which waits a second for a call to arrive.
fn small() -> Scene {
    Scene::set_with(|_, config| {
        config.limits.connections = 64;
        config.limits.read_timeout_s = 1;
    })
}

/// A server's answers still come, and its log still takes what people sign.
fn still_serves(scene: &Scene) {
    assert_eq!(get(&scene.url, "/readyz", None).status, 200);
    let mut cast_of_one = scene.actor("alice");
    cast_of_one.declare(crate::scene::declaration()).unwrap();
}

#[test]
fn six_hundred_idle_connections_keep_nobody_out() {
    let scene = small();
    let mut idle: Vec<TcpStream> = (0..600).map(|_| connect(&scene.url)).collect();
    still_serves(&scene);
    for stream in &mut idle {
        assert!(drain(stream).len() < 1_000);
    }
}

#[test]
fn a_header_that_never_ends_is_cut_off() {
    let scene = small();
    let slow: Vec<TcpStream> = (0..64)
        .map(|_| begin(&scene, "GET /healthz HTTP/1.1\r\nHost: x\r\n"))
        .collect();
    let dripped = slow
        .into_iter()
        .next()
        .map(|stream| drip(stream, b"A: b\r\n"));
    assert!(dripped.unwrap() < 100);
    still_serves(&scene);
}

#[test]
fn a_body_that_never_ends_is_cut_off() {
    let scene = small();
    let head = "POST /v1/acts HTTP/1.1\r\nHost: x\r\nContent-Length: 400000\r\n\r\n{";
    let slow: Vec<TcpStream> = (0..64).map(|_| begin(&scene, head)).collect();
    let dripped = slow.into_iter().next().map(|stream| drip(stream, b" "));
    assert!(dripped.unwrap() < 100);
    still_serves(&scene);
}

#[test]
fn answers_that_nobody_reads_are_cut_off() {
    let scene = small();
    let ask = "GET /v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(200);
    let deaf: Vec<TcpStream> = (0..64).map(|_| begin(&scene, &ask)).collect();
    still_serves(&scene);
    drop(deaf);
}

fn begin(scene: &Scene, text: &str) -> TcpStream {
    let mut stream = connect(&scene.url);
    stream.write_all(text.as_bytes()).unwrap();
    stream
}

/// Sends a piece ten times a second until the server has enough; how many pieces it took.
fn drip(mut stream: TcpStream, piece: &[u8]) -> usize {
    stream
        .set_read_timeout(Some(Duration::from_millis(100)))
        .unwrap();
    let mut answer = [0; 1_024];
    for sent in 0..100 {
        match stream.read(&mut answer) {
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Ok(n) if n > 0 => {}
            Ok(_) | Err(_) => return sent,
        }
        if stream.write_all(piece).is_err() {
            return sent;
        }
    }
    100
}
