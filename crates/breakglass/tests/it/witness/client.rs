//! A client that bears a witness which dies in the middle of an answer.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use crate::attacks::wire::{Reply, address};

/// The answer, or nothing where there is none or not all of one.
pub(super) fn post(url: &str, body: &[u8]) -> Option<Reply> {
    let mut stream = TcpStream::connect(address(url)).ok()?;
    let head = format!(
        "POST /add-checkpoint HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let reply = Reply::parse(&answer)?;
    let length = reply
        .head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))?;
    (length.parse() == Ok(reply.body.len())).then_some(reply)
}
