//! Rows of the analysis page: down to the allocating call, opened and closed, in detail, copied; the page about the trace.

use egui_kittest::kittest::{NodeT, Queryable};
use poolscope::format;
use poolscope::gui::egui::accesskit::Role;
use poolscope::gui::egui::{Event, Key, Modifiers};
use poolscope::gui::model::page_id::PageId;
use poolscope::gui::widgets::pivot_table::TreeModel;
use poolscope_etl::diagnostics::Severity;
use poolscope_synth::{GroundTruthRequest, SynthParams, write_trace};

use crate::gui_harness::*;

const CTRL: Modifiers = Modifiers::COMMAND;

/// Goes to the first row that begins with these letters, by typing them.
fn go_to(window: &mut Window<'_>, letters: &str) {
    press(window, Key::Home);
    for letter in letters.chars() {
        window.event(Event::Text(letter.to_string()));
        window.run_steps(1);
    }
    settle(window);
    assert_eq!(cursor(window).text.to_lowercase(), letters);
}

/// Returns `true` if the row under the cursor is the heaviest of its siblings.
fn is_heaviest(window: &Window<'_>) -> bool {
    let document = document(window);
    let rows = document.results.rows.as_ref().expect("rows");
    let index = document.ui.table.cursor().and_then(|id| rows.index_of(id)).expect("a visible cursor");
    let flat = rows.flat();
    let tree = flat.tree();
    let node = flat.node_at(index).expect("a node");
    let siblings = tree.opened(tree.parent(node)).expect("its parent is open");
    siblings.iter().all(|other| tree.aggregate(*other).size() <= tree.aggregate(node).size())
}

/// Right until there is nothing below; the texts on the way.
fn right_to_the_end(window: &mut Window<'_>) -> Vec<String> {
    let mut way = vec![cursor(window).text];
    for _ in 0..400 {
        if !cursor(window).expandable {
            return way;
        }
        let before = cursor(window).id;
        press(window, Key::ArrowRight);
        if cursor(window).id != before {
            assert!(is_heaviest(window), "{way:?}");
            way.push(cursor(window).text);
        }
    }
    panic!("there is no end: {way:?}");
}

#[test]
fn right_leads_to_the_allocating_call_in_any_order() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    let (_, truth) = made_up(&[]);
    let (paged, tag) = largest(&truth.ranges[0]);
    go_to(&mut window, "aifo");
    press_with(&mut window, CTRL | Modifiers::SHIFT, Key::ArrowLeft);
    let way = right_to_the_end(&mut window);
    assert_eq!(way[1..4], [paged.to_owned(), tag, "[Root]".to_owned()]);
    let details = document(&window).results.details.as_ref().expect("details");
    assert_eq!(details.stack.first(), way.last());
    // In the order of names the heaviest is still the one that is followed.
    let name = header_name(&window, "Pool Tag");
    window.get_by_role_and_label(Role::ColumnHeader, &name).click();
    window.run_steps(3);
    window.get_by_role_and_label(Role::TreeGrid, "Allocations").focus();
    window.run_steps(2);
    go_to(&mut window, "aifo");
    assert_eq!(right_to_the_end(&mut window), way);
}

#[test]
fn others_are_closed_and_everything_below_is_opened() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    click(&mut window, "Expand AIFI");
    let open = |window: &Window<'_>| all_rows(window).into_iter().filter(|row| row.expanded).collect::<Vec<_>>();
    let before = open(&window).len();
    press_with(&mut window, CTRL | Modifiers::SHIFT, Key::ArrowLeft);
    assert!(open(&window).len() < before);
    assert!(open(&window).iter().all(|row| row.text != "AIFI"), "{:?}", open(&window));
    go_to(&mut window, "aifo");
    command(&mut window, "Expand below");
    let rows = document(&window).results.rows.as_ref().expect("rows").flat();
    let below = (0..rows.len()).filter_map(|index| rows.node_at(index)).filter(|node| {
        let mut at = *node;
        while rows.tree().depth(at) > 1 {
            at = rows.tree().parent(at);
        }
        rows.tree().label(at) == "AIFO" && rows.tree().has_children(*node)
    });
    let open: Vec<bool> = below.map(|node| rows.is_open(node)).collect();
    assert!(open.len() > 100 && open.iter().all(|is_open| *is_open), "nothing below is closed: {}", open.len());
}

