//! What `dubbo-watcher agent` of this Pod says on its socket. It must never wait long for it: an agent is not needed.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use super::report::Report;
use super::visit::Visit;
use crate::cli::{arguments::AGENT_SOCKET, ended::Ended, plain::plain};

/// The longest answer that is read, and how long it may take.
const LIMIT: u64 = 64 << 10;
const TIMEOUT: Duration = Duration::from_secs(3);

/// As HTTP/1.0: the answer ends with the connection.
const REQUEST: &[u8] = b"GET /v1/agent HTTP/1.0\r\nHost: localhost\r\n\r\n";

impl Visit<'_> {
    /// Asks the agent whose Pod it registers, where there is a socket.
    pub(super) async fn ask_agent(&mut self) -> Result<(), Ended> {
        let socket = Path::new(AGENT_SOCKET);
        if !socket.exists() {
            return Ok(());
        }
        let asked = tokio::time::timeout(TIMEOUT, ask(socket)).await;
        let asked = asked.unwrap_or_else(|_| Err("it does not answer".to_owned()));
        match asked.and_then(|answer| describe(&answer)) {
            Ok(said) => Ok(Report::well(&format!("the agent at {AGENT_SOCKET} {said}"))?),
            Err(why) => Ok(self.report.failure(&format!(
                "the agent at {AGENT_SOCKET} cannot be asked: {}\nIs its container running, and is the folder of the socket \
                 a volume of both?",
                plain(&why)
            ))?),
        }
    }
}

async fn ask(socket: &Path) -> Result<Vec<u8>, String> {
    let mut stream = UnixStream::connect(socket).await.map_err(|error| error.to_string())?;
    stream.write_all(REQUEST).await.map_err(|error| error.to_string())?;
    let mut answer = Vec::new();
    stream.take(LIMIT).read_to_end(&mut answer).await.map_err(|error| error.to_string())?;
    Ok(answer)
}

/// `is version 0.1.0 and registers Pod shop/greeter-0`, of a whole answer.
fn describe(answer: &[u8]) -> Result<String, String> {
    let text = String::from_utf8_lossy(answer);
    let (head, body) = text.split_once("\r\n\r\n").ok_or("it ends in the middle")?;
    let status = head.split(' ').nth(1).unwrap_or_default();
    if status != "200" {
        return Err(format!("status {status}"));
    }
    let body: Value = serde_json::from_str(body).map_err(|error| error.to_string())?;
    let member = |pointer: &str| {
        let text = body.pointer(pointer).and_then(Value::as_str);
        text.map(|text| plain(text).into_owned())
            .ok_or_else(|| format!("it does not give {pointer}"))
    };
    let (version, namespace, name) =
        (member("/version")?, member("/pod/namespace")?, member("/pod/name")?);
    Ok(format!("is version {version} and registers Pod {namespace}/{name}"))
}

#[cfg(test)]
mod tests {
    use super::describe;

    #[test]
    fn an_agent_is_said_with_its_pod_and_what_is_none_with_the_reason() {
        let answer = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n\
                      {\"api\":1,\"version\":\"0.1.0\",\"pod\":{\"namespace\":\"shop\",\"name\":\"g-0\"}}";
        let said = describe(answer.as_bytes());
        assert_eq!(said.as_deref(), Ok("is version 0.1.0 and registers Pod shop/g-0"));
        for (answer, why) in [
            ("HTTP/1.1 503 No\r\n\r\n", "status 503"),
            ("HTTP/1.1 200 OK\r\n\r\n{}", "it does not give /version"),
            ("HTTP/1.1 200 OK", "it ends in the middle"),
        ] {
            assert_eq!(describe(answer.as_bytes()), Err(why.to_owned()));
        }
    }
}
