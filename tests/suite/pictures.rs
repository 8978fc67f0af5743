//! Pages of the window in both themes against pictures that people looked at. `POOLSCOPE_PICTURES=write` draws them anew, to be
//! looked at before they are committed; where one differs, what was drawn is put into target/pictures/.

use poolscope::gui::model::page_id::PageId;
use std::path::{Path, PathBuf};

use eframe::icon_data::{IconDataExt as _, from_png_bytes};
use egui_kittest::Harness;
use poolscope::gui::OpenRequest;
use poolscope::gui::app::App;
use poolscope::gui::commands::{DocumentCommand, PageCommand};
use poolscope::gui::egui::{IconData, Key, Modifiers, Theme, vec2};

use crate::gui_harness::{InMemory, services, settle};
use crate::rasterizer::Picture;
use crate::source::root;

const WIDTH: usize = 1000;
const HEIGHT: usize = 640;
/// What a pixel may differ by: the last digits of sines and roots are not the same everywhere.
const SHADE: u8 = 40;
/// So many pixels may differ by more, fewer than a letter has.
const PIXELS: usize = 24;

type Window<'a> = Harness<'a, Option<App>>;

/// A window of that size in a theme.
fn window<'a>(open: OpenRequest, theme: Theme) -> Window<'a> {
    let name = if theme == Theme::Dark { "dark" } else { "light" };
    let store = InMemory::holding(&format!("{{ \"theme\": \"{name}\" }}"));
    let mut given = Some((open, services(store)));
    let size = vec2(WIDTH as f32, HEIGHT as f32);
    Harness::builder().with_size(size).with_pixels_per_point(1.0).with_step_dt(0.1).build_ui_state(
        move |ui, app: &mut Option<App>| {
            if let Some((open, services)) = given.take() {
                *app = Some(App::new(ui.ctx(), services, open));
            }
            app.as_mut().expect("the first frame made it").show(ui);
        },
        None,
    )
}

fn folder() -> PathBuf {
    root().join("tests/fixtures/pictures")
}

fn to_png(picture: &Picture) -> Vec<u8> {
    let Picture { width, height, rgba } = picture;
    let image = IconData { width: *width as u32, height: *height as u32, rgba: rgba.clone() };
    image.to_png_bytes().expect("it can be packed")
}

fn write(path: &Path, picture: &Picture) {
    std::fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("a folder");
    std::fs::write(path, to_png(picture)).expect("a file");
}

/// Compares what a window shows with the picture of this name.
fn compare(window: &Window<'_>, name: &str) -> Option<String> {
    let drawn = Picture::of(&window.ctx, window.output(), WIDTH, HEIGHT);
    let file = format!("{name}.png");
    let path = folder().join(&file);
    if std::env::var_os("POOLSCOPE_PICTURES").is_some_and(|what| what == "write") {
        write(&path, &drawn);
        return None;
    }
    let complaint = match std::fs::read(&path) {
        Err(error) => format!("{}: {error}", path.display()),
        Ok(bytes) => {
            let IconData { width, height, rgba } = from_png_bytes(&bytes).expect("a picture");
            let wanted = Picture { width: width as usize, height: height as usize, rgba };
            match drawn.differing(&wanted, SHADE) {
                (count, Some((x, y))) if count > PIXELS => {
                    format!("{file}: {count} pixels differ, the first at {x}, {y}")
                }
                _ => return None,
            }
        }
    };
    write(&root().join("target/pictures").join(&file), &drawn);
    Some(complaint)
}

/// The pages of the sample.
const PAGES: [(&str, PageId); 6] = [
    ("analysis", PageId::ANALYSIS),
    ("suspects", PageId::SUSPECTS),
    ("flame", PageId::FLAME),
    ("butterfly", PageId::BUTTERFLY),
    ("modules", PageId::MODULES),
    ("trace", PageId::TRACE_INFO),
];

