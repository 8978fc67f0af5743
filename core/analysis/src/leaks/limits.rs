//! Every threshold of the verdict, each with its reason. No other place of the module holds a number that decides. All are
//! shares, counts and odds, none is in bytes or seconds: a trace in which every size or every time is doubled is judged alike.
//!
//! What no threshold can tell apart within a trace: growth that would have stopped after its end; a store that fills until
//! the last tenth of the view; blocks that live many times as long as the view. Where the evidence leaves such a choice
//! open, the verdict is growing, not leak.

/// Share of the view that is set aside as warm-up unless the user says otherwise: services that start with the recording
/// fill their caches first.
/// Noticed by `leak::properties::a_late_mark_is_no_warm_up`.
pub const WARM_UP_SHARE: f64 = 0.1;

/// Intervals into which the births of survivors are counted. Fewer would take a burst for a slope, more would leave a slow
/// leak of a dozen blocks mostly empty intervals.
/// Noticed by `leak::tests::the_planted_leak_comes_first_and_innocents_are_not_accused`.
pub const BIRTH_BINS: usize = 16;

/// Points of the outstanding curve: 64 give 2,016 pairs to the slope, enough for an interval of confidence, and still see a
/// plateau in the last eighth.
/// Noticed by `leak::tests::the_planted_leak_comes_first_and_innocents_are_not_accused`.
pub const CURVE_POINTS: usize = 64;

/// Fewer survivors than this say nothing: at eight, chance puts them into fewer than four of the sixteen intervals in less
/// than one case of a thousand.
/// Noticed by `leak::tests::the_planted_leak_comes_first_and_innocents_are_not_accused`.
pub const LEAST_SURVIVORS: u64 = 8;

/// A function that kept fewer blocks than this, two for each interval, is judged again together with the others of its tag: by
/// itself its course may look like a step or a pause by chance.
/// Noticed by `leak::tests::the_planted_leak_comes_first_and_innocents_are_not_accused`.
pub const THIN: u64 = 32;

/// Functions that kept little leak together, as one leak spread over them, if there are so many; the courses of fewer add up to
/// anything.
/// Noticed by `leak::tests::leaks_that_are_spread_or_lost_events_come_first`.
pub const SPREAD_UNITS: usize = 8;

/// Fewer survivors than this are not called a leak, however evenly they were born: they are said to grow.
/// Noticed by `leak::tests::the_planted_leak_comes_first_and_innocents_are_not_accused`.
pub const LEAST_FOR_LEAK: u64 = 12;

/// With fewer allocations or frees than this a share of them says little: of twenty, less than one in seven does something with
/// 95 % certainty where none was seen to.
/// Noticed by `leak::findings::zero_free::tests::one_free_is_enough_to_be_innocent`.
pub const ENOUGH_ALLOCATIONS: u64 = 20;

/// So many survivors are needed for each block of the same kind that was freed at a greater age than theirs: blocks that old
/// do get freed then, and the survivors may be next.
/// Noticed by `leak::tests::without_a_leak_nothing_is_called_one`.
pub const SURVIVORS_PER_LATE_FREE: f64 = 8.0;

/// If blocks beyond the usual lifetime went on being freed once per judged time, on average, the late frees would be as few
/// as they are with a chance of e to the minus this: one in three thousand. A leak needs less than that.
/// Noticed by `leak::tests::without_a_leak_nothing_is_called_one`.
pub const OVERDUE_SURPRISE: f64 = 8.0;

/// By the late frees there are, blocks of that age live on for this many judged times at least, on average: with less, they
/// may stem from a level of long-lived blocks.
/// Noticed by `leak::tests::without_a_leak_nothing_is_called_one`.
pub const LIVES_ON: f64 = 4.0;

/// Share of the survivors that must be left when those are taken off that other causes explain: frees that were lost, and
/// a level that was there before the view and is replaced block by block.
/// Noticed by `leak::tests::without_a_leak_nothing_is_called_one`.
pub const LEAST_UNEXPLAINED: f64 = 0.5;

