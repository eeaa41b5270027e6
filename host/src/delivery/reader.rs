//! Reads what others publish, over the same guard as callbacks: an outside calendar.

use std::time::Duration;

use reqwest::StatusCode;

use super::{Error, Options, callback, guard};

/// How long a reading may take, from the request to the last byte.
const PATIENCE: Duration = Duration::from_secs(20);

/// Why nothing could be read. Names no address: it may be a secret.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The guard refused the address.
    #[error("the address {0}")]
    Refused(#[from] guard::Refusal),
    /// An answer that is not 200.
    #[error("the server answered {0}; open the address in a browser, without being logged in")]
    Status(StatusCode),
    /// More than is read.
    #[error("the answer is longer than {0} bytes; publish a shorter period")]
    TooLong(usize),
    /// No answer in time.
    #[error("the server did not answer within {} s", PATIENCE.as_secs())]
    TooSlow,
    /// It is not text.
    #[error("the answer is not UTF-8 text")]
    NotText,
    /// The connection.
    #[error("the connection failed: {0}")]
    Connection(reqwest::Error),
}

/// Reads public addresses. Clones share their connections.
#[derive(Clone, Debug)]
pub struct Reader {
    http: reqwest::Client,
    allow_private: bool,
}

impl Reader {
    /// With the guard of the options.
    pub fn new(options: &Options) -> Result<Self, Error> {
        Ok(Self { http: callback::client(options)?, allow_private: options.allow_private_addresses })
    }

    /// The text at an address, of at most `most` bytes. Follows no redirect.
    pub async fn read(&self, url: &str, most: usize) -> Result<String, ReadError> {
        let url = guard::check(url, self.allow_private)?;
        let reading = async {
            let mut answer = self.http.get(url).header("accept", "text/calendar").send().await.map_err(failed)?;
            if answer.status() != StatusCode::OK {
                return Err(ReadError::Status(answer.status()));
            }
            let mut bytes = Vec::new();
            while let Some(chunk) = answer.chunk().await.map_err(failed)? {
                if bytes.len() + chunk.len() > most {
                    return Err(ReadError::TooLong(most));
                }
                bytes.extend_from_slice(&chunk);
            }
            String::from_utf8(bytes).map_err(|_| ReadError::NotText)
        };
        tokio::time::timeout(PATIENCE, reading).await.unwrap_or(Err(ReadError::TooSlow))
    }
}

fn failed(error: reqwest::Error) -> ReadError {
    if guard::refused(&error) {
        ReadError::Refused(guard::Refusal::Private)
    } else if error.is_timeout() {
        ReadError::TooSlow
    } else {
        ReadError::Connection(error.without_url())
    }
}