/// Lets messages fade, which takes six seconds of the window's clock, and everything that was asked for come.
fn calm(window: &mut Window<'_>) {
    window.run_steps(90);
    settle(window);
    window.run_steps(10);
}

#[test]
fn pages_look_as_they_did() {
    let mut complaints = Vec::new();
    for theme in [Theme::Light, Theme::Dark] {
        let called = |page: &str| format!("{page}-{}", if theme == Theme::Dark { "dark" } else { "light" });
        let mut start = window(OpenRequest::Nothing, theme);
        start.run_steps(10);
        complaints.extend(compare(&start, &called("start")));
        let mut sample = window(OpenRequest::Sample, theme);
        settle(&mut sample);
        for (name, page) in PAGES {
            let document = sample.state_mut().as_mut().and_then(App::document_mut).expect("the sample is open");
            document.run(&DocumentCommand::Page(page));
            calm(&mut sample);
            complaints.extend(compare(&sample, &called(name)));
        }
        let document = sample.state_mut().as_mut().and_then(App::document_mut).expect("the sample is open");
        document.run(&PageCommand { page: PageId::COMPARE, id: "compare.halves" }.into());
        calm(&mut sample);
        complaints.extend(compare(&sample, &called("compare")));
        sample.key_press_modifiers(Modifiers::COMMAND, Key::E);
        calm(&mut sample);
        complaints.extend(compare(&sample, &called("view-editor")));
        sample.key_press(Key::Escape);
        calm(&mut sample);
        sample.key_press_modifiers(Modifiers::COMMAND, Key::R);
        calm(&mut sample);
        complaints.extend(compare(&sample, &called("recording")));
    }
    assert!(complaints.is_empty(), "what was drawn is in target/pictures/:\n{}", complaints.join("\n"));
}

#[test]
fn a_case_looks_as_it_did() {
    let folder = tempfile::tempdir().expect("a folder");
    let case = folder.path().join("case 4711");
    std::fs::create_dir(&case).expect("a folder");
    crate::gui_case::write_case(&case, " (W. Europe Daylight Time)(-120)");
    let mut complaints = Vec::new();
    for (theme, name) in [(Theme::Light, "case-light"), (Theme::Dark, "case-dark")] {
        let mut window = window(OpenRequest::Files(vec![case.clone()]), theme);
        settle(&mut window);
        calm(&mut window);
        complaints.extend(compare(&window, name));
    }
    assert!(complaints.is_empty(), "what was drawn is in target/pictures/:\n{}", complaints.join("\n"));
}

#[test]
fn a_changed_word_is_noticed_and_a_shade_is_not() {
    let mut start = window(OpenRequest::Nothing, Theme::Light);
    start.run_steps(10);
    let drawn = Picture::of(&start.ctx, start.output(), WIDTH, HEIGHT);
    let ink = drawn.rgba.chunks_exact(4).filter(|pixel| pixel[0] < 100).count();
    assert!(ink > 500, "there is text: {ink} dark pixels");
    let mut paler = drawn.clone();
    paler.rgba.iter_mut().for_each(|channel| *channel = channel.saturating_sub(SHADE / 2));
    assert_eq!(drawn.differing(&paler, SHADE).0, 0);
    let mut dark = window(OpenRequest::Nothing, Theme::Dark);
    dark.run_steps(10);
    let dark = Picture::of(&dark.ctx, dark.output(), WIDTH, HEIGHT);
    assert!(drawn.differing(&dark, SHADE).0 > WIDTH * HEIGHT / 2);
    // As if a menu were called otherwise: its word alone.
    let mut changed = drawn.clone();
    let word: Vec<usize> = (0..24).flat_map(|y| (0..60).map(move |x| (y * WIDTH + x) * 4)).collect();
    word.iter()
        .for_each(|at| (0..3).for_each(|channel| changed.rgba[at + channel] = drawn.rgba[2 * WIDTH * 4 + channel]));
    assert!(drawn.differing(&changed, SHADE).0 > PIXELS);
}