/// Standard deviations by which the survivors must exceed what other causes explain, to be said to grow; and by which the gain at
/// the end must fall short of that before, to be said to have levelled off. One in two hundred does by chance.
/// Noticed by `leak::tests::without_a_leak_nothing_is_called_one`.
pub const CLEAR_DEVIATIONS: f64 = 2.6;

/// The same for a leak: with hundreds of tags in a trace, four leave one accused in tens of thousands.
/// Noticed by `leak::tests::without_a_leak_nothing_is_called_one`.
pub const LEAK_DEVIATIONS: f64 = 4.0;

/// What growth that may be over weighs, in the order of what is not said to grow, against growth that goes on.
/// Noticed by `leak::tests::the_planted_leak_comes_first_and_innocents_are_not_accused`.
pub const DOUBTFUL_WEIGHT: f64 = 0.5;

/// Tags from which the share of frees that were lost is estimated. With fewer, the one that leaks could be the median.
/// Noticed by `leak::tests::without_a_leak_nothing_is_called_one_where_events_were_lost`.
pub const LEAST_TAGS_FOR_LOSS: usize = 8;

/// Share of the judged time that has to be left when the usual lifetime is taken off its end: births in less than that show
/// no course.
/// Noticed by `leak::tests::the_planted_leak_comes_first_and_innocents_are_not_accused`.
pub const LEAST_WINDOW: f64 = 0.25;

/// With a usual lifetime above this share of the judged time, what has not been freed yet may still be: growing, not leak.
/// Noticed by `leak::tests::without_a_leak_nothing_is_called_one`.
pub const LONGEST_LIFE: f64 = 0.5;

/// A leak goes on: survivors must have been born in this share of the intervals that chance would fill. A third admits leaks
/// in half a dozen steps.
/// Noticed by `leak::tests::the_planted_leak_comes_first_and_innocents_are_not_accused`.
pub const LEAST_SPREAD: f64 = 0.3;

/// And in at least so many intervals.
/// Noticed by `leak::tests::the_planted_leak_comes_first_and_innocents_are_not_accused`.
pub const LEAST_INTERVALS: usize = 6;

/// More than this share of the survivors from one interval of sixteen, or from two neighbours, is a burst.
/// Noticed by `leak::tests::without_a_leak_nothing_is_called_one`.
pub const BURST_SHARE: f64 = 0.6;

/// Allocations and frees that the pool's own counters must have counted of a tag for its share of lost events to be known by
/// itself; with fewer that of the whole pool is taken.
/// Noticed by `leak::rank::tests::growth_is_scaled_by_what_the_counters_count`.
pub const ENOUGH_COUNTED: u64 = 100;

/// Growth is scaled up for lost events only from this share of the counted events on: with less, what is left is no sample.
/// Noticed by `leak::rank::tests::growth_is_scaled_by_what_the_counters_count`.
pub const LEAST_SEEN: f64 = 0.5;

/// And up to this share: a few events around the two counts always differ.
/// Noticed by `leak::rank::tests::growth_is_scaled_by_what_the_counters_count`.
pub const MOST_SEEN: f64 = 0.995;

/// A pause at the end shorter than this share of the judged time says nothing: work often ends just before the recording.
/// Noticed by `leak::tests::without_a_leak_nothing_is_called_one`.
pub const LEAST_PAUSE: f64 = 0.03;

/// An end of the trace without any pool event is left out if it is shorter than this share of the judged time; a longer one is
/// a pause like others, which says that growth has stopped.
/// Noticed by `leak::properties::time_without_a_recording_is_no_time_without_growth`.
pub const LONGEST_TAIL: f64 = 0.1;

/// With these odds for it (see `statistics::stopped_odds`), growth has stopped.
/// Noticed by `leak::tests::without_a_leak_nothing_is_called_one`.
pub const STOPPED_ODDS: f64 = 100.0;

/// With these odds it may have stopped, so that it is not called a leak: a warm-up that ends at nine tenths of the view has
/// at least these, however few blocks it holds.
/// Noticed by `leak::tests::without_a_leak_nothing_is_called_one`.
pub const DOUBTFUL_ODDS: f64 = 0.2;

