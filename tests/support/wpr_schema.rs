//! The published schema of WPR's profiles, which is never part of the repository, and `xmllint`, which holds a profile against it.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The schema: what `POOLSCOPE_WPR_SCHEMA` names, else `../shared/wpr/WPRControlProfiles.xsd` beside the repository. Nothing, and a line on
/// standard error, where it or `xmllint` is missing: a test then has nothing to check.
///
/// # Panics
/// If `POOLSCOPE_WPR_SCHEMA` names something that is no file.
#[must_use]
pub fn wpr_schema() -> Option<PathBuf> {
    let named = std::env::var_os("POOLSCOPE_WPR_SCHEMA").map(PathBuf::from);
    let schema = named.clone().unwrap_or_else(|| crate::root().join("../shared/wpr/WPRControlProfiles.xsd"));
    if !schema.is_file() {
        assert!(named.is_none(), "POOLSCOPE_WPR_SCHEMA names {}, which is no file", schema.display());
        crate::skipped(&format!("no schema of WPR's profiles at {}; set POOLSCOPE_WPR_SCHEMA", schema.display()));
        return None;
    }
    let has_xmllint = Command::new("xmllint").arg("--version").output().is_ok_and(|ran| ran.status.success());
    if !has_xmllint {
        crate::skipped("xmllint is not installed (libxml2-utils)");
        return None;
    }
    Some(schema)
}

/// What `xmllint` says against these profiles; empty if they are valid.
///
/// # Panics
/// If it can't be run.
#[must_use]
pub fn complaints(schema: &Path, profiles: &[String]) -> String {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let paths: Vec<PathBuf> = profiles
        .iter()
        .enumerate()
        .map(|(at, text)| {
            let path = folder.path().join(format!("{at}.wprp"));
            std::fs::write(&path, text).expect("a profile can be written");
            path
        })
        .collect();
    let ran = Command::new("xmllint").args(["--nonet", "--noout", "--schema"]).arg(schema).args(&paths).output();
    let ran = ran.expect("xmllint can be run");
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    let valid = said.lines().filter(|line| line.ends_with(" validates")).count();
    if ran.status.success() && valid == profiles.len() { String::new() } else { said }
}
