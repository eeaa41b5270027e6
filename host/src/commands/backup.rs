//! `relais backup` and `relais restore`: a copy of the store, and a store made of it.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context as _, ensure};
use futures::{StreamExt as _, stream::BoxStream};
use serde_json::json;

use super::source::{Source, Where};
use crate::store::{SledStore, Store as _};

/// Arguments of `relais backup`.
#[derive(Debug, clap::Args)]
#[command(after_help = "The copy of a running host is consistent, and nobody waits for it.")]
pub(super) struct Backup {
    /// The file to write; it holds personal data. It must not be there yet.
    file: PathBuf,
    #[command(flatten)]
    at: Where,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Arguments of `relais restore`.
#[derive(Debug, clap::Args)]
pub(super) struct Restore {
    /// A backup.
    file: PathBuf,
    /// The folder of the store to make; not there yet, or empty.
    #[arg(long)]
    store: PathBuf,
}

/// Pieces of a copy as they come.
type Pieces = BoxStream<'static, anyhow::Result<Vec<u8>>>;

pub(super) async fn backup(args: Backup) -> anyhow::Result<ExitCode> {
    let Backup { file, at, json } = args;
    ensure!(!file.exists(), "write {}: it is there already; name another file", file.display());
    let pieces = match at.open()? {
        Source::Host(host) => host.pieces("/v1/operator/backup").await?,
        Source::Store(store) => of_store(Arc::from(store)),
    };
    let (records, bytes) = into_file(pieces, &file).await?;
    if json {
        println!("{}", json!({ "file": file, "records": records, "bytes": bytes }));
    } else {
        println!("{records} records in {} ({bytes} bytes)", file.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// A copy of an open store.
pub(super) fn of_store(store: Arc<SledStore>) -> Pieces {
    let (sender, received) = tokio::sync::mpsc::channel(4);
    let taking = tokio::spawn(async move { store.back_up(sender).await });
    let pieces = futures::stream::unfold(received, async |mut received| Some((received.recv().await?, received)));
    let end = futures::stream::once(async move { taking.await.context("take a backup")?.map_err(anyhow::Error::from) });
    // The end says whether it went well.
    pieces.map(Ok).chain(end.map(|end| end.map(|()| Vec::new()))).boxed()
}

/// Writes a copy into a file, and the file into its place once it is whole; its records and bytes.
pub(super) async fn into_file(mut pieces: Pieces, file: &Path) -> anyhow::Result<(u64, u64)> {
    let mut part = file.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let failed = |what: &str| format!("{what} {}", part.display());
    let mut options = std::fs::File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut written = options.open(&part).with_context(|| failed("write"))?;
    let bar = indicatif::ProgressBar::no_length()
        .with_style(indicatif::ProgressStyle::with_template("{spinner} {bytes} {bytes_per_sec}")?);
    let mut bytes = 0;
    while let Some(piece) = pieces.next().await {
        let piece = piece?;
        bytes += piece.len() as u64;
        bar.inc(piece.len() as u64);
        written.write_all(&piece).with_context(|| failed("write"))?;
    }
    written.sync_all().with_context(|| failed("write"))?;
    bar.finish_and_clear();
    let records = SledStore::check_backup(std::io::BufReader::new(std::fs::File::open(&part)?))?;
    std::fs::rename(&part, file).with_context(|| failed("name"))?;
    Ok((records, bytes))
}

pub(super) fn restore(args: &Restore) -> anyhow::Result<ExitCode> {
    let file = std::fs::File::open(&args.file).with_context(|| format!("read {}", args.file.display()))?;
    let bar = super::spinner(format!("{} is read and checked", args.file.display()));
    let records = SledStore::restore(std::io::BufReader::new(file), &args.store)?;
    bar.finish_and_clear();
    println!("{records} records in {}; start the host on it", args.store.display());
    Ok(ExitCode::SUCCESS)
}