/// Counts that vary so many times as much as chance makes them come in clusters: with sixteen intervals, chance reaches it
/// in one case of a thousand.
/// Noticed by `leak::tests::the_planted_leak_comes_first_and_innocents_are_not_accused`.
pub const CLUSTERED: f64 = 2.5;

/// Standard deviations by which allocations and frees of the last third may differ by chance.
/// Noticed by `leak::tests::without_a_leak_nothing_is_called_one`.
pub const LEVEL_INTERVAL: f64 = 2.0;

/// Share of the range over which a kind must have grown before its load stopped: what fills in less is one-time
/// initialization.
/// Noticed by `leak::tests::leaks_whose_load_stopped_are_told`.
pub const STEADY_SHARE: f64 = 0.15;

/// And how evenly, as the share of filled intervals of those that chance would fill.
/// Noticed by `leak::tests::leaks_whose_load_stopped_are_told`.
pub const LEAST_STEADINESS: f64 = 0.6;

/// A leak whose load stopped and a cache that is full and keeps its own free list look the same: never surer than this.
/// Noticed by `leak::tests::leaks_whose_load_stopped_are_told`.
pub const STOPPED_CONFIDENCE: f64 = 0.5;

/// Growth that is less sure than this ranks below what grew until its load stopped, if that left few allocations: a dozen
/// allocations that seem to grow are found beside every large load.
/// Noticed by `leak::tests::leaks_whose_load_stopped_are_told`.
pub const STOPPED_FEW: f64 = 0.1;

/// The same if it left many.
/// Noticed by `leak::tests::leaks_whose_load_stopped_are_told`.
pub const STOPPED_MANY: f64 = 0.3;

/// So many allocations are many.
/// Noticed by `leak::tests::leaks_whose_load_stopped_are_told`.
pub const MANY_STOPPED: f64 = 1000.0;

/// In growth that comes in clusters, a pause is nothing special if so many as long came before: a service that starts in three
/// or four phases has fewer.
/// Noticed by `leak::tests::the_planted_leak_comes_first_and_innocents_are_not_accused`.
pub const USUAL_PAUSES: usize = 4;

/// If so many came before, nobody can say whether another cluster follows.
/// Noticed by `leak::tests::without_a_leak_nothing_is_called_one`.
pub const FEW_PAUSES: usize = 2;

/// To what shares of its rate growth may fall when it has ceased: a few blocks that happen to be in use stay behind. More
/// than a tenth is growth that goes on.
/// Noticed by `leak::tests::the_planted_leak_comes_first_and_innocents_are_not_accused`.
pub const STRAGGLERS: [f64; 4] = [0.005, 0.02, 0.05, 0.1];

/// With e to the power of this (twenty) for odds, growth slows down so much that it is not called a leak.
/// Noticed by `leak::tests::the_planted_leak_comes_first_and_innocents_are_not_accused`.
pub const SLOWING: f64 = 3.0;

/// Where a unit allocates so many times what stays, its own allocations are the clock of the course as well: a leak goes with
/// the load.
/// Noticed by `leak::tests::the_planted_leak_comes_first_and_innocents_are_not_accused`.
pub const TRAFFIC_CLOCK: u64 = 4;

/// Growth is level where it is less than this share of its average.
/// Noticed by `leak::tests::without_a_leak_nothing_is_called_one`.
pub const LEVEL_SHARE: f64 = 0.25;

/// A change of the course must be so surprising by chance (one in a thousand) to count as one.
/// Noticed by `leak::tests::without_a_leak_nothing_is_called_one`.
pub const CHANGE_SURPRISE: f64 = 7.0;

/// Frees that begin so surprisingly late (one in ten) leave open that a store has just filled: growing, not leak.
/// Noticed by `leak::tests::without_a_leak_nothing_is_called_one`.
pub const DOUBTFUL_SURPRISE: f64 = 2.3;

/// Share of the late frees that may lie before the moment at which a store was full: single blocks leave any cache early.
/// Noticed by `leak::tests::without_a_leak_nothing_is_called_one`.
pub const EARLY_FREES: f64 = 0.1;

