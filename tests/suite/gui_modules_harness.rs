//! Made-up symbols for the tests of the window: modules in every state, a service that finds nothing and says what it was
//! told to say about the symbol path, and a dialog that answers with a file.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use poolscope::gui::OpenRequest;
use poolscope::gui::app::{App, Services};
use poolscope::gui::document::Document;
use poolscope::gui::jobs::dialog::{Asked, PickFile, Question};
use poolscope::gui::jobs::load::Engine;
use poolscope::gui::jobs::symbols::{SymbolService, SymbolsNews};
use poolscope::gui::model::symbols::Phase;
use poolscope::symbols::{SymbolEnvironment, SymbolOptions};
use poolscope_analysis::group::symbols::ModuleNeed;
use poolscope_analysis::trace::ids::ModuleId;
use poolscope_base::guid::Guid;
use poolscope_base::progress::CancelToken;
use poolscope_symbols::identity::{ImageIdentity, ModuleIdentity, PdbIdentity};
use poolscope_symbols::locate::{DownloadProgress, LookupAttempt, LookupResult, PathPartCheck};
use poolscope_symbols::names::{AddressSymbol, ModuleNames, NameSource, SourceLine};
use poolscope_symbols::path::{PathPart, PathProblem, SymbolPath};
use poolscope_symbols::resolve::{ModuleOutcome, ModuleRequest, ModuleState, Resolver};

use crate::gui_harness::{InMemory, PATIENCE, Window, app, services, settle, window_of};

/// A server that the made-up modules were looked for on.
const SERVER: &str = "https://symbols.example/download";

/// A module that is needed; `merged`: the trace says which PDB belongs to it.
pub fn need(name: &str, module: u32, outstanding_bytes: u64, merged: bool) -> ModuleNeed {
    let stem = name.split('.').next().unwrap_or(name);
    let guid = Guid::from_parts(0x51e2_9341 + module, 0x44ba, 0x1562, 0x8ba5_a31b_e2da_e7dc);
    let identity = ModuleIdentity {
        name: name.to_owned(),
        path: format!("\\SystemRoot\\System32\\drivers\\{name}"),
        pdb: merged.then(|| PdbIdentity::new(&format!("{stem}.pdb"), guid, 1)),
        image: Some(ImageIdentity { file_name: name.to_owned(), timestamp: 0x5f00_0000 + module, size_bytes: 0x8000 }),
    };
    ModuleNeed {
        request: ModuleRequest {
            identity,
            rvas: vec![0x1000, 0x1040, 0x2000],
            explicit_pdb: None,
            ignore_cache: false,
        },
        modules: vec![ModuleId(module)],
        is_kernel: true,
        frames: 3,
        allocations: outstanding_bytes / 64,
        outstanding_bytes,
    }
}

/// Outcome of a module.
pub fn outcome(need: &ModuleNeed, state: ModuleState, attempts: Vec<LookupAttempt>) -> ModuleOutcome {
    let pdb = need.request.identity.pdb.clone();
    let names = match state {
        ModuleState::Loaded => {
            vec![(0x1000, Some(answer("Function"))), (0x1040, Some(answer("Other"))), (0x2000, None)]
        }
        _ => Vec::new(),
    };
    let file = pdb
        .as_ref()
        .filter(|_| state == ModuleState::Loaded)
        .map(|pdb| PathBuf::from(format!("/srv/symbols/{}/{}/{}", pdb.file_name, pdb.store_key(), pdb.file_name)));
    ModuleOutcome {
        state,
        pdb,
        file,
        attempts,
        names: Arc::new(ModuleNames::new(names)),
        from_cache: false,
        downloaded_bytes: 0,
    }
}

pub fn answer(function: &str) -> AddressSymbol {
    AddressSymbol {
        function: function.into(),
        offset_bytes: 0x1c,
        source: NameSource::Public,
        line: Some(SourceLine { file: "d:\\os\\driver\\main.c".into(), line: 312 }),
        inlined: Vec::new(),
    }
}

