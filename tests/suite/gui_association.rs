//! The box that offers poolscope for `.etl` files: it asks before anything is written, says how it stands, and takes it back. On
//! systems that are not Windows it says what to do instead.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use egui_kittest::kittest::Queryable;
use poolscope::association::{Association, AssociationError, AssociationState};
use poolscope::gui::OpenRequest;
use poolscope::gui::app::Services;
use poolscope::gui::egui::Key;

use crate::gui_harness::{InMemory, PATIENCE, Window, click, command, press, services, window_of};

const PROGRAM: &str = "C:\\Tools\\poolscopew.exe";
const TITLE: &str = "Open .etl files with poolscope\u{2026}";

/// A system that remembers what it was told, or refuses.
#[derive(Default)]
struct MadeUp {
    offered: Mutex<bool>,
    told: Mutex<Vec<&'static str>>,
    refuses: bool,
}

impl MadeUp {
    fn told(&self) -> Vec<&'static str> {
        self.told.lock().expect("nobody panicked").clone()
    }

    fn set(&self, offered: bool, word: &'static str) -> Result<(), AssociationError> {
        self.told.lock().expect("nobody panicked").push(word);
        if self.refuses {
            let (key, reason) = ("Software\\Classes\\poolscope.etl".to_owned(), "Access is denied.".to_owned());
            return Err(AssociationError::Registry { key, reason });
        }
        *self.offered.lock().expect("nobody panicked") = offered;
        Ok(())
    }
}

impl Association for MadeUp {
    fn state(&self) -> Result<AssociationState, AssociationError> {
        let offered = *self.offered.lock().expect("nobody panicked");
        Ok(if offered { AssociationState::Registered(PROGRAM.to_owned()) } else { AssociationState::NotRegistered })
    }

    fn register(&self) -> Result<(), AssociationError> {
        self.set(true, "offer")
    }

    fn unregister(&self) -> Result<(), AssociationError> {
        self.set(false, "withdraw")
    }
}

fn window<'a>(association: Arc<dyn Association>) -> Window<'a> {
    let services = Services { association, ..services(Arc::new(InMemory::default())) };
    let mut window = window_of(OpenRequest::Nothing, services);
    window.run_steps(4);
    window
}

/// Waits for the background.
fn until(window: &mut Window<'_>, label: &str) {
    for _ in 0..PATIENCE {
        window.step();
        if window.query_by_label_contains(label).is_some() {
            // A moment later it would still be said.
            window.run_steps(4);
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("the box never says {label}");
}

#[test]
fn nothing_is_offered_before_the_user_says_so_and_it_can_be_taken_back() {
    let system = Arc::new(MadeUp::default());
    let mut window = window(system.clone());
    command(&mut window, TITLE);
    until(&mut window, "Registers poolscope for .etl files");
    window.get_by_label_contains("Windows lets only you change it");
    assert!(system.told().is_empty(), "only asked");
    click(&mut window, "Register");
    until(&mut window, PROGRAM);
    click(&mut window, "Unregister");
    until(&mut window, "Registers poolscope for .etl files");
    assert_eq!(system.told(), ["offer", "withdraw"]);
    // The harmless button has the keys.
    press(&mut window, Key::Enter);
    window.run_steps(4);
    assert!(window.query_by_label("Register").is_none(), "the box is closed");
    assert_eq!(system.told(), ["offer", "withdraw"]);
}

#[test]
fn what_the_system_refuses_is_said() {
    let system = Arc::new(MadeUp { refuses: true, ..MadeUp::default() });
    let mut window = window(system);
    command(&mut window, TITLE);
    until(&mut window, "Registers poolscope for .etl files");
    click(&mut window, "Register");
    until(&mut window, "Software\\Classes\\poolscope.etl cannot be changed: Access is denied.");
    press(&mut window, Key::Escape);
    window.run_steps(4);
    assert!(window.query_by_label_contains("Access is denied").is_none());
}

#[cfg(not(windows))]
#[test]
fn elsewhere_the_box_says_what_to_do() {
    let mut window = window(Arc::new(poolscope::association::SystemAssociation));
    command(&mut window, TITLE);
    until(&mut window, "On this system the desktop environment manages");
    assert!(window.query_by_label("Register").is_none());
    click(&mut window, "Close");
    assert!(window.query_by_label_contains("the desktop environment manages").is_none());
}