/// A full store frees one block for each that comes: since the first frees it must have gained less than this share of what
/// it gained before in the same time.
/// Noticed by `leak::tests::without_a_leak_nothing_is_called_one`.
pub const FULL_GAIN: f64 = 0.5;

/// And it frees no more than so many times what comes; more is a clean-up, which says nothing about those that stayed.
/// Noticed by `leak::tests::without_a_leak_nothing_is_called_one`.
pub const FULL_FREES: f64 = 2.0;

/// A curve that ends at less than this share of its highest point does not grow.
/// Noticed by `leak::tests::the_planted_leak_comes_first_and_innocents_are_not_accused`.
pub const GROWS_TO: f64 = 0.8;

/// Growth that is less than this share of all that was allocated, and freed in time, is traffic.
/// Noticed by `leak::tests::the_planted_leak_comes_first_and_innocents_are_not_accused`.
pub const CHURN_SHARE: f64 = 0.02;

/// Share of the pairs of points that must rise.
/// Noticed by `leak::tests::the_planted_leak_comes_first_and_innocents_are_not_accused`.
pub const LEAST_MONOTONY: f64 = 0.7;

/// Where the rate of allocations rose with the outstanding bytes, and explains at least this share of their growth, the load
/// rose, not a leak.
/// Noticed by `leak::tests::without_a_leak_nothing_is_called_one`.
pub const LOAD_SHARE: f64 = 0.6;

/// A tag with fewer counted allocations and frees than this may have no event by chance where events were lost: with half of
/// them lost, sixteen are all missing in one case of 65,536.
/// Noticed by `leak::reconcile::tests::busy_tags_without_events_show_a_filter`.
pub const BUSY_TAG: u64 = 16;

/// Where this share of the busy tags has no event at all, a filter left them out: losses take from all tags alike.
/// Noticed by `leak::reconcile::tests::busy_tags_without_events_show_a_filter`.
pub const SILENT_SHARE: f64 = 0.5;

/// A filter of the recorder takes at most four tags. Without snapshots a trace of so few is taken to be filtered: a running
/// system uses hundreds within a second.
/// Noticed by `leak::trust::tests::few_tags_mean_a_filter`.
pub const MOST_FILTERED_TAGS: u64 = 4;

/// What a tag filter takes from the confidence, and a circular log that wrapped: the figures of what was recorded are complete, but
/// the rest of the pool, or its beginning, is not known.
/// Noticed by `leak::trust::tests::a_wrapped_log_counts_where_its_gap_lies_in_the_view`.
pub const PARTIAL_FACTOR: f64 = 0.95;

/// However much was lost, what is left is some evidence: a share of lost events above this counts as this.
/// Noticed by `leak::trust::tests::the_more_is_lost_the_less_is_sure`.
pub const MOST_LOST: f64 = 0.9;

/// Share of the allocations without stack that is taken off: who allocated them is open, that they stay is not.
/// Noticed by `leak::trust::tests::allocations_without_a_stack_cost_little_and_stacks_left_out_nothing`.
pub const STACKLESS_WEIGHT: f64 = 0.3;

/// With so many pool events in the view half of the confidence is left, with ten times as many nine tenths: figures of tags
/// are counts, and the error of a count falls with its size.
/// Noticed by `leak::trust::tests::short_means_few_events_or_lives_as_long_as_the_view`.
pub const HALF_EVIDENCE: f64 = 100.0;

/// A short trace that takes less than this is not worth a note.
/// Noticed by `leak::trust::tests::short_means_few_events_or_lives_as_long_as_the_view`.
pub const LEAST_SHORTNESS: f64 = 0.02;

/// And this share of them freed: at the end of a view some are always in use.
/// Noticed by `leak::findings::partner::tests::what_the_same_function_frees_is_the_partner`.
pub const PARTNER_FREED: f64 = 0.99;

/// A rate is clearly another one if it is so many times as high: on one side of a mark, or that of a tag that is allocated beside
/// the suspect, as parts of one piece of work come in small whole numbers.
/// Noticed by `leak::findings::marks::tests::growth_that_begins_at_a_mark_is_told_with_both_rates`.
pub const CLEAR_RATIO: f64 = 4.0;