fn attempts(need: &ModuleNeed, what: LookupResult) -> Vec<LookupAttempt> {
    let name = need.request.identity.pdb.as_ref().map_or("", |pdb| pdb.file_name.as_str());
    let key = need.request.identity.pdb.as_ref().map(PdbIdentity::store_key).unwrap_or_default();
    let store = format!("/srv/cache/{name}/{key}/{name}");
    vec![
        LookupAttempt { location: store, result: LookupResult::NotFound },
        LookupAttempt { location: format!("{SERVER}/{name}/{key}/{name}"), result: what },
    ]
}

/// One module in each state; the first has the most outstanding bytes.
pub fn every_state() -> Vec<SymbolsNews> {
    let because = || "HTTP 403".to_owned();
    let states: [(&str, ModuleState, LookupResult); 11] = [
        ("ntoskrnl.exe", ModuleState::Loaded, LookupResult::Found),
        ("myfault.sys", ModuleState::NotFound, LookupResult::NotFound),
        (
            "ndis.sys",
            ModuleState::WrongIdentity,
            LookupResult::Mismatch("GUID 11111111-2222-3333-4444-555555555555 age 3".into()),
        ),
        ("tcpip.sys", ModuleState::Denied, LookupResult::Denied(because())),
        ("fltmgr.sys", ModuleState::Unreachable, LookupResult::Unreachable("no answer in 30 s".to_owned())),
        ("ntfs.sys", ModuleState::Offline, LookupResult::Offline),
        ("wdf01000.sys", ModuleState::Unreadable, LookupResult::Unreadable("it ends too soon".to_owned())),
        ("win32k.sys", ModuleState::ExportsOnly, LookupResult::NotFound),
        ("afd.sys", ModuleState::Cancelled, LookupResult::NotFound),
        ("volsnap.sys", ModuleState::NoIdentity, LookupResult::NotFound),
        ("classpnp.sys", ModuleState::Loaded, LookupResult::Found),
    ];
    let count = states.len() as u32;
    let needs: Vec<ModuleNeed> = (0..count)
        .zip(&states)
        .map(|(at, (name, state, _))| need(name, at, u64::from(count - at) << 20, *state != ModuleState::NoIdentity))
        .collect();
    let mut news = vec![SymbolsNews::Needs(Arc::new(needs.clone()))];
    for (at, (_, state, what)) in states.into_iter().enumerate() {
        let attempts = if state == ModuleState::NoIdentity { Vec::new() } else { attempts(&needs[at], what) };
        news.push(SymbolsNews::Done(at, Box::new(outcome(&needs[at], state, attempts))));
    }
    news.push(SymbolsNews::Finished);
    news
}

/// Many modules with long names, some of them on their way.
pub fn many(count: u32) -> Vec<SymbolsNews> {
    let name = |at: u32| format!("a_rather_long_name_of_a_filter_driver_{at:04}.sys");
    let needs: Vec<ModuleNeed> =
        (0..count).map(|at| need(&name(at), at, u64::from(count - at) * 77_777, true)).collect();
    let mut news = vec![SymbolsNews::Needs(Arc::new(needs.clone()))];
    for (at, need) in needs.iter().enumerate() {
        let transfer = DownloadProgress { server: SERVER.to_owned(), bytes: 3_250_586, total_bytes: Some(12_582_912) };
        news.push(match at % 4 {
            0 => SymbolsNews::State(at, ModuleState::Downloading(transfer)),
            1 => SymbolsNews::State(at, ModuleState::Searching),
            2 => {
                SymbolsNews::Done(at, Box::new(outcome(need, ModuleState::Loaded, attempts(need, LookupResult::Found))))
            }
            _ => SymbolsNews::Done(
                at,
                Box::new(outcome(need, ModuleState::NotFound, attempts(need, LookupResult::NotFound))),
            ),
        });
    }
    news
}

