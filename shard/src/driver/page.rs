//! The game's page: the files of `web-client/dist`, embedded in the binary.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{Embed, EmbeddedFile};
use std::borrow::Cow;
use std::fmt::Write;

#[derive(Embed)]
#[folder = "../web-client/dist"]
struct Dist;

/// Only what this server serves runs on the page, and nobody puts the page into a frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// The directory whose files carry a hash of their content in their names.
const HASHED: &str = "assets/";

/// Answers a request for one of the page's files.
pub(super) async fn page(uri: Uri, request: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    let path = if path.is_empty() { "index.html" } else { path };
    let Some(file) = Dist::get(path) else {
        return (StatusCode::NOT_FOUND, "the page has no such file; load it anew\n")
            .into_response();
    };
    let mut response = if path.starts_with(HASHED) {
        let mut response = content(file);
        set(&mut response, header::CACHE_CONTROL, "public, max-age=31536000, immutable");
        response
    } else {
        revalidated(file, &request)
    };
    set(&mut response, header::CONTENT_TYPE, media_type(path));
    set(&mut response, header::CONTENT_SECURITY_POLICY, POLICY);
    set(&mut response, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(&mut response, header::REFERRER_POLICY, "no-referrer");
    response
}

/// A file whose name stays: the browser asks each time whether it has changed.
fn revalidated(file: EmbeddedFile, request: &HeaderMap) -> Response {
    let tag = tag(&file);
    let asked = request.get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
    let is_known = asked.is_some_and(|tags| tags.split(',').any(|known| known.trim() == tag));
    let mut response =
        if is_known { StatusCode::NOT_MODIFIED.into_response() } else { content(file) };
    set(&mut response, header::CACHE_CONTROL, "no-cache");
    if let Ok(tag) = HeaderValue::try_from(tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

fn content(file: EmbeddedFile) -> Response {
    let bytes = match file.data {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => Bytes::from(bytes),
    };
    Response::new(Body::from(bytes))
}

fn set(response: &mut Response, name: header::HeaderName, value: &'static str) {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
}

fn tag(file: &EmbeddedFile) -> String {
    let mut tag = String::from("\"");
    for byte in &file.metadata.sha256_hash()[..16] {
        write!(tag, "{byte:02x}").expect("writing to a String can't fail");
    }
    tag + "\""
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}
