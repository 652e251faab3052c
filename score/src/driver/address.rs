//! An address such as `ws://127.0.0.1:7777/sync`, and connecting to it.

use super::link::LinkError;
use super::wire::{self, Tap};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::ClientRequestBuilder;
use tokio_tungstenite::tungstenite::error::{Error, ProtocolError};
use tokio_tungstenite::tungstenite::http::{Response, Uri};

/// Where a service takes WebSocket connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    uri: Uri,
    /// `host:port`, to be looked up.
    host: String,
}

/// Why a text is no [`Address`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` can't be an address: {why}; write ws://HOST:PORT")]
pub struct AddressError {
    text: String,
    why: &'static str,
}

impl Address {
    /// Reads an address; one that names no path means `path`.
    ///
    /// # Errors
    /// [`AddressError`].
    pub fn parse(text: &str, path: &str) -> Result<Self, AddressError> {
        let refuse = |why| AddressError { text: text.to_owned(), why };
        let uri: Uri = text.parse().map_err(|_| refuse("it is not spelled like one"))?;
        match uri.scheme_str() {
            Some("ws") => {}
            Some("wss") => return Err(refuse("this build has no TLS")),
            _ => return Err(refuse("it does not begin with ws://")),
        }
        let Some(host) = uri.host().filter(|host| !host.is_empty()) else {
            return Err(refuse("it names no host"));
        };
        let host = format!("{host}:{}", uri.port_u16().unwrap_or(80));
        let uri = match uri.path_and_query().map(|rest| rest.as_str()) {
            None | Some("" | "/") => format!("ws://{host}{path}")
                .parse()
                .map_err(|_| refuse("it is not spelled like one"))?,
            Some(_) => uri,
        };
        Ok(Self { uri, host })
    }

    /// Opens a connection and agrees on the sub-protocol.
    pub(super) async fn connect(&self, subprotocol: &'static str) -> Result<Socket, LinkError> {
        let unreachable = |why: String| LinkError::Unreachable { url: self.to_string(), why };
        let found = tokio::net::lookup_host(&self.host).await;
        let found = found.map_err(|error| LinkError::Lookup {
            host: self.host.clone(),
            why: error.to_string(),
        })?;
        let mut last = unreachable("its name has no address".to_owned());
        for address in found {
            match TcpStream::connect(address).await {
                Ok(stream) => return self.upgrade(stream, subprotocol).await,
                Err(error) => last = unreachable(error.to_string()),
            }
        }
        Err(last)
    }

    async fn upgrade(
        &self,
        stream: TcpStream,
        subprotocol: &'static str,
    ) -> Result<Socket, LinkError> {
        // A socket that refuses options is about to fail anyway.
        drop(wire::set_options(&stream));
        let heard = Heard::default();
        let notes = heard.clone();
        let note: Note = Box::new(move |bytes| {
            notes.0.fetch_add(bytes as u64, Ordering::Relaxed);
            Ok(())
        });
        let request = ClientRequestBuilder::new(self.uri.clone()).with_sub_protocol(subprotocol);
        let opened = tokio_tungstenite::client_async_with_config(
            request,
            Tap::new(stream, note),
            Some(wire::config()),
        );
        match opened.await {
            Ok((stream, _)) => Ok(Socket { stream, heard }),
            Err(error) => Err(self.refusal(&error, subprotocol)),
        }
    }

    fn refusal(&self, error: &Error, subprotocol: &'static str) -> LinkError {
        let url = self.to_string();
        if let Error::Http(response) = error {
            let status = response.status().to_string();
            return LinkError::Status { url, status, said: said(response) };
        }
        if let Error::Protocol(ProtocolError::SecWebSocketSubProtocolError(_)) = error {
            return LinkError::Subprotocol { url, subprotocol };
        }
        LinkError::Handshake { url, why: error.to_string() }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uri.fmt(to)
    }
}

/// An open connection, and how much came on it.
pub(super) struct Socket {
    pub(super) stream: WebSocketStream<Tap<TcpStream, Note>>,
    pub(super) heard: Heard,
}

/// Takes note of bytes that came.
pub(super) type Note = Box<dyn FnMut(usize) -> std::io::Result<()> + Send>;

/// Bytes that came so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Heard(Arc<AtomicU64>);

impl Heard {
    pub(super) fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The first line of a refusal's body, for people.
fn said(response: &Response<Option<Vec<u8>>>) -> String {
    const CHARS_MAX: usize = 200;
    let body = response.body().as_deref().unwrap_or_default();
    let body = String::from_utf8_lossy(body);
    let line = body.lines().next().unwrap_or_default();
    let said: String = line.chars().filter(|char| !char.is_control()).take(CHARS_MAX).collect();
    if said.is_empty() { said } else { format!(", \"{said}\"") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<String, String> {
        let address = Address::parse(text, "/sync").map_err(|error| error.to_string())?;
        Ok(format!("{address} {}", address.host))
    }

    #[test]
    fn an_address_without_a_path_means_the_usual_one() {
        assert_eq!(parse("ws://boss:70").unwrap(), "ws://boss:70/sync boss:70");
        assert_eq!(parse("ws://boss:70/").unwrap(), "ws://boss:70/sync boss:70");
        assert_eq!(parse("ws://[::1]:70/a?b").unwrap(), "ws://[::1]:70/a?b [::1]:70");
        assert_eq!(parse("ws://boss").unwrap(), "ws://boss:80/sync boss:80");
    }

    #[test]
    fn what_is_no_address_is_refused_in_a_sentence() {
        for (text, why) in [
            ("http://boss", "it does not begin with ws://"),
            ("boss:70", "it does not begin with ws://"),
            ("wss://boss", "this build has no TLS"),
            ("ws://", "it is not spelled like one"),
            ("ws://a b", "it is not spelled like one"),
            ("", "it is not spelled like one"),
        ] {
            let error = parse(text).unwrap_err();
            let expected = format!("`{text}` can't be an address: {why}; write ws://HOST:PORT");
            assert_eq!(error, expected);
        }
    }
}
