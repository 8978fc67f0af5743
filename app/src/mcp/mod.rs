//! A server of the Model Context Protocol (<https://modelcontextprotocol.io>) on standard input and output, for assistants. Its tools run
//! commands of the command line on traces that stay open, and answer with their JSON. Standard output carries the protocol only.
//!
//! A message comes in through `transport`; the SDK (`rmcp`) dispatches it to `server`; a call of a tool becomes a command line
//! (`tools`, `invocation`) on files that may be read (`allowed`), runs on a thread of its own (`job`), and its output becomes the
//! answer (`answer`).

mod allowed;
mod answer;
mod invocation;
mod job;
mod prompts;
mod resources;
mod server;
mod session;
mod tools;
mod transport;

use crate::cli::mcp::Args;
use anyhow::Context as _;
use rmcp::service::ServerInitializeError;
use server::Server;
use session::Session;
use transport::Stdio;

/// Commands that run at the same time; others wait for their turn.
const JOBS_MAX: usize = 8;

/// Serves until standard input ends.
///
/// # Errors
/// A folder that may be read does not exist, nothing may be read, or the server cannot start.
pub fn run(args: &Args) -> anyhow::Result<u8> {
    let session = Session::new(args)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(JOBS_MAX)
        .enable_time()
        .build()
        .context("cannot start the server")?;
    let result = runtime.block_on(serve(&Server::new(session)));
    runtime.shutdown_background();
    result.map(|()| 0)
}

/// Serves one session. What comes before its first request, and is none, does not end the server.
async fn serve(server: &Server) -> anyhow::Result<()> {
    let stdio = Stdio::start();
    loop {
        match rmcp::serve_server(server.clone(), stdio.transport()).await {
            Ok(running) => {
                running.waiting().await.context("the server stopped")?;
                return Ok(());
            }
            Err(ServerInitializeError::ConnectionClosed(_) | ServerInitializeError::TransportError { .. }) => {
                return Ok(());
            }
            Err(ServerInitializeError::ExpectedInitializeRequest(_) | ServerInitializeError::InitializeFailed(_)) => {}
            Err(error) => return Err(error).context("the server stopped"),
        }
    }
}