/// The size that stays: this share of its blocks.
/// Noticed by `leak::findings::sizes::tests::the_forgotten_size_is_named`.
pub const SIZE_KEPT: f64 = 0.9;

/// The other sizes: this share of their blocks is freed.
/// Noticed by `leak::findings::sizes::tests::the_forgotten_size_is_named`.
pub const OTHERS_FREED: f64 = 0.95;

/// A share below which something is an exception: code that frees no more of its allocations has no free of its own; and what
/// processes left behind of all that is outstanding must be more.
/// Noticed by `leak::findings::missing_free::tests::one_that_frees_itself_misses_nothing`.
pub const EXCEPTIONS: f64 = 0.05;

/// So many functions or processes are named.
pub const MOST_PLACES: usize = 5;

/// And where so many births would be expected on the other side at that rate: of sixteen expected, chance leaves four or fewer
/// in less than one case of a thousand.
/// Noticed by `leak::findings::marks::tests::steady_growth_and_marks_at_the_edge_are_nothing`.
pub const LEAST_EXPECTED: f64 = 16.0;

/// How sure a driver on the stack of all survivors is: it allocated them, though perhaps for somebody who owns them.
/// Noticed by `leak::owner::tests::a_driver_on_the_stack_is_surest_and_the_kernel_weak`.
pub const SURE_BY_STACK: f64 = 0.9;

/// How sure the kernel or a library for drivers is: no driver is on the stack, so they were asked by somebody unknown.
/// Noticed by `leak::owner::tests::a_driver_on_the_stack_is_surest_and_the_kernel_weak`.
pub const SURE_BY_SYSTEM_STACK: f64 = 0.25;

/// How sure a line for the tag in `pooltag.txt` is: the list is Microsoft's, and other makers choose the same four letters.
/// Noticed by `leak::owner::tests::the_list_names_files_and_agreement_raises`.
pub const SURE_BY_LIST: f64 = 0.6;

/// The same for a line about a family of tags.
/// Noticed by `leak::owner::tests::the_list_names_files_and_agreement_raises`.
pub const SURE_BY_LIST_PREFIX: f64 = 0.4;

/// How sure the only one of many files is that the tag stands in. The driver may lie elsewhere.
/// Noticed by `leak::owner::tests::the_fewer_files_have_a_tag_the_surer_it_is`.
pub const SURE_BY_FILE: f64 = 0.8;

/// What every further file with the tag adds to the doubt: with two thirds of the trust, then half, and so on.
/// Noticed by `leak::owner::tests::the_fewer_files_have_a_tag_the_surer_it_is`.
pub const DOUBT_PER_FILE: f64 = 0.5;

/// With so many files looked at, being the only one says half of what it says in a large folder.
/// Noticed by `leak::owner::tests::the_fewer_files_have_a_tag_the_surer_it_is`.
pub const FEW_FILES: f64 = 3.0;

/// How much a tag says by the number of its letters, blanks and repetitions left out.
/// Noticed by `leak::owner::tests::short_tags_say_little`.
pub const SIGNIFICANCE: [f64; 5] = [0.05, 0.15, 0.4, 0.8, 1.0];

/// A rising curve alone is never surer than this: what is outstanding may all be in use.
/// Noticed by `leak::tests::the_planted_leak_comes_first_and_innocents_are_not_accused`.
pub const CURVE_CONFIDENCE: f64 = 0.3;

/// A driver is named as responsible where its frames allocated at least this share of all outstanding bytes: with less, as much
/// as two in five came from elsewhere.
/// Noticed by `leak::who::tests::a_driver_is_named_from_sixty_percent_of_all_bytes_on`.
pub const NAMED_DRIVER_SHARE: f64 = 0.6;

/// So many drivers of a suspect are listed.
pub const MOST_DRIVERS: usize = 8;

/// Intervals of the view in which births of outstanding allocations are counted, to see which tags have the same course: parts
/// of one object are allocated within milliseconds, and a minute has intervals of fifteen.
/// Noticed by `lockstep::tests::over_time_the_same_course_is_needed`.
pub const LOCKSTEP_INTERVALS: usize = 4096;