#[test]
fn opening_too_much_stops_and_says_so() {
    let wide = SynthParams { allocations: 9000, distinct_stacks: 9000, max_depth: 40, ..SynthParams::default() };
    let (_folder, path) = folder_with(&wide);
    let mut window = open_file(&path);
    go_to(&mut window, "aifi");
    window.event(Event::Text("*".to_owned()));
    window.run_steps(3);
    settle(&mut window);
    window.get_by_label_contains("Expanded the first 10,000 rows below; there are more");
}

#[test]
fn the_details_agree_with_what_was_planted() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    let (_, truth) = made_up(&[]);
    let (paged, tag) = largest(&truth.ranges[0]);
    let (count, size) = sums(&truth.ranges[0], |r| (r.kind, r.paged, &r.tag) == ("AIFO", paged, &tag));
    let profile = &document(&window).results.profile.as_ref().expect("a profile").profile;
    assert_eq!((profile.total.count, profile.total.bytes), (count, size));
    assert_eq!((profile.outstanding.count, profile.freed.count), (count, 0), "AIFO rows are not freed");
    let of =
        |bins: &[poolscope_analysis::pivot::details::HistogramBin]| bins.iter().map(|bin| bin.total.count).sum::<u64>();
    assert_eq!(of(&profile.sizes), count);
    let shares = &profile.processes;
    let shared: u64 = shares.largest.iter().map(|share| share.total.count).sum();
    assert_eq!(shared + shares.others_total.count, count);
    assert!(profile.first.windows(2).all(|pair| pair[0].time_s <= pair[1].time_s));
    assert!(profile.first[0].time_s <= profile.last[0].time_s);
    // What is drawn says it in words.
    let sizes: Vec<String> = profile.sizes.iter().map(|bin| bin.label.clone()).collect();
    let told = window.get_by_label_contains("Sizes: ").accesskit_node().label().expect("its name");
    for label in sizes {
        assert!(told.contains(&format!("{label}: ")), "{told}");
    }
    window.get_by_label("None was freed in the trace.");
    let share = &document(&window).results.profile.as_ref().expect("a profile").profile.processes.largest[0];
    let line = format!(
        "{}: {}, {}",
        share.label,
        format::counted(share.total.count, "allocation", "allocations"),
        format::bytes(share.total.bytes)
    );
    window.get_by_label(&line);
    // Rows that are freed have stacks of their frees.
    go_to(&mut window, "aifi");
    let (count, _) = sums(&truth.ranges[0], |row| row.kind == "AIFI");
    let profile = &document(&window).results.profile.as_ref().expect("a profile").profile;
    assert_eq!((profile.total.count, profile.freed.count), (count, count));
    assert!(!profile.free_stacks.is_empty());
    let listed: u64 = profile.free_stacks.iter().map(|share| share.total.count).sum();
    assert!(listed + profile.freed_without_stack.count <= count);
    window.get_by_label("FREED FROM");
}

#[test]
fn rows_cells_and_stacks_are_copied() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    let (_, truth) = made_up(&[]);
    let (_, tag) = largest(&truth.ranges[0]);
    window.get_by_role_and_label(Role::TreeGrid, "Allocations").focus();
    window.key_press_modifiers(Modifiers::SHIFT, Key::F10);
    window.run_steps(4);
    window.get_by_role_and_label(Role::Button, "Copy cell").click();
    assert_eq!(copied(&mut window), tag);
    window.get_by_role_and_label(Role::Button, "Copy stack").click();
    let stack = copied(&mut window);
    assert_eq!(stack, document(&window).results.details.as_ref().expect("details").stack.join("\n"));
    assert!(stack.lines().count() > 2);
    window.get_by_label("Copy stack 1 with addresses").click();
    let with_addresses = copied(&mut window);
    assert!(with_addresses.lines().all(|line| line.starts_with("0x")), "{with_addresses}");
    // Without a column for stacks the heaviest one is copied all the same.
    preset(&mut window, "Frees by tag and stack");
    window.get_by_role_and_label(Role::Button, "Copy stack").click();
    let stack = copied(&mut window);
    let profile = &document(&window).results.profile.as_ref().expect("a profile").profile;
    let heaviest: Vec<&str> = profile.stacks[0].frames.iter().rev().map(|frame| frame.text.as_str()).collect();
    assert_eq!(stack, heaviest.join("\n"));
}