/// Finds nothing; remembers what it was asked for.
#[derive(Default)]
pub struct MadeUpSymbols {
    /// By what searches went.
    pub choices: Mutex<Vec<SymbolOptions>>,
    /// Requests to the dialog.
    pub asked: Mutex<Vec<Asked>>,
    /// Answers of the dialog.
    pub picks: Mutex<Option<PathBuf>>,
}

impl MadeUpSymbols {
    pub fn searches(&self) -> usize {
        self.choices.lock().expect("nobody panicked").len()
    }
}

impl SymbolService for MadeUpSymbols {
    fn resolver(&self, choice: &SymbolOptions) -> Resolver {
        self.choices.lock().expect("nobody panicked").push(choice.clone());
        let machine = SymbolEnvironment { symbol_path: Some(String::new()), ..SymbolEnvironment::default() };
        Resolver { cache: None, builtin_pdbs: None, ..machine.resolver(&SymbolOptions { path: None, offline: true }) }
    }

    fn default_path(&self) -> String {
        "srv*C:\\everyone*https://symbols.example/usual".to_owned()
    }

    fn is_from_environment(&self) -> bool {
        true
    }

    fn read_path(&self, choice: &SymbolOptions) -> SymbolPath {
        let text = choice.path.clone().unwrap_or_else(|| self.default_path());
        let mut path = SymbolPath::default();
        for part in text.split(';').map(str::to_owned) {
            if part.starts_with("C:") {
                let text = format!("{part} is a Windows path; this is none, so it is left out");
                path.problems.push(PathProblem { part, text });
            } else {
                let folder = PathPart::Folder(PathBuf::from(&part));
                path.parts.push((part, folder));
            }
        }
        path
    }

    fn check(&self, choice: &SymbolOptions, tell: &mut dyn FnMut(PathPartCheck), _cancel: &CancelToken) {
        for (part, _) in self.read_path(choice).parts {
            let result = if part.contains("gone") {
                Err("the folder is not there; create it or correct the path".to_owned())
            } else {
                Ok("two-tier store, 1,204 files".to_owned())
            };
            tell(PathPartCheck { location: part.clone(), part, result });
        }
    }
}

/// The dialog of the same made-up symbols.
struct Dialog(Arc<MadeUpSymbols>);

impl PickFile for Dialog {
    fn ask(&self, asked: &Asked) -> Question {
        self.0.asked.lock().expect("nobody panicked").push(asked.clone());
        Box::pin(std::future::ready(self.0.picks.lock().expect("nobody panicked").clone()))
    }
}

/// A window over `open` with these symbols, that remembers in `store`.
pub fn window_over<'a>(open: OpenRequest, store: Arc<InMemory>, symbols: Arc<MadeUpSymbols>) -> Window<'a> {
    let picker = Arc::new(Dialog(Arc::clone(&symbols)));
    let mut window = window_of(open, Services { loader: Arc::new(Engine), picker, symbols, ..services(store) });
    settle(&mut window);
    // What is at hand was looked for by then, too.
    for _ in 0..PATIENCE {
        if app(&window).document().is_none_or(|document| document.results.symbols.phase != Phase::Running) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
        window.step();
    }
    settle(&mut window);
    window
}

/// The open trace, to be changed.
pub fn document_mut<'w>(window: &'w mut Window<'_>) -> &'w mut Document {
    window.state_mut().as_mut().and_then(App::document_mut).expect("a trace is open")
}

/// Lets a search say this in place of what was said before.
pub fn tell(window: &mut Window<'_>, news: Vec<SymbolsNews>) {
    let document = document_mut(window);
    let phase = std::mem::take(&mut document.results.symbols).phase;
    document.results.symbols.phase = phase;
    document.take_symbols(news);
    window.run_steps(4);
}
