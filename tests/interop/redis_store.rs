//! The example that keeps sessions in Redis, with a database of its own.
//!
//! The example is a package of its own, so that nothing else has to compile a Redis client. These
//! trials run its program where that has been built:
//!
//! ```text
//! cargo build -p redis_store
//! ```

use crate::files::Files;
use crate::peer::free_port;
use crate::{Need, Trials};
use premaster_testing::program::{Ended, Program, built};
use std::path::PathBuf;
use std::process::Command;

const EXAMPLE: &str = "redis_store";

const REDIS: &str = "redis-server";

const REDIS_CLIENT: &str = "redis-cli";

/// Returns how long each session in the database still has to live, in seconds.
const LIFETIMES: &str = "
    local lifetimes = {}
    for index, key in ipairs(redis.call('KEYS', 'premaster:session:*')) do
        lifetimes[index] = redis.call('TTL', key)
    end
    return lifetimes";

/// How long a server's session lives, in seconds.
const SESSION_LIFETIME: i64 = 2 * 60 * 60;

fn program() -> PathBuf {
    built(EXAMPLE)
}

pub fn add_trials(trials: &mut Trials) {
    let needs = &[Need::Built(EXAMPLE), Need::Program(REDIS)];
    trials.add_with(needs, "redis_store::help".into(), help);
    trials.add_with(needs, "redis_store::without_redis".into(), without_redis);
    trials.add_with(needs, "redis_store::two_servers".into(), two_servers);
}

fn help(_: &Files) {
    let ended = Program::start(Command::new(program()).arg("--help")).wait();
    assert!(ended.status.success(), "{ended:?}");
    assert!(ended.stdout.contains("RSA key transport"), "{ended:?}");
    assert!(
        ended.stdout.lines().all(|line| line.len() <= 80),
        "{ended:?}"
    );
}

/// It prints what it needs, and does not fail.
fn without_redis(_: &Files) {
    let ended = run_example(free_port());
    assert!(ended.status.success(), "{ended:?}");
    assert!(ended.stdout.starts_with("This example needs"), "{ended:?}");
    assert!(ended.stdout.contains("redis-server --bind"), "{ended:?}");
    assert!(
        ended.stdout.lines().all(|line| line.len() <= 80),
        "{ended:?}"
    );
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
        ("server A, ", ": a full handshake, no session offered"),
        ("server B, ", ": resumed by its session ID"),
        ("server B, ", ": a full handshake, no session offered"),
        ("server A, ", ": resumed by its session ID"),
    ] {
        let line = told.next().unwrap();
        assert!(line.starts_with(server), "{ended:?}");
        assert!(line.ends_with(came_to), "{ended:?}");
    }

    let mut client = Command::new(REDIS_CLIENT);
    client.args(["-p", &port.to_string(), "EVAL", LIFETIMES, "0"]);
    let told = Program::start(&mut client).wait();
    assert!(told.status.success(), "{told:?}");
    let lifetimes: Vec<i64> = told.stdout.lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(lifetimes.len(), 2, "{told:?}");
    for left in lifetimes {
        assert!((1..=SESSION_LIFETIME).contains(&left), "{left}");
    }
}

/// Redis on the loopback interface, with nothing written to a disk.
fn redis(port: u16) -> Command {
    let mut command = Command::new(REDIS);
    command.args(["--bind", "127.0.0.1", "--port", &port.to_string()]).args([
        "--save",
        "",
        "--appendonly",
        "no",
        "--daemonize",
        "no",
    ]);
    command
}

fn run_example(redis_port: u16) -> Ended {
    let mut command = Command::new(program());
    command.args(["--redis", &format!("127.0.0.1:{redis_port}")]);
    Program::start(&mut command).wait()
}
