//! Questions to the judge that follow each other: only the answer to the last one is taken in, and names that come late do not
//! make the first answer wait. The document is driven without a window, so that answers come exactly when the test lets
//! them.

use std::sync::Arc;
use std::time::Duration;

use poolscope::gui::commands::DocumentCommand;
use poolscope::gui::document::{Document, Effect, SharedPresets};
use poolscope::gui::jobs::document::{PageJob, Reply, Request, Topic};
use poolscope::gui::jobs::load::{Engine, Loader, Source};
use poolscope::gui::jobs::{Answer, Jobs, TabId};
use poolscope::gui::model::page_id::PageId;
use poolscope::gui::pages::suspects::ANALYZE;
use poolscope::gui::pages::suspects::commands::SuspectsCommand;
use poolscope_analysis::group::frames::FrameNaming;
use poolscope_analysis::leaks::SuspectGrouping;
use poolscope_base::progress::{CancelToken, Progress};

use crate::gui_harness::{NoSymbols, PATIENCE, folder, workers};

/// The analysis of what leaks.
fn leaks() -> Topic {
    Topic::Page(PageJob { page: PageId::SUSPECTS, job: ANALYZE })
}

const TAB: TabId = TabId(1);

struct DocumentHarness {
    document: Document,
    jobs: Jobs,
}

impl DocumentHarness {
    fn new() -> Self {
        let (_folder, path) = folder();
        let source = Source::File(path);
        let loaded = Engine.load(&source, &Progress::default(), &CancelToken::default());
        let trace = loaded.ok().flatten().expect("it is a trace").trace;
        let document = Document::new(source, trace, SharedPresets::default());
        let jobs = Jobs::new(workers(Arc::new(NoSymbols)), Arc::new(|| {}));
        Self { document, jobs }
    }

    /// What the document asks now, and the background is told; of which topics.
    fn ask(&mut self) -> Vec<Topic> {
        let requests = self.document.requests();
        let topics = requests.iter().map(Request::topic).collect();
        requests.into_iter().for_each(|request| self.jobs.ask(TAB, request));
        topics
    }

    /// Lets all answers in; of which topics they were.
    fn wait(&mut self) -> Vec<Topic> {
        let mut topics = Vec::new();
        for _ in 0..PATIENCE {
            self.ask();
            if !self.document.is_busy() {
                return topics;
            }
            while let Some(answer) = self.jobs.answer() {
                if let Answer::Document { reply, .. } = answer {
                    topics.push(reply.topic());
                    self.document.take(reply);
                }
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("the background does not come to an end");
    }

    fn run(&mut self, command: SuspectsCommand) {
        self.document.run(&command.into());
    }

    fn analyzed_by(&self) -> Option<SuspectGrouping> {
        self.document.suspects().shown.as_ref().map(|shown| shown.analysis.request.grouping)
    }
}

#[test]
fn the_judge_is_asked_after_rows_and_curves() {
    let mut harness = DocumentHarness::new();
    assert_eq!(harness.ask(), [Topic::Table, Topic::Curves]);
    let answers = harness.wait();
    let at = |topic| answers.iter().position(|other| *other == topic).expect("it was answered");
    assert!(at(leaks()) > at(Topic::Table) && at(leaks()) > at(Topic::Curves), "{answers:?}");
    assert_eq!(answers.iter().filter(|topic| **topic == leaks()).count(), 1, "asked once");
    assert_eq!(harness.wait(), [], "and not again");
}

#[test]
fn answers_to_old_questions_are_dropped() {
    let mut harness = DocumentHarness::new();
    harness.wait();
    for by in [SuspectGrouping::Stack, SuspectGrouping::Driver] {
        harness.run(SuspectsCommand::Grouping(by));
        assert_eq!(harness.ask(), [leaks()]);
        assert!(harness.document.are_leaks_outdated(), "the answer before is still shown");
        assert_eq!(harness.analyzed_by(), Some(SuspectGrouping::Tag));
    }
    let answers = harness.wait();
    assert_eq!(answers, [leaks()], "the one about stacks is not taken in");
    assert_eq!(harness.analyzed_by(), Some(SuspectGrouping::Driver));
    assert!(!harness.document.are_leaks_outdated());
}

#[test]
fn other_names_are_judged_anew_and_what_was_selected_stays() {
    let mut harness = DocumentHarness::new();
    harness.wait();
    let page = harness.document.suspects_mut();
    page.shows_non_leaking = true;
    let last = page.listed().last().copied();
    page.select(last);
    let known = page.current().map(|suspect| (suspect.tag.clone(), suspect.is_paged)).expect("one is selected");
    let before = page.shown.as_ref().expect("judged").number;
    harness
        .document
        .run(&DocumentCommand::Symbols(poolscope::gui::commands::SymbolsCommand::GroupBy(FrameNaming::Module)));
    assert!(!harness.document.are_leaks_outdated(), "names alone do not make the figures old");
    let answers = harness.wait();
    assert!(answers.contains(&leaks()), "{answers:?}");
    let page = harness.document.suspects();
    assert!(page.shown.as_ref().is_some_and(|shown| shown.number > before));
    assert_eq!(page.current().map(|suspect| (suspect.tag.clone(), suspect.is_paged)), Some(known));
}

#[test]
fn a_mistake_of_the_judge_is_told_once_and_leaves_the_rest() {
    let mut harness = DocumentHarness::new();
    harness.wait();
    harness.run(SuspectsCommand::Grouping(SuspectGrouping::Stack));
    harness.ask();
    harness.document.take(Reply::Broken(leaks()));
    let told = harness
        .document
        .effects
        .iter()
        .any(|effect| matches!(effect, Effect::Notify(words) if words.contains("suspects")));
    assert!(told && harness.document.suspects().broken);
    assert_eq!(harness.analyzed_by(), Some(SuspectGrouping::Tag), "the answer before stays");
    assert_eq!(harness.document.requests().len(), 0, "it is not asked for ever");
}
