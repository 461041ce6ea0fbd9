//! The example that keeps sessions in Redis, with a database of its own.

use crate::Trials;
use crate::files::Files;
use crate::peer::free_port;
use premaster_testing::program::{Ended, Program, example};
use redis::Commands;
use std::process::Command;
use std::time::Duration;

const REDIS: &str = "redis-server";

/// How long a server's session lives, in seconds.
const SESSION_LIFETIME: i64 = 2 * 60 * 60;

pub fn add_trials(trials: &mut Trials) {
    trials.add(REDIS, "redis_store::without_redis".into(), without_redis);
    trials.add(REDIS, "redis_store::two_servers".into(), two_servers);
}

/// It says what it needs, in one line, and has not failed.
fn without_redis(_: &Files) {
    let ended = run_example(free_port());
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(ended.stdout.lines().count(), 1, "{ended:?}");
    assert!(ended.stdout.contains("redis-server --bind"), "{ended:?}");
}

/// Each resumes what the other has made, and leaves nothing for ever.
fn two_servers(_: &Files) {
    let port = free_port();
    let mut redis = Program::start(&mut redis(port));
    redis.connect(port).expect("Redis does not start");
    let ended = run_example(port);
    assert!(ended.status.success(), "{ended:?}");
    let mut told = ended.stdout.lines();
    for (server, came_to) in [
        ("server A, ", ": a full handshake, nothing to resume"),
        ("server B, ", ": resumed by its session ID"),
        ("server B, ", ": a full handshake, nothing to resume"),
        ("server A, ", ": resumed by its session ID"),
    ] {
        let line = told.next().unwrap();
        assert!(line.starts_with(server), "{ended:?}");
        assert!(line.ends_with(came_to), "{ended:?}");
    }

    let client = redis::Client::open(format!("redis://127.0.0.1:{port}")).unwrap();
    let mut database = client
        .get_connection_with_timeout(Duration::from_secs(5))
        .unwrap();
    let keys: Vec<Vec<u8>> = database.keys("premaster:session:*").unwrap();
    assert_eq!(keys.len(), 2);
    for key in keys {
        let left: i64 = database.ttl(key).unwrap();
        assert!((1..=SESSION_LIFETIME).contains(&left), "{left}");
    }
}

/// Redis on the loopback interface, with nothing written to a disk.
fn redis(port: u16) -> Command {
    let mut command = Command::new(REDIS);
    command
        .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
        .args(["--save", "", "--appendonly", "no", "--daemonize", "no"]);
    command
}

fn run_example(redis_port: u16) -> Ended {
    let mut command = example("redis_store");
    command.args(["--redis", &format!("127.0.0.1:{redis_port}")]);
    Program::start(&mut command).wait()
}
