//! Documents of a BMC, by a client that keeps its connections, within bounds.

use crate::connector::{Connector, Facts};
use crate::origin::Origin;
use anyhow::{Context, Result, bail, ensure};
use applications::report::{agreed, print_line};
use applications::wrap::wrap;
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper::header::{ACCEPT, HeaderName, HeaderValue, LOCATION};
use hyper::http::uri::PathAndQuery;
use hyper::{Request, Response, StatusCode, body::Incoming};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioTimer;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// What the client may take.
#[derive(Clone, Copy)]
pub struct Limits {
    /// For one request and its answer.
    pub time: Duration,
    pub requests: u32,
    /// Of all answers together.
    pub bytes: usize,
}

/// How long an idle connection is kept. Many BMCs close it earlier.
const IDLE: Duration = Duration::from_secs(30);

/// The longest head of an answer, in bytes.
const MAX_HEAD: usize = 64 * 1024;

/// How long the connections may take to close.
const CLOSING: Duration = Duration::from_secs(2);

/// Reads documents, one after the other, and counts. It keeps to one connection on a runtime with
/// one thread.
pub struct Reader {
    client: Client<Connector, Empty<Bytes>>,
    origin: Origin,
    credentials: Option<(HeaderName, HeaderValue)>,
    limits: Limits,
    tasks: Tasks,
    counts: Counts,
}

/// What was taken so far.
#[derive(Default)]
pub struct Counts {
    pub requests: u32,
    pub bytes: usize,
    /// The number of answers over each connection.
    pub connections: BTreeMap<u64, u32>,
    pub resumed: usize,
}

impl Reader {
    pub fn new(
        connector: Connector,
        origin: Origin,
        credentials: Option<(HeaderName, HeaderValue)>,
        limits: Limits,
    ) -> Self {
        let (tasks, executor) = Tasks::new();
        let client = Client::builder(executor)
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            // One after the other is what a BMC's processor can do.
            .pool_max_idle_per_host(1)
            .http1_max_buf_size(MAX_HEAD)
            .build(connector);
        Self {
            client,
            origin,
            credentials,
            limits,
            tasks,
            counts: Counts::default(),
        }
    }

    /// The document at this path, which the BMC gives to anybody.
    pub async fn get_public(&mut self, path: &PathAndQuery) -> Result<Map<String, Value>> {
        self.get_within_time(path, None).await
    }

    /// The document at this path, for whoever the credentials say.
    pub async fn get(&mut self, path: &PathAndQuery) -> Result<Map<String, Value>> {
        let credentials = self.credentials.clone();
        self.get_within_time(path, credentials).await
    }

    async fn get_within_time(
        &mut self,
        path: &PathAndQuery,
        credentials: Option<(HeaderName, HeaderValue)>,
    ) -> Result<Map<String, Value>> {
        let time = self.limits.time;
        let document = timeout(time, self.fetch(path, credentials)).await;
        document
            .unwrap_or_else(|_| bail!("no answer within {time:?}"))
            .with_context(|| path.to_string())
    }

    async fn fetch(
        &mut self,
        path: &PathAndQuery,
        credentials: Option<(HeaderName, HeaderValue)>,
    ) -> Result<Map<String, Value>> {
        let most = self.limits.requests;
        ensure!(
            self.counts.requests < most,
            "more than {most} requests; --max-requests allows more"
        );
        self.counts.requests += 1;
        let mut request = Request::get(self.origin.uri(path)?)
            .header(ACCEPT, "application/json")
            // The only version of OData that Redfish knows (DSP0266).
            .header("OData-Version", "4.0");
        if let Some((name, value)) = credentials {
            request = request.header(name, value);
        }
        let response = self.client.request(request.body(Empty::new())?).await?;
        self.note(&response);
        check(&response)?;

        // One answer alone cannot take more than is left for all.
        let left = self.limits.bytes.saturating_sub(self.counts.bytes);
        let body = Limited::new(response.into_body(), left).collect().await;
        let body = body.map_err(|error| {
            if error.is::<LengthLimitError>() {
                let most = self.limits.bytes;
                anyhow::anyhow!("more than {most} bytes; --max-bytes allows more")
            } else {
                anyhow::Error::from_boxed(error)
            }
        })?;
        // The end of the answer has woken the task that puts the connection back into the pool. It
        // runs before this one goes on, where there is one thread; or else the next request would
        // find the pool empty, and make another connection.
        tokio::task::yield_now().await;
        let body = body.to_bytes();
        self.counts.bytes += body.len();
        serde_json::from_slice(&body).context("not a JSON object")
    }

    /// Counts an answer, and reports its connection when it is the first one over it.
    fn note(&mut self, response: &Response<Incoming>) {
        let Some(facts) = response.extensions().get::<Facts>() else {
            return;
        };
        let answers = self.counts.connections.entry(facts.number).or_default();
        *answers += 1;
        if *answers == 1 {
            if facts.session.resumption().is_resumed() {
                self.counts.resumed += 1;
            }
            let number = facts.number;
            print_line(&wrap(&format!(
                "connection {number}: {}",
                agreed(&facts.session)
            )));
        }
    }

    /// Closes the connections, and returns what was taken.
    pub async fn close(self) -> Counts {
        drop(self.client);
        self.tasks.end(CLOSING).await;
        self.counts
    }
}

/// Refuses every status but 200. A redirection is not followed: a BMC has no need of one.
fn check(response: &Response<Incoming>) -> Result<()> {
    let status = response.status();
    match status {
        StatusCode::OK => Ok(()),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            bail!("{status}; --user or --token-file says who asks")
        }
        _ if status.is_redirection() => {
            let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            let location = location.unwrap_or("nowhere").escape_debug();
            bail!("{status} to {location}, which is not followed")
        }
        _ => bail!("{status}"),
    }
}

/// The tasks in which hyper's client drives its connections. They end with the client, and then
/// close the connections, which the program waits for.
struct Tasks {
    ended: mpsc::Receiver<()>,
}

#[derive(Clone)]
struct Executor {
    running: mpsc::Sender<()>,
}

impl Tasks {
    fn new() -> (Self, Executor) {
        let (running, ended) = mpsc::channel(1);
        (Self { ended }, Executor { running })
    }

    /// Waits until every task has ended, but no longer than this.
    async fn end(mut self, time: Duration) {
        // Nothing is ever sent: it ends when the last sender is dropped.
        let _ = timeout(time, self.ended.recv()).await;
    }
}

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Executor {
    fn execute(&self, task: F) {
        let running = self.running.clone();
        tokio::spawn(async move {
            task.await;
            drop(running);
        });
    }
}
