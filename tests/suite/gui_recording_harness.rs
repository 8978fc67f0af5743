//! What the tests of the page about recording share: a dialog that answers with paths, a window that has a recorder, made-up
//! listings of pool tags.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use egui_kittest::kittest::Queryable;
use poolscope::gui::OpenRequest;
use poolscope::gui::app::Services;
use poolscope::gui::egui::accesskit::Role;
use poolscope::gui::egui::{Key, Modifiers};
use poolscope::gui::jobs::dialog::{Asked, PickFile, Question};
use poolscope_tests::wpr::FakeWpr;

use crate::gui_harness::{InMemory, Window, click, press_with, services, settle, window_of, write};

/// A dialog that answers with these paths, one after the other, and then with nothing, as where there is no service.
#[derive(Default)]
pub struct Picks {
    answers: Mutex<VecDeque<PathBuf>>,
    pub asked: Mutex<Vec<Asked>>,
}

impl Picks {
    pub fn then(&self, path: impl Into<PathBuf>) {
        self.answers.lock().expect("nobody panicked").push_back(path.into());
    }
}

impl PickFile for Picks {
    fn ask(&self, asked: &Asked) -> Question {
        self.asked.lock().expect("nobody panicked").push(asked.clone());
        Box::pin(std::future::ready(self.answers.lock().expect("nobody panicked").pop_front()))
    }
}

/// A window with the page about recording in front, on a system that records nothing.
pub fn kit<'a>() -> (Window<'a>, Arc<Picks>) {
    kit_over(OpenRequest::Nothing, Arc::new(InMemory::default()), None)
}

/// The same over what is open, and with the recorder of a test.
pub fn kit_over<'a>(open: OpenRequest, store: Arc<InMemory>, fake: Option<&FakeWpr>) -> (Window<'a>, Arc<Picks>) {
    let picks = Arc::new(Picks::default());
    let picker: Arc<dyn PickFile> = picks.clone();
    let mut given = Services { picker, ..services(store) };
    if let Some(fake) = fake {
        given.recorder = Arc::new(fake.recorder());
    }
    let mut window = window_of(open, given);
    settle(&mut window);
    press_with(&mut window, Modifiers::COMMAND, Key::R);
    (window, picks)
}

/// Shows a part of the page.
pub fn section(window: &mut Window<'_>, title: &str) {
    click(window, title);
}

/// Writes a tag into a field in place of what is there.
pub fn tag(window: &mut Window<'_>, number: usize, text: &str) {
    if window.query_by_label("Tag 1").is_none() {
        click(window, "Up to four tags");
    }
    field(window, &format!("Tag {number}"), text);
}

/// Writes a text into a field in place of what is there.
pub fn field(window: &mut Window<'_>, name: &str, text: &str) {
    window.get_by_role_and_label(Role::TextInput, name).focus();
    window.run_steps(2);
    window.key_press_modifiers(Modifiers::COMMAND, Key::A);
    window.run_steps(2);
    if text.is_empty() {
        window.key_press(Key::Delete);
        window.run_steps(2);
    } else {
        write(window, text);
    }
}

/// Returns `true` if any label holds this text.
pub fn says(window: &Window<'_>, text: &str) -> bool {
    window.query_all_by_label_contains(text).next().is_some()
}

/// A screen of poolmon with these tags of nonpaged pool: name, allocations, bytes.
pub fn poolmon(rows: &[(&str, u64, u64)]) -> String {
    let mut text = " Memory: 8386076K Avail: 5035456K  PageFlts:  1187   InRam Krnl: 6532K P:1000000K\n".to_owned();
    let sum: u64 = rows.iter().map(|(_, _, bytes)| bytes).sum();
    let nonpaged = sum / 1024 + 1;
    writeln!(text, " Commit: 5000000K Limit: 9699876K Peak: 6000000K            Pool N: {nonpaged}K P: 0K\n")
        .expect("a text takes everything");
    text.push_str(" Tag  Type     Allocs            Frees            Diff   Bytes       Per Alloc\n\n");
    for (tag, allocs, bytes) in rows {
        let per = bytes / allocs.max(&1);
        writeln!(text, " {tag} Nonp {allocs:>10} (   0) {:>10} (   0) {allocs:>8} {bytes:>10} (     0) {per:>6}", 0)
            .expect("a text takes everything");
    }
    text
}

/// So many tags, all different.
pub fn many(count: usize) -> Vec<(String, u64, u64)> {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let letter = |at: usize| char::from(LETTERS[at % LETTERS.len()]);
    let name = |at: usize| [letter(at / 3844), letter(at / 62), letter(at), 'x'].iter().collect();
    (0..count).map(|at| (name(at), at as u64 + 1, (at as u64 + 1) * 100)).collect()
}
