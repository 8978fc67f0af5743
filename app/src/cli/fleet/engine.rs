//! The engine that runs SQL: the program `duckdb` on the path, else the module of that name of a Python on the path. SQL goes to its
//! standard input; it runs in the folder of the dataset.

use crate::symbols::SymbolEnvironment;
use serde::Deserialize;
use serde_json::{Deserializer, Map, Value, json};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The script that Python runs.
const PYTHON_SCRIPT: &str = include_str!("../../../../assets/fleet/duckdb.py");
/// Names of Python.
const PYTHONS: [&str; 2] = ["python3", "python"];
/// Keeps progress out of the output.
const NO_PROGRESS: &str = "SET enable_progress_bar = false;\n";
/// A file without settings, so that those of the user change no result.
const NO_SETTINGS: &str = if cfg!(windows) { "NUL" } else { "/dev/null" };

/// An engine on this machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Engine {
    /// The program `duckdb`.
    Program(PathBuf),
    /// A Python with the module `duckdb`.
    Python(PathBuf),
}

/// Rows of an answer.
#[derive(Clone, PartialEq, Debug, Default, Deserialize)]
pub struct Answer {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// A value for each column.
    pub rows: Vec<Vec<Value>>,
}

impl Engine {
    /// The engine of this machine, if it has one.
    #[must_use]
    pub fn find(environment: &SymbolEnvironment) -> Option<Self> {
        if let Some(program) = on_path("duckdb", environment) {
            return Some(Self::Program(program));
        }
        let has_module = |python: &PathBuf| {
            let import = Command::new(python).args(["-c", "import duckdb"]).stdin(Stdio::null()).output();
            import.is_ok_and(|output| output.status.success())
        };
        PYTHONS.iter().filter_map(|name| on_path(name, environment)).find(has_module).map(Self::Python)
    }

    /// Runs statements that make views, and then a query, in a folder.
    ///
    /// # Errors
    /// The engine cannot be started, or its message.
    pub fn run(&self, folder: &Path, setup: &str, query: &str) -> anyhow::Result<Answer> {
        match self {
            Self::Program(program) => {
                let script = format!("{NO_PROGRESS}{setup}{query}\n;\n");
                let run =
                    |mode| run_in(folder, Command::new(program).args([mode, "-bail", "-init", NO_SETTINGS]), &script);
                let answer = answer_of_objects(&run("-json")?)?;
                if !answer.rows.is_empty() {
                    return Ok(answer);
                }
                // Only tables have the names of columns where there are no rows.
                let table = run("-csv")?;
                let columns = csv::Reader::from_reader(table.as_slice()).headers()?.iter().map(str::to_owned).collect();
                Ok(Answer { columns, ..answer })
            }
            Self::Python(python) => {
                let request = json!({ "setup": format!("{NO_PROGRESS}{setup}"), "query": query }).to_string();
                let output = run_in(folder, Command::new(python).args(["-c", PYTHON_SCRIPT]), &request)?;
                serde_json::from_slice(&output).map_err(|error| unreadable(&error))
            }
        }
    }
}

/// A program in a folder of `PATH`. Relative folders, which depend on where one is, do not count.
fn on_path(name: &str, environment: &SymbolEnvironment) -> Option<PathBuf> {
    let (_, path) = environment.variables.iter().find(|(variable, _)| variable == "PATH")?;
    let program = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let folders = std::env::split_paths(path).filter(|folder| folder.is_absolute());
    folders.map(|folder| folder.join(&program)).find(|program| program.is_file())
}

/// Standard output of a program that gets a text and has to succeed.
fn run_in(folder: &Path, command: &mut Command, input: &str) -> anyhow::Result<Vec<u8>> {
    let program = Path::new(command.get_program()).display().to_string();
    command.current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let failed = |error: &std::io::Error| anyhow::anyhow!("cannot run {program}: {error}");
    let mut child = command.spawn().map_err(|error| failed(&error))?;
    let stdin = child.stdin.take();
    let input = input.to_owned();
    // A program that ends early does not read all of it; its exit code says why.
    let writer = std::thread::spawn(move || stdin.map(|mut stdin| stdin.write_all(input.as_bytes())));
    let output = child.wait_with_output().map_err(|error| failed(&error))?;
    drop(writer.join());
    let Output { status, stdout, stderr } = output;
    let message = String::from_utf8_lossy(&stderr).trim().to_owned();
    match (status.success(), message.is_empty()) {
        (true, _) => Ok(stdout),
        (false, true) => Err(anyhow::anyhow!("{program} failed: {status}")),
        (false, false) => Err(anyhow::anyhow!(message)),
    }
}

/// The last of the arrays of objects that `duckdb -json` prints, one for each statement with a result.
fn answer_of_objects(output: &[u8]) -> anyhow::Result<Answer> {
    let mut last: Vec<Map<String, Value>> = Vec::new();
    for rows in Deserializer::from_slice(output).into_iter() {
        last = rows.map_err(|error| unreadable(&error))?;
    }
    let columns: Vec<String> = last.first().map_or_else(Vec::new, |row| row.keys().cloned().collect());
    let values = |mut row: Map<String, Value>| {
        columns.iter().map(|column| row.remove(column).unwrap_or(Value::Null)).collect::<Vec<_>>()
    };
    Ok(Answer { rows: last.into_iter().map(values).collect(), columns })
}

fn unreadable(error: &serde_json::Error) -> anyhow::Error {
    anyhow::anyhow!("the output of DuckDB is not as expected: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_result_is_the_answer() {
        let answer = answer_of_objects(b"[{\"z\":1}]\n[{\"b\":1,\"a\":null},\n{\"b\":2,\"a\":\"x\"}]\n").expect("JSON");
        assert_eq!(answer.columns, ["b", "a"]);
        assert_eq!(answer.rows, [[json!(1), json!(null)], [json!(2), json!("x")]]);
        assert_eq!(answer_of_objects(b"").expect("no statement has a result"), Answer::default());
        assert!(answer_of_objects(b"Error").is_err());
    }

    #[test]
    fn relative_folders_of_the_path_do_not_count() {
        let environment = |path: &str| SymbolEnvironment {
            variables: vec![("PATH".to_owned(), path.to_owned())],
            ..SymbolEnvironment::default()
        };
        assert_eq!(on_path("Cargo.toml", &environment(".")), None);
        assert_eq!(Engine::find(&environment("")), None);
        assert_eq!(Engine::find(&SymbolEnvironment::default()), None);
    }
}