#[test]
fn the_badge_opens_the_page_about_the_trace_and_closes_it() {
    let lossy = SynthParams { allocations: 1500, lost_buffers: 2, ..SynthParams::default() };
    let (_folder, path) = folder_with(&lossy);
    let mut window = open_file(&path);
    // Its name counts the issues, which become fewer when the symbols are known.
    let click_badge = |window: &mut Window<'_>| {
        let badge = window.get_by_label_contains("Data quality: ").accesskit_node().label().expect("its name");
        click(window, &badge);
    };
    click_badge(&mut window);
    assert_eq!(document(&window).ui.page, PageId::TRACE_INFO);
    assert!(window.query_by_role_and_label(Role::TreeGrid, "Allocations").is_none());
    for title in ["Data quality", "Modules", "Processes"] {
        assert!(window.query_all_by_label(title).next().is_some(), "{title}");
    }
    let trace = &document(&window).trace;
    let loss = trace.diagnostics.rows().iter().find(|a| a.kind.severity() == Severity::DataLoss).expect("a loss");
    let effect = loss.kind.effect();
    assert!(window.query_all_by_label_contains(effect).next().is_some(), "{effect}");
    let module = &trace.modules.modules()[0].name;
    assert!(window.query_all_by_label(module).next().is_some(), "{module}");
    click(&mut window, "Back to Analysis");
    window.get_by_role_and_label(Role::TreeGrid, "Allocations");
    click_badge(&mut window);
    click_badge(&mut window);
    assert_eq!(document(&window).ui.page, PageId::ANALYSIS);
}

#[test]
fn queries_from_another_page_show_the_rows() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    command(&mut window, "Trace and data quality");
    press_with(&mut window, CTRL | Modifiers::SHIFT, Key::F);
    assert_eq!(document(&window).ui.page, PageId::ANALYSIS);
    press_with(&mut window, Modifiers::NONE, Key::Escape);
    // In the graph alone there is nothing to be seen of rows either.
    press_with(&mut window, CTRL | Modifiers::SHIFT, Key::G);
    press_with(&mut window, CTRL | Modifiers::SHIFT, Key::F);
    write(&mut window, "type:AIFO");
    press_with(&mut window, Modifiers::NONE, Key::Enter);
    window.get_by_label("Remove type:AIFO");
    window.get_by_role_and_label(Role::TreeGrid, "Allocations");
}

#[test]
fn odd_tags_are_shown_found_and_filtered() {
    let mut many = SynthParams { allocations: 4000, ..SynthParams::default() };
    many.tags.ordinary = 30;
    let (_folder, path) = folder_with(&many);
    let mut file = std::io::Cursor::new(Vec::new());
    let summary = write_trace(&mut file, &many, Some(&GroundTruthRequest::default())).expect("a trace is written");
    let truth = summary.truth.expect("asked for");
    let mut window = open_file(&path);
    preset(&mut window, "Frees by tag and stack");
    for tag in ["Irp ", "Ob\\x01b", "Sem\\x00"] {
        let (count, size) = sums(&truth.ranges[0], |row| row.tag == tag);
        assert!(count > 0, "{tag:?}");
        go_to(&mut window, &tag.to_lowercase());
        press_with(&mut window, CTRL, Key::Enter);
        let label = labels_at(&window, 0);
        assert_eq!(label.len(), 1, "{label:?}");
        assert!(label[0].starts_with(&format!("Pool Tag {tag}, Count {},", format::count(count))), "{label:?}");
        assert!(label[0].ends_with(&format!("Size {}", format::bytes(size))), "{label:?}");
        press_with(&mut window, CTRL, Key::Z);
        filter(&mut window, &format!("tag:=\"{}\"", tag.replace('\\', "\\\\")));
        assert_eq!(labels_at(&window, 0), label, "a query says the same: {:?}", document(&window).query);
        press_with(&mut window, CTRL, Key::Z);
    }
}
