//! A server under measurement: a child process, and what the kernel tells of it.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// A child, killed when dropped.
pub struct Process {
    pub child: Child,
    pub address: SocketAddr,
}

impl Process {
    /// Starts it, and waits until it listens.
    pub fn spawn(command: &mut Command, address: SocketAddr) -> Process {
        let process = Process { child: command.spawn().unwrap(), address };
        let start = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(start.elapsed() < Duration::from_secs(60), "the server did not start");
            std::thread::sleep(Duration::from_millis(1));
        }
        process
    }

    /// Resident memory in MiB, with its children's.
    pub fn memory(&self) -> f64 {
        self.family().into_iter().map(memory).sum()
    }

    /// It and its children: a server in Python has a process for each core.
    fn family(&self) -> Vec<u32> {
        let pid = self.child.id();
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        let children = children.unwrap_or_default();
        let children = children.split_whitespace().filter_map(|pid| pid.parse().ok());
        std::iter::once(pid).chain(children).collect()
    }

    pub fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap().count()
    }

    /// Processor time in hundredths of a second, with its children's.
    pub fn ticks(&self) -> u64 {
        self.family().into_iter().map(ticks).sum()
    }

    /// See [`switches`], with its children's.
    pub fn switches(&self) -> u64 {
        self.family().into_iter().map(switches).sum()
    }

    pub fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let family = self.family();
        let _ = self.child.kill();
        let _ = self.child.wait();
        for pid in family.iter().skip(1) {
            let _ = Command::new("kill").args(["-KILL", &pid.to_string()]).status();
        }
    }
}

/// Resident memory of a process in MiB.
pub fn memory(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

/// The fields of `/proc/PID/stat` behind the name; none when the process is gone.
pub fn stat(pid: u32) -> Option<Vec<u64>> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields = stat.rsplit(')').next()?.split_whitespace();
    Some(fields.map(|field| field.parse().unwrap_or(0)).collect())
}

/// Processor time of a process and of its children that ended, in hundredths of a second.
pub fn ticks(pid: u32) -> u64 {
    stat(pid).map_or(0, |fields| fields[11..15].iter().sum())
}

/// How often the kernel took a processor from a process' threads for another, by the threads' wish or not;
/// those of threads that ended are not counted.
pub fn switches(pid: u32) -> u64 {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let status = threads.filter_map(|it| std::fs::read_to_string(it.path().join("status")).ok());
    let of = |status: String| -> u64 {
        let lines = status.lines().filter(|line| line.contains("ctxt_switches"));
        lines.filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).sum()
    };
    status.map(of).sum()
}

pub fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}
