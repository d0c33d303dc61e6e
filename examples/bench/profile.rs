//! Where a request's time goes: what contactd asks of the kernel (`strace -c`, under load), and its
//! instructions by function (`valgrind --tool=callgrind`, one request at a time; both have to be there).

use crate::load;
use crate::stores::Stores;
use crate::{folder, run_contactd};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;

/// Connections while system calls are counted.
const CONNECTIONS: u32 = 64;
/// Functions that are shown.
const SHOWN: usize = 40;

pub fn print(name: &str, stores: &Stores) {
    println!("\n{name}, system calls a request at {CONNECTIONS} connections:");
    for (calls, call) in system_calls(name, stores) {
        println!("{calls:>9.2}  {call}");
    }
    println!("\n{name}, instructions a request, with what a function calls:");
    for (instructions, function) in instructions(name, stores).into_iter().take(SHOWN) {
        println!("{instructions:>9.0}  {function}");
    }
}

fn system_calls(name: &str, stores: &Stores) -> Vec<(f64, String)> {
    let contactd = std::env::var("CONTACTD").unwrap();
    let server = run_contactd(&[&contactd], &stores.database, &stores.redis);
    let requests = load::write_requests(name, "contactd", server.address, stores);
    load::wrk(&requests, &server, CONNECTIONS, stores); // warm
    let path = folder().join("strace");
    let pid = server.child.id().to_string();
    let mut strace = Command::new("strace")
        .args(["-c", "-f", "-p", &pid, "-o"])
        .arg(&path)
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_secs(1));
    let sent = load::wrk(&requests, &server, CONNECTIONS, stores).rate * f64::from(load::seconds());
    let strace_pid = strace.id().to_string();
    assert!(Command::new("kill").args(["-INT", &strace_pid]).status().unwrap().success());
    strace.wait().unwrap();
    // "% time", "seconds", "usecs/call", "calls", perhaps "errors", "syscall"
    let text = std::fs::read_to_string(path).unwrap();
    let line = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let calls: f64 = words.get(3)?.parse().ok()?;
        let call = *words.last()?;
        (calls > sent / 50.0).then(|| (calls / sent, call.to_owned()))
    };
    text.lines().filter_map(line).collect()
}

fn instructions(name: &str, stores: &Stores) -> Vec<(f64, String)> {
    let contactd = std::env::var("CONTACTD").unwrap();
    let out = std::env::current_dir().unwrap().join(folder()).join("callgrind.out");
    let option = format!("--callgrind-out-file={}", out.display());
    let valgrind = ["valgrind", "--tool=callgrind", "--instr-atstart=no", &option, &contactd];
    let mut server = run_contactd(&valgrind, &stores.database, &stores.redis);
    let requests = load::write_requests(name, "contactd", server.address, stores);
    let pid = server.child.id().to_string();
    let count = |word: &str| {
        let control = Command::new("callgrind_control").args(["-i", word, &pid]).output();
        assert!(control.unwrap().status.success());
    };
    send_all(&requests, server.address, 2); // warm
    count("on");
    let sent = send_all(&requests, server.address, 3);
    count("off");
    server.signal("-TERM");
    server.child.wait().unwrap();
    let annotate = Command::new("callgrind_annotate")
        .args(["--inclusive=yes", "--threshold=100", "--show-percs=no"])
        .arg(&out)
        .output();
    let text = String::from_utf8_lossy(&annotate.unwrap().stdout).into_owned();
    let line = |line: &str| {
        let (number, rest) = line.trim_start().split_once(' ')?;
        let number: f64 = number.replace(',', "").parse().ok()?;
        let function = rest.rsplit_once(" [").map_or(rest, |(function, _)| function);
        let function = function.trim().trim_start_matches("???:").to_owned();
        Some((number / sent, function))
    };
    text.lines().filter_map(line).collect()
}

/// Sends the requests of a file so many times, one after the other; how many that were.
fn send_all(requests: &Path, to: SocketAddr, times: usize) -> f64 {
    let bytes = std::fs::read(requests).unwrap();
    let mut socket = TcpStream::connect(to).unwrap();
    let mut sent = 0.0;
    for _ in 0..times {
        let mut rest = bytes.as_slice();
        while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
            let length: usize = str::from_utf8(&rest[..end]).unwrap().parse().unwrap();
            socket.write_all(&rest[end + 1..end + 1 + length]).unwrap();
            receive(&mut socket);
            rest = &rest[end + 1 + length..];
            sent += 1.0;
        }
    }
    sent
}

/// One answer, with a Content-Length as all of these have.
fn receive(socket: &mut TcpStream) {
    let (mut answer, mut part) = (Vec::new(), [0; 65536]);
    loop {
        let got = socket.read(&mut part).unwrap();
        assert!(got > 0, "the server closed");
        answer.extend_from_slice(&part[..got]);
        let text = String::from_utf8_lossy(&answer);
        let Some((head, _)) = text.split_once("\r\n\r\n") else { continue };
        assert!(head.starts_with("HTTP/1.1 20"), "{head}");
        let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
        if answer.len() >= head.len() + 4 + length.unwrap().parse::<usize>().unwrap() {
            return;
        }
    }
}
